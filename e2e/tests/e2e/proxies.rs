//! Behind proxies: whose request it is, as they say it.

use rstest::rstest;
use serde_json::json;
use vestibule_e2e::{Answer, Backend, Fixture, Setup};

const XFF: &str = "x-forwarded-for";

/// A server behind a proxy at 127.0.0.1, where two sign-ins may be tried from one address.
fn behind_a_proxy(proxies: &str) -> Setup {
    Setup::new(Backend::Sqlite)
        .with("SERVER__TRUSTED_PROXIES", proxies)
        .with("LIMITS__SIGN_IN_PER_ADDRESS_PER_MINUTE", "2")
}

/// Somebody tries a password, and the proxy passes it on with this header.
async fn sign_in(fixture: &Fixture, header: &str, value: &str) -> Answer {
    let body = json!({ "email": "nobody@example.com", "password": "wrong" });
    let call = fixture.post("/v1/auth/pw/signin").header(header, value);
    call.json(body).send().await
}

/// Attempts of one stranger are not held against another, however the proxy spells them.
#[tokio::test]
async fn clients_behind_one_proxy_are_limited_each_on_their_own() {
    let fixture = behind_a_proxy("127.0.0.1").start().await;
    let spellings: [fn(u8) -> String; 8] = [
        |host| format!("198.51.100.{host}"),
        |host| format!("198.51.100.{host}:51000"),
        |host| format!("\"198.51.100.{host}:51001\""),
        |host| format!("[::ffff:198.51.100.{host}]:51002"),
        |host| format!("::ffff:198.51.100.{host}"),
        |host| format!("198.51.100.{host},"),
        |host| format!("192.0.2.99, unknown, 198.51.100.{host}:51003 , "),
        |host| format!("\u{202e}\u{ff}\", 198.51.100.{host}"),
    ];
    for (first, spelling) in (1..).step_by(2).zip(&spellings) {
        let (stranger, other) = (spelling(first), spelling(first + 1));
        // Whatever the spelling, the address is one.
        sign_in(&fixture, XFF, &spelling(first)).await.expect(401);
        let plain = format!("198.51.100.{first}");
        sign_in(&fixture, XFF, &plain).await.expect(401);
        sign_in(&fixture, XFF, &stranger).await.expect(429);
        sign_in(&fixture, XFF, &other).await.expect(401);
    }
}

#[tokio::test]
async fn clients_of_ipv6_are_limited_each_on_their_own() {
    let fixture = behind_a_proxy("127.0.0.1").start().await;
    let spellings: [fn(u8) -> String; 5] = [
        |net| format!("2001:db8:0:{net}::1"),
        |net| format!("[2001:db8:0:{net}::1]"),
        |net| format!("[2001:db8:0:{net}::1]:443"),
        |net| format!("\"[2001:db8:0:{net}::1]:443\""),
        |net| format!("2001:db8:0:{net}::1%eth0"),
    ];
    for (first, spelling) in (10..).step_by(2).zip(&spellings) {
        for status in [401, 401, 429] {
            sign_in(&fixture, XFF, &spelling(first))
                .await
                .expect(status);
        }
        sign_in(&fixture, XFF, &spelling(first + 1))
            .await
            .expect(401);
    }
}

/// `trusted_proxies` and the peer's address are compared in one notation.
#[tokio::test]
async fn a_proxy_named_by_its_mapped_address_is_trusted() {
    let fixture = behind_a_proxy("::ffff:127.0.0.1").start().await;
    for status in [401, 401, 429] {
        sign_in(&fixture, XFF, "198.51.100.7:51000")
            .await
            .expect(status);
    }
    sign_in(&fixture, XFF, "198.51.100.8:51000")
        .await
        .expect(401);
}

/// Two trusted hops; what the first one saw counts, and what came before it does not.
#[tokio::test]
async fn the_first_address_that_is_no_proxy_s_is_the_client_s() {
    let fixture = behind_a_proxy("127.0.0.1,10.0.0.0/8").start().await;
    let via = |client: &str| format!("9.9.9.9, {client}, 10.0.0.2:4711, [::ffff:10.0.0.1]:80");
    for status in [401, 401, 429] {
        sign_in(&fixture, XFF, &via("198.51.100.7:51000"))
            .await
            .expect(status);
    }
    sign_in(&fixture, XFF, "9.9.9.9").await.expect(401);
    sign_in(&fixture, XFF, &via("198.51.100.8:51000"))
        .await
        .expect(401);
}

#[tokio::test]
async fn only_the_header_that_the_setting_names_is_read() {
    let fixture = behind_a_proxy("127.0.0.1")
        .with("SERVER__FORWARDED_HEADER", "forwarded")
        .start()
        .await;
    let ask = async |forwarded: &str, other: &str| {
        let body = json!({ "email": "nobody@example.com", "password": "wrong" });
        let call = fixture.post("/v1/auth/pw/signin");
        let call = call.header("forwarded", forwarded).header(XFF, other);
        call.json(body).send().await
    };
    for (element, status) in [
        ("for=198.51.100.7", 401),
        ("for=192.0.2.1;x=\", For=\"198.51.100.7:51000\";by=_a", 401),
        ("for=192.0.2.1, proto=https;for=\"198.51.100.7\",", 429),
        ("for=198.51.100.8", 401),
        ("for=\"[2001:db8::1]:4711\"", 401),
        ("for=_hidden", 400),
        ("for=unknown", 400),
        ("proto=https", 400),
    ] {
        let answer = ask(element, "unreadable, 198.51.100.7").await;
        assert_eq!(answer.status, status, "{element}: {}", answer.text);
    }
}

#[rstest]
#[case("unknown")]
#[case("198.51.100.7, _hidden")]
#[case("198.51.100.7:84430")]
#[tokio::test]
async fn a_proxy_that_names_no_address_gets_400_in_each_dialect_and_one_line_in_the_log(
    #[case] entry: &str,
) {
    let fixture = behind_a_proxy("127.0.0.1").start().await;
    let key = fixture.key();
    let reason = "forwarded_for_unreadable";
    let ask = |path: &str| fixture.get(path).header(XFF, entry);

    let answer = ask("/v1/users/me").bearer(key).send().await.expect(400);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(
        (answer.reason(), answer.json()["status"].clone()),
        (reason.to_owned(), json!(400))
    );
    assert!(!answer.text.contains("198.51.100.7"), "{}", answer.text);
    assert!(!answer.header("x-request-id").is_empty());

    let answer = ask("/api/auth/session").send().await.expect(400);
    assert_eq!(answer.reason(), reason);
    assert!(answer.json()["error"].is_string(), "{}", answer.text);

    let page = ask("/sign-in").header("accept", "text/html").send().await;
    assert!(
        page.expect(400)
            .header("content-type")
            .starts_with("text/html")
    );

    sign_in(&fixture, XFF, entry).await.expect(400);

    let log = fixture.log();
    let told: Vec<_> = log.lines().filter(|it| it.contains("WARN")).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    let last = entry.rsplit(", ").next().unwrap();
    for part in ["proxy=127.0.0.1", "X-Forwarded-For", last] {
        assert!(told[0].contains(part), "{part} in {told:?}");
    }
    let metrics = fixture.admin("/metrics").send().await.text;
    let counted = "vestibule_forwarded_for_unreadable_total 4";
    assert!(metrics.lines().any(|line| line == counted), "{metrics}");
    // Nobody else is concerned.
    let other = fixture.get("/v1/users/me").header(XFF, "198.51.100.7");
    other.bearer(key).send().await.expect(200);
}

/// A stranger who sends the header without a proxy, or to one, changes nothing.
#[tokio::test]
async fn a_stranger_chooses_no_address_and_refuses_no_request() {
    let fixture = Setup::new(Backend::Sqlite)
        .with("LIMITS__SIGN_IN_PER_ADDRESS_PER_MINUTE", "3")
        .start()
        .await;
    for (value, status) in [
        ("198.51.100.1", 401),
        ("unknown", 401),
        ("198.51.100.2:1,", 401),
        ("198.51.100.3", 429),
    ] {
        sign_in(&fixture, XFF, value).await.expect(status);
    }
    let fixture = behind_a_proxy("127.0.0.1").start().await;
    for (sent, status) in [("198.51.100.1", 401), ("\"unknown", 401), ("\\\"", 429)] {
        let passed_on = format!("{sent}, 203.0.113.9");
        sign_in(&fixture, XFF, &passed_on).await.expect(status);
    }
}
