//! What asks other machines is asked ten or twenty times a minute by one user, not more.

use serde_json::json;
use vestibule_e2e::{Answer, Backend, Fixture};

use super::fixture;

const NOWHERE: &str = "connection_01jhmpfn80e48s5s0q7b7cwx5e";

/// The path on the API `count` times, and once too often; then the same on the page, where the
/// fields are sent to.
async fn assert_limited(fixture: &Fixture, api: &str, count: u32, page: &str, fields: &str) {
    let ask = async || -> Answer {
        let call = fixture.post(api).bearer(fixture.key());
        call.json(json!({})).send().await
    };
    for _ in 0..count {
        ask().await.expect(404);
    }
    let refused = ask().await.expect(429);
    assert_eq!(refused.reason(), "too_many_requests");
    assert!(!refused.header("retry-after").is_empty());

    let cookie = fixture.cookie_of(&fixture.ada()).await;
    let path = format!("/organization/{}/sso{page}", fixture.acme());
    let body = format!("organization={}&{fields}", fixture.acme());
    let call = fixture.post(&path).origin(fixture.url()).cookie(&cookie);
    let kind = "application/x-www-form-urlencoded";
    call.body(kind, body).send().await.expect(429);
}

#[tokio::test]
async fn connections_are_looked_over_twenty_times_a_minute() {
    let fixture = fixture(Backend::Sqlite).await;
    let api = format!("/v1/sso/connections/{NOWHERE}/preflight");
    let page = format!("/{}/preflight", fixture.sso_connection());
    assert_limited(&fixture, &api, 20, &page, "").await;
    assert_eq!(
        connect(&fixture).await.reason(),
        "too_many_requests",
        "saving one looks it over, too"
    );
}

async fn connect(fixture: &Fixture) -> Answer {
    let body = json!({
        "name": "Another",
        "settings": { "issuer": fixture.idp_url(), "client_id": "vestibule" },
        "client_secret": "secret",
    });
    let call = fixture.post("/v1/sso/connections").bearer(fixture.key());
    call.json(body).send().await.expect(429)
}

#[tokio::test]
async fn domains_are_looked_up_ten_times_a_minute() {
    let fixture = fixture(Backend::Sqlite).await;
    let domain = "domain_01jhmpfn80e48s5s0q7b7cwx5e";
    let api = format!("/v1/sso/domains/{domain}/verify");
    let fields = format!("act=verify&domain={domain}");
    assert_limited(&fixture, &api, 10, "/domains", &fields).await;
}

#[tokio::test]
async fn test_sign_ins_begin_ten_times_a_minute() {
    let fixture = fixture(Backend::Sqlite).await;
    let api = format!("/v1/sso/connections/{NOWHERE}/test");
    let page = format!("/{}/test", fixture.sso_connection());
    assert_limited(&fixture, &api, 10, &page, "").await;
}
