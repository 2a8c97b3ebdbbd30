//! A browser without pages: it keeps cookies and is sent from place to place.

use std::collections::BTreeMap;

use vestibule_e2e::{Answer, Call, Fixture};

const SESSION: &str = "__Host-vestibule";

/// The browser of somebody.
pub(crate) struct Wanderer<'h> {
    fixture: &'h Fixture,
    cookies: BTreeMap<String, String>,
}

impl<'h> Wanderer<'h> {
    pub(crate) fn new(fixture: &'h Fixture) -> Self {
        Self {
            fixture,
            cookies: BTreeMap::new(),
        }
    }

    /// Goes somewhere, with the server's cookies to the server alone.
    pub(crate) async fn get(&mut self, url: &str) -> Answer {
        let mut call = self.fixture.beside("GET", url);
        let at_home = url.starts_with(&format!("{}/", self.fixture.url()));
        if at_home {
            call = self.with_cookies(call);
        }
        let answer = call.send().await;
        assert!(at_home || answer.header("set-cookie").is_empty());
        self.keep(&answer);
        answer
    }

    /// A call of this browser's.
    pub(crate) fn with_cookies(&self, call: Call) -> Call {
        if self.cookies.is_empty() {
            return call;
        }
        let pairs = self.cookies.iter();
        let pairs: Vec<_> = pairs
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        call.header("cookie", &pairs.join("; "))
    }

    /// Has it a session that began by another way.
    pub(crate) fn has_session(&mut self, cookie: &str) {
        self.cookies.insert(SESSION.to_owned(), cookie.to_owned());
    }

    /// At the provider's page: sees the warning and picks a person; where that leads.
    pub(crate) async fn pick(&mut self, at: &str, email: &str) -> String {
        assert!(at.starts_with(self.fixture.idp_url()), "{at}");
        let page = self.get(at).await.expect(200);
        assert!(page.text.contains("Development only."), "{}", page.text);
        let picked = format!("{at}&email={email}");
        let picked = self.get(&picked).await.expect(303);
        let back = picked.header("location").to_owned();
        assert!(back.starts_with(self.fixture.url()), "{back}");
        back
    }

    /// From where a sign-in starts to what the callback answers.
    pub(crate) async fn sign_in(&mut self, start: &str, email: &str) -> Answer {
        let begun = self.get(start).await;
        assert!(matches!(begun.status, 303 | 307), "{}", begun.text);
        let back = self.pick(begun.header("location"), email).await;
        self.get(&back).await
    }

    /// The session cookie.
    pub(crate) fn session(&self) -> Option<String> {
        self.cookies.get(SESSION).cloned()
    }

    /// Keeps the cookies of an answer.
    pub(crate) fn keep(&mut self, answer: &Answer) {
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            for rule in ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"] {
                assert!(cookie.contains(rule), "{cookie}");
            }
            let pair = cookie.split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}

/// What comes to the application in the fragment.
#[track_caller]
pub(crate) fn fragment(answer: &Answer, app: &str) -> BTreeMap<String, String> {
    let location = answer.header("location");
    let fragment = location.strip_prefix(&format!("{app}#"));
    let fragment = fragment.unwrap_or_else(|| panic!("sent to {location:?}: {}", answer.text));
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap();
        (name.to_owned(), value.to_owned())
    };
    fragment.split('&').map(pair).collect()
}
