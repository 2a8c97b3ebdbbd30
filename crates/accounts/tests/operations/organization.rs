//! Organisations and their plans.

use rstest::rstest;
use vestibule_accounts::{Caller, NewGrant, NewOrganization, Page};
use vestibule_model::{
    Capability, Organization, OrganizationId, OsEntropy, PlanName, Role, SystemClock, UserId,
};

use crate::support::{
    Backend, Fixture, OPERATOR, assert_refused, bearer_at, details, new_key, refused_fields,
};

#[rstest]
#[tokio::test]
async fn a_member_sees_the_own_organizations_whatever_the_credential_is_for(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let second = fixture.organization_of("Second", fixture.owner.id).await;
    let grace = fixture.user("grace@example.com").await;
    let foreign = fixture.organization_of("Foreign", grace.id).await;
    let wide = fixture.key(fixture.owner.id, new_key("wide")).await;
    let wide = fixture.by_bearer(wide.secret.expose()).await.unwrap();
    let accounts = &fixture.accounts;
    for caller in [fixture.caller(fixture.owner.id).await, Caller::from(&wide)] {
        let (mine, total) = accounts
            .organizations(caller.permit().unwrap(), Page::default())
            .await
            .unwrap()
            .into_counted();
        let ids: Vec<_> = mine.iter().map(|(it, role)| (it.id, *role)).collect();
        let expected = [
            (fixture.organization.id, Role::Owner),
            (second.id, Role::Owner),
        ];
        assert_eq!((ids.as_slice(), total), (expected.as_slice(), 2));
        let one = accounts
            .organization(caller.permit().unwrap(), second.id)
            .await
            .unwrap();
        assert_eq!(one, (second.clone(), Role::Owner));
        let unknown = OrganizationId::mint(&SystemClock, &OsEntropy);
        for id in [foreign.id, unknown] {
            assert_refused(
                accounts.organization(caller.permit().unwrap(), id).await,
                "not_found",
            );
        }
    }
    let caller = fixture.caller(fixture.owner.id).await;
    let operator = Caller::operator(&OPERATOR, second.id);
    accounts
        .deactivate_organization(&OPERATOR, operator.organization_id())
        .await
        .unwrap();
    let shut = accounts
        .organization(caller.permit().unwrap(), second.id)
        .await;
    assert_refused(shut, "not_found");
    let seen = accounts.any_organization(&OPERATOR, second.id).await;
    assert!(seen.unwrap().deactivated_at.is_some());
    let all = accounts.all_organizations(&OPERATOR, Page::default()).await;
    assert_eq!(all.unwrap().total.counted(), 3);
}

#[rstest]
#[tokio::test]
async fn a_narrowed_key_knows_its_own_organization_alone_and_nothing_of_its_owner(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let second = fixture.organization_of("Second", fixture.owner.id).await;
    let narrowed = new_key("narrowed").narrowed_to(Some(vec![NewGrant {
        path: "/a".parse().unwrap(),
        capability: Capability::ReadOnly,
        can_approve: false,
    }]));
    let made = fixture.key(fixture.owner.id, narrowed).await;
    let permit = fixture.by_bearer(made.secret.expose()).await.unwrap();
    let (accounts, caller) = (&fixture.accounts, Caller::from(&permit));
    let own = Organization {
        plan: PlanName::default(),
        ..fixture.organization.clone()
    };
    assert_ne!(own.plan, fixture.organization.plan);
    let listed = accounts
        .organizations(caller.permit().unwrap(), Page::default())
        .await;
    assert_eq!(
        listed.unwrap().into_counted(),
        (vec![(own.clone(), Role::User)], 1)
    );
    let one = accounts
        .organization(caller.permit().unwrap(), own.id)
        .await
        .unwrap();
    assert_eq!(one, (own.clone(), Role::User));
    let other = accounts
        .organization(caller.permit().unwrap(), second.id)
        .await;
    assert_refused(other, "not_found");
    // Who forgets to ask for the view of the key is refused, and tells nothing.
    assert_refused(accounts.me(&permit).await, "key_is_narrowed");
    assert_refused(accounts.session_view(&permit).await, "key_is_narrowed");
    let view = accounts.key_view(&permit).await.unwrap().unwrap();
    assert_eq!((view.user_id, view.organization), (fixture.owner.id, own));
    assert_eq!(view.key.id, made.key.id);
    assert_eq!(Some(view.grants), made.grants);
}

#[tokio::test]
async fn a_new_organization_needs_a_known_plan_and_owner() {
    let fixture = Fixture::new(Backend::Sqlite).await;
    let new = |plan: &str, owner| NewOrganization {
        name: "New".parse().unwrap(),
        plan: plan.parse().unwrap(),
        owner,
    };
    let accounts = &fixture.accounts;
    let made = accounts.create_organization(&OPERATOR, new("gold", fixture.owner.id));
    let error = made.await.unwrap_err();
    assert!(error.to_string().contains("free, team"), "{error}");
    let nobody = UserId::mint(&SystemClock, &OsEntropy);
    let made = accounts.create_organization(&OPERATOR, new("free", nobody));
    assert_refused(made.await, "not_found");
    assert_eq!(fixture.records("organization.created").await.len(), 1);
}

#[rstest]
#[tokio::test]
async fn another_plan_holds_for_the_next_request(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let key = fixture.key(fixture.owner.id, new_key("k")).await;
    let agents = async || bearer_at(&fixture.check, "/v1/agents", key.secret.expose()).await;
    agents().await.unwrap();
    let (free, team): (PlanName, PlanName) = ("free".parse().unwrap(), "team".parse().unwrap());
    let operator = fixture.operator();
    let accounts = &fixture.accounts;
    let changed = accounts
        .set_plan(&OPERATOR, operator.organization_id(), &free)
        .await
        .unwrap();
    assert_eq!(changed.plan, free);
    agents().await.unwrap_err();
    fixture.tick();
    for _ in 0..2 {
        accounts
            .set_plan(&OPERATOR, operator.organization_id(), &team)
            .await
            .unwrap();
    }
    agents().await.unwrap();
    let records = fixture.records("organization.plan_changed").await;
    assert_eq!(records.len(), 2);
    assert_eq!(details(&records[0])["after"]["plan"], "team");

    let gold = "gold".parse().unwrap();
    let unknown = accounts.set_plan(&OPERATOR, operator.organization_id(), &gold);
    assert_eq!(
        refused_fields(unknown.await),
        [("plan".to_owned(), "unknown_plan")]
    );
    let nowhere = Caller::operator(&OPERATOR, OrganizationId::mint(&SystemClock, &OsEntropy));
    assert_refused(
        accounts
            .set_plan(&OPERATOR, nowhere.organization_id(), &team)
            .await,
        "not_found",
    );
}

#[rstest]
#[tokio::test]
async fn nobody_passes_for_a_deactivated_organization(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let key = fixture.key(fixture.owner.id, new_key("k")).await;
    let operator = fixture.operator();
    let accounts = &fixture.accounts;
    fixture.by_bearer(key.secret.expose()).await.unwrap();
    for _ in 0..2 {
        accounts
            .deactivate_organization(&OPERATOR, operator.organization_id())
            .await
            .unwrap();
    }
    fixture.by_bearer(key.secret.expose()).await.unwrap_err();
    for _ in 0..2 {
        accounts
            .activate_organization(&OPERATOR, operator.organization_id())
            .await
            .unwrap();
    }
    fixture.by_bearer(key.secret.expose()).await.unwrap();
    assert_eq!(fixture.records("organization.activated").await.len(), 1);
}
