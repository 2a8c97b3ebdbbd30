use std::num::NonZeroU32;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use rstest::rstest;
use vestibule_credential::frame::{PlainSecret, SecretKind, mint};
use vestibule_credential::keyring::{Issuer, Keyring, SigningKey};
use vestibule_credential::token::{Claims, TokenId};
use vestibule_model::clock::ManualClock;
use vestibule_model::{OsEntropy, Plan, PlanName, Role, SessionId};
use vestibule_policy::rule::{LimitPer, LimitSpec};

use http::Method;
use vestibule_model::Principal;
use vestibule_policy::rule::Rule;

use std::sync::Arc;

use arc_swap::ArcSwap;
use vestibule_credential::frame::Prefix;
use vestibule_model::{Change, Clock, CredentialRef, Plans, Timestamp};
use vestibule_policy::{Accepts, RuleTable};

use crate::{
    Cause, Core, CoreParts, Directory, EntryPoint, MemoryDirectory, OwnOrigin, RequestHead, Verdict,
};

const ORIGIN: &str = "https://app.example.com";

struct Fixture {
    core: Core,
    check: EntryPoint,
    clock: Arc<ManualClock>,
    key: PlainSecret,
    cookie: PlainSecret,
    token: String,
}

fn limit(name: &'static str, per: LimitPer, count: u32) -> LimitSpec {
    LimitSpec {
        name: name.into(),
        per,
        count: NonZeroU32::new(count).unwrap(),
        window: Duration::from_hours(1),
    }
}

fn table() -> RuleTable {
    let signed_in = Rule::signed_in;
    let bearer = Accepts::Bearer;
    let browser = Accepts::BearerOrCookie;
    let mut table = RuleTable::builder();
    for (method, path, accepts, rule) in [
        ("GET", "/healthz", bearer, Rule::public()),
        ("GET", "/v1/things", bearer, signed_in()),
        ("POST", "/v1/things", bearer, signed_in()),
        ("GET", "/v1/owners", bearer, signed_in().role(Role::Owner)),
        (
            "POST",
            "/v1/limited",
            bearer,
            signed_in().limit(limit("thrice", LimitPer::User, 3)),
        ),
        ("GET", "/api/things", browser, signed_in()),
        ("POST", "/api/things", browser, signed_in()),
        (
            "POST",
            "/api/agents",
            browser,
            signed_in().feature("agents"),
        ),
        ("POST", "/api/sign-in", browser, Rule::public()),
        ("POST", "/api/sign-out", browser, Rule::optional()),
        ("POST", "/v1/sign-out", bearer, Rule::optional()),
        (
            "POST",
            "/api/leave",
            browser,
            Rule::public().origin_or_bearer(),
        ),
    ] {
        table = table.add(method, path, accepts, rule).unwrap();
    }
    table.build()
}

/// One user, an ADMIN, with a key, a session cookie and an access token; and a plan `team` that has
/// the feature this user's own plan lacks.
fn fixture() -> Fixture {
    let clock = Arc::new(ManualClock::new(Timestamp::from_seconds(1_800_000_000)));
    let key = mint(&Prefix::default(), SecretKind::LiveKey, &OsEntropy);
    let cookie = mint(&Prefix::default(), SecretKind::Session, &OsEntropy);
    let directory = MemoryDirectory::with_owner_key(&key.digest());
    let owner = futures_util::FutureExt::now_or_never(directory.api_key(&key.digest()));
    let admin = Principal {
        role: Role::Admin,
        ..owner.unwrap().unwrap()
    };
    let session = SessionId::mint(&*clock, &OsEntropy);
    let by_cookie = Principal {
        credential: CredentialRef::SessionCookie(session),
        ..admin.clone()
    };
    let by_token = Principal {
        credential: CredentialRef::AccessToken(session),
        ..admin.clone()
    };
    let signing_key = SigningKey::generate(&*clock, &OsEntropy);
    let issuer = Issuer {
        issuer: ORIGIN.to_owned(),
        audience: ORIGIN.to_owned(),
    };
    let keyring = Keyring::new(issuer, vec![signing_key]).unwrap();
    let token = keyring
        .sign(&Claims {
            subject: admin.user_id,
            organization: admin.organization_id,
            session,
            id: TokenId::mint(&*clock, &OsEntropy),
            issued_at: clock.now(),
            expires_at: clock.now().after(Duration::from_hours(1)),
        })
        .unwrap();
    let team = Plan {
        features: ["agents".to_owned()].into(),
        ..Plan::bare("team".parse::<PlanName>().unwrap())
    };
    let directory = directory
        .with(&key.digest(), admin)
        .with(&cookie.digest(), by_cookie)
        .with_session(by_token);
    let core = Core::new(CoreParts {
        plans: Plans::new([team]),
        keyring: Some(Arc::new(ArcSwap::from_pointee(keyring))),
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        ..CoreParts::new(Arc::new(directory))
    });
    Fixture {
        check: core.entry_point(table(), ORIGIN.parse::<OwnOrigin>().unwrap()),
        core,
        clock,
        key,
        cookie,
        token,
    }
}

impl Fixture {
    /// `KEY`, `COOKIE` and `TOKEN` in a header's value stand for the real ones.
    async fn ask(&self, request: &str, headers: &[(&str, &str)]) -> Verdict {
        let (method, path) = request.split_once(' ').unwrap();
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                let value = value
                    .replace("KEY", self.key.expose())
                    .replace("COOKIE", self.cookie.expose())
                    .replace("TOKEN", &self.token);
                (
                    name.parse::<HeaderName>().unwrap(),
                    HeaderValue::from_str(&value).unwrap(),
                )
            })
            .collect();
        let method: Method = method.parse().unwrap();
        let head = RequestHead {
            method: &method,
            path,
            headers: &headers,
            has_body: headers.contains_key("content-length"),
            address: None,
            request_id: None,
        };
        let verdict = self.check.check(&head).await;
        // Where nothing is counted, the quick way must give the same answer.
        if !path.contains("limited")
            && let Some(known) = self.check.check_known(&head)
        {
            let reason = |verdict: &Verdict| verdict.as_ref().err().map(|no| no.cause.reason());
            assert_eq!(reason(&known), reason(&verdict));
        }
        verdict
    }

    async fn reason(&self, request: &str, headers: &[(&str, &str)]) -> &'static str {
        match self.ask(request, headers).await {
            Ok(_) => "passed",
            Err(denial) => denial.cause.reason(),
        }
    }
}

const KEY: (&str, &str) = ("authorization", "Bearer KEY");
const TOKEN: (&str, &str) = ("authorization", "Bearer TOKEN");
const COOKIE: (&str, &str) = ("cookie", "a=b; __Host-vestibule=COOKIE; c=d");
const OURS: (&str, &str) = ("origin", ORIGIN);
const THEIRS: (&str, &str) = ("origin", "https://evil.example");
const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const BODY: (&str, &str) = ("content-length", "2");

#[rstest]
#[case::no_credential("GET /v1/things", &[], "no_credential")]
#[case::key("GET /v1/things", &[KEY], "passed")]
#[case::token("GET /v1/things", &[TOKEN], "passed")]
#[case::scheme_in_any_case("GET /v1/things", &[("authorization", "bEARER KEY")], "passed")]
#[case::basic("GET /v1/things", &[("authorization", "Basic YTpi")], "unsupported_scheme")]
#[case::no_scheme("GET /v1/things", &[("authorization", "KEY")], "malformed_credential")]
#[case::empty_bearer("GET /v1/things", &[("authorization", "Bearer ")], "malformed_credential")]
#[case::foreign_text("GET /v1/things", &[("authorization", "Bearer hello")], "malformed_credential")]
#[case::mistyped_key("GET /v1/things", &[("authorization", "Bearer KEYx")], "malformed_credential")]
#[case::two_headers("GET /v1/things", &[KEY, TOKEN], "duplicate_credential")]
#[case::altered_token("GET /v1/things", &[("authorization", "Bearer TOKENx")], "token_malformed")]
#[case::cookie_as_bearer("GET /v1/things", &[("authorization", "Bearer COOKIE")], "wrong_credential_kind")]
#[case::cookie_on_v1("GET /v1/things", &[COOKIE], "no_credential")]
#[case::cookie("GET /api/things", &[COOKIE], "passed")]
#[case::cookie_beside_a_foreign_one("GET /api/things", &[("cookie", "theme=ü; __Host-vestibule=COOKIE")], "passed")]
#[case::cookie_of_a_longer_name("GET /api/things", &[("cookie", "__Host-vestibule2=COOKIE")], "no_credential")]
#[case::key_on_api("GET /api/things", &[KEY], "passed")]
#[case::key_as_cookie("GET /api/things", &[("cookie", "__Host-vestibule=KEY")], "wrong_credential_kind")]
#[case::two_cookies("GET /api/things", &[COOKIE, COOKIE], "duplicate_credential")]
#[case::bad_bearer_beside_a_good_cookie("GET /api/things", &[COOKIE, ("authorization", "Bearer x")], "malformed_credential")]
#[case::good_bearer_beside_a_cookie("POST /api/things", &[COOKIE, KEY], "passed")]
#[case::post_by_cookie("POST /api/things", &[COOKIE], "csrf_origin_mismatch")]
#[case::post_by_cookie_from_us("POST /api/things", &[COOKIE, OURS], "passed")]
#[case::post_by_cookie_from_elsewhere("POST /api/things", &[COOKIE, THEIRS], "csrf_origin_mismatch")]
#[case::post_by_key_from_elsewhere("POST /api/things", &[KEY, THEIRS], "passed")]
#[case::sign_in_from_nowhere("POST /api/sign-in", &[], "csrf_origin_mismatch")]
#[case::sign_in_with_a_junk_bearer("POST /api/sign-in", &[("authorization", "Bearer x")], "csrf_origin_mismatch")]
#[case::sign_in_from_us("POST /api/sign-in", &[OURS], "passed")]
#[case::sign_out_without_anything("POST /v1/sign-out", &[], "passed")]
#[case::sign_out_with_a_dead_token("POST /v1/sign-out", &[("authorization", "Bearer x")], "passed")]
#[case::sign_out_from_elsewhere("POST /api/sign-out", &[COOKIE, THEIRS], "csrf_origin_mismatch")]
#[case::leaving_with_a_dead_token("POST /api/leave", &[("authorization", "Bearer TOKENx")], "passed")]
#[case::leaving_with_junk("POST /api/leave", &[("authorization", "Bearer x")], "csrf_origin_mismatch")]
#[case::leaving_with_a_token_from_elsewhere("POST /api/leave", &[THEIRS, TOKEN], "csrf_origin_mismatch")]
#[case::leaving_with_a_password("POST /api/leave", &[("authorization", "Basic YTpi")], "csrf_origin_mismatch")]
#[case::leaving_with_a_token_beside_a_cookie("POST /api/leave", &[COOKIE, TOKEN], "csrf_origin_mismatch")]
#[case::leaving_with_nothing("POST /api/leave", &[], "csrf_origin_mismatch")]
#[case::leaving_with_a_cookie_from_us("POST /api/leave", &[COOKIE, OURS], "passed")]
#[case::json("POST /v1/things", &[KEY, BODY, JSON], "passed")]
#[case::form("POST /v1/things", &[KEY, BODY, FORM], "unsupported_media_type")]
#[case::body_without_a_type("POST /v1/things", &[KEY, BODY], "unsupported_media_type")]
#[case::type_without_a_body("POST /v1/things", &[KEY, FORM], "passed")]
#[case::compressed("POST /v1/things", &[KEY, BODY, JSON, ("content-encoding", "gzip")], "unsupported_content_encoding")]
#[case::compressed_form_of_a_stranger("POST /api/sign-in", &[OURS, BODY, JSON, ("content-encoding", "identity, br")], "unsupported_content_encoding")]
#[case::compressed_twice("POST /v1/things", &[KEY, BODY, JSON, ("content-encoding", ""), ("content-encoding", "zstd")], "unsupported_content_encoding")]
#[case::not_compressed("POST /v1/things", &[KEY, BODY, JSON, ("content-encoding", "Identity")], "passed")]
#[case::coding_without_a_body("POST /v1/things", &[KEY, ("content-encoding", "gzip")], "passed")]
#[case::two_types("POST /v1/things", &[KEY, BODY, JSON, JSON], "unsupported_media_type")]
#[case::role("GET /v1/owners", &[KEY], "role_required")]
#[case::feature("POST /api/agents", &[KEY], "plan_feature_missing")]
#[case::unknown_path("GET /v1/nothing", &[KEY], "no_such_route")]
#[case::unknown_path_of_a_stranger("GET /v1/nothing", &[], "no_credential")]
#[case::unknown_method("PUT /v1/things", &[KEY], "method_not_allowed")]
#[case::unknown_method_of_a_stranger("PUT /v1/things", &[], "no_credential")]
#[case::unknown_method_of_a_public_path("PUT /healthz", &[], "method_not_allowed")]
#[case::head("HEAD /v1/things", &[KEY], "passed")]
#[case::encoded_slash("GET /v1%2fthings", &[KEY], "path_not_canonical")]
#[case::public("GET /healthz", &[], "passed")]
#[tokio::test]
async fn each_request_gets_the_answer_of_the_doctrine(
    #[case] request: &str,
    #[case] headers: &[(&str, &str)],
    #[case] answer: &str,
) {
    assert_eq!(fixture().reason(request, headers).await, answer);
}

#[tokio::test]
async fn a_refused_feature_names_the_plans_that_have_it() {
    let denial = fixture().ask("POST /api/agents", &[KEY]).await.unwrap_err();
    let Cause::Refused { offered_by, .. } = denial.cause else {
        panic!("{denial:?}");
    };
    assert_eq!(offered_by, ["team".parse::<PlanName>().unwrap()]);
}

#[tokio::test]
async fn a_known_credential_is_judged_without_the_directory() {
    let fixture = fixture();
    let head_of = |headers: &HeaderMap| {
        let head = RequestHead {
            method: &Method::GET,
            path: "/v1/things",
            headers,
            has_body: false,
            address: None,
            request_id: None,
        };
        fixture.check.check_known(&head).is_some()
    };
    let mut headers = HeaderMap::new();
    let value = format!("Bearer {}", fixture.token);
    headers.insert("authorization", HeaderValue::from_str(&value).unwrap());
    assert!(!head_of(&headers), "never seen");
    fixture.ask("GET /v1/things", &[TOKEN]).await.unwrap();
    assert!(head_of(&headers), "seen once");
    fixture.clock.advance(Duration::from_secs(301));
    assert!(!head_of(&headers), "seen too long ago");
}

#[tokio::test]
async fn the_signature_of_a_remembered_token_opens_nothing_else() {
    let fixture = fixture();
    assert_eq!(fixture.reason("GET /v1/things", &[TOKEN]).await, "passed");
    let (header, rest) = fixture.token.split_once('.').unwrap();
    let (payload, signature) = rest.split_once('.').unwrap();
    for forged in [
        format!("Bearer {header}.{payload}x.{signature}"),
        format!("Bearer {header}.{}.{signature}", &payload[4..]),
        format!("Bearer {header}A.{payload}.{signature}"),
        format!("Bearer eyJ.x.{signature}"),
    ] {
        let reason = fixture
            .reason("GET /v1/things", &[("authorization", &forged)])
            .await;
        assert!(reason.starts_with("token_"), "{forged}: {reason}");
    }
}

#[tokio::test]
async fn a_token_ends_when_it_says_so_even_while_it_is_remembered() {
    let fixture = fixture();
    fixture.clock.advance(Duration::from_secs(3_590));
    assert_eq!(fixture.reason("GET /v1/things", &[TOKEN]).await, "passed");
    fixture.clock.advance(Duration::from_secs(10));
    assert_eq!(
        fixture.reason("GET /v1/things", &[TOKEN]).await,
        "token_expired"
    );
}

#[tokio::test]
async fn the_request_after_the_last_allowed_one_is_limited() {
    let fixture = fixture();
    for credential in [KEY, TOKEN, KEY] {
        assert_eq!(
            fixture.reason("POST /v1/limited", &[credential]).await,
            "passed"
        );
    }
    let denial = fixture.ask("POST /v1/limited", &[TOKEN]).await.unwrap_err();
    assert!(matches!(denial.cause, Cause::Limited(limited) if limited.count == 3));
}

#[tokio::test]
async fn denials_of_known_callers_are_aggregated_and_strangers_leave_no_trace() {
    let fixture = fixture();
    for _ in 0..100 {
        fixture.reason("GET /v1/owners", &[KEY]).await;
        fixture.reason("GET /v1/owners", &[]).await;
        fixture
            .reason("GET /v1/owners", &[("authorization", "Bearer x")])
            .await;
    }
    let batch = fixture.core.drain_denials();
    let [(call, times)] = batch.calls.as_slice() else {
        panic!("{batch:?}");
    };
    assert_eq!(
        (&*call.reason, &*call.route),
        ("role_required", "/v1/owners")
    );
    assert_eq!(times.count, 200);
    assert!(fixture.core.drain_denials().calls.is_empty());
}

#[tokio::test]
async fn a_use_is_noted_once_a_minute() {
    let fixture = fixture();
    for _ in 0..10 {
        fixture.reason("GET /v1/things", &[KEY]).await;
    }
    assert_eq!(fixture.core.drain_usage().len(), 1);
    fixture.clock.advance(Duration::from_mins(1));
    fixture.reason("GET /v1/things", &[KEY]).await;
    assert_eq!(fixture.core.drain_usage().len(), 1);
}

#[tokio::test]
async fn a_request_whose_body_was_long_on_its_way_is_judged_again_after_a_change() {
    let fixture = fixture();
    let mut headers = HeaderMap::new();
    let value = format!("Bearer {}", fixture.key.expose());
    headers.insert("authorization", HeaderValue::from_str(&value).unwrap());
    let head = RequestHead {
        method: &Method::POST,
        path: "/v1/limited",
        headers: &headers,
        has_body: false,
        address: None,
        request_id: None,
    };
    let passed = fixture.check.check(&head).await.unwrap();
    let user = passed.clone().into_permit(&head).unwrap().user_id();
    // Nothing changed: the same permit, and nothing is counted, however often it is asked.
    let mut passed = fixture.check.confirm(&head, passed).await.unwrap();
    for _ in 0..10 {
        fixture.core.apply(Change::User(user));
        passed = fixture.check.confirm(&head, passed).await.unwrap();
    }
    // The key is not known any more.
    let mut other = HeaderMap::new();
    other.insert("authorization", HeaderValue::from_static("Bearer gone"));
    let head = RequestHead {
        headers: &other,
        ..head
    };
    fixture.core.apply(Change::User(user));
    let denial = fixture.check.confirm(&head, passed).await.unwrap_err();
    assert_eq!(denial.cause.reason(), "malformed_credential");
}

#[tokio::test]
async fn a_credential_that_ends_while_the_body_is_on_its_way_opens_nothing() {
    let fixture = fixture();
    fixture.clock.advance(Duration::from_secs(3_590));
    let mut headers = HeaderMap::new();
    let value = format!("Bearer {}", fixture.token);
    headers.insert("authorization", HeaderValue::from_str(&value).unwrap());
    let head = RequestHead {
        method: &Method::POST,
        path: "/v1/things",
        headers: &headers,
        has_body: false,
        address: None,
        request_id: None,
    };
    let passed = fixture.check.check(&head).await.unwrap();
    fixture.clock.advance(Duration::from_secs(9));
    let passed = fixture.check.confirm(&head, passed).await.unwrap();
    fixture.clock.advance(Duration::from_secs(1));
    let denial = fixture.check.confirm(&head, passed).await.unwrap_err();
    assert_eq!(denial.cause.reason(), "token_expired");
}

mod flights;
mod lease;
