//! The pages for people, as a browser without scripts uses them, and in a real one.

mod account;
mod forms;
mod in_browser;
mod long_lists;
mod many_members;
mod new_key;
mod organization;
mod refusals;
mod sign_in;

use vestibule_e2e::{Answer, Call, Fixture, Person};

/// A text within a form or a query.
fn encode(text: &str) -> String {
    let bytes: Vec<_> = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
    bytes.concat()
}

/// A form, as browsers send it.
fn form(call: Call, fields: &[(&str, &str)]) -> Call {
    let body: Vec<_> = fields
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    call.body("application/x-www-form-urlencoded", body.join("&"))
}

/// A browser with a session, in which one organisation is active.
struct Browser<'h> {
    fixture: &'h Fixture,
    cookie: String,
}

impl<'h> Browser<'h> {
    /// Signed in on the pages.
    async fn of(fixture: &'h Fixture, person: &Person) -> Self {
        let call = fixture.post("/sign-in/password").origin(fixture.url());
        let fields = [
            ("email", person.email.as_str()),
            ("password", &person.password),
        ];
        let answer = form(call, &fields).send().await.expect(303);
        let cookie = answer.session_cookie().unwrap();
        Self { fixture, cookie }
    }

    async fn get(&self, path: &str) -> Answer {
        let call = self.fixture.get(path).header("accept", "text/html");
        call.cookie(&self.cookie).send().await
    }

    /// Sends a form from a page of ours.
    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let call = self.fixture.post(path).origin(self.fixture.url());
        form(call.cookie(&self.cookie), fields).send().await
    }

    /// Reads the token of the form on a page.
    async fn token(&self, path: &str) -> String {
        token_of(&self.get(path).await.expect(200).text)
    }

    /// Creates a key with the form for it, and returns the page that shows it.
    async fn make_key(&self, fields: &[(&str, &str)]) -> Answer {
        let token = self.token("/account/keys/new").await;
        let fields = [fields, &[("form_token", &*token)]].concat();
        let made = self.post("/account/keys", &fields).await.expect(303);
        self.show_key(&made).await
    }

    /// Opens the page that the answer to the form for a key leads to, with the cookie that it sets.
    async fn show_key(&self, made: &Answer) -> Answer {
        let path = made.header("location");
        let sealed = sealed_key(made).unwrap_or_default();
        let call = self.fixture.get(path).header("accept", "text/html");
        let cookies = format!(
            "__Host-vestibule={}; __Host-vestibule-new-key={sealed}",
            self.cookie
        );
        call.header("cookie", &cookies).send().await
    }

    /// Uses the switcher.
    async fn switch(&mut self, organization: &str, section: &str) -> Answer {
        let fields = [("to", organization), ("section", section)];
        let answer = self.post("/switch", &fields).await.expect(303);
        self.cookie = answer.session_cookie().unwrap();
        answer
    }
}

/// The token of the form on a page.
#[track_caller]
fn token_of(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"form_token\" value=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

/// The sealed secret of a new key, where an answer hands one over.
fn sealed_key(answer: &Answer) -> Option<String> {
    let cookies = answer.headers.get_all("set-cookie").into_iter();
    let mut cookies = cookies.map(|cookie| cookie.to_str().unwrap());
    let rest = cookies.find_map(|cookie| cookie.strip_prefix("__Host-vestibule-new-key="))?;
    Some(rest.split(';').next().unwrap().to_owned())
}

/// The secret of a key that a page shows.
#[track_caller]
fn secret_of(page: &str) -> &str {
    let (_, rest) = page.split_once("readonly value=\"").unwrap();
    rest.split('"').next().unwrap()
}

/// Holds an answer to what every page promises.
#[track_caller]
fn assert_page(answer: &Answer) {
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(
        answer.header("content-security-policy"),
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
         connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("referrer-policy"), "same-origin");
    let text = &answer.text;
    assert!(text.starts_with("<!doctype html>"), "{text}");
    assert!(text.contains("<html lang=\"en\">"));
    assert_eq!(text.matches("<h1").count(), 1, "{text}");
    assert!(text.contains("<main id=\"content\""));
    for forbidden in [
        " style=",
        "<style",
        "javascript:",
        " onclick=",
        "src=\"http",
    ] {
        assert!(!text.contains(forbidden), "{forbidden} in {text}");
    }
    let inline = text.matches("<script").count() - text.matches("<script src=\"/assets/").count();
    assert_eq!(inline, 0, "{text}");
}
