//! Keys that were created in sessions through a connection, revoked along with the connection or
//! with one user's link to it.

use rstest::rstest;
use serde_json::{Value, json};
use vestibule_e2e::{Backend, Fixture};

use super::reach::{BOB, create};
use super::{CLEO, fixture, token_of};
use crate::support::soon;

/// Returns true where a key is let in.
async fn works(fixture: &Fixture, key: &str) -> bool {
    let answer = fixture.get("/v1/api-keys/current").bearer(key).send().await;
    match answer.status {
        200 => true,
        401 => {
            assert_eq!(answer.reason(), "credential_revoked");
            false
        }
        _ => panic!("{}", answer.text),
    }
}

/// Keys of Bob and of Cleo created in sessions through the provider, and one of Bob's created after
/// a sign-in with a password; all have been used.
struct Keys {
    fixture: Fixture,
    bobs: String,
    bobs_id: String,
    inherited: String,
    cleos: String,
    by_password: String,
}

impl Keys {
    async fn new(backend: Backend) -> Self {
        let fixture = fixture(backend).await;
        let (bobs, bobs_id) = create(&fixture, &token_of(&fixture, BOB).await, "Bob's").await;
        let (inherited, _) = create(&fixture, &bobs, "inherited").await;
        let (cleos, _) = create(&fixture, &token_of(&fixture, CLEO).await, "Cleo's").await;
        let password = fixture.token_of(&fixture.bob()).await;
        let (by_password, _) = create(&fixture, &password, "by password").await;
        let keys = Self {
            fixture,
            bobs,
            bobs_id,
            inherited,
            cleos,
            by_password,
        };
        assert_eq!(keys.alive().await, [true; 4]);
        keys
    }

    /// Tells which of them work: Bob's, the one that it created, Cleo's, and Bob's by password.
    async fn alive(&self) -> [bool; 4] {
        let keys = [&self.bobs, &self.inherited, &self.cleos, &self.by_password];
        let mut alive = [false; 4];
        for (key, alive) in keys.into_iter().zip(&mut alive) {
            *alive = works(&self.fixture, key).await;
        }
        alive
    }

    /// The details of the newest audit record of this kind.
    async fn record(&self, kind: &str) -> Value {
        let mut audit = self.fixture.audit(self.fixture.acme()).await.into_iter();
        let record = audit.find(|it| it["kind"] == kind);
        record.unwrap()["details"].clone()
    }

    async fn disable(&self, body: Value) {
        let connection = self.fixture.sso_connection();
        let path = format!("/v1/sso/connections/{connection}/disable");
        let call = self.fixture.post(&path).bearer(self.fixture.key());
        call.json(body).send().await.expect(200);
    }
}

#[rstest]
#[tokio::test]
async fn disabling_a_connection_revokes_the_keys_created_through_it_only_where_that_is_asked(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let keys = Keys::new(backend).await;
    keys.disable(json!({ "end_sessions": true })).await;
    assert_eq!(keys.alive().await, [true; 4]);
    assert_eq!(
        keys.record("sso.connection_disabled").await["keys_revoked"],
        0
    );
    keys.disable(json!({ "revoke_keys": true })).await;
    assert_eq!(keys.alive().await, [false, false, false, true]);
    assert_eq!(
        keys.record("sso.connection_disabled").await["keys_revoked"],
        3
    );
    // Each key has its record, too.
    let audit = keys.fixture.audit(keys.fixture.acme()).await;
    let revoked = audit.iter().find(|it| it["subject"] == *keys.bobs_id);
    let revoked = revoked.unwrap();
    assert_eq!(revoked["kind"], "api_key.deleted");
    assert_eq!(revoked["details"]["by"], "sso.connection_disabled");
    assert_eq!(revoked["details"]["owner"], keys.fixture.bob().id);
    assert_eq!(
        revoked["details"]["before"]["connection"],
        keys.fixture.sso_connection()
    );
    keys.disable(json!({ "revoke_keys": true })).await;
    assert_eq!(
        keys.record("sso.connection_disabled").await["keys_revoked"],
        0
    );
}

#[rstest]
#[tokio::test]
async fn unlinking_a_user_revokes_the_keys_that_the_user_created_through_the_connection_where_asked(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let keys = Keys::new(backend).await;
    let fixture = &keys.fixture;
    let path = format!(
        "/v1/sso/identities?user_id={}&connection_id={}",
        fixture.bob().id,
        fixture.sso_connection()
    );
    let unlink = async |path: &str| fixture.delete(path).bearer(fixture.key()).send().await;
    let refused = unlink(&format!("{path}&revoke_keys=perhaps")).await;
    assert_eq!(
        refused.expect(422).json()["errors"][0]["field"],
        "revoke_keys"
    );
    unlink(&path).await.expect(204);
    assert_eq!(keys.alive().await, [true; 4]);
    // Linked again by the next sign-in.
    token_of(fixture, BOB).await;
    unlink(&format!("{path}&revoke_keys=true"))
        .await
        .expect(204);
    assert_eq!(keys.alive().await, [false, false, true, true]);
    let record = keys.record("sso.identity_unlinked").await;
    assert_eq!(record["keys_revoked"], 2, "{record}");
    assert_eq!(record["sessions_ended"], 1, "{record}");
}

#[rstest]
#[tokio::test]
async fn keys_revoked_at_the_command_line_are_dead_on_a_running_server(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let keys = Keys::new(backend).await;
    let fixture = &keys.fixture;
    let which = ["Acme", fixture.sso_connection()];
    let unlink = [&["sso", "unlink"], &which[..], &[BOB, "--revoke-keys"]].concat();
    // A script has to say that it means it.
    let refused = fixture.cli(&unlink).await;
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    assert_eq!(keys.alive().await, [true; 4]);
    fixture.cli_json(&[&unlink[..], &["--yes"]].concat()).await;
    let ask = |key: &str| {
        let call = fixture.get("/v1/api-keys/current").bearer(key);
        async move { call.send().await }
    };
    soon(401, || ask(&keys.bobs)).await;
    soon(401, || ask(&keys.inherited)).await;
    assert_eq!(keys.alive().await, [false, false, true, true]);
    let again = fixture.cli(&[&unlink[..], &["--yes"]].concat()).await;
    assert_eq!(again.status.code(), Some(5), "{again:?}");

    let disable = [&["sso", "disable"], &which[..], &["--revoke-keys", "--yes"]].concat();
    fixture.cli_json(&disable).await;
    soon(401, || ask(&keys.cleos)).await;
    assert_eq!(keys.alive().await, [false, false, false, true]);
}

#[rstest]
#[tokio::test]
async fn the_pages_of_a_connection_and_of_a_member_ask_whether_keys_are_to_be_revoked(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let keys = Keys::new(backend).await;
    let fixture = &keys.fixture;
    let cookie = fixture.cookie_of(&fixture.ada()).await;
    let (acme, connection) = (fixture.acme(), fixture.sso_connection());
    let path = format!("/organization/{acme}/sso/{connection}");
    let page = fixture.get(&path).header("accept", "text/html");
    let page = page.cookie(&cookie).send().await.expect(200);
    let asked = r#"<input type="checkbox" name="revoke_keys" value="yes">"#;
    assert!(page.text.contains(asked), "unticked: {}", page.text);
    let post = async |path: &str, fields: &str| {
        let body = format!("organization={acme}&{fields}");
        let call = fixture.post(path).cookie(&cookie).origin(fixture.url());
        let form = "application/x-www-form-urlencoded";
        call.body(form, body).send().await.expect(303)
    };
    // So does the page of a member who is linked with it.
    let of_bob = format!("/organization/{acme}/members/{}", fixture.bob().id);
    let page = fixture.get(&of_bob).header("accept", "text/html");
    let page = page.cookie(&cookie).send().await.expect(200);
    assert!(page.text.contains(asked), "unticked: {}", page.text);
    post(&path, "act=disable").await;
    assert_eq!(keys.alive().await, [true; 4]);
    post(&path, "act=enable").await;
    let unlink = format!("act=unlink&connection={connection}");
    post(&of_bob, &unlink).await;
    assert_eq!(keys.alive().await, [true; 4]);
    token_of(fixture, BOB).await;
    post(&of_bob, &format!("{unlink}&revoke_keys=yes")).await;
    assert_eq!(keys.alive().await, [false, false, true, true]);
    post(&path, "act=disable&revoke_keys=yes").await;
    assert_eq!(keys.alive().await, [false, false, false, true]);
}
