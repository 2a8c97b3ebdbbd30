//! The acts by which administrators take grants, groups, keys, memberships and links from people.

use rstest::rstest;
use serde_json::json;
use vestibule_e2e::{Answer, Backend, Fixture, Person, Setup};

use crate::races::private_folder;
use crate::sso::token_of;
use crate::support::{grant, key, soon};

/// The ways, all of them by an act of somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// A grant is revoked.
    Revoke,
    /// A grant is moved to another path, and so taken away where it was.
    Change,
    /// A key is revoked.
    RevokeKey,
    /// The role is taken.
    Demote,
    /// The membership is deactivated.
    Deactivate,
    /// The membership is removed.
    Remove,
    /// The person of the identity provider is unlinked.
    Unlink,
}

const WAYS: [Way; 7] = [
    Way::Revoke,
    Way::Change,
    Way::RevokeKey,
    Way::Demote,
    Way::Deactivate,
    Way::Remove,
    Way::Unlink,
];

/// The caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Owner,
    Admin,
    Member,
    /// The owner's key narrowed to everything. Pages take no keys.
    NarrowedKey,
}

/// The person concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum To {
    Member,
    Owner,
}

/// Returns true if the act is a form on the pages.
const fn by_form(way: Way) -> bool {
    matches!(
        way,
        Way::RevokeKey | Way::Demote | Way::Deactivate | Way::Remove
    )
}

const fn expected(way: Way, by: By, to: To) -> u16 {
    let done = match way {
        Way::Revoke | Way::Unlink => 204,
        Way::Change => 200,
        _ => 303,
    };
    match (by, to) {
        (By::Owner, _) | (By::Admin, To::Member) => done,
        // Grants give an owner nothing that the role does not.
        (By::Admin, To::Owner) if matches!(way, Way::Revoke | Way::Change) => done,
        // To a page a key is nobody.
        (By::NarrowedKey, _) if by_form(way) => 401,
        _ => 403,
    }
}

struct World {
    fixture: Fixture,
    owner: Caller,
    admin: Caller,
    member: Caller,
    narrowed: String,
    number: usize,
}

/// A token for `/v1` and a cookie for the pages.
struct Caller {
    token: String,
    cookie: String,
}

impl Caller {
    async fn new(fixture: &Fixture, person: &Person) -> Self {
        Self {
            token: fixture.token_of(person).await,
            cookie: fixture.cookie_of(person).await,
        }
    }
}

/// Somebody to whom it is done, with a grant, a key, and a link with the provider.
struct Target {
    person: Person,
    grant: String,
    key: (String, String),
}

impl World {
    async fn start(backend: Backend) -> Self {
        let fixture = Setup::new(backend).with_idp().start().await;
        let acme = fixture.acme().to_owned();
        let admin = fixture.newcomer("admin@example.com", &acme, "ADMIN").await;
        let grants = json!([{ "path": "/", "capability": "READ_WRITE_DELETE" }]);
        Self {
            owner: Caller::new(&fixture, &fixture.ada()).await,
            admin: Caller::new(&fixture, &admin).await,
            member: Caller::new(&fixture, &fixture.bob()).await,
            narrowed: key(&fixture, Some(grants)).await.1,
            fixture,
            number: 0,
        }
    }

    async fn target(&mut self, to: To) -> Target {
        self.number += 1;
        let fixture = &self.fixture;
        let role = match to {
            To::Member => "ADMIN", // so that there is a role to take
            To::Owner => "OWNER",
        };
        let email = format!("target-{}@example.com", self.number);
        let person = fixture.newcomer(&email, fixture.acme(), role).await;
        let token = fixture.token_of(&person).await;
        let created = fixture.post("/v1/api-keys").bearer(&token);
        let created = created.json(json!({ "name": "a key" })).send().await;
        let created = created.expect(201);
        Target {
            grant: grant(fixture, &person.id, "/shared/eng", "READ_ONLY").await,
            key: (created.text_at("/id"), created.text_at("/key")),
            person,
        }
    }

    async fn act(&self, way: Way, by: By, target: &Target) -> Answer {
        let (fixture, acme) = (&self.fixture, self.fixture.acme());
        let (bearer, cookie) = match by {
            By::Owner => (&self.owner.token, Some(&self.owner.cookie)),
            By::Admin => (&self.admin.token, Some(&self.admin.cookie)),
            By::Member => (&self.member.token, Some(&self.member.cookie)),
            By::NarrowedKey => (&self.narrowed, None),
        };
        let user = &target.person.id;
        let permission = format!("/v1/user-permissions/{}?tenant_id={acme}", target.grant);
        let form = async |path: &str, fields: &str| {
            let call = fixture.post(&format!("/organization/{acme}{path}"));
            let call = call.origin(fixture.url());
            let call = match cookie {
                Some(cookie) => call.cookie(cookie),
                None => call.bearer(bearer),
            };
            let kind = "application/x-www-form-urlencoded";
            let body = format!("organization={acme}&{fields}");
            call.body(kind, body).send().await
        };
        let member = format!("/members/{user}");
        match way {
            Way::Revoke => fixture.delete(&permission).bearer(bearer).send().await,
            Way::Change => {
                let call = fixture.patch(&permission).bearer(bearer);
                call.json(json!({ "path": "/shared/ops" })).send().await
            }
            Way::RevokeKey => {
                let fields = format!("owner={user}&key={}", target.key.0);
                form("/keys/revoke", &fields).await
            }
            Way::Demote => form(&member, "act=role&role=USER").await,
            Way::Deactivate => form(&member, "act=deactivate").await,
            Way::Remove => form(&member, "act=remove").await,
            Way::Unlink => {
                let path = format!(
                    "/v1/sso/identities?user_id={user}&connection_id={}",
                    fixture.sso_connection()
                );
                fixture.delete(&path).bearer(bearer).send().await
            }
        }
    }
}

#[rstest]
#[tokio::test]
async fn grants_are_revoked_only_by_an_administrator_of_their_holder(
    #[values(To::Member, To::Owner)] to: To,
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let mut world = World::start(backend).await;
    for way in WAYS {
        let target = world.target(to).await;
        // By the identity provider, which is linked by it.
        let session = token_of(&world.fixture, &target.person.email).await;
        for by in [By::NarrowedKey, By::Member, By::Admin, By::Owner] {
            let line = format!("{way:?} by {by:?}, of {to:?}");
            let answer = world.act(way, by, &target).await;
            let status = expected(way, by, to);
            assert_eq!(answer.status, status, "{line}: {}", answer.text);
            let refused = status == 403 || status == 401;
            let held = What::of(&world, &target, &session).await;
            let wanted = if refused { ALL_THERE } else { left(way) };
            assert_eq!(held, wanted, "{line}");
            if !refused {
                break;
            }
        }
    }
}

/// The credentials and grants that somebody has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct What {
    /// The path of the grant.
    grant: Option<&'static str>,
    /// The status for the key.
    key: u16,
    /// The status for the session that came through the provider.
    session: u16,
    /// The role, which shows in a list of members for administrators.
    administers: bool,
}

const ALL_THERE: What = What {
    grant: Some("/shared/eng"),
    key: 200,
    session: 200,
    administers: true,
};

const fn left(way: Way) -> What {
    let mut left = ALL_THERE;
    match way {
        Way::Revoke => left.grant = None,
        Way::Change => left.grant = Some("/shared/ops"),
        Way::RevokeKey => {
            left.key = 401;
            left.administers = false; // asked with the key
        }
        Way::Demote => left.administers = false,
        Way::Deactivate => {
            left.key = 403;
            left.session = 401;
            left.administers = false;
        }
        Way::Remove => {
            left.grant = None;
            left.key = 401;
            left.session = 401;
            left.administers = false;
        }
        Way::Unlink => left.session = 401,
    }
    left
}

impl What {
    async fn of(world: &World, target: &Target, session: &str) -> Self {
        let fixture = &world.fixture;
        let me = async |bearer: &str| {
            let call = fixture.get("/v1/users/me").bearer(bearer);
            call.send().await.status
        };
        let path = format!("/v1/user-permissions?user_id={}", target.person.id);
        let list = async |bearer: &str| fixture.get(&path).bearer(bearer).send().await;
        let grants = list(fixture.key()).await;
        let grant = (grants.status == 200)
            .then(|| grants.json()["items"][0]["path"].clone())
            .and_then(|path| {
                let known = ["/shared/eng", "/shared/ops"];
                known.into_iter().find(|known| path == *known)
            });
        Self {
            grant,
            key: me(&target.key.1).await,
            session: me(session).await,
            administers: list(&target.key.1).await.status == 200,
        }
    }
}

/// Groups are the command line's: whoever runs it is the operator. What a group gave ends with it.
#[rstest]
#[case::taken_out(&["group", "remove-member", "Acme", "readers", "bob", "--yes"])]
#[case::group_deleted(&["group", "remove", "Acme", "readers", "--yes"])]
#[case::grant_revoked(&["grant", "remove", "Acme", "GRANT", "--yes"])]
#[tokio::test]
async fn what_a_group_gave_ends_with_the_group_the_place_in_it_and_the_grant(
    #[case] arguments: &[&str],
) {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let bob = fixture.bob();
    fixture.cli_json(&["group", "add", "Acme", "readers"]).await;
    let join = ["group", "add-member", "Acme", "readers", &bob.email];
    fixture.cli_json(&join).await;
    let give = [
        "grant",
        "add",
        "Acme",
        "--group",
        "readers",
        "READ_ONLY",
        "/private",
    ];
    let given = fixture.cli_json(&give).await;
    let private = private_folder(&fixture).await;
    let token = fixture.token_of(&bob).await;
    let read = || {
        let call = fixture
            .get(&format!("/v1/folders/{private}"))
            .bearer(&token);
        async move { call.send().await }
    };
    soon(200, read).await;
    let arguments: Vec<_> = arguments
        .iter()
        .map(|word| match *word {
            "bob" => bob.email.as_str(),
            "GRANT" => given["id"].as_str().unwrap(),
            other => other,
        })
        .collect();
    fixture.cli_json(&arguments).await;
    soon(403, read).await;
}
