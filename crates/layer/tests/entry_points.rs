//! Two services of one process behind one core: the callers, and what they have used, are the same.

#![expect(clippy::unwrap_used, reason = "a test says what it needs by failing")]

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use axum::{Router, http::Request};
use http::StatusCode;
use http::header::{AUTHORIZATION, COOKIE, ORIGIN};
use tower::ServiceExt as _;
use vestibule_layer::credential::frame::{PlainSecret, Prefix, SecretKind, mint};
use vestibule_layer::model::{CredentialRef, OsEntropy, Principal, SessionId, SystemClock};
use vestibule_layer::{
    CheckService, Core, CoreParts, Directory as _, EntryPoint, EntryPointExt as _, LimitPer,
    LimitSpec, MemoryDirectory, OwnOrigin, Permit, Routes, Rule,
};

struct Fixture {
    core: Core,
    key: PlainSecret,
    cookie: PlainSecret,
}

async fn fixture() -> Fixture {
    let key = mint(&Prefix::default(), SecretKind::LiveKey, &OsEntropy);
    let cookie = mint(&Prefix::default(), SecretKind::Session, &OsEntropy);
    let directory = MemoryDirectory::with_owner_key(&key.digest());
    let owner = directory.api_key(&key.digest()).await.unwrap();
    let by_cookie = Principal {
        credential: CredentialRef::SessionCookie(SessionId::mint(&SystemClock, &OsEntropy)),
        ..owner
    };
    let directory = directory.with(&cookie.digest(), by_cookie);
    Fixture {
        core: Core::new(CoreParts::new(Arc::new(directory))),
        key,
        cookie,
    }
}

impl Fixture {
    fn serve(&self, routes: Routes, origin: &str) -> (EntryPoint, CheckService<Router>) {
        let (router, table) = routes.into_parts().unwrap();
        let origin = origin.parse::<OwnOrigin>().unwrap();
        let entry_point = self.core.entry_point(table, origin);
        let service = entry_point.guard(router);
        (entry_point, service)
    }

    async fn by_key(&self, service: &CheckService<Router>, path: &str) -> Response {
        let bearer = format!("Bearer {}", self.key.expose());
        let request = Request::get(path).header(AUTHORIZATION, bearer);
        answer(service, request.body(Body::empty()).unwrap()).await
    }
}

async fn answer(service: &CheckService<Router>, request: Request<Body>) -> Response {
    service.clone().oneshot(request).await.unwrap()
}

async fn hello(permit: Permit) -> String {
    permit.organization_id().to_string()
}

fn reports(count: u32) -> Rule {
    Rule::signed_in().limit(LimitSpec {
        name: "reports".into(),
        per: LimitPer::User,
        count: NonZeroU32::new(count).unwrap(),
        window: Duration::from_hours(1),
    })
}

#[tokio::test]
async fn a_limit_that_two_services_name_is_used_up_for_both_at_once() {
    let fixture = fixture().await;
    let public = Routes::bearer().get("/v1/report", reports(2), hello);
    let (_, public) = fixture.serve(public, "https://app.example.com");
    let internal = Routes::bearer().get("/internal/report", reports(2), hello);
    let (_, internal) = fixture.serve(internal, "https://internal.example.com");
    for (service, path, status) in [
        (&public, "/v1/report", StatusCode::OK),
        (&internal, "/internal/report", StatusCode::OK),
        (&public, "/v1/report", StatusCode::TOO_MANY_REQUESTS),
        (&internal, "/internal/report", StatusCode::TOO_MANY_REQUESTS),
        // Each service has its own routes.
        (&public, "/internal/report", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(
            fixture.by_key(service, path).await.status(),
            status,
            "{path}"
        );
    }
    assert_eq!(fixture.core.totals().remembered, 1);
}

#[tokio::test]
async fn each_service_takes_changes_by_cookie_from_its_own_origin_alone() {
    let fixture = fixture().await;
    let origins = ["https://app.example.com", "https://admin.example.com"];
    let services = origins.map(|origin| {
        let routes = Routes::browser().post("/api/things", Rule::signed_in(), hello);
        fixture.serve(routes, origin).1
    });
    for (service, own) in services.iter().zip(origins) {
        for origin in origins {
            let cookie = format!("__Host-vestibule={}", fixture.cookie.expose());
            let request = Request::post("/api/things")
                .header(COOKIE, cookie)
                .header(ORIGIN, origin);
            let answer = answer(service, request.body(Body::empty()).unwrap()).await;
            let expected = if origin == own {
                StatusCode::OK
            } else {
                StatusCode::FORBIDDEN
            };
            assert_eq!(answer.status(), expected, "{origin} at {own}");
        }
    }
}

#[tokio::test]
async fn replaced_rules_hold_for_the_next_request_and_keep_the_form_of_errors() {
    let fixture = fixture().await;
    let routes = || Routes::browser().get("/api/report", reports(2), hello);
    let (entry_point, service) = fixture.serve(routes(), "https://app.example.com");
    assert_eq!(fixture.by_key(&service, "/api/report").await.status(), 200);
    let needs = Routes::<()>::browser().get("/api/report", reports(2).feature("reports"), hello);
    entry_point.replace_rules(needs.into_parts().unwrap().1);
    let refused = fixture.by_key(&service, "/api/report").await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert_eq!(refused.headers()["content-type"], "application/json");
    // The two requests have used up the limit, under the old rules and the new ones.
    entry_point.replace_rules(routes().into_parts().unwrap().1);
    let limited = fixture.by_key(&service, "/api/report").await;
    assert_eq!(limited.status(), StatusCode::TOO_MANY_REQUESTS);
    // Where no rule is left, nothing passes.
    entry_point.replace_rules(vestibule_layer::RuleTable::default());
    let gone = fixture.by_key(&service, "/api/report").await;
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
    assert_eq!(gone.headers()["content-type"], "application/problem+json");
}
