//! The layer as a customer has it: round a router, spoken to with requests.

#![expect(clippy::unwrap_used, reason = "a test says what it needs by failing")]

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::response::{AppendHeaders, Response};
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, SET_COOKIE, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use tower::ServiceExt;
use vestibule_layer::credential::frame::{PlainSecret, Prefix, SecretKind, mint};
use vestibule_layer::model::{self, Capability, OsEntropy};
use vestibule_layer::{
    CheckService, Core, CoreParts, EntryPointExt as _, FieldError, Json, MemoryDirectory,
    OwnOrigin, Permit, Problem, Routes, Rule, Unresolved,
};

type Service = CheckService<axum::Router>;

async fn who(permit: Permit, path: MatchedPath) -> Json<serde_json::Value> {
    Json(serde_json::json!({ "user": permit.user_id(), "route": path.as_str() }))
}

async fn refuse() -> Problem {
    Problem::invalid(vec![FieldError {
        field: "name".to_owned(),
        reason: "missing_field".into(),
        message: "is required".to_owned(),
    }])
}

async fn refuse_and_clear() -> ([(http::HeaderName, HeaderValue); 1], Problem) {
    let cookie = HeaderValue::from_static("session=; Max-Age=0");
    ([(SET_COOKIE, cookie)], Problem::not_found("thing"))
}

async fn cached() -> ([(http::HeaderName, HeaderValue); 1], &'static str) {
    (
        [(CACHE_CONTROL, HeaderValue::from_static("public"))],
        "keys",
    )
}

async fn maybe(permit: Option<Permit>) -> String {
    permit.is_some().to_string()
}

fn service() -> (Service, PlainSecret) {
    let routes = Routes::<()>::bearer()
        .get("/v1/who/{id}", Rule::signed_in(), who)
        .get("/v1/refuse", Rule::signed_in(), refuse)
        .get("/v1/clear", Rule::signed_in(), refuse_and_clear)
        .get("/v1/miswired", Rule::public(), who)
        .get("/v1/maybe", Rule::optional(), maybe)
        .get("/v1/public", Rule::public(), maybe)
        .get("/keys", Rule::public(), cached)
        .get(
            "/v1/files/{*rest}",
            Rule::signed_in().capability(Capability::ReadOnly, "/shared/{rest}"),
            who,
        )
        .merge(Routes::browser().get("/api/refuse", Rule::signed_in(), refuse));
    let (router, table) = routes.into_parts().unwrap();
    let key = mint(&Prefix::default(), SecretKind::LiveKey, &OsEntropy);
    let directory = MemoryDirectory::with_owner_key(&key.digest());
    let origin: OwnOrigin = "http://localhost".parse().unwrap();
    let check = Core::new(CoreParts::new(Arc::new(directory))).entry_point(table, origin);
    (check.guard(router), key)
}

async fn send(service: &Service, path: &str, key: Option<&PlainSecret>) -> Response {
    let mut request = Request::builder().uri(path);
    if let Some(key) = key {
        request = request.header("authorization", format!("Bearer {}", key.expose()));
    }
    let request = request.body(Body::empty()).unwrap();
    service.clone().oneshot(request).await.unwrap()
}

async fn json(response: Response) -> serde_json::Value {
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await;
    serde_json::from_slice(&body.unwrap()).unwrap()
}

#[tokio::test]
async fn a_handler_is_reached_with_a_permit_and_the_route_that_was_judged() {
    let (service, key) = service();
    for _ in ["the directory is asked", "the key is known"] {
        let response = send(&service, "/v1/who/me", Some(&key)).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
        assert_eq!(json(response).await["route"], "/v1/who/{id}");
    }
    let response = send(&service, "/v1/files/a/b", Some(&key)).await;
    assert_eq!(json(response).await["route"], "/v1/files/{*rest}");
}

#[tokio::test]
async fn nobody_reaches_a_handler_without_a_credential_not_even_a_missing_one() {
    let (service, _) = service();
    for path in ["/v1/who/me", "/v1/refuse", "/v1/nothing", "/api/refuse"] {
        let response = send(&service, path, None).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(response.headers()[WWW_AUTHENTICATE], "Bearer", "{path}");
    }
}

#[tokio::test]
async fn a_handler_s_problem_is_told_in_the_dialect_of_its_route() {
    let (service, key) = service();
    let response = send(&service, "/v1/refuse", Some(&key)).await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        !response.headers().contains_key(CONTENT_LENGTH),
        "that of an empty body"
    );
    assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
    let body = json(response).await;
    assert_eq!(body["code"], "unprocessable_entity");
    assert_eq!(body["errors"][0]["field"], "name");
    let response = send(&service, "/api/refuse", Some(&key)).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
    assert_eq!(json(response).await["error"], "name: is required");
}

#[tokio::test]
async fn what_a_handler_puts_beside_its_problem_is_kept() {
    let (service, key) = service();
    let response = send(&service, "/v1/clear", Some(&key)).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(response.headers()[SET_COOKIE], "session=; Max-Age=0");
    assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
}

#[tokio::test]
async fn an_answer_that_says_how_it_may_be_cached_is_left_alone() {
    let (service, _) = service();
    let response = send(&service, "/keys", None).await;
    assert_eq!(response.headers()[CACHE_CONTROL], "public");
}

#[tokio::test]
async fn an_optional_route_knows_a_good_caller_and_lets_a_bad_one_through() {
    let (service, key) = service();
    let text = async |key| {
        let response = send(&service, "/v1/maybe", key).await;
        axum::body::to_bytes(response.into_body(), 100)
            .await
            .unwrap()
    };
    assert_eq!(text(Some(&key)).await, "true");
    assert_eq!(text(None).await, "false");
    let stranger = mint(&Prefix::default(), SecretKind::LiveKey, &OsEntropy);
    assert_eq!(text(Some(&stranger)).await, "false");
}

#[tokio::test]
async fn a_permit_that_comes_in_with_a_request_is_not_believed() {
    let (service, key) = service();
    // A permit is caught on its way to a handler and sent again with another request.
    let (router, table) = Routes::<()>::bearer()
        .get("/v1/catch", Rule::signed_in(), async |permit: Permit| {
            let mut response = Response::new(Body::empty());
            response.extensions_mut().insert(permit);
            response
        })
        .into_parts()
        .unwrap();
    let directory = MemoryDirectory::with_owner_key(&key.digest());
    let origin: OwnOrigin = "http://localhost".parse().unwrap();
    let check = Core::new(CoreParts::new(Arc::new(directory))).entry_point(table, origin);
    let catcher = check.guard(router);
    let mut caught = send(&catcher, "/v1/catch", Some(&key)).await;
    let permit: Permit = caught.extensions_mut().remove().unwrap();

    let mut request = Request::builder()
        .uri("/v1/public")
        .body(Body::empty())
        .unwrap();
    request.extensions_mut().insert(permit);
    let response = service.oneshot(request).await.unwrap();
    let body = axum::body::to_bytes(response.into_body(), 100)
        .await
        .unwrap();
    assert_eq!(body, "false");
}

#[tokio::test]
async fn what_a_handler_refuses_to_a_known_caller_is_noted_with_its_route_and_cause() {
    let refuse = async |permit: Permit| -> Result<(), Problem> {
        let path: model::ResourcePath = "/private".parse().map_err(|_| Problem::internal())?;
        permit.administers(model::Role::Owner)?;
        permit.may(&path, Capability::ReadOnly)?;
        Err(Problem::forbidden("system_managed", "It stays."))
    };
    let (router, table) = Routes::<()>::bearer()
        .get("/v1/refuse/{id}", Rule::signed_in(), refuse)
        .get("/v1/missing", Rule::signed_in(), async || {
            Problem::not_found("thing")
        })
        .into_parts()
        .unwrap();
    let key = mint(&Prefix::default(), SecretKind::LiveKey, &OsEntropy);
    let directory = MemoryDirectory::with_owner_key(&key.digest());
    let origin: OwnOrigin = "http://localhost".parse().unwrap();
    let check = Core::new(CoreParts::new(Arc::new(directory))).entry_point(table, origin);
    let service = check.guard(router);
    for _ in ["the directory is asked", "the key is known"] {
        let response = send(&service, "/v1/refuse/7", Some(&key)).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
    }
    send(&service, "/v1/missing", Some(&key)).await;
    send(&service, "/v1/refuse/7", None).await;
    let mut noted = check.core().drain_denials().calls;
    noted.sort_by_key(|(_, times)| times.count);
    let noted: Vec<_> = noted
        .iter()
        .map(|(call, times)| (call.method, &*call.route, &*call.reason, times.count))
        .collect();
    assert_eq!(
        noted,
        [
            ("GET", "/v1/missing", "not_found", 1),
            ("GET", "/v1/refuse/{id}", "system_managed", 2),
        ]
    );
    let totals = check.core().totals();
    assert_eq!((totals.denied, totals.turned_away), (3, 1));
}

#[tokio::test]
async fn a_problem_keeps_every_cookie_that_came_with_it() {
    let refuse = async || {
        let cookies = AppendHeaders([(SET_COOKIE, "a=1"), (SET_COOKIE, "b=2")]);
        (cookies, Problem::not_found("thing"))
    };
    let (router, table) = Routes::<()>::bearer()
        .get("/v1/thing", Rule::public(), refuse)
        .into_parts()
        .unwrap();
    let origin: OwnOrigin = "http://localhost".parse().unwrap();
    let core = Core::new(CoreParts::new(Arc::new(MemoryDirectory::new())));
    let service = core.entry_point(table, origin).guard(router);
    let response = send(&service, "/v1/thing", None).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    let cookies: Vec<_> = response.headers().get_all(SET_COOKIE).iter().collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
}

#[tokio::test]
async fn a_handler_that_wants_a_permit_on_a_public_route_fails_closed() {
    let (service, key) = service();
    let response = send(&service, "/v1/miswired", Some(&key)).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn a_key_that_is_revoked_while_its_body_is_on_the_way_opens_nothing() {
    use vestibule_layer::model::{Change, Digest};

    /// A directory whose one key can be taken away.
    struct OneKey(MemoryDirectory, std::sync::atomic::AtomicBool);

    impl vestibule_layer::Directory for OneKey {
        fn api_key<'a>(
            &'a self,
            key: &'a Digest,
        ) -> futures_util::future::BoxFuture<'a, Result<model::Principal, Unresolved>> {
            if self.1.load(std::sync::atomic::Ordering::SeqCst) {
                return Box::pin(async { Err(Unresolved::Revoked) });
            }
            self.0.api_key(key)
        }

        fn session_cookie<'a>(
            &'a self,
            cookie: &'a Digest,
        ) -> futures_util::future::BoxFuture<'a, Result<model::Principal, Unresolved>> {
            self.0.session_cookie(cookie)
        }

        fn access_token<'a>(
            &'a self,
            token: &'a vestibule_layer::credential::token::Verified,
        ) -> futures_util::future::BoxFuture<'a, Result<model::Principal, Unresolved>> {
            self.0.access_token(token)
        }
    }

    let rule =
        Rule::signed_in().consumes(&["application/json", "application/x-www-form-urlencoded"]);
    let (router, table) = Routes::<()>::bearer()
        .post("/v1/things", rule, async |_: Permit, body: String| body)
        .into_parts()
        .unwrap();
    let key = mint(&Prefix::default(), SecretKind::LiveKey, &OsEntropy);
    let directory = Arc::new(OneKey(
        MemoryDirectory::with_owner_key(&key.digest()),
        false.into(),
    ));
    let origin: OwnOrigin = "http://localhost".parse().unwrap();
    let parts = CoreParts::new(Arc::clone(&directory) as Arc<dyn vestibule_layer::Directory>);
    let check = Core::new(parts).entry_point(table, origin);
    let service = check.guard(router);
    // The first request meets a key that is not known yet, the next two one that is.
    for (revoked, media_type) in [
        (false, "application/json"),
        (false, "application/json"),
        (true, "application/json"),
        (true, "Application/JSON; charset=utf-8"),
        (true, "application/x-www-form-urlencoded"),
    ] {
        directory
            .1
            .store(false, std::sync::atomic::Ordering::SeqCst);
        let (arrived, check) = (Arc::clone(&directory), check.clone());
        let body = Body::from_stream(futures_util::stream::once(async move {
            arrived
                .1
                .store(revoked, std::sync::atomic::Ordering::SeqCst);
            check.core().apply(Change::Everything);
            Ok::<_, std::io::Error>("{}")
        }));
        let request = Request::builder()
            .method("POST")
            .uri("/v1/things")
            .header("authorization", format!("Bearer {}", key.expose()))
            .header("content-type", media_type)
            .header("transfer-encoding", "chunked")
            .body(body)
            .unwrap();
        let response = service.clone().oneshot(request).await.unwrap();
        let expected = if revoked { 401 } else { 200 };
        assert_eq!(response.status().as_u16(), expected, "{media_type}");
    }
}
