//! The routes of a server: JSON, pages, and the sample's.

use std::sync::Arc;

use axum::Router;
use vestibule_accounts::Accounts;
use vestibule_api::ApiState;
use vestibule_check::Limiter;
use vestibule_config::{PublicUrl, Settings};
use vestibule_federation::Sso;
use vestibule_http::SessionCookie;
use vestibule_policy::RuleTable;
use vestibule_sample::Sample;
use vestibule_web::{Look, Web, WebParts};

use super::accounts::sso;
use super::description::openapi;
use super::plan_names;
use crate::failure::Failure;
use crate::sample::{FollowingGrants, Lists};

/// All routes with their rules.
pub struct Routed {
    /// The routes.
    pub router: Router,
    /// The rule of each route.
    pub table: RuleTable,
    /// The limiter of sign-ins started at providers, where single sign-on is enabled.
    pub sso_starts: Option<Arc<Limiter>>,
}

/// Builds all routes with their rules, those of the sample among them if it is served.
///
/// # Errors
/// With a defect of this program if two routes collide, or a rule needs a feature that no plan may
/// name.
pub fn routes(
    settings: &Settings,
    accounts: &Accounts,
    public_url: &PublicUrl,
    look: Look,
    sample: Option<Sample>,
) -> Result<Routed, Failure> {
    let cookie = SessionCookie {
        name: settings.cookie_name.clone(),
        max_age: settings.lifetimes.session_absolute.as_secs(),
    };
    let document = openapi(settings.sample.enabled);
    let single_sign_on = if settings.sso.enabled {
        Some(sso(settings, accounts, public_url)?)
    } else {
        None
    };
    let sso_starts = single_sign_on.as_ref().map(Sso::starts);
    let state = ApiState::new(accounts.clone(), cookie.clone(), &document);
    let mut state = state.map_err(Failure::defect)?;
    if let Some(sso) = &single_sign_on {
        state = state.with_sso(sso.clone());
    }
    if let Some(sample) = &sample {
        state = state.with_path_parts(Arc::new(sample.clone()));
    }
    let mut routes = vestibule_api::routes(state);
    if let Some(sample) = &sample {
        let moves = Arc::new(FollowingGrants::new(accounts.clone()));
        routes = routes.merge(sample.routes(moves));
    }
    let web = Web::new(WebParts {
        accounts: accounts.clone(),
        sso: single_sign_on,
        public_url: public_url.as_str().to_owned(),
        cookie,
        look,
        sample: sample.map(|sample| Arc::new(Lists(sample)) as _),
        clock: accounts.shared_clock(),
    });
    let routes = routes.merge(vestibule_web::routes(web));
    let (router, table) = routes.into_parts().map_err(Failure::defect)?;
    plan_names::check(&table, settings.sample.enabled)?;
    Ok(Routed {
        router,
        table,
        sso_starts,
    })
}
