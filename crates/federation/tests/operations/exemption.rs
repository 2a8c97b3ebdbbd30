//! An owner's exemption from single sign-on ends with the ownership.

use rstest::rstest;
use vestibule_accounts::SignIn;
use vestibule_model::Role;

use crate::provider::Connected;
use crate::support::{Backend, OPERATOR, assert_refused, details};

/// Suspension is the operator's and not the organisation's: role, groups and exemption stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gone {
    Demoted,
    Removed,
    Deactivated,
    Suspended,
}

#[rstest]
#[tokio::test]
async fn whoever_becomes_an_owner_again_is_exempt_from_single_sign_on_only_when_named_again(
    #[values(Gone::Demoted, Gone::Removed, Gone::Deactivated, Gone::Suspended)] gone: Gone,
    #[values(true, false)] enforced: bool,
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::new(backend).await;
    let (fixture, accounts) = (&world.fixture, &world.fixture.accounts);
    let (operator, ada) = (fixture.operator(), fixture.owner.id);
    let grace = fixture.member("grace@example.com", Role::Owner).await.id;
    for user in [ada, grace] {
        let password = "correct horse".to_owned().try_into().unwrap();
        let given = accounts.set_password(&OPERATOR, user, password).await;
        given.unwrap();
    }
    let both = [ada, grace];
    world.sso.set_break_glass(&operator, &both).await.unwrap();
    if enforced {
        world.sso.enforce_sso(&operator, true).await.unwrap();
    }
    let exempt = async || {
        let policy = world.sso.sso_policy(&operator).await.unwrap();
        policy.break_glass.contains(&grace)
    };
    assert!(exempt().await);

    let kind = match gone {
        Gone::Demoted => {
            for role in [Role::Admin, Role::Owner] {
                let changed = accounts.set_role(&operator, grace, role).await;
                changed.unwrap();
                fixture.tick();
            }
            "member.role_changed"
        }
        Gone::Removed => {
            accounts.remove_member(&operator, grace).await.unwrap();
            let added = accounts.add_member(&operator, grace, Role::Owner).await;
            added.unwrap();
            "member.removed"
        }
        Gone::Deactivated => {
            accounts.deactivate_member(&operator, grace).await.unwrap();
            accounts.activate_member(&operator, grace).await.unwrap();
            "member.deactivated"
        }
        Gone::Suspended => {
            accounts.suspend_user(&OPERATOR, grace).await.unwrap();
            accounts.unsuspend_user(&OPERATOR, grace).await.unwrap();
            assert!(exempt().await);
            return;
        }
    };
    assert!(!exempt().await);
    let records = fixture.records(kind).await;
    let told = |row| details(row)["break_glass_ended"] == true;
    assert_eq!(records.iter().filter(|row| told(row)).count(), 1);
    world.sso.enforce_sso(&operator, true).await.unwrap();
    let enter = || accounts.sign_in_for_token(sign_in("grace@example.com", "correct horse"));
    assert_refused(enter().await, "sso_required");
    world.sso.set_break_glass(&operator, &both).await.unwrap();
    enter().await.unwrap();
}

fn sign_in(email: &str, password: &str) -> SignIn {
    SignIn {
        email: email.parse().unwrap(),
        password: password.to_owned().try_into().unwrap(),
        organization_id: None,
        address: None,
        request_id: None,
    }
}
