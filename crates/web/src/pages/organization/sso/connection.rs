//! A connection to an identity provider: made, looked over, tried, switched off and on.

use askama::Template;
use http::{HeaderMap, StatusCode};
use vestibule_accounts::Error;
use vestibule_accounts::limits::{SSO_CONNECTION_CHECKS, SSO_TEST_SIGN_INS};
use vestibule_federation::{AlsoEnd, NewConnection, NewSecret, SettingsVersion, sso_settings};
use vestibule_handler::{BindingCookie, Failure, Stranger};
use vestibule_layer::{Routes, Rule};
use vestibule_model::{ConnectionId, Name, Role, SsoAttempt, SsoConnection};
use vestibule_sso::{NamedCheck, PlainClientSecret, Preset};

use super::list::sso;
use crate::failure::{Outcome, no_such};
use crate::form::{FORM, Form, Posted, TOKEN};
use crate::frame::Frame;
use crate::respond::{page, see_other, with_cookies};
use crate::visit::Visit;
use crate::web::Web;

const NEW: &str = "/organization/{organization}/sso/new";
const ONE: &str = "/organization/{organization}/sso/{connection}";

pub(super) fn routes() -> Routes<Web> {
    let admin = Rule::signed_in().role(Role::Admin);
    let owner = Rule::signed_in().role(Role::Owner);
    let form = admin.clone().consumes(FORM);
    let test_path = "/organization/{organization}/sso/{connection}/test";
    let preflight_path = "/organization/{organization}/sso/{connection}/preflight";
    Routes::pages()
        .get(NEW, owner.clone(), new)
        .post(
            NEW,
            owner.clone().consumes(FORM).limit(SSO_CONNECTION_CHECKS),
            create,
        )
        .get(ONE, admin.clone(), show)
        .post(ONE, owner.consumes(FORM), change)
        .post(test_path, form.clone().limit(SSO_TEST_SIGN_INS), test)
        .post(preflight_path, form.limit(SSO_CONNECTION_CHECKS), preflight)
        .get("/sso-tested/{connection}", admin, tested)
}

#[derive(Template)]
#[template(path = "organization/sso/new.html")]
struct New<'a> {
    frame: &'a Frame,
    form: &'a Form,
    token: String,
    presets: [Preset; 7],
}

#[derive(Template)]
#[template(path = "organization/sso/one.html")]
struct One<'a> {
    frame: &'a Frame,
    form: &'a Form,
    connection: SsoConnection,
    callback_url: String,
    logout_url: String,
    checks: Vec<NamedCheck>,
    attempts: Vec<SsoAttempt>,
}

#[derive(Template)]
#[template(path = "organization/sso/test.html")]
struct Test<'a> {
    frame: &'a Frame,
    connection: ConnectionId,
    start: String,
}

/// Returns the name of a provider.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "templates hand out references"
)]
fn preset_name(preset: &Preset) -> &'static str {
    match preset {
        Preset::Google => "Google Workspace",
        Preset::Entra => "Microsoft Entra ID",
        Preset::Okta => "Okta",
        Preset::Keycloak => "Keycloak",
        Preset::Github => "GitHub",
        Preset::Gitlab => "GitLab",
        Preset::Generic => t!("sso.generic"),
    }
}

fn show_new(visit: &Visit, form: &Form) -> Outcome {
    let sso = sso(visit)?;
    page(
        form.status(),
        &New {
            frame: &visit.frame,
            form,
            // A new one each time: a form is shown again only where it has created nothing.
            token: sso.connection_form(&visit.caller())?,
            presets: Preset::ALL,
        },
    )
}

async fn new(visit: Visit) -> Outcome {
    show_new(&visit, &Form::default().with("preset", "generic"))
}

async fn create(Posted { visit, mut form }: Posted) -> Outcome {
    let name = form.read::<Name>("name");
    let preset = form.read::<Preset>("preset");
    let (Some(name), Some(preset)) = (name, preset) else {
        return show_new(&visit, &form);
    };
    let mut settings = sso_settings(preset, form.value("issuer"), form.value("client_id"));
    settings.just_in_time = form.has("just_in_time", "yes");
    let secret = PlainClientSecret::new(form.value("client_secret"));
    let wanted = NewConnection {
        name,
        settings,
        secret: NewSecret::Client(secret),
        enabled: form.has("enabled", "yes"),
        save_anyway: form.has("save_anyway", "yes"),
    };
    let (sso, caller) = (sso(&visit)?, visit.caller());
    let Some(prepared) = sso.open_connection_form(&caller, form.value(TOKEN)) else {
        return show_new(&visit, &form.stale());
    };
    match sso.create_connection_once(&caller, prepared, wanted).await {
        Ok(id) => visit.done(&format!("/sso/{id}"), "connection"),
        Err(error) => show_new(&visit, &form.refused(error)?),
    }
}

fn id_of(visit: &Visit) -> Result<ConnectionId, Failure> {
    let named = visit.param("connection").and_then(|id| id.parse().ok());
    named.ok_or_else(|| no_such("connection"))
}

async fn render(visit: &Visit, form: &Form, checks: Vec<NamedCheck>) -> Outcome {
    let (sso, caller, id) = (sso(visit)?, visit.caller(), id_of(visit)?);
    page(
        form.status(),
        &One {
            frame: &visit.frame,
            form,
            connection: sso.connection(&caller, id).await?,
            callback_url: sso.callback_url(id),
            logout_url: sso.backchannel_logout_url(id),
            checks,
            attempts: sso.attempts(&caller, id).await?,
        },
    )
}

async fn show(visit: Visit) -> Outcome {
    render(&visit, &Form::default(), Vec::new()).await
}

async fn change(Posted { visit, form }: Posted) -> Outcome {
    let (sso, caller, id) = (sso(&visit)?, visit.caller(), id_of(&visit)?);
    let done: Result<(), Error> = match form.value("act") {
        "enable" => sso.enable_connection(&caller, id).await.map(drop),
        "disable" => {
            let also = AlsoEnd {
                sessions: form.has("end_sessions", "yes"),
                keys: form.has("revoke_keys", "yes"),
            };
            sso.disable_connection(&caller, id, also).await.map(drop)
        }
        _ => return Err(no_such("action")),
    };
    match done {
        Ok(()) => visit.done(&format!("/sso/{id}"), "connection"),
        Err(error) => {
            let form = form.refused(error)?;
            render(&visit, &form, Vec::new()).await
        }
    }
}

/// Looks the provider over, and changes nothing.
async fn preflight(Posted { visit, .. }: Posted) -> Outcome {
    let (sso, caller, id) = (sso(&visit)?, visit.caller(), id_of(&visit)?);
    let checks = sso.preflight(&caller, id, SettingsVersion::Live).await?;
    render(&visit, &Form::default(), checks).await
}

/// Goes the way of a sign-in and changes nothing. The way leads through the provider, so that a
/// page sends the browser there: a form may not end at another site.
async fn test(headers: HeaderMap, stranger: Stranger, posted: Posted) -> Outcome {
    let Posted { visit, form } = posted;
    let (sso, caller, id) = (sso(&visit)?, visit.caller(), id_of(&visit)?);
    let cookie = BindingCookie::beside(visit.web.cookie());
    let (binding, origin) = (cookie.presented(&headers), stranger.into());
    let begun = sso
        .start_test(&caller, id, SettingsVersion::Live, binding, &origin)
        .await;
    match begun {
        Ok(begun) => {
            let cookies = cookie.set(&headers, begun.binding.expose(), begun.carried.named())?;
            let test = Test {
                frame: &visit.frame,
                connection: id,
                start: begun.redirect_url,
            };
            let answer = page(StatusCode::OK, &test)?;
            Ok(with_cookies(answer, cookies))
        }
        Err(error) => {
            let form = form.refused(error)?;
            render(&visit, &form, Vec::new()).await
        }
    }
}

/// Returns the page to which a test returns the browser.
async fn tested(visit: Visit) -> Outcome {
    let id = id_of(&visit)?;
    see_other(&format!(
        "{}#attempts",
        visit.frame.path(&format!("/sso/{id}"))
    ))
}
