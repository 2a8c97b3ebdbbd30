//! The end of a membership ends what its user was signed in with, whoever is added back.

use rstest::rstest;
use serde_json::json;
use vestibule_e2e::{Answer, Backend, Fixture, Person};

use crate::support::soon;

/// By which door a membership ends and begins again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    CommandLine,
    Pages,
}

/// The way in which the membership ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leave {
    Remove,
    Deactivate,
}

/// A server in which Ada administers, and somebody is in both organisations.
struct World {
    fixture: Fixture,
    person: Person,
    /// Ada's.
    cookie: String,
}

impl World {
    async fn start(backend: Backend) -> Self {
        let fixture = Fixture::start(backend).await;
        let email = "carol@example.com";
        let person = fixture.newcomer(email, fixture.acme(), "USER").await;
        let add = ["member", "add", fixture.globex(), email];
        fixture.cli_json(&add).await;
        Self {
            cookie: fixture.cookie_of(&fixture.ada()).await,
            fixture,
            person,
        }
    }

    async fn form(&self, act: &str) {
        let (fixture, acme) = (&self.fixture, self.fixture.acme());
        let path = format!("/organization/{acme}/members/{}", self.person.id);
        let call = fixture
            .post(&path)
            .origin(fixture.url())
            .cookie(&self.cookie);
        let kind = "application/x-www-form-urlencoded";
        let body = format!("organization={acme}&act={act}");
        call.body(kind, body).send().await.expect(303);
    }

    async fn cli(&self, arguments: &[&str]) {
        let whom = [self.fixture.acme(), &self.person.email];
        let line = [&["member"], &arguments[..1], &whom, &arguments[1..]].concat();
        self.fixture.cli_json(&line).await;
    }

    async fn end(&self, leave: Leave, door: Door) {
        match (door, leave) {
            (Door::Pages, Leave::Remove) => self.form("remove").await,
            (Door::Pages, Leave::Deactivate) => self.form("deactivate").await,
            (Door::CommandLine, Leave::Remove) => self.cli(&["remove", "--yes"]).await,
            (Door::CommandLine, Leave::Deactivate) => self.cli(&["deactivate", "--yes"]).await,
        }
    }

    async fn come_back(&self, leave: Leave, door: Door) {
        match (door, leave) {
            // No page adds a member.
            (_, Leave::Remove) => self.cli(&["add"]).await,
            (Door::Pages, Leave::Deactivate) => self.form("activate").await,
            (Door::CommandLine, Leave::Deactivate) => self.cli(&["activate"]).await,
        }
    }

    /// A new token for an organisation.
    async fn token(&self, organization: &str) -> String {
        let Person {
            email, password, ..
        } = &self.person;
        let call = self.fixture.post("/v1/auth/pw/signin");
        let body = json!({ "email": email, "password": password, "tenant_id": organization });
        let signed_in = call.json(body).send().await.expect(200);
        signed_in.text_at("/access_token")
    }

    /// A new cookie for an organisation.
    async fn cookie(&self, organization: &str) -> String {
        let Person {
            email, password, ..
        } = &self.person;
        let call = self.fixture.post("/api/auth/sign-in");
        let body = json!({
            "email": email, "password": password, "organizationId": organization,
        });
        let signed_in = call.origin(self.fixture.url()).json(body).send().await;
        signed_in.expect(200).session_cookie().unwrap()
    }

    /// A token of the same session for another organisation.
    async fn refreshed(&self, token: &str, organization: &str) -> Answer {
        let path = format!("/v1/auth/uat?tenant_id={organization}");
        self.fixture.post(&path).bearer(token).send().await
    }

    async fn by_token(&self, token: &str) -> Answer {
        let call = self.fixture.get("/v1/users/me").bearer(token);
        call.send().await
    }

    async fn by_cookie(&self, cookie: &str) -> Answer {
        let call = self.fixture.get("/api/auth/session").cookie(cookie);
        call.send().await
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn the_token_and_cookie_of_a_former_member_are_worth_nothing_when_the_member_is_back(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::start(backend).await;
    let (_process, node) = world.fixture.second_server().await;
    let node = node["url"].as_str().unwrap().trim_end_matches('/');
    for leave in [Leave::Remove, Leave::Deactivate] {
        for door in [Door::CommandLine, Door::Pages] {
            leave_and_come_back(&world, node, leave, door).await;
        }
    }
}

/// `node` is the URL of a second server.
async fn leave_and_come_back(world: &World, node: &str, leave: Leave, door: Door) {
    let fixture = &world.fixture;
    let (acme, globex) = (fixture.acme(), fixture.globex());
    let token = world.token(acme).await;
    let cookie = world.cookie(acme).await;
    assert_eq!(
        world.by_token(&token).await.text_at("/current_tenant_id"),
        acme
    );
    let shown = world.by_cookie(&cookie).await.expect(200);
    assert_eq!(shown.text_at("/organization/id"), acme);
    // A session in the other organisation, with a token for this one.
    let there = world.token(globex).await;
    let across = world.refreshed(&there, acme).await.expect(200);
    let across = across.text_at("/access_token");
    world.by_token(&across).await.expect(200);
    let on_the_node = || {
        let call = fixture.beside("GET", &format!("{node}/v1/users/me"));
        let call = call.bearer(&token);
        async move { call.send().await }
    };
    soon(200, on_the_node).await;

    world.end(leave, door).await;
    let ended = async || {
        soon(401, || world.by_token(&token)).await;
        soon(401, || world.by_cookie(&cookie)).await;
        soon(401, || world.by_token(&across)).await;
    };
    ended().await;
    let refused = world.by_token(&token).await;
    assert_eq!(refused.reason(), "credential_revoked");
    world.by_token(&there).await.expect(200);
    world.refreshed(&there, acme).await.expect(404);

    world.come_back(leave, door).await;
    // Until the server knows that the member is back.
    let fresh = soon(200, || world.refreshed(&there, acme)).await;
    ended().await;
    soon(401, on_the_node).await;
    let fresh = fresh.text_at("/access_token");
    assert_ne!(fresh, across);
    world.by_token(&fresh).await.expect(200);
    world.by_token(&there).await.expect(200);
    let token = world.token(acme).await;
    world.by_token(&token).await.expect(200);
    let call = fixture.post("/v1/auth/signout").bearer(&token);
    call.send().await.expect(200);

    let kind = match leave {
        Leave::Remove => "member.removed",
        Leave::Deactivate => "member.deactivated",
    };
    let records = fixture.audit(acme).await;
    let record = records.iter().find(|record| record["kind"] == kind);
    assert_eq!(record.unwrap()["details"]["sessions_ended"], 2);
}

/// Whoever removes the own membership is signed out by it, too.
#[rstest]
#[tokio::test]
async fn who_removes_the_own_membership_is_out_with_the_answer(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::start(backend).await;
    let fixture = &world.fixture;
    world.cli(&["role", "OWNER"]).await;
    let cookie = fixture.cookie_of(&world.person).await;
    let world = World { cookie, ..world };
    world.form("remove").await;
    world.by_cookie(&world.cookie).await.expect(401);
}

#[rstest]
#[tokio::test]
async fn a_user_promoted_to_owner_again_signs_in_by_password_only_when_exempted_again(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = crate::sso::fixture(backend).await;
    let (ada, acme) = (fixture.ada(), fixture.acme().to_owned());
    let carol = fixture.newcomer("carol@example.com", &acme, "OWNER").await;
    let exempt = async |owners: &[&str]| {
        let body = json!({ "enforced": true, "break_glass": owners });
        let call = fixture.patch("/v1/sso/policy").bearer(fixture.key());
        call.json(body).send().await.expect(200);
    };
    let sign_in = async || {
        let body = json!({ "email": carol.email, "password": carol.password });
        fixture.post("/v1/auth/pw/signin").json(body).send().await
    };
    let role = async |role: &str| {
        let line = ["member", "role", &acme, &carol.email, role];
        fixture.cli_json(&line).await;
    };
    exempt(&[&ada.id, &carol.id]).await;
    let token = sign_in().await.expect(200).text_at("/access_token");
    role("ADMIN").await;
    let me = || {
        let call = fixture.get("/v1/users/me").bearer(&token);
        async move { call.send().await }
    };
    soon(401, me).await;
    assert_eq!(sign_in().await.expect(403).reason(), "sso_required");
    role("OWNER").await;
    assert_eq!(sign_in().await.expect(403).reason(), "sso_required");
    let policy = fixture
        .get("/v1/sso/policy")
        .bearer(fixture.key())
        .send()
        .await;
    assert_eq!(policy.expect(200).json()["break_glass"], json!([ada.id]));
    exempt(&[&ada.id, &carol.id]).await;
    sign_in().await.expect(200);
    me().await.expect(401);
}
