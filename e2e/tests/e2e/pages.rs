//! The pages for people, as a browser without scripts uses them, and in a real one.

mod account;
mod in_browser;
mod many_members;
mod organization;
mod refusals;
mod sign_in;

use vestibule_e2e::{Answer, Call, House, Person};

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
    house: &'h House,
    cookie: String,
}

impl<'h> Browser<'h> {
    /// Signed in on the pages.
    async fn of(house: &'h House, person: &Person) -> Self {
        let call = house.post("/sign-in/password").origin(house.url());
        let fields = [
            ("email", person.email.as_str()),
            ("password", &person.password),
        ];
        let answer = form(call, &fields).send().await.expect(303);
        let cookie = answer.session_cookie().unwrap();
        Self { house, cookie }
    }

    async fn get(&self, path: &str) -> Answer {
        let call = self.house.get(path).header("accept", "text/html");
        call.cookie(&self.cookie).send().await
    }

    /// Sends a form from a page of ours.
    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let call = self.house.post(path).origin(self.house.url());
        form(call.cookie(&self.cookie), fields).send().await
    }

    /// Uses the switcher.
    async fn switch(&mut self, organization: &str, section: &str) -> Answer {
        let fields = [("to", organization), ("section", section)];
        let answer = self.post("/switch", &fields).await.expect(303);
        self.cookie = answer.session_cookie().unwrap();
        answer
    }
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
