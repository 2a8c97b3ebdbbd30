//! Path permissions of members and of groups.

use rstest::rstest;
use vestibule_accounts::{Caller, GrantPatch, HolderKind, NewGrant, Page};
use vestibule_model::{Capability, GrantId, GroupId, OsEntropy, ResourcePath, Role, SystemClock};

use crate::support::{
    Backend, Fixture, OPERATOR, assert_refused, delete_resource, details, move_resource, new_key,
    record,
};

fn new(path: &str, capability: Capability) -> NewGrant {
    NewGrant {
        path: path.parse().unwrap(),
        capability,
        can_approve: false,
    }
}

fn path(text: &str) -> ResourcePath {
    text.parse().unwrap()
}

const READ: Capability = Capability::ReadOnly;
const WRITE: Capability = Capability::ReadWrite;

#[rstest]
#[tokio::test]
async fn a_grant_given_changed_or_taken_back_holds_for_the_next_request(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let owner = fixture.caller(fixture.owner.id).await;
    let grace = fixture.member("grace@example.com", Role::User).await;
    let key = fixture.key(grace.id, new_key("k")).await;
    let may = async |capability| {
        let permit = fixture.by_bearer(key.secret.expose()).await.unwrap();
        permit.may(&path("/shared/x"), capability).is_ok()
    };
    let accounts = &fixture.accounts;
    assert!(!may(READ).await);
    let grant = accounts.grant_to_user(&owner, grace.id, new("/shared", READ));
    let grant = grant.await.unwrap();
    assert!(may(READ).await);
    assert!(!may(WRITE).await);
    let patch = GrantPatch {
        capability: Some(WRITE),
        ..GrantPatch::default()
    };
    let changed = accounts.update_grant(&owner, HolderKind::User, grant.id, patch.clone());
    let changed = changed.await.unwrap();
    assert_eq!(changed.capability, WRITE);
    assert!(may(WRITE).await);
    let same = accounts.update_grant(&owner, HolderKind::User, grant.id, patch);
    assert_eq!(same.await.unwrap(), changed);
    let one = accounts.grant(&owner, HolderKind::User, grant.id).await;
    assert_eq!(one.unwrap(), changed);
    let delete = async || {
        accounts
            .delete_grant(&owner, HolderKind::User, grant.id)
            .await
    };
    delete().await.unwrap();
    assert!(!may(READ).await);
    assert_refused(delete().await, "not_found");

    assert_eq!(fixture.records("grant.created").await.len(), 1);
    let updated = fixture.records("grant.updated").await;
    assert_eq!(updated.len(), 1);
    assert_eq!(details(&updated[0])["before"]["capability"], "READ_ONLY");
    assert_eq!(fixture.records("grant.deleted").await.len(), 1);
}

#[rstest]
#[tokio::test]
async fn what_is_covered_already_is_refused_and_what_raises_is_not(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let owner = fixture.caller(fixture.owner.id).await;
    let grace = fixture.member("grace@example.com", Role::User).await.id;
    let accounts = &fixture.accounts;
    let give = async |grant| accounts.grant_to_user(&owner, grace, grant).await;
    let wide = give(new("/a", WRITE)).await.unwrap();
    assert_refused(give(new("/a/b", READ)).await, "subsumed");
    assert_refused(give(new("/a", WRITE)).await, "subsumed");
    let raised = give(new("/a/b", Capability::ReadWriteDelete))
        .await
        .unwrap();
    give(new("/", READ)).await.unwrap();
    let approving = NewGrant {
        can_approve: true,
        ..new("/a", READ)
    };
    give(approving).await.unwrap();

    let lowered = GrantPatch {
        capability: Some(READ),
        ..GrantPatch::default()
    };
    let update = async |id, patch| {
        accounts
            .update_grant(&owner, HolderKind::User, id, patch)
            .await
    };
    assert_refused(update(raised.id, lowered).await, "subsumed");
    let moved = GrantPatch {
        path: Some(path("/c")),
        ..GrantPatch::default()
    };
    assert_eq!(update(wide.id, moved).await.unwrap().path, path("/c"));
}

#[rstest]
#[tokio::test]
async fn fifty_grants_are_the_most_a_user_may_have(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let owner = fixture.caller(fixture.owner.id).await;
    let grace = fixture.member("grace@example.com", Role::User).await.id;
    let accounts = &fixture.accounts;
    let mut last = None;
    for number in 0..50 {
        let grant = new(&format!("/{number}"), READ);
        last = Some(accounts.grant_to_user(&owner, grace, grant).await.unwrap());
    }
    let one_more = accounts.grant_to_user(&owner, grace, new("/x", READ));
    assert_refused(one_more.await, "permission_limit");
    // The fiftieth can still be changed, and those of groups do not count.
    let moved = GrantPatch {
        path: Some(path("/x")),
        ..GrantPatch::default()
    };
    let changed = accounts.update_grant(&owner, HolderKind::User, last.unwrap().id, moved);
    changed.await.unwrap();
    let (some, total) = accounts
        .user_grants(&owner, grace, Some(READ), Page::first(7))
        .await
        .unwrap()
        .into_counted();
    assert_eq!((some.len(), total), (7, 50));
    let group = accounts.create_group(&owner, "g".parse().unwrap()).await;
    let group = group.unwrap().id;
    let mut last = None;
    for number in 0..50 {
        let grant = new(&format!("/{number}"), READ);
        last = Some(accounts.grant_to_group(&owner, group, grant).await.unwrap());
    }
    let one_more = accounts.grant_to_group(&owner, group, new("/x", READ));
    assert_refused(one_more.await, "permission_limit");
    let last = last.unwrap().id;
    let moved = GrantPatch {
        path: Some(path("/x")),
        ..GrantPatch::default()
    };
    let changed = accounts.update_grant(&owner, HolderKind::Group, last, moved);
    changed.await.unwrap();
    let granted = accounts.group_grants(&owner, group).await.unwrap();
    assert_eq!(granted.len(), 50);
}

#[rstest]
#[tokio::test]
async fn only_admins_and_no_narrowed_keys_manage_grants(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let grace = fixture.member("grace@example.com", Role::User).await;
    let user = fixture.caller(grace.id).await;
    let narrowed =
        new_key("narrowed").narrowed_to(Some(vec![new("/", Capability::ReadWriteDelete)]));
    let narrowed = fixture.key(fixture.owner.id, narrowed).await;
    let narrowed = fixture.by_bearer(narrowed.secret.expose()).await.unwrap();
    let id = GrantId::mint(&SystemClock, &OsEntropy);
    let group = GroupId::mint(&SystemClock, &OsEntropy);
    let accounts = &fixture.accounts;
    for (caller, reason) in [
        (user, "role_required"),
        (Caller::from(&narrowed), "key_is_narrowed"),
    ] {
        let caller = &caller;
        let given = accounts.grant_to_user(caller, grace.id, new("/a", READ));
        assert_refused(given.await, reason);
        let given = accounts.grant_to_group(caller, group, new("/a", READ));
        assert_refused(given.await, reason);
        assert_refused(accounts.group_grants(caller, group).await, reason);
        let listed = accounts.user_grants(caller, grace.id, None, Page::default());
        assert_refused(listed.await, reason);
        let kind = HolderKind::User;
        assert_refused(accounts.grant(caller, kind, id).await, reason);
        assert_refused(accounts.delete_grant(caller, kind, id).await, reason);
        let changed = accounts.update_grant(caller, kind, id, GrantPatch::default());
        assert_refused(changed.await, reason);
    }
}

#[rstest]
#[tokio::test]
async fn what_is_not_of_this_organization_or_kind_does_not_exist(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let owner = fixture.caller(fixture.owner.id).await;
    let accounts = &fixture.accounts;
    let stranger = fixture.user("stranger@example.com").await.id;
    let missing = "not_found";
    let given = accounts.grant_to_user(&owner, stranger, new("/a", READ));
    assert_refused(given.await, missing);
    let listed = accounts.user_grants(&owner, stranger, None, Page::default());
    assert_refused(listed.await, missing);
    let group = GroupId::mint(&SystemClock, &OsEntropy);
    let given = accounts.grant_to_group(&owner, group, new("/a", READ));
    assert_refused(given.await, missing);
    assert_refused(accounts.group_grants(&owner, group).await, missing);

    let group = accounts.create_group(&owner, "g".parse().unwrap()).await;
    let of_group = accounts.grant_to_group(&owner, group.unwrap().id, new("/a", READ));
    let of_group = of_group.await.unwrap();
    let narrowed = new_key("narrowed").narrowed_to(Some(vec![new("/a", READ)]));
    let of_key = fixture.key(fixture.owner.id, narrowed).await;
    let of_key = of_key.grants.unwrap()[0].id;
    let elsewhere = fixture.organization_of("Elsewhere", fixture.owner.id).await;
    let elsewhere = Caller::operator(&OPERATOR, elsewhere.id);
    let all = HolderKind::Group;
    for (caller, kind, id) in [
        (&owner, HolderKind::User, of_group.id),
        (&owner, HolderKind::User, of_key),
        (&owner, HolderKind::Group, of_key),
        (&elsewhere, all, of_group.id),
    ] {
        assert_refused(accounts.grant(caller, kind, id).await, missing);
        assert_refused(accounts.delete_grant(caller, kind, id).await, missing);
        let changed = accounts.update_grant(caller, kind, id, GrantPatch::default());
        assert_refused(changed.await, missing);
    }
    accounts
        .delete_grant(&owner, all, of_group.id)
        .await
        .unwrap();
}

#[rstest]
#[tokio::test]
async fn grants_follow_a_folder_that_moves(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let owner = fixture.caller(fixture.owner.id).await;
    let grace = fixture.member("grace@example.com", Role::User).await;
    let key = fixture.key(grace.id, new_key("k")).await;
    let accounts = &fixture.accounts;
    let given = accounts.grant_to_user(&owner, grace.id, new("/shared/f", READ));
    given.await.unwrap();
    let reads = async |text: &str| {
        let permit = fixture.by_bearer(key.secret.expose()).await.unwrap();
        permit.may(&path(text), READ).is_ok()
    };
    assert!(reads("/shared/f/x").await);
    let (from, to) = (path("/shared/f"), path("/private/f"));
    assert_eq!(
        move_resource(accounts, &owner, &from, &to).await.unwrap(),
        1
    );
    assert!(reads("/private/f/x").await);
    assert!(!reads("/shared/f/x").await);
    let moved = fixture.records("grant.moved").await;
    assert_eq!(details(&moved[0])["before"], "/shared/f");
    // Nothing to move, nothing to tell.
    assert_eq!(
        move_resource(accounts, &owner, &from, &to).await.unwrap(),
        0
    );
    assert_eq!(fixture.records("grant.moved").await.len(), 1);
}

#[rstest]
#[tokio::test]
async fn grants_end_with_what_they_were_for(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let owner = fixture.caller(fixture.owner.id).await;
    let grace = fixture.member("grace@example.com", Role::User).await;
    let key = fixture.key(grace.id, new_key("k")).await;
    let narrowed = new_key("narrowed").narrowed_to(Some(vec![new("/shared/f", READ)]));
    let narrowed = fixture.key(fixture.owner.id, narrowed).await;
    let accounts = &fixture.accounts;
    for text in ["/shared/f", "/shared/fx"] {
        let given = accounts.grant_to_user(&owner, grace.id, new(text, READ));
        given.await.unwrap();
    }
    let reads = async |secret: &str, text: &str| {
        let permit = fixture.by_bearer(secret).await.unwrap();
        permit.may(&path(text), READ).is_ok()
    };
    let narrowed_id = narrowed.key.id;
    let (plain, narrowed) = (key.secret.expose(), narrowed.secret.expose());
    assert!(reads(plain, "/shared/f/x").await);
    assert!(reads(narrowed, "/shared/f/x").await);
    let gone = path("/shared/f");
    let remove = async || delete_resource(accounts, &owner, &gone).await.unwrap();
    assert_eq!(remove().await, 2);
    assert!(!reads(plain, "/shared/f/x").await);
    assert!(reads(plain, "/shared/fx").await);
    // A key that was narrowed to it may nothing now, not everything.
    assert!(!reads(narrowed, "/shared/f/x").await);
    assert!(!reads(narrowed, "/shared/fx").await);
    let removed = fixture.records("grant.removed").await;
    assert_eq!(details(&removed[0])["before"], "/shared/f");
    assert_eq!(details(&removed[0])["count"], 2);
    let record = details(&removed[0]);
    let lost = record["grants"].as_array().unwrap();
    for holder in [narrowed_id.to_string(), grace.id.to_string()] {
        let grant = lost.iter().find(|grant| grant["holder"] == holder).unwrap();
        assert_eq!(grant["path"], "/shared/f");
        assert_eq!(grant["capability"], "READ_ONLY");
    }
    // Nothing to remove, nothing to tell.
    assert_eq!(remove().await, 0);
    assert_eq!(fixture.records("grant.removed").await.len(), 1);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_grant_given_twice_at_once_is_given_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let owner = fixture.caller(fixture.owner.id).await;
    let grace = fixture.member("grace@example.com", Role::User).await.id;
    let mut write = fixture.store().begin().await.unwrap();
    write
        .append_audit(&[record("test.prepared")])
        .await
        .unwrap();
    write.commit(record("test.done")).await.unwrap();
    let accounts = &fixture.accounts;
    let give = || accounts.grant_to_user(&owner, grace, new("/shared", READ));
    let answers = futures_util::future::join_all((0..6).map(|_| give())).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
}
