//! No record, no change.

use rstest::rstest;
use vestibule_accounts::{Error, HolderKind, NewGrant, OldKeys, Page, SignOut};
use vestibule_model::{Capability, Role};

use crate::support::{Backend, Fixture, OPERATOR, new_key};

#[rstest]
#[tokio::test]
async fn nothing_changes_where_its_record_cannot_be_written(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let owner = fixture.caller(fixture.owner.id).await;
    let operator = fixture.operator();
    let grace = fixture.member("grace@example.com", Role::User).await;
    let stranger = fixture.user("stranger@example.com").await;
    let key = fixture.key(grace.id, new_key("k")).await;
    let entry = fixture.enter(grace.id, fixture.organization.id).await;
    let by_token = fixture.by_bearer(&entry.token).await.unwrap();
    let by_cookie = fixture.by_cookie(&entry.cookie).await.unwrap();
    let second = fixture.organization_of("Second", grace.id).await;
    let accounts = &fixture.accounts;
    let new = |path: &str| NewGrant {
        path: path.parse().unwrap(),
        capability: Capability::ReadOnly,
        can_approve: false,
    };
    let grant = accounts.grant_to_user(&owner, grace.id, new("/a")).await;
    let grant = grant.unwrap();
    let group = accounts.create_group(&owner, "g".parse().unwrap()).await;
    let group = group.unwrap();
    let signing = accounts.keyring().active_key();

    fixture.raw("ALTER TABLE audit_record RENAME TO away").await;
    let sign_out = SignOut {
        token: Some(&entry.token),
        ..SignOut::default()
    };
    let broken = [
        accounts
            .create_api_key(owner.permit().unwrap(), new_key("x"))
            .await
            .map(drop),
        accounts
            .revoke_api_key_of(&operator, grace.id, key.key.id)
            .await,
        accounts.sign_out(&sign_out).await.map(drop),
        accounts
            .refresh(&by_token, &entry.token, None)
            .await
            .map(drop),
        accounts
            .switch_organization(&by_cookie, &entry.cookie.digest(), second.id)
            .await
            .map(drop),
        accounts
            .set_role(&owner, grace.id, Role::Owner)
            .await
            .map(drop),
        accounts
            .add_member(&owner, stranger.id, Role::User)
            .await
            .map(drop),
        accounts.deactivate_member(&owner, grace.id).await.map(drop),
        accounts.remove_member(&owner, grace.id).await,
        accounts
            .delete_grant(&owner, HolderKind::User, grant.id)
            .await,
        accounts
            .grant_to_user(&owner, grace.id, new("/b"))
            .await
            .map(drop),
        accounts.add_to_group(&owner, group.id, grace.id).await,
        accounts.delete_group(&owner, group.id).await,
        accounts
            .set_plan(
                &OPERATOR,
                operator.organization_id(),
                &"free".parse().unwrap(),
            )
            .await
            .map(drop),
        accounts
            .deactivate_organization(&OPERATOR, operator.organization_id())
            .await,
        accounts.suspend_user(&OPERATOR, grace.id).await.map(drop),
        accounts
            .rotate_keyring(&OPERATOR, OldKeys::LiveOut)
            .await
            .map(drop),
    ];
    for (number, answer) in broken.into_iter().enumerate() {
        assert!(
            matches!(answer, Err(Error::Internal(_))),
            "{number}: {answer:?}"
        );
    }
    fixture.raw("ALTER TABLE away RENAME TO audit_record").await;

    // Memory and store alike are as before.
    accounts.reload_keyring().await.unwrap();
    assert_eq!(accounts.keyring().active_key(), signing);
    let (_, check) = fixture.second().await;
    for check in [&fixture.check, &check] {
        let permit = crate::support::by_bearer(check, key.secret.expose()).await;
        let permit = permit.unwrap();
        assert_eq!(permit.role(), Role::User);
        assert!(permit.plan().has("agents"));
        assert_eq!(permit.principal().grants.len(), 1);
        crate::support::by_bearer(check, &entry.token)
            .await
            .unwrap();
    }
    fixture.by_cookie(&entry.cookie).await.unwrap();
    assert_eq!(
        accounts
            .api_keys(owner.permit().unwrap())
            .await
            .unwrap()
            .len(),
        1
    );
    let (_, members) = accounts
        .members(&owner, Page::default())
        .await
        .unwrap()
        .into_counted();
    assert_eq!(members, 2);
    assert_eq!(
        accounts
            .groups(&owner, Page::default())
            .await
            .unwrap()
            .items,
        std::slice::from_ref(&group)
    );
    let inside = accounts
        .group_members(&owner, group.id, Page::default())
        .await
        .unwrap()
        .items;
    assert!(inside.is_empty());
}
