//! The records of the last release, served by this version. `cargo xtask fixture` makes them.

use std::path::PathBuf;

use rstest::rstest;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use tempfile::TempDir;
use vestibule_e2e::{Answer, Backend, Database, Served};

use crate::support::members;

const CONFIGURATION: &str = r#"
[store]
url = "sqlite:vestibule.db"
[keys]
master_key_file = "master.key"
issuer = "vestibule-quickstart"
[sessions]
idle = "36500d"
absolute = "36500d"
access_token = "36500d"
[plans.free]
seats = 5
[plans.team]
seats = 50
"#;

/// A server of this version on the records of the last release.
struct Upgraded {
    served: Served,
    facts: Value,
    _database: Option<Database>,
    _folder: TempDir,
}

impl Upgraded {
    async fn new(backend: Backend) -> Self {
        let folder = TempDir::new().unwrap();
        let name = match backend {
            Backend::Sqlite => "sqlite",
            Backend::Postgres => "postgres",
        };
        let records = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/last_release");
        let records = records.join(name);
        let copy = |file: &str| {
            std::fs::copy(records.join(file), folder.path().join(file)).unwrap();
        };
        let key = std::fs::read_to_string(records.join("master.key")).unwrap();
        vestibule_e2e::write_private(&folder.path().join("master.key"), &key);
        std::fs::write(folder.path().join("vestibule.toml"), CONFIGURATION).unwrap();
        let (mut database, mut url) = (None, None);
        match backend {
            Backend::Sqlite => copy("vestibule.db"),
            Backend::Postgres => {
                let made = Database::create().await;
                let text = std::fs::read_to_string(records.join("vestibule.sql")).unwrap();
                let text = sqlx::raw_sql(AssertSqlSafe(text));
                text.execute(&mut made.connect().await).await.unwrap();
                url = Some(made.url());
                database = Some(made);
            }
        }
        let url = url.as_deref().map(|url| ("VESTIBULE_STORE__URL", url));
        let environment: Vec<_> = url.into_iter().collect();
        let facts = std::fs::read_to_string(records.join("facts.json")).unwrap();
        Self {
            served: Served::start(folder.path(), &environment).await,
            facts: serde_json::from_str(&facts).unwrap(),
            _database: database,
            _folder: folder,
        }
    }

    fn fact(&self, pointer: &str) -> &str {
        let fact = self.facts.pointer(pointer).and_then(Value::as_str);
        fact.unwrap_or_else(|| panic!("nothing at {pointer}"))
    }

    async fn get(&self, bearer: &str, path: &str) -> Answer {
        self.served.get(path).bearer(bearer).send().await
    }

    /// The organisations that a credential lists.
    async fn tenants(&self, bearer: &str) -> Vec<String> {
        let list = self.get(bearer, "/v1/tenants").await.expect(200).json();
        let items = list["items"].as_array().unwrap().iter();
        items
            .map(|it| it["id"].as_str().unwrap().to_owned())
            .collect()
    }
}

#[rstest]
#[tokio::test]
async fn the_credentials_of_the_last_release_go_on_after_an_upgrade(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Upgraded::new(backend).await;
    let (acme, globex) = (fixture.fact("/acme"), fixture.fact("/globex"));
    let me = async |bearer: &str| fixture.get(bearer, "/v1/users/me").await.expect(200);
    let key = me(fixture.fact("/api_key")).await;
    assert_eq!(key.text_at("/email"), fixture.fact("/ada/email"));
    assert_eq!(key.text_at("/current_tenant_role"), "OWNER");
    let token = me(fixture.fact("/access_token")).await;
    assert_eq!(token.text_at("/id"), fixture.fact("/bob/id"));
    let cookie = fixture.served.get("/api/auth/session");
    let cookie = cookie.cookie(fixture.fact("/cookie")).send().await;
    assert_eq!(
        cookie.expect(200).text_at("/user/id"),
        fixture.fact("/bob/id")
    );
    let revoked = fixture
        .get(fixture.fact("/revoked_key"), "/v1/users/me")
        .await;
    assert_eq!(revoked.expect(401).reason(), "credential_revoked");
    // Its passwords, and a token signed with its signing key.
    let body = json!({
        "email": fixture.fact("/bob/email"), "password": fixture.fact("/bob/password"),
    });
    let signed_in = fixture.served.post("/v1/auth/pw/signin").json(body);
    let signed_in = signed_in.send().await.expect(200);
    assert_eq!(
        me(&signed_in.text_at("/access_token")).await.text_at("/id"),
        fixture.fact("/bob/id")
    );
    // Members, permissions and connections are what they were.
    let owner = fixture.fact("/api_key");
    let list = fixture.get(owner, "/v1/sso/connections").await.expect(200);
    assert_eq!(list.text_at("/0/id"), fixture.fact("/connection"));
    let grants = format!(
        "/v1/user-permissions?tenant_id={acme}&user_id={}",
        fixture.fact("/bob/id")
    );
    let grants = fixture.get(owner, &grants).await.expect(200).json();
    assert_eq!(grants["total"], 1, "{grants}");
    assert_eq!(fixture.tenants(owner).await, [acme, globex]);
}

#[rstest]
#[tokio::test]
async fn keys_of_the_last_release_count_as_created_after_a_sign_in_with_a_password(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Upgraded::new(backend).await;
    let (acme, globex) = (fixture.fact("/acme"), fixture.fact("/globex"));
    // Nobody wrote down then how its creator had signed in.
    let old = fixture.fact("/key_made_through_the_provider");
    assert_eq!(fixture.tenants(old).await, [acme, globex]);
    // What is created from now on is bound.
    let provided = fixture.fact("/access_token_through_the_provider");
    assert_eq!(fixture.tenants(provided).await, [acme]);
    let call = fixture.served.post("/v1/api-keys").bearer(provided);
    let made = call.json(json!({ "name": "new" })).send().await.expect(201);
    assert_eq!(fixture.tenants(&made.text_at("/key")).await, [acme]);
    // A narrowed key is told no more than one of today.
    let narrowed = fixture.fact("/narrowed_key");
    let me = fixture
        .get(narrowed, "/v1/users/me")
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&me["email"], &me["current_tenant_role"]),
        (&Value::Null, &json!("USER"))
    );
    assert_eq!(me["key"]["name"], "narrowed");
    assert_eq!(members(&me["key"]), ["expires_at", "grants", "id", "name"]);
    assert_eq!(fixture.tenants(narrowed).await, [acme]);
}
