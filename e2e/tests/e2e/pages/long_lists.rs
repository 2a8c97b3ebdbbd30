//! Lists of an organisation that has very much.

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Executor as _};
use vestibule_e2e::{Backend, Fixture};

use super::many_members::next_part;
use super::{Browser, assert_page};

/// Makes more keys and records than are counted, as nobody would by hand.
const MANY: &str = "
    CREATE TEMP TABLE numbers AS
        WITH RECURSIVE n(number) AS (
            SELECT 1 UNION ALL SELECT number + 1 FROM n WHERE number < 10001
        )
        SELECT number FROM n;
    INSERT INTO api_key
            (digest, id, organization_id, owner_id, name, suffix, narrowed, created_at)
        SELECT randomblob(32), randomblob(16), o.id, m.user_id, 'Robot ' || number, 'abcd', 0,
            2000000000000000 + number
        FROM numbers, organization o
        JOIN membership m ON m.organization_id = o.id AND m.role = 'OWNER'
        WHERE o.name = 'Acme';
    INSERT INTO audit_record (id, at, organization_id, kind, details)
        SELECT randomblob(16), 1000000000000000 + number, o.id, 'test.made', '{}'
        FROM numbers, organization o WHERE o.name = 'Acme';
";

#[tokio::test]
async fn a_list_of_more_than_ten_thousand_is_walked_from_part_to_part_and_not_counted() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let file = fixture.data().join("vestibule.db");
    let options = SqliteConnectOptions::new().filename(file);
    let mut connection = options.connect().await.unwrap();
    connection.execute(MANY).await.unwrap();
    let ada = Browser::of(&fixture, &fixture.ada()).await;
    let base = format!("/organization/{}", fixture.acme());
    let shown = |page: &str| page.matches("<div class=\"what\">").count();
    for list in ["keys", "audit", "audit?kind=test.*"] {
        let first = ada.get(&format!("{base}/{list}")).await.expect(200);
        assert_page(&first);
        assert!(first.text.contains("1 to 50 of more than 10,000"), "{list}");
        assert_eq!(shown(&first.text), 50, "{list}");
        let next = next_part(&first.text).unwrap();
        let second = ada.get(&next).await.expect(200);
        assert_page(&second);
        assert!(second.text.contains("51 to 100 of"), "{list}: {next}");
        assert_eq!(shown(&second.text), 50, "{list}");
        let (before, _) = second.text.split_once("\" rel=\"prev\"").unwrap();
        let (_, previous) = before.rsplit_once("href=\"").unwrap();
        let previous = previous.replace("&#38;", "&").replace("&amp;", "&");
        let back = ada.get(&previous).await.expect(200).text;
        assert!(back.contains("1 to 50 of"), "{list}: {previous}");
        assert!(back.contains(&next.replace('&', "&#38;")), "{list}: {next}");
    }
    // What almost nothing fits is counted to the end.
    let rare = ada.get(&format!("{base}/audit?kind=organization.*")).await;
    let rare = rare.expect(200).text;
    assert!(!rare.contains("more than"), "{rare}");
    // Whatever was no cursor is the beginning.
    for query in ["after=x", "before=", "after=00&before=00", "offset=50"] {
        let page = ada.get(&format!("{base}/keys?{query}")).await.expect(200);
        assert!(page.text.contains("1 to 50 of"), "{query}");
    }
    // The command line says the same, and goes on where it is told to.
    let json = fixture
        .cli_json(&["key", "list", "Acme", "--limit", "5"])
        .await;
    assert_eq!(
        (&json["total"], &json["total_is_exact"]),
        (&10_000.into(), &false.into())
    );
    let next = json["next"].as_str().unwrap();
    let more = fixture
        .cli_json(&["key", "list", "Acme", "--after", next])
        .await;
    assert_eq!(more["items"].as_array().unwrap().len(), 100);
    assert_ne!(more["items"][0], json["items"][4]);
}

#[tokio::test]
async fn the_log_is_followed_and_exported_from_where_one_stopped() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let ids = |items: &serde_json::Value| {
        let items = items["items"].as_array().unwrap().iter();
        items.map(|it| it["id"].clone()).collect::<Vec<_>>()
    };
    let start = ["audit", "list", "Acme", "--after", "start", "--limit", "2"];
    let first = fixture.cli_json(&start).await;
    assert_eq!(ids(&first).len(), 2);
    let cursor = first["next"].as_str().unwrap();
    let rest = fixture
        .cli_json(&["audit", "list", "Acme", "--after", cursor])
        .await;
    let all = fixture
        .cli_json(&["audit", "list", "Acme", "--after", "start"])
        .await;
    assert_eq!([ids(&first), ids(&rest)].concat(), ids(&all));
    let end = all["next"].as_str().unwrap();
    let follow = ["audit", "list", "Acme", "--after", end];
    assert_eq!(
        fixture.cli_json(&follow).await["items"],
        serde_json::json!([])
    );
    fixture
        .cli_json(&["org", "rename", "Acme", "Acme Inc"])
        .await;
    let new = fixture
        .cli_json(&["audit", "list", "Acme Inc", "--after", end])
        .await;
    assert_eq!(new["items"].as_array().unwrap().len(), 1, "{new}");

    let export = fixture.cli(&["audit", "export", "Acme Inc"]).await;
    let lines = String::from_utf8(export.stdout).unwrap();
    let exported: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let exported_ids: Vec<_> = exported.iter().map(|it| it["id"].clone()).collect();
    assert_eq!(exported_ids, [ids(&all), ids(&new)].concat());
    let again = ["audit", "export", "Acme Inc", "--after", end];
    let again = String::from_utf8(fixture.cli(&again).await.stdout).unwrap();
    assert_eq!(again.lines().count(), 1, "{again}");
    let whole = fixture.cli(&["audit", "export"]).await.stdout;
    let whole = String::from_utf8(whole).unwrap();
    assert!(whole.lines().count() > exported.len(), "{whole}");
    let wrong = fixture.cli(&["audit", "export", "--after", "x"]).await;
    assert_eq!(wrong.status.code(), Some(2));
}
