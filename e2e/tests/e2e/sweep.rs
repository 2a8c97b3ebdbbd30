//! Every route of the document: without credentials, with those of another organisation, with a
//! narrowed key, and with a cookie from nowhere.

use rstest::rstest;
use serde_json::{Value, json};
use vestibule_e2e::{Answer, Backend, Call, Fixture, Person};

use crate::support::{document, folder, grant, key, shared};

/// What may be asked without a credential. This list only shrinks.
const PUBLIC: &[(&str, &str)] = &[
    ("GET", "/"),
    ("GET", "/.well-known/jwks.json"),
    ("GET", "/healthz"),
    ("GET", "/openapi.json"),
    ("GET", "/problems"),
    ("POST", "/api/auth/sign-in"),
    ("POST", "/api/auth/sign-out"),
    ("POST", "/v1/auth/pw/signin"),
    ("POST", "/v1/auth/signout"),
];

/// The same, where people come from their own identity provider or are on the way to it; there
/// where the server offers single sign-on.
const SINGLE_SIGN_ON: &[(&str, &str)] = &[
    ("GET", "/v1/auth/sso/callback/{connection_id}"),
    ("GET", "/v1/auth/sso/{tenant_id}/signin"),
    ("GET", "/v1/auth/sso/{tenant_id}/start"),
    ("GET", "/v1/auth/sso/{tenant_id}/test"),
    ("POST", "/v1/auth/discover"),
    ("POST", "/v1/auth/sso/backchannel-logout/{connection_id}"),
    ("POST", "/v1/auth/sso/initiate"),
    ("POST", "/v1/auth/sso/token"),
];

/// What answers whoever is signed in with what is the caller's own, whatever the request says.
const OWN: &[(&str, &str)] = &[
    ("GET", "/api/auth/session"),
    ("GET", "/v1/api-keys"),
    ("GET", "/v1/documents"),
    ("GET", "/v1/folders"),
    ("GET", "/v1/tenants"),
    ("GET", "/v1/users/me"),
    ("GET", "/api/managed-agents/sessions"),
];

/// What makes something of the caller's own; named no folder, it needs no other organisation's.
const MAKES: &[(&str, &str)] = &[
    ("POST", "/api/managed-agents/session"),
    ("POST", "/v1/api-keys"),
];

struct Route {
    method: String,
    template: String,
    /// The names of its query parameters.
    query: Vec<String>,
    has_body: bool,
}

impl Route {
    fn is_one_of(&self, list: &[(&str, &str)]) -> bool {
        list.contains(&(&*self.method, &*self.template))
    }

    fn is_public(&self) -> bool {
        self.is_one_of(PUBLIC) || self.is_one_of(SINGLE_SIGN_ON)
    }

    /// Whether it belongs to single sign-on, of which the first organisation has nothing here.
    fn is_single_sign_on(&self) -> bool {
        self.is_one_of(SINGLE_SIGN_ON) || self.template.starts_with("/v1/sso/")
    }

    fn is_mutating(&self) -> bool {
        self.method != "GET"
    }
}

/// Every route, as the running server tells.
async fn routes(fixture: &Fixture) -> Vec<Route> {
    let document = fixture.get("/openapi.json").send().await.expect(200).json();
    let mut routes = Vec::new();
    for (template, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let parameters = operation["parameters"].as_array();
            let parameters = parameters.map(Vec::as_slice).unwrap_or_default();
            let query = parameters.iter().filter(|one| one["in"] == "query");
            routes.push(Route {
                method: method.to_uppercase(),
                template: template.clone(),
                query: query
                    .map(|one| one["name"].as_str().unwrap().to_owned())
                    .collect(),
                has_body: !operation["requestBody"].is_null(),
            });
        }
    }
    assert!(routes.len() >= 36, "{}", routes.len());
    routes
}

/// An id of whatever kind.
const NOBODYS: &str = "01946967-d500-7123-8000-000000000000";

/// Things of the first organisation, for the places of a request that name something.
#[derive(Clone)]
struct Things {
    tenant: String,
    user: String,
    key: String,
    grant: String,
    folder: String,
    document: String,
    session: String,
}

impl Things {
    async fn of(fixture: &Fixture) -> Self {
        let shared = shared(fixture).await;
        let folder = folder(fixture, Some(&shared), "secret-folder").await;
        let call = fixture
            .post("/api/managed-agents/session")
            .bearer(fixture.key());
        let started = call.json(json!({ "text": "secret-question" })).send().await;
        Self {
            tenant: fixture.acme().to_owned(),
            user: fixture.bob().id,
            key: key(fixture, None).await.0,
            grant: grant(
                fixture,
                &fixture.bob().id,
                "/shared/secret-folder",
                "READ_WRITE",
            )
            .await,
            document: document(fixture, &folder, "secret-document").await,
            folder,
            session: started.expect(200).text_at("/id"),
        }
    }

    /// Words that no answer to a stranger may contain.
    fn traces(&self) -> Vec<&str> {
        // The ids of users and of the organisation are judged by the caller: a request may name
        // them, an answer repeats nothing.
        let ids = [
            &self.key,
            &self.grant,
            &self.folder,
            &self.document,
            &self.session,
            &self.user,
        ];
        let ids = ids.into_iter().map(String::as_str);
        ids.chain([&*self.tenant, "Acme", "secret-", "bob@example.com"])
            .collect()
    }

    /// The path with a thing of these in each of its places, or with an id that nobody has.
    fn path(&self, template: &str) -> String {
        let nouns = [
            ("/v1/api-keys", &self.key),
            ("/v1/documents", &self.document),
            ("/v1/folders", &self.folder),
            ("/v1/tenants", &self.tenant),
            ("/v1/user-permissions", &self.grant),
        ];
        let mut found = nouns.iter().filter(|(noun, _)| template.starts_with(noun));
        let id = found.next().map_or(NOBODYS, |(_, id)| id);
        template
            .replace("{id}", id)
            .replace("{tenant_id}", &self.tenant)
            .replace("{connection_id}", NOBODYS)
    }

    fn query(&self, name: &str) -> Option<&str> {
        match name {
            "tenant_id" => Some(&self.tenant),
            "user_id" => Some(&self.user),
            "parent_path_part_id" => Some(&self.folder),
            "sessionId" => Some(&self.session),
            _ => None,
        }
    }

    fn body(&self, route: &Route) -> Value {
        match (&*route.method, &*route.template) {
            ("POST", "/v1/user-permissions") => json!({
                "tenant_id": self.tenant, "user_id": self.user,
                "path": "/shared", "capability": "READ_WRITE_DELETE",
            }),
            ("PATCH", "/v1/user-permissions/{id}") => json!({ "capability": "READ_ONLY" }),
            ("POST", "/v1/auth/uat") => json!({ "tenant_id": self.tenant }),
            ("POST", "/api/auth/switch-org") => json!({ "organizationId": self.tenant }),
            ("POST", "/v1/documents" | "/v1/folders") => {
                json!({ "name": "mine", "parent_path_part_id": self.folder })
            }
            ("POST", "/v1/api-keys") | ("PATCH", "/v1/documents/{id}" | "/v1/folders/{id}") => {
                json!({ "name": "mine" })
            }
            ("POST", "/api/managed-agents/session") => json!({ "text": "mine" }),
            ("POST", "/api/managed-agents/message") => {
                json!({ "sessionId": self.session, "text": "mine" })
            }
            ("POST", "/api/managed-agents/cancel") => json!({ "sessionId": self.session }),
            ("POST", "/v1/auth/pw/signin" | "/api/auth/sign-in") => {
                json!({ "email": "nobody@example.com", "password": "wrong" })
            }
            ("POST", "/api/auth/sso/link") => json!({ "connectionId": NOBODYS }),
            ("POST", "/v1/auth/signout" | "/api/auth/sign-out") => json!({}),
            _ if route.is_single_sign_on() => json!({}),
            other => panic!("a body for {other:?}"),
        }
    }

    /// A request of the route that names these things wherever it names something.
    fn call(&self, fixture: &Fixture, route: &Route) -> Call {
        let mut path = self.path(&route.template);
        let named = route
            .query
            .iter()
            .filter_map(|name| Some((name, self.query(name)?)));
        let query: Vec<_> = named
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if !query.is_empty() {
            path = format!("{path}?{}", query.join("&"));
        }
        let call = fixture.call(&route.method, &path);
        if route.has_body {
            call.json(self.body(route))
        } else {
            call
        }
    }
}

#[rstest]
#[tokio::test]
async fn strangers_are_refused_everywhere_but_at_the_public_routes(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let things = Things::of(&fixture).await;
    let routes = routes(&fixture).await;
    for (method, template) in PUBLIC {
        let known = routes
            .iter()
            .any(|route| route.method == *method && route.template == *template);
        assert!(known, "{method} {template} is no route any more");
    }
    for route in &routes {
        let (method, template) = (&route.method, &route.template);
        let answer = things.call(&fixture, route).send().await;
        assert_ne!(answer.reason(), "no_such_route", "{method} {template}");
        assert!(answer.status < 500, "{method} {template}: {}", answer.text);
        if route.is_one_of(SINGLE_SIGN_ON) {
            let refused = (300..500).contains(&answer.status);
            let told_to_ask_for_a_password =
                answer.status == 200 && template == "/v1/auth/discover";
            assert!(
                refused || told_to_ask_for_a_password,
                "{method} {template}: {}",
                answer.text
            );
        } else if route.is_public() {
            // A sign-in from nowhere is refused as one from elsewhere.
            assert!(
                [200, 401, 403].contains(&answer.status),
                "{method} {template}"
            );
        } else {
            assert_eq!(answer.status, 401, "{method} {template}: {}", answer.text);
            assert_eq!(answer.reason(), "no_credential");
            let junk = things
                .call(&fixture, route)
                .bearer("junk")
                .send()
                .await
                .expect(401);
            assert_eq!(junk.reason(), "malformed_credential", "{method} {template}");
            // A key that could be one and is not.
            let mut other = fixture.key().to_owned();
            other.replace_range(10..11, if &other[10..11] == "a" { "b" } else { "a" });
            let wrong = things
                .call(&fixture, route)
                .bearer(&other)
                .send()
                .await
                .expect(401);
            assert_eq!(wrong.reason(), "bad_checksum", "{method} {template}");
            assert!(wrong.header("www-authenticate").contains("invalid_token"));
        }
        // The path is known, for a caller.
        let known = things
            .call(&fixture, route)
            .bearer(fixture.key())
            .send()
            .await;
        assert_ne!(known.reason(), "no_such_route", "{method} {template}");
    }
}

fn holds_nothing(answer: &Answer, things: &Things, route: &Route) {
    for trace in things.traces() {
        assert!(
            !answer.text.contains(trace),
            "{} {} tells of {trace}: {}",
            route.method,
            route.template,
            answer.text
        );
    }
}

#[rstest]
#[tokio::test]
async fn the_owner_of_another_organisation_finds_nothing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let things = Things::of(&fixture).await;
    let cy = fixture
        .newcomer("cy@example.com", fixture.globex(), "OWNER")
        .await;
    let token = fixture.token_of(&cy).await;
    let cookie = fixture.cookie_of(&cy).await;
    fixture
        .cli_json(&["plan", "set", fixture.globex(), "team"])
        .await;
    let call = fixture
        .post("/v1/api-keys")
        .bearer(&token)
        .json(json!({ "name": "cy" }));
    let cys_key = call.send().await.expect(201).text_at("/key");
    for route in &routes(&fixture).await {
        if route.is_public() {
            continue;
        }
        let (method, template) = (&route.method, &route.template);
        let browser = template.starts_with("/api/");
        let mut answers = vec![things.call(&fixture, route).bearer(&token).send().await];
        if browser {
            let call = things.call(&fixture, route).cookie(&cookie);
            answers.push(call.origin(fixture.url()).send().await);
        } else if template != "/v1/auth/uat" {
            answers.push(things.call(&fixture, route).bearer(&cys_key).send().await);
        }
        for answer in answers {
            holds_nothing(&answer, &things, route);
            let own_without_query =
                route.is_one_of(OWN) && !route.query.contains(&"parent_path_part_id".to_owned());
            if own_without_query || route.is_one_of(MAKES) {
                assert!(answer.status < 300, "{method} {template}: {}", answer.text);
            } else if template == "/v1/api-keys/current" {
                // A key about itself; a token is none.
                assert!([200, 404].contains(&answer.status), "{}", answer.text);
            } else if route.is_single_sign_on() {
                // It is all about the caller's own organisation, which has none of it yet.
                let known = [200, 404, 409, 422].contains(&answer.status);
                assert!(known, "{method} {template}: {}", answer.text);
            } else if answer.status == 403 {
                // A token where only the cookie goes.
                let cookie_only = ["/api/auth/switch-org", "/api/auth/sso/link"];
                assert!(cookie_only.contains(&&**template), "{method} {template}");
                assert_eq!(answer.reason(), "credential_kind_not_accepted");
            } else {
                assert_eq!(answer.status, 404, "{method} {template}: {}", answer.text);
                assert_eq!(answer.reason(), "not_found", "{}", answer.text);
            }
        }
    }
    // All of it is still there for those it belongs to.
    for path in [
        format!("/v1/documents/{}", things.document),
        format!("/v1/folders/{}", things.folder),
        format!("/v1/api-keys/{}", things.key),
        format!(
            "/api/managed-agents/transcript?sessionId={}",
            things.session
        ),
    ] {
        fixture
            .get(&path)
            .bearer(fixture.key())
            .send()
            .await
            .expect(200);
    }
}

#[rstest]
#[tokio::test]
async fn a_narrowed_key_reaches_its_path_and_nothing_else(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let things = Things::of(&fixture).await;
    let grants = json!([{ "path": "/elsewhere", "capability": "READ_WRITE_DELETE" }]);
    let (_, narrowed) = key(&fixture, Some(grants)).await;
    for route in &routes(&fixture).await {
        let (method, template) = (&route.method, &route.template);
        if route.is_public() || template.starts_with("/api/") {
            continue;
        }
        let answer = things.call(&fixture, route).bearer(&narrowed).send().await;
        if route.is_mutating() || template.contains("user-permissions") {
            assert_eq!(answer.status, 403, "{method} {template}: {}", answer.text);
            continue;
        }
        for trace in ["secret-folder", "secret-document"] {
            assert!(
                !answer.text.contains(trace) || answer.status == 403,
                "{method} {template}"
            );
        }
        match &**template {
            "/v1/documents/{id}" | "/v1/folders/{id}" => {
                assert_eq!(
                    (answer.status, &*answer.reason()),
                    (403, "path_not_granted")
                );
            }
            // Named a folder that it may not open.
            "/v1/documents" | "/v1/folders" => assert_eq!(answer.status, 403, "{}", answer.text),
            _ => assert!([200, 403].contains(&answer.status), "{method} {template}"),
        }
    }
    let list = fixture
        .get("/v1/documents")
        .bearer(&narrowed)
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!((&list["total"], &list["items"]), (&json!(0), &json!([])));
}

/// An owner of both organisations with names that nothing else here contains; the token.
async fn maker(fixture: &Fixture) -> String {
    let names = ["--first-name", MAKER[1], "--last-name", MAKER[2]];
    let add = ["user", "add", MAKER[0], "--password-stdin", "--json"];
    let password = "the password of the maker";
    let added = fixture
        .cli_with(&[&add[..], &names].concat(), password)
        .await;
    let added: Value = serde_json::from_slice(&added.stdout).unwrap();
    for organization in [fixture.acme(), fixture.globex()] {
        let add = ["member", "add", organization, MAKER[0], "--role", "OWNER"];
        fixture.cli_json(&add).await;
    }
    let maker = Person {
        id: added["id"].as_str().unwrap().to_owned(),
        email: MAKER[0].to_owned(),
        password: password.to_owned(),
    };
    fixture.token_of(&maker).await
}

const MAKER: [&str; 3] = ["maker-zq@hidden.example", "Zerubbabel", "Quillfeather"];

#[rstest]
#[tokio::test]
async fn a_narrowed_key_reveals_neither_its_creator_nor_their_other_organisations(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let things = Things::of(&fixture).await;
    let token = maker(&fixture).await;
    let grants = json!([{ "path": "/shared", "capability": "READ_WRITE_DELETE" }]);
    let body = json!({ "name": "partner", "grants": grants });
    let call = fixture.post("/v1/api-keys").bearer(&token).json(body);
    let narrowed = call.send().await.expect(201).text_at("/key");
    // What the maker is told of itself, so that there is something to hide.
    let me = fixture.get("/v1/users/me").bearer(&token).send().await;
    for name in MAKER {
        assert!(me.text.contains(name), "{}", me.text);
    }
    let globex = fixture.globex().to_owned();
    let elsewhere = Things {
        tenant: globex.clone(),
        ..things.clone()
    };
    let mut answered = 0;
    for route in &routes(&fixture).await {
        if route.is_public() {
            continue;
        }
        let (method, template) = (&route.method, &route.template);
        // Of its own organisation, and of the other one of its maker.
        for (things, may_name) in [(&things, false), (&elsewhere, true)] {
            let call = things.call(&fixture, route).bearer(&narrowed);
            let answer = call.send().await;
            assert!(answer.status < 500, "{method} {template}: {}", answer.text);
            answered += usize::from(answer.status < 300);
            let told = format!("{:?} {}", answer.headers, answer.text);
            for trace in [MAKER[0], MAKER[1], MAKER[2], "Globex", "OWNER", &globex] {
                // What the caller has named itself may come back.
                if may_name && trace == globex && answer.status >= 400 {
                    continue;
                }
                assert!(
                    !told.contains(trace),
                    "{method} {template} tells of {trace}: {told}"
                );
            }
        }
    }
    assert!(answered >= 10, "{answered} routes answered");
}

#[rstest]
#[tokio::test]
async fn a_cookie_without_our_origin_changes_nothing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let things = Things::of(&fixture).await;
    let cookie = fixture.cookie_of(&fixture.ada()).await;
    let elsewhere = fixture.url().replace("127.0.0.1", "localhost");
    for route in &routes(&fixture).await {
        if !route.template.starts_with("/api/") || !route.is_mutating() {
            continue;
        }
        for origin in [
            None,
            Some("null"),
            Some(&*elsewhere),
            Some("https://evil.example"),
        ] {
            let mut call = things.call(&fixture, route).cookie(&cookie);
            if let Some(origin) = origin {
                call = call.origin(origin);
            }
            let answer = call.send().await.expect(403);
            assert_eq!(
                answer.reason(),
                "csrf_origin_mismatch",
                "{} {}",
                route.method,
                route.template
            );
            let error = answer.text_at("/error");
            assert!(error.contains(fixture.url()), "what is expected: {error}");
        }
        // Ours, but the browser says that another page sent it.
        let call = things
            .call(&fixture, route)
            .cookie(&cookie)
            .origin(fixture.url());
        let answer = call
            .header("sec-fetch-site", "same-site")
            .send()
            .await
            .expect(403);
        assert_eq!(answer.reason(), "csrf_origin_mismatch");
        // A bearer that is not good does not switch the guard off: where a caller is asked for,
        // it is refused itself.
        let call = things.call(&fixture, route).cookie(&cookie).bearer("junk");
        let answer = call.send().await;
        let expected = if route.is_public() { 403 } else { 401 };
        assert_eq!(
            answer.status, expected,
            "{} {}",
            route.method, route.template
        );
    }
    fixture
        .get("/api/auth/session")
        .cookie(&cookie)
        .send()
        .await
        .expect(200);
    let path = format!(
        "/api/managed-agents/transcript?sessionId={}",
        things.session
    );
    fixture.get(&path).cookie(&cookie).send().await.expect(200);
}
