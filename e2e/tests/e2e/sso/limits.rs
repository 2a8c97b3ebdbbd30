//! What asks other machines is asked ten or twenty times a minute by one user, not more.

use serde_json::json;
use vestibule_e2e::{Answer, Backend, House};

use super::house;

const NOWHERE: &str = "connection_01jhmpfn80e48s5s0q7b7cwx5e";

/// The path on the API `count` times, and once too often; then the same on the page, where the
/// fields are sent to.
async fn assert_limited(house: &House, api: &str, count: u32, page: &str, fields: &str) {
    let ask = async || -> Answer {
        let call = house.post(api).bearer(house.key());
        call.json(json!({})).send().await
    };
    for _ in 0..count {
        ask().await.expect(404);
    }
    let refused = ask().await.expect(429);
    assert_eq!(refused.reason(), "too_many_requests");
    assert!(!refused.header("retry-after").is_empty());

    let cookie = house.cookie_of(&house.ada()).await;
    let path = format!("/organization/{}/sso{page}", house.acme());
    let body = format!("organization={}&{fields}", house.acme());
    let call = house.post(&path).origin(house.url()).cookie(&cookie);
    let kind = "application/x-www-form-urlencoded";
    call.body(kind, body).send().await.expect(429);
}

#[tokio::test]
async fn connections_are_looked_over_twenty_times_a_minute() {
    let house = house(Backend::Sqlite).await;
    let api = format!("/v1/sso/connections/{NOWHERE}/preflight");
    let page = format!("/{}/preflight", house.sso_connection());
    assert_limited(&house, &api, 20, &page, "").await;
    assert_eq!(
        connect(&house).await.reason(),
        "too_many_requests",
        "saving one looks it over, too"
    );
}

async fn connect(house: &House) -> Answer {
    let body = json!({
        "name": "Another",
        "settings": { "issuer": house.idp_url(), "client_id": "vestibule" },
        "client_secret": "secret",
    });
    let call = house.post("/v1/sso/connections").bearer(house.key());
    call.json(body).send().await.expect(429)
}

#[tokio::test]
async fn domains_are_looked_up_ten_times_a_minute() {
    let house = house(Backend::Sqlite).await;
    let domain = "domain_01jhmpfn80e48s5s0q7b7cwx5e";
    let api = format!("/v1/sso/domains/{domain}/verify");
    let fields = format!("act=verify&domain={domain}");
    assert_limited(&house, &api, 10, "/domains", &fields).await;
}

#[tokio::test]
async fn test_sign_ins_begin_ten_times_a_minute() {
    let house = house(Backend::Sqlite).await;
    let api = format!("/v1/sso/connections/{NOWHERE}/test");
    let page = format!("/{}/test", house.sso_connection());
    assert_limited(&house, &api, 10, &page, "").await;
}
