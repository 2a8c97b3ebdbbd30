//! What a session that came by one organisation's provider sees and does of its user elsewhere:
//! nothing. Neither does what is created in it.

use std::collections::BTreeSet;

use rstest::rstest;
use serde_json::{Value, json};
use vestibule_e2e::{Answer, Backend, Fixture};

use super::{CLEO, cookie_of, fixture, token_of};

pub(super) const BOB: &str = "bob@example.com";

/// Bob, a member of Acme and of Globex, with a session by password in each, and one that came by
/// Acme's provider.
struct Bob {
    fixture: Fixture,
    acme: String,
    globex: String,
    provided: String,
}

impl Bob {
    async fn new(backend: Backend) -> Self {
        let fixture = fixture(backend).await;
        fixture
            .cli_json(&["member", "add", fixture.globex(), BOB, "--role", "ADMIN"])
            .await;
        let bob = fixture.bob();
        let (acme, first) = (fixture.cookie_of(&bob).await, fixture.cookie_of(&bob).await);
        let call = fixture.post("/api/auth/switch-org").cookie(&first);
        let body = json!({ "organizationId": fixture.globex() });
        let switched = call
            .origin(fixture.url())
            .json(body)
            .send()
            .await
            .expect(200);
        let globex = switched.session_cookie().unwrap();
        let provided = cookie_of(&fixture, BOB).await;
        Self {
            fixture,
            acme,
            globex,
            provided,
        }
    }

    async fn status(&self, cookie: &str) -> u16 {
        let call = self.fixture.get("/api/auth/session").cookie(cookie);
        call.send().await.status
    }

    async fn page(&self, cookie: &str, path: &str) -> Answer {
        let call = self.fixture.get(path).header("accept", "text/html");
        call.cookie(cookie).send().await.expect(200)
    }

    /// The sessions that a page offers to end: all that are listed but the own one.
    async fn listed(&self, cookie: &str) -> BTreeSet<String> {
        let page = self.page(cookie, "/account/sessions").await;
        let parts = page.text.split("name=\"session\" value=\"").skip(1);
        parts
            .map(|rest| rest.split('"').next().unwrap().to_owned())
            .collect()
    }

    async fn post(&self, cookie: &str, path: &str, fields: &str) -> Answer {
        let body = format!("organization={}&{fields}", self.fixture.acme());
        let call = self.fixture.post(path).cookie(cookie);
        let call = call.origin(self.fixture.url());
        call.body("application/x-www-form-urlencoded", body)
            .send()
            .await
    }
}

fn ids(list: &Value) -> Vec<&str> {
    let items = list.as_array().unwrap().iter();
    items.map(|it| it["id"].as_str().unwrap()).collect()
}

#[rstest]
#[tokio::test]
async fn it_is_told_of_its_own_organization_alone(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let bob = Bob::new(backend).await;
    let fixture = &bob.fixture;
    let both = [fixture.acme(), fixture.globex()];
    let session = async |cookie: &str| {
        let call = fixture.get("/api/auth/session").cookie(cookie);
        call.send().await.expect(200).json()
    };
    let by_password = session(&bob.acme).await;
    assert_eq!(ids(&by_password["organizations"]), both);
    let provided = session(&bob.provided).await;
    assert_eq!(ids(&provided["organizations"]), [fixture.acme()]);
    assert_eq!(provided["organization"]["id"], fixture.acme());
    let page = bob.page(&bob.provided, "/account").await;
    assert!(!page.text.contains(fixture.globex()), "{}", page.text);
    assert!(!page.text.contains("Globex"), "{}", page.text);
    let page = bob.page(&bob.acme, "/account").await;
    assert!(page.text.contains(fixture.globex()), "{}", page.text);

    // The same by tokens; a key created after a sign-in with a password lists all.
    let token = token_of(fixture, BOB).await;
    let get = async |token: &str, path: &str| fixture.get(path).bearer(token).send().await;
    let tenants = get(&token, "/v1/tenants").await.expect(200).json();
    assert_eq!(ids(&tenants["items"]), [fixture.acme()]);
    assert_eq!(tenants["total"], 1);
    let there = format!("/v1/tenants/{}", fixture.globex());
    get(&token, &there).await.expect(404);
    let me = get(&token, "/v1/users/me").await.expect(200);
    assert_eq!(me.text_at("/default_tenant_id"), fixture.acme());
    let by_password = fixture.token_of(&fixture.bob()).await;
    let made = fixture.post("/v1/api-keys").bearer(&by_password);
    let made = made.json(json!({ "name": "all" })).send().await.expect(201);
    for credential in [&by_password, &made.text_at("/key")] {
        let tenants = get(credential, "/v1/tenants").await.expect(200).json();
        assert_eq!(ids(&tenants["items"]), both);
        get(credential, &there).await.expect(200);
    }
}

#[rstest]
#[tokio::test]
async fn it_sees_and_ends_sessions_in_its_own_organization_alone(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let bob = Bob::new(backend).await;
    // In Globex: what the password's session in Acme lists and the one in Globex, its own, does not.
    let (from_acme, from_globex) = (bob.listed(&bob.acme).await, bob.listed(&bob.globex).await);
    let in_globex = from_acme.difference(&from_globex).next().unwrap();
    let in_acme = from_globex.difference(&from_acme).next().unwrap();
    let listed = bob.listed(&bob.provided).await;
    assert_eq!(listed.iter().collect::<Vec<_>>(), [in_acme]);

    let end = "/account/sessions/end";
    let fields = format!("session={in_globex}");
    bob.post(&bob.provided, end, &fields).await.expect(404);
    assert_eq!(bob.status(&bob.globex).await, 200);
    let others = "/account/sessions/end-others";
    bob.post(&bob.provided, others, "").await.expect(303);
    assert_eq!(bob.status(&bob.acme).await, 401);
    assert_eq!(bob.status(&bob.globex).await, 200);
    assert_eq!(bob.status(&bob.provided).await, 200);
}

#[rstest]
#[tokio::test]
async fn it_changes_the_names_only_of_users_without_another_organisation(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let bob = Bob::new(backend).await;
    let fields = "first_name=Robert&last_name=Other";
    let page = bob.page(&bob.provided, "/account").await;
    assert!(!page.text.contains("action=\"/account\""), "{}", page.text);
    let refused = bob.post(&bob.provided, "/account", fields).await;
    let refused = refused.expect(403);
    assert!(refused.text.contains("sign in with your password"));
    let me = async |cookie: &str| {
        let call = bob.fixture.get("/api/auth/session").cookie(cookie);
        call.send().await.expect(200).json()["user"]["firstName"].clone()
    };
    assert_ne!(me(&bob.acme).await, "Robert");
    bob.post(&bob.acme, "/account", fields).await.expect(303);
    assert_eq!(me(&bob.provided).await, "Robert");

    // Cleo has no password, and is nowhere else.
    let cleo = cookie_of(&bob.fixture, CLEO).await;
    bob.page(&cleo, "/account").await;
    bob.post(&cleo, "/account", fields).await.expect(303);
    assert_eq!(me(&cleo).await, "Robert");
    let add = [
        "member",
        "add",
        bob.fixture.globex(),
        CLEO,
        "--role",
        "USER",
    ];
    bob.fixture.cli_json(&add).await;
    bob.post(&cleo, "/account", fields).await.expect(403);
}

/// Creates a key; its text and its id.
pub(super) async fn create(fixture: &Fixture, bearer: &str, name: &str) -> (String, String) {
    let call = fixture.post("/v1/api-keys").bearer(bearer);
    let made = call.json(json!({ "name": name })).send().await.expect(201);
    (made.text_at("/key"), made.text_at("/id"))
}

#[rstest]
#[tokio::test]
async fn a_key_created_in_it_reaches_no_further_and_neither_does_a_key_of_that_key(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let bob = Bob::new(backend).await;
    let fixture = &bob.fixture;
    let provided = token_of(fixture, BOB).await;
    let password = fixture.token_of(&fixture.bob()).await;
    let (key, key_id) = create(fixture, &provided, "provided").await;
    let (keys_key, keys_key_id) = create(fixture, &key, "inherited").await;
    let (wide, wide_id) = create(fixture, &password, "wide").await;
    let (wides_key, wides_key_id) = create(fixture, &wide, "wide, too").await;
    let get = async |bearer: &str, path: &str| fixture.get(path).bearer(bearer).send().await;
    let there = format!("/v1/tenants/{}", fixture.globex());
    for bound in [&key, &keys_key] {
        let tenants = get(bound, "/v1/tenants").await.expect(200).json();
        assert_eq!(ids(&tenants["items"]), [fixture.acme()]);
        assert_eq!(tenants["total"], 1);
        get(bound, &there).await.expect(404);
        let session = get(bound, "/api/auth/session").await.expect(200).json();
        assert_eq!(ids(&session["organizations"]), [fixture.acme()]);
        let me = get(bound, "/v1/users/me").await.expect(200);
        assert_eq!(me.text_at("/default_tenant_id"), fixture.acme());
        assert_eq!(me.text_at("/idp_type"), "TENANT");
        // In its own organisation it is its owner as before.
        assert_eq!(me.text_at("/email"), BOB);
        get(bound, &format!("/v1/tenants/{}", fixture.acme()))
            .await
            .expect(200);
    }
    for free in [&wide, &wides_key] {
        let tenants = get(free, "/v1/tenants").await.expect(200).json();
        assert_eq!(ids(&tenants["items"]), [fixture.acme(), fixture.globex()]);
        get(free, &there).await.expect(200);
        let session = get(free, "/api/auth/session").await.expect(200).json();
        assert_eq!(ids(&session["organizations"]).len(), 2);
    }
    let audit = fixture.audit(fixture.acme()).await;
    let connection = json!(fixture.sso_connection());
    for (id, by, connection) in [
        (key_id, "identity_provider", &connection),
        (keys_key_id, "api_key", &connection),
        (wide_id, "password", &Value::Null),
        (wides_key_id, "api_key", &Value::Null),
    ] {
        let record = audit
            .iter()
            .find(|it| it["kind"] == "api_key.created" && it["subject"] == *id);
        let details = &record.unwrap()["details"];
        assert_eq!(details["creator_signed_in"], by, "{details}");
        assert_eq!(&details["after"]["connection"], connection, "{details}");
    }
    let made_by_operator = audit.iter().find(|it| {
        it["kind"] == "api_key.created" && it["details"]["creator_signed_in"] == "operator"
    });
    assert!(made_by_operator.is_some(), "the key of the quickstart");
}
