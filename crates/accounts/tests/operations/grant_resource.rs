//! Grants follow their resource, end with it, and give way to another only where the caller could
//! have revoked them.

use std::time::Duration;

use rstest::rstest;
use vestibule_accounts::{Caller, NewGrant};
use vestibule_model::{Capability, Grant, GrantHolder, OsEntropy, ResourcePath, Role, UserId};

use crate::support::{
    Backend, Fixture, assert_refused, delete_resource, details, evidence, move_resource, new_key,
    record,
};

const READ: Capability = Capability::ReadOnly;

fn path(text: &str) -> ResourcePath {
    text.parse().unwrap()
}

fn new(text: &str) -> NewGrant {
    NewGrant {
        path: path(text),
        capability: READ,
        can_approve: false,
    }
}

/// A grant that allows renaming what is below `text`.
fn writing(text: &str) -> NewGrant {
    NewGrant {
        capability: Capability::ReadWrite,
        ..new(text)
    }
}

/// Everybody who may rename `/shared/from` to `/shared/to`, as far as their permits say.
struct World {
    fixture: Fixture,
    admin: UserId,
    /// The caller who renames without a role.
    bob: UserId,
    carol: UserId,
}

/// The holder of a grant on the path that the folder comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holder {
    Bob,
    Carol,
    Group,
    KeyOfBob,
    KeyOfCarol,
    KeyOfAdmin,
    KeyOfOwner,
    RevokedKeyOfOwner,
    ExpiredKeyOfOwner,
}

const HOLDERS: [Holder; 9] = [
    Holder::Bob,
    Holder::Carol,
    Holder::Group,
    Holder::KeyOfBob,
    Holder::KeyOfCarol,
    Holder::KeyOfAdmin,
    Holder::KeyOfOwner,
    Holder::RevokedKeyOfOwner,
    Holder::ExpiredKeyOfOwner,
];

/// The caller who renames.
#[derive(Debug, Clone, Copy)]
enum By {
    Owner,
    Admin,
    Bob,
    NarrowedKeyOfOwner,
    NarrowedKeyOfBob,
}

impl By {
    /// Returns true if the caller could revoke a grant of the holder, which is the whole rule.
    fn could_revoke(self, holder: Holder) -> bool {
        if matches!(
            holder,
            Holder::RevokedKeyOfOwner | Holder::ExpiredKeyOfOwner
        ) {
            // Nobody has it any more.
            return true;
        }
        match self {
            Self::Owner => true,
            Self::Admin => holder != Holder::KeyOfOwner,
            Self::Bob => holder == Holder::KeyOfBob,
            Self::NarrowedKeyOfOwner | Self::NarrowedKeyOfBob => false,
        }
    }
}

impl World {
    async fn new(backend: Backend) -> Self {
        let fixture = Fixture::new(backend).await;
        let admin = fixture.member("admin@example.com", Role::Admin).await.id;
        let bob = fixture.member("bob@example.com", Role::User).await.id;
        let carol = fixture.member("carol@example.com", Role::User).await.id;
        let operator = fixture.operator();
        // By way of a group: a grant of his own would cover those that the tests give him.
        let accounts = &fixture.accounts;
        let writers = accounts.create_group(&operator, "Writers".parse().unwrap());
        let writers = writers.await.unwrap().id;
        let added = accounts.add_to_group(&operator, writers, bob).await;
        let granted = accounts.grant_to_group(&operator, writers, writing("/shared"));
        added.and(granted.await.map(drop)).unwrap();
        Self {
            fixture,
            admin,
            bob,
            carol,
        }
    }

    async fn narrowed(&self, owner: UserId, grant: NewGrant) -> (Caller, GrantHolder) {
        let new = new_key("narrowed").narrowed_to(Some(vec![grant]));
        let made = self.fixture.key(owner, new).await;
        let permit = self.fixture.by_bearer(made.secret.expose()).await.unwrap();
        (Caller::from(&permit), GrantHolder::ApiKey(made.key.id))
    }

    async fn caller(&self, by: By) -> Caller {
        let fixture = &self.fixture;
        match by {
            By::Owner => fixture.caller(fixture.owner.id).await,
            By::Admin => fixture.caller(self.admin).await,
            By::Bob => fixture.caller(self.bob).await,
            By::NarrowedKeyOfOwner => self.narrowed(fixture.owner.id, writing("/shared")).await.0,
            By::NarrowedKeyOfBob => self.narrowed(self.bob, writing("/shared")).await.0,
        }
    }

    async fn give(&self, holder: Holder, text: &str) -> GrantHolder {
        let (fixture, accounts) = (&self.fixture, &self.fixture.accounts);
        let operator = fixture.operator();
        let user = match holder {
            Holder::Bob | Holder::KeyOfBob => self.bob,
            Holder::Carol | Holder::KeyOfCarol => self.carol,
            Holder::KeyOfAdmin => self.admin,
            _ => fixture.owner.id,
        };
        match holder {
            Holder::Bob | Holder::Carol => {
                let given = accounts.grant_to_user(&operator, user, new(text)).await;
                given.unwrap().holder
            }
            Holder::Group => {
                let name = "Readers".parse().unwrap();
                let group = accounts.create_group(&operator, name).await.unwrap().id;
                let given = accounts.grant_to_group(&operator, group, new(text)).await;
                given.unwrap().holder
            }
            Holder::KeyOfBob | Holder::KeyOfCarol | Holder::KeyOfAdmin | Holder::KeyOfOwner => {
                self.narrowed(user, new(text)).await.1
            }
            Holder::RevokedKeyOfOwner => {
                let (_, holder) = self.narrowed(user, new(text)).await;
                if let GrantHolder::ApiKey(id) = holder {
                    let gone = accounts.revoke_api_key_of(&operator, user, id).await;
                    gone.unwrap();
                }
                holder
            }
            Holder::ExpiredKeyOfOwner => {
                let soon = Duration::from_secs(1);
                let new = new_key("expired")
                    .expiring(Some(fixture.now().after(soon)))
                    .narrowed_to(Some(vec![new(text)]));
                let made = fixture.key(user, new).await;
                fixture.clock.advance(soon);
                GrantHolder::ApiKey(made.key.id)
            }
        }
    }

    async fn held(&self, holder: GrantHolder) -> Vec<String> {
        let scope = self.fixture.operator().scope();
        let held: Vec<Grant> = self.fixture.store().grants_of(scope, holder).await.unwrap();
        held.iter().map(|grant| grant.path.to_string()).collect()
    }
}

/// Both ways of coming to a path.
#[derive(Debug, Clone, Copy)]
enum Comes {
    ByName,
    Created,
}

#[rstest]
#[tokio::test]
async fn nothing_that_comes_to_a_path_ends_a_grant_that_its_caller_could_not_revoke(
    #[values(
        By::Owner,
        By::Admin,
        By::Bob,
        By::NarrowedKeyOfOwner,
        By::NarrowedKeyOfBob
    )]
    by: By,
    #[values(Comes::ByName, Comes::Created)] comes: Comes,
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let accounts = &world.fixture.accounts;
    let caller = world.caller(by).await;
    let (from, to) = (path("/shared/from"), path("/shared/to"));
    // What lies below the folder, and is carried along.
    let (operator, owner) = (world.fixture.operator(), world.caller(By::Owner).await);
    let given = accounts.grant_to_user(&operator, world.admin, new("/shared/from/x"));
    let inside = given.await.unwrap().holder;
    let come = async || match comes {
        Comes::ByName => move_resource(accounts, &caller, &from, &to).await,
        Comes::Created => {
            let place = evidence(&caller, &to, Capability::ReadWrite)?;
            accounts.clear_grants(place).await
        }
    };
    for (number, holder) in HOLDERS.into_iter().enumerate() {
        // On the path itself and below it alike, and beside it never.
        let at = ["/shared/to", "/shared/to/deep"][number % 2];
        let beside = world.give(Holder::Bob, "/shared/to-do").await;
        let held = world.give(holder, at).await;
        let before = world.held(held).await;
        let done = come().await;
        if by.could_revoke(holder) {
            done.unwrap();
            let left = world.held(held).await;
            assert!(!left.contains(&at.to_owned()), "{by:?} {holder:?} {left:?}");
            let told = world.fixture.records("grant.removed").await;
            let told = details(&told[0]);
            assert_eq!(
                (&told["before"], &told["count"]),
                (&"/shared/to".into(), &1.into())
            );
            assert_eq!(told["grants"][0]["path"], at);
            assert_eq!(told["grants"][0]["capability"], "READ_ONLY");
            let (kind, id) = match held {
                GrantHolder::User(id) => ("user", id.to_string()),
                GrantHolder::Group(id) => ("group", id.to_string()),
                GrantHolder::ApiKey(id) => ("api_key", id.to_string()),
            };
            assert_eq!(told["grants"][0]["holder_kind"], kind);
            assert_eq!(told["grants"][0]["holder"], id);
        } else {
            assert_refused(done, "path_has_grants");
            assert_eq!(world.held(held).await, before, "{by:?} {holder:?}");
            assert_eq!(world.held(inside).await, ["/shared/from/x"]);
            // For the next holder.
            let cleared = delete_resource(accounts, &owner, &to).await;
            assert_eq!(cleared.unwrap(), 1);
        }
        assert!(
            world
                .held(beside)
                .await
                .contains(&"/shared/to-do".to_owned())
        );
        let to_do = path("/shared/to-do");
        let cleared = delete_resource(accounts, &owner, &to_do).await;
        assert_eq!(cleared.unwrap(), 1);
        // Back, for the next one.
        if world.held(inside).await != ["/shared/from/x"] {
            let back = move_resource(accounts, &owner, &to, &from).await;
            back.unwrap();
        }
        assert_eq!(world.held(inside).await, ["/shared/from/x"]);
        world.fixture.tick();
    }
}

/// The grant is given while the folder is on its way: one of the two is first, and the grant stands
/// in the end, whichever it is.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grant_given_while_something_comes_to_its_path_is_not_lost(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let (fixture, accounts) = (&world.fixture, &world.fixture.accounts);
    let (bob, operator) = (world.caller(By::Bob).await, fixture.operator());
    let owner = world.caller(By::Owner).await;
    let (from, to) = (path("/shared/from"), path("/shared/to"));
    let (mut first, mut second) = (0, 0);
    for _ in 0..20 {
        let (renamed, given) = tokio::join!(
            move_resource(accounts, &bob, &from, &to),
            accounts.grant_to_user(&operator, world.carol, new("/shared/to")),
        );
        let given = given.unwrap();
        match renamed {
            Ok(_) => first += 1,
            Err(error) => {
                assert_eq!(error.reason(), "path_has_grants");
                second += 1;
            }
        }
        assert_eq!(world.held(given.holder).await, ["/shared/to"]);
        let cleared = delete_resource(accounts, &owner, &to).await;
        cleared.unwrap();
    }
    assert_eq!(first + second, 20);
}

/// The lock is held from the decision to the commit: a grant that is being given is waited for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rename_waits_for_a_grant_that_is_being_given_on_its_path() {
    let world = World::new(Backend::Postgres).await;
    let fixture = &world.fixture;
    let bob = world.caller(By::Bob).await;
    let scope = fixture.operator().scope();
    let mut write = fixture.store().begin().await.unwrap();
    assert!(write.lock_organization(scope).await.unwrap());
    let giving = async {
        fixture.until_somebody_waits().await;
        let grant = Grant {
            id: vestibule_model::GrantId::mint(fixture.clock.as_ref(), &OsEntropy),
            organization_id: fixture.organization.id,
            holder: GrantHolder::User(world.carol),
            path: path("/shared/to"),
            capability: READ,
            can_approve: false,
            created_at: fixture.now(),
            updated_at: fixture.now(),
        };
        write.insert_grant(&grant).await.unwrap();
        write.commit(record("grant.created")).await.unwrap();
    };
    let (from, to) = (path("/shared/from"), path("/shared/to"));
    let (renamed, ()) = tokio::join!(move_resource(&fixture.accounts, &bob, &from, &to), giving);
    assert_refused(renamed, "path_has_grants");
    let held = world.held(GrantHolder::User(world.carol)).await;
    assert_eq!(held, ["/shared/to"]);
}

#[rstest]
#[tokio::test]
async fn grants_follow_once_and_whatever_has_become_of_the_caller(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let (fixture, accounts) = (&world.fixture, &world.fixture.accounts);
    let bob = world.caller(By::Bob).await;
    let held = world.give(Holder::Carol, "/shared/from").await;
    let (from, to) = (path("/shared/from"), path("/shared/to"));
    let permit = bob.permit().unwrap();
    let may_write = |path| permit.may(path, Capability::ReadWrite);
    let change = accounts
        .resource_moving(may_write(&from).unwrap(), &to)
        .await
        .unwrap();
    // Nobody has a right at the new place before the service has said that it is there.
    assert_eq!(world.held(held).await, ["/shared/from"]);
    let removed = accounts.remove_member(&fixture.operator(), world.bob).await;
    removed.unwrap();
    let other = path("/shared/other");
    let forward = accounts
        .resource_moving(may_write(&to).unwrap(), &other)
        .await;
    assert_refused(forward.map(drop), "credential_ended");
    // Bob's own home is where the permit lets him delete.
    let home = permit.home().clone();
    let home = evidence(&bob, &home, Capability::ReadWriteDelete).unwrap();
    let leaving = accounts.resource_leaving(home).await;
    assert_refused(leaving.map(drop), "credential_ended");
    // What was given on the new path meanwhile stands.
    let given = world.give(Holder::Group, "/shared/to").await;
    assert_eq!(accounts.follow_resource(change).await.unwrap(), 1);
    assert_eq!(world.held(held).await, ["/shared/to"]);
    assert_eq!(world.held(given).await, ["/shared/to"]);
    let told = &fixture.records("grant.moved").await[0];
    assert_eq!(told.user_id, Some(world.bob));

    // Once more, as after a crash before the service has noted it: a grant that was given on the old
    // path since is for what comes there next.
    let next = world.give(Holder::KeyOfAdmin, "/shared/from").await;
    assert_eq!(accounts.follow_resource(change).await.unwrap(), 0);
    assert_eq!(world.held(next).await, ["/shared/from"]);
    assert_eq!(fixture.records("grant.moved").await.len(), 1);
}

/// Evidence of less than the change takes is refused, and nothing is noted.
#[tokio::test]
async fn a_change_is_noted_only_with_evidence_of_the_capability_that_it_takes() {
    let world = World::new(Backend::Sqlite).await;
    let accounts = &world.fixture.accounts;
    let held = world.give(Holder::Carol, "/shared/to").await;
    let bob = world.caller(By::Bob).await;
    let (carols, to) = (ResourcePath::home_of(world.carol), path("/shared/to"));
    let read = evidence(&bob, &to, READ).unwrap();
    let leaving = accounts.resource_leaving(read).await;
    assert_refused(leaving.map(drop), "capability_not_granted");
    let moving = accounts.resource_moving(read, &carols).await;
    assert_refused(moving.map(drop), "path_not_granted");
    let carol = world.fixture.caller(world.carol).await;
    let read = evidence(&carol, &to, READ).unwrap();
    let cleared = accounts.clear_grants(read).await;
    assert_refused(cleared.map(drop), "capability_not_granted");
    assert_eq!(world.held(held).await, ["/shared/to"]);
}

/// The request and the next start do so at once.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_let_grants_follow_one_does(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let accounts = &world.fixture.accounts;
    let owner = world.caller(By::Owner).await;
    let may = |path| evidence(&owner, path, Capability::ReadWrite);
    let (from, to) = (path("/shared/from"), path("/shared/to"));
    for _ in 0..5 {
        let held = world.give(Holder::Carol, "/shared/from").await;
        let moving = accounts.resource_moving(may(&from).unwrap(), &to).await;
        let change = moving.unwrap();
        let all = (0..6).map(|_| accounts.follow_resource(change));
        let done = futures_util::future::join_all(all).await;
        let moved: u64 = done.into_iter().map(Result::unwrap).sum();
        assert_eq!(moved, 1);
        assert_eq!(world.held(held).await, ["/shared/to"]);
        delete_resource(accounts, &owner, &to).await.unwrap();
    }
}

#[rstest]
#[tokio::test]
async fn a_record_names_the_first_fifty_grants_and_counts_all(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let (fixture, accounts) = (&world.fixture, &world.fixture.accounts);
    let (operator, owner) = (fixture.operator(), world.caller(By::Owner).await);
    for number in 0..60 {
        let user = [world.bob, world.carol][number % 2];
        let text = format!("/shared/from/{number}");
        let given = accounts.grant_to_user(&operator, user, new(&text)).await;
        given.unwrap();
        fixture.tick();
    }
    let (from, to) = (path("/shared/from"), path("/shared/to"));
    let moved = move_resource(accounts, &owner, &from, &to).await;
    assert_eq!(moved.unwrap(), 60);
    let removed = delete_resource(accounts, &owner, &to).await;
    assert_eq!(removed.unwrap(), 60);
    for kind in ["grant.moved", "grant.removed"] {
        let told = details(&fixture.records(kind).await[0]);
        assert_eq!(told["count"], 60, "{kind}");
        assert_eq!(told["grants"].as_array().unwrap().len(), 50, "{kind}");
        assert_eq!(told["grants"][0]["holder"], world.bob.to_string());
    }
    let told = details(&fixture.records("grant.moved").await[0]);
    assert_eq!(told["grants"][0]["path"], "/shared/to/0");
}
