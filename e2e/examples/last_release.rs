//! Writes the records that the last release leaves behind, for the test that this version takes them
//! over: `cargo xtask fixture` names that release's binary in `VESTIBULE_TEST_SERVER`, and gives the
//! folder.

#![expect(clippy::unwrap_used, reason = "it says what it lacks by failing")]
#![expect(clippy::expect_used, reason = "it says what it lacks by failing")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};
use vestibule_e2e::{Backend, Fixture, Setup};

#[path = "../tests/e2e/sso/wanderer.rs"]
#[allow(dead_code, reason = "shared with the tests, which need more of it")]
mod wanderer;

use wanderer::{Wanderer, fragment};

/// So long that no test meets the end of what is signed and stored here.
const LONG: &str = "36500d";
const APP: &str = "https://your-app.com/auth/callback";

#[tokio::main]
async fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).expect("the folder of the fixtures"));
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let setup = Setup::new(backend).with_idp();
        let setup = setup
            .with("SAMPLE__ENABLED", "false")
            .with("SESSIONS__IDLE", LONG)
            .with("SESSIONS__ABSOLUTE", LONG)
            .with("SESSIONS__ACCESS_TOKEN", LONG);
        let mut fixture = setup.start().await;
        let facts = furnish(&fixture).await;
        fixture.ask_to_end();
        fixture.ended(Duration::from_secs(30)).await;
        let name = match backend {
            Backend::Sqlite => "sqlite",
            Backend::Postgres => "postgres",
        };
        let into = folder.join(name);
        std::fs::create_dir_all(&into).expect("a folder");
        let master_key = std::fs::read(fixture.data().join("master.key")).expect("a key");
        std::fs::write(into.join("master.key"), master_key).expect("written");
        let facts = format!("{facts:#}\n");
        std::fs::write(into.join("facts.json"), facts).expect("written");
        match fixture.database() {
            None => keep_file(&fixture.data().join("vestibule.db"), &into).await,
            Some(database) => dump(&database.url(), &into),
        }
    }
}

/// Something in every main table; what the test needs to know of it.
async fn furnish(fixture: &Fixture) -> Value {
    let acme = fixture.acme();
    let (ada, bob) = (fixture.ada(), fixture.bob());
    let cli = async |arguments: &[&str]| fixture.cli_json(arguments).await;
    cli(&[
        "member",
        "add",
        fixture.globex(),
        &bob.email,
        "--role",
        "ADMIN",
    ])
    .await;
    fixture.newcomer("grace@example.com", acme, "ADMIN").await;
    fixture.newcomer("linus@example.com", acme, "USER").await;
    cli(&["member", "deactivate", acme, "linus@example.com", "--yes"]).await;
    fixture.newcomer("mallory@example.com", acme, "USER").await;
    cli(&["user", "suspend", "mallory@example.com", "--yes"]).await;
    cli(&["group", "add", acme, "Readers"]).await;
    cli(&["group", "add-member", acme, "Readers", &bob.email]).await;

    let key = async |bearer: &str, body: Value| {
        let call = fixture.post("/v1/api-keys").bearer(bearer).json(body);
        let made = call.send().await.expect(201);
        (made.text_at("/key"), made.text_at("/id"))
    };
    let grants = json!([{ "path": "/shared/reports", "capability": "READ_ONLY" }]);
    let (narrowed, _) = key(
        fixture.key(),
        json!({ "name": "narrowed", "grants": grants }),
    )
    .await;
    let (revoked, revoked_id) = key(fixture.key(), json!({ "name": "revoked" })).await;
    let path = format!("/v1/api-keys/{revoked_id}");
    let gone = fixture.delete(&path).bearer(fixture.key()).send().await;
    gone.expect(204);

    let (cookie, token) = (fixture.cookie_of(&bob).await, fixture.token_of(&bob).await);
    let body = json!({ "tenant_id": acme, "redirect_uri": APP });
    let begun = fixture
        .post("/v1/auth/sso/initiate")
        .json(body)
        .send()
        .await;
    let start = begun.expect(200).text_at("/redirect_url");
    let end = Wanderer::new(fixture).sign_in(&start, &bob.email).await;
    let provided = fragment(&end.expect(303), APP)["access_token"].clone();
    let (made_there, _) = key(&provided, json!({ "name": "through the provider" })).await;

    json!({
        "acme": acme,
        "globex": fixture.globex(),
        "ada": { "id": ada.id, "email": ada.email, "password": ada.password },
        "bob": { "id": bob.id, "email": bob.email, "password": bob.password },
        "connection": fixture.sso_connection(),
        "api_key": fixture.key(),
        "narrowed_key": narrowed,
        "revoked_key": revoked,
        "key_made_through_the_provider": made_there,
        "cookie": cookie,
        "access_token": token,
        "access_token_through_the_provider": provided,
    })
}

/// Copies the file without its empty space, in small pages: it lies in the repository.
async fn keep_file(file: &Path, into: &Path) {
    let to = into.join("vestibule.db");
    if to.exists() {
        std::fs::remove_file(&to).expect("removed");
    }
    let url = format!("sqlite:{}", file.display());
    let mut connection = SqliteConnection::connect(&url).await.expect("the file");
    let copy = format!("PRAGMA page_size = 1024; VACUUM INTO '{}'", to.display());
    sqlx::raw_sql(AssertSqlSafe(copy))
        .execute(&mut connection)
        .await
        .expect("copied");
}

/// Writes the database as statements that any connection can run.
fn dump(url: &str, into: &Path) {
    let output = Command::new("pg_dump")
        .args([
            "--inserts",
            "--no-owner",
            "--no-privileges",
            "--dbname",
            url,
        ])
        .output()
        .expect("pg_dump is installed");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    // What begins so is for psql, and not for the server.
    let lines = text.lines().filter(|line| !line.starts_with('\\'));
    let lines = lines.filter(|line| !line.starts_with("--") && !line.is_empty());
    let mut text = lines.collect::<Vec<_>>().join("\n");
    text.push('\n');
    std::fs::write(into.join("vestibule.sql"), text).expect("written");
}
