//! Every form of the pages, sent with success: the answer leads on to a page that can be loaded
//! again without doing anything twice.

use vestibule_e2e::{Answer, Fixture, Setup};

use super::{Browser, assert_page};
use vestibule_e2e::Backend;

/// The forms and the status of their success. The pages' own test holds the list to the routes.
const FORMS: &str = include_str!("../../../../crates/web/forms.txt");

/// An owner who fills in the forms.
struct Clerk<'h> {
    fixture: &'h Fixture,
    ada: Browser<'h>,
}

/// The first text on a page between these.
#[track_caller]
fn between(page: &str, before: &str, after: &str) -> String {
    let (_, rest) = page
        .split_once(before)
        .unwrap_or_else(|| panic!("no {before} in {page}"));
    rest.split_once(after).unwrap().0.to_owned()
}

impl Clerk<'_> {
    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let organization = [("organization", self.fixture.acme())];
        self.ada.post(path, &[&organization, fields].concat()).await
    }

    /// Creates a key of this name and returns its id.
    async fn key(&self, name: &str) -> String {
        let fields = [
            ("organization", self.fixture.acme()),
            ("name", name),
            ("expires_in", "7"),
        ];
        self.ada.make_key(&fields).await.expect(200);
        let list = self.ada.get("/account/keys").await.expect(200).text;
        let row = between(&list, &format!("<bdi>{name}</bdi>"), "</li>");
        between(&row, "name=\"key\" value=\"", "\"")
    }

    /// Sends the form of this path once for each thing that it can do, and returns the answers.
    async fn send(&self, template: &str) -> Vec<Answer> {
        let fixture = self.fixture;
        let path = template
            .replace("{organization}", fixture.acme())
            .replace("{user}", &fixture.bob().id)
            .replace("{connection}", fixture.sso_connection());
        match template
            .replace("/organization/{organization}", "")
            .as_str()
        {
            "/account/password" => vec![self.password(&path).await],
            "/members/{user}" => self.members(&path).await,
            "/members/{user}/permissions" => self.permissions(&path).await,
            "/sso/domains" => {
                let named = "<bdi>sweep.example</bdi>";
                self.add_and_remove(&path, [("domain", "sweep.example"), ("domain", named)])
                    .await
            }
            "/sso/redirect-uris" => {
                let uri = "https://sweep.example/back";
                self.add_and_remove(&path, [("redirect_uri", uri), ("id", uri)])
                    .await
            }
            "/sso/policy" => {
                let ada = [("owner", fixture.ada().id)];
                self.acts(&path, &["break_glass", "enforce", "relax"], &ada)
                    .await
            }
            "/sso/{connection}" => self.acts(&path, &["disable", "enable"], &[]).await,
            "/sign-out" => {
                let other = Browser::of(fixture, &fixture.bob()).await;
                vec![other.post(&path, &[]).await]
            }
            "/switch" => {
                let mut other = Browser::of(fixture, &fixture.ada()).await;
                vec![other.switch(fixture.globex(), "/account").await]
            }
            rest => {
                let fields = self.fields(rest, &path).await;
                let fields = fields.iter().map(|(name, value)| (*name, &**value));
                vec![self.post(&path, &fields.collect::<Vec<_>>()).await]
            }
        }
    }

    /// Returns the fields of a form that does one thing.
    async fn fields(&self, form: &str, path: &str) -> Vec<(&'static str, String)> {
        let (fixture, ada) = (self.fixture, &self.ada);
        let text = str::to_owned;
        match form {
            "/account" => vec![("first_name", text("Ada"))],
            "/account/keys" => vec![
                ("name", text("Sweep")),
                ("expires_in", text("7")),
                ("form_token", ada.token("/account/keys/new").await),
            ],
            "/account/keys/revoke" => vec![("key", self.key("To be revoked").await)],
            "/account/sessions/end" => {
                Browser::of(fixture, &fixture.ada()).await;
                let list = ada.get("/account/sessions").await.expect(200).text;
                vec![("session", between(&list, "name=\"session\" value=\"", "\""))]
            }
            "/keys/revoke" => vec![
                ("owner", fixture.ada().id),
                ("key", self.key("To be revoked by an owner").await),
            ],
            "/settings" => vec![("name", text("Acme"))],
            "/sso/new" => vec![
                ("name", text("Sweep")),
                ("preset", text("generic")),
                ("issuer", fixture.idp_url().to_owned()),
                ("client_id", text("nobody")),
                ("client_secret", text("secret")),
                ("save_anyway", text("yes")),
                ("form_token", ada.token(path).await),
            ],
            "/account/sessions/end-others"
            | "/sso/{connection}/preflight"
            | "/sso/{connection}/test" => vec![],
            "/sign-in" => vec![("email", fixture.bob().email)],
            "/sign-in/confirm" => vec![
                ("connection", fixture.sso_connection().to_owned()),
                ("user", fixture.ada().id),
            ],
            "/sign-in/password" => {
                let bob = fixture.bob();
                vec![("email", bob.email), ("password", bob.password)]
            }
            other => panic!("what is sent to {other}?"),
        }
    }

    /// Sends each of these acts in turn, with the same fields.
    async fn acts(&self, path: &str, acts: &[&str], fields: &[(&str, String)]) -> Vec<Answer> {
        let mut answers = Vec::new();
        for act in acts {
            let fields = fields.iter().map(|(name, value)| (*name, &**value));
            let fields: Vec<_> = fields.chain([("act", *act)]).collect();
            answers.push(self.post(path, &fields).await);
        }
        answers
    }

    /// Changes the password of somebody else, so that the owner's sessions stay.
    async fn password(&self, path: &str) -> Answer {
        let acme = self.fixture.acme();
        let person = self.fixture.newcomer("pat@example.com", acme, "USER").await;
        let pat = Browser::of(self.fixture, &person).await;
        let fields = [
            ("organization", acme),
            ("current_password", person.password.as_str()),
            ("new_password", "another long password"),
        ];
        pat.post(path, &fields).await
    }

    async fn members(&self, path: &str) -> Vec<Answer> {
        let role = [("role", "USER".to_owned())];
        let mut answers = self
            .acts(path, &["role", "deactivate", "activate"], &role)
            .await;
        let (fixture, acme) = (self.fixture, self.fixture.acme());
        let leaver = fixture.newcomer("lee@example.com", acme, "USER").await;
        let path = path.replace(&fixture.bob().id, &leaver.id);
        answers.push(self.post(&path, &[("act", "remove")]).await);
        answers
    }

    async fn permissions(&self, path: &str) -> Vec<Answer> {
        let fields = [
            ("act", "grant"),
            ("path", "/shared/sweep"),
            ("capability", "READ_ONLY"),
        ];
        let granted = self.post(path, &fields).await;
        let member = path.trim_end_matches("/permissions");
        let page = self.ada.get(member).await.expect(200).text;
        let id = between(&page, "name=\"grant\" value=\"", "\"");
        let fields = [("act", "revoke"), ("grant", &*id)];
        vec![granted, self.post(path, &fields).await]
    }

    /// Adds something on the page for single sign-on, and removes it: the field with which it is
    /// added, and the one with its id, in the row that has this text.
    async fn add_and_remove(
        &self,
        path: &str,
        [added, (id_field, row)]: [(&str, &str); 2],
    ) -> Vec<Answer> {
        let answer = self.post(path, &[("act", "add"), added]).await;
        let (sso, _) = path.rsplit_once('/').unwrap();
        let page = self.ada.get(sso).await.expect(200).text;
        let row = between(&page, row, "</li>");
        let id = between(&row, &format!("name=\"{id_field}\" value=\""), "\"");
        let fields = [("act", "remove"), (id_field, &*id)];
        vec![answer, self.post(path, &fields).await]
    }
}

#[tokio::test]
async fn every_form_that_creates_or_changes_something_answers_with_303_to_a_page_of_ours() {
    let fixture = Setup::new(Backend::Sqlite).with_idp().start().await;
    let ada = Browser::of(&fixture, &fixture.ada()).await;
    let clerk = Clerk {
        fixture: &fixture,
        ada,
    };
    let lines = FORMS.lines().filter(|line| !line.is_empty());
    let forms: Vec<_> = lines.filter(|line| !line.starts_with('#')).collect();
    assert!(forms.len() > 20, "{forms:?}");
    for line in forms {
        let (status, template) = line.split_once(' ').unwrap();
        for answer in clerk.send(template).await {
            assert_eq!(answer.status.to_string(), status, "{line}: {}", answer.text);
            assert_eq!(answer.header("cache-control"), "no-store", "{line}");
            if status == "200" {
                assert_page(&answer);
                continue;
            }
            let to = answer.header("location");
            assert!(to.starts_with('/') && !to.starts_with("//"), "{line}: {to}");
            assert_eq!(answer.text, "", "{line}");
        }
    }
}
