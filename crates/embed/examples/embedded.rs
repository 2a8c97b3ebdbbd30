#![allow(missing_docs, reason = "it is part of the documentation of its crate")]

use axum::body::Body;
use tower::ServiceExt as _;
use vestibule_embed::accounts::{NewApiKey, NewOrganization, NewUser};
use vestibule_embed::layer::{EntryPointExt as _, Permit, Routes, Rule};
use vestibule_embed::{Embedded, MasterKey};

async fn hello(permit: Permit) -> String {
    format!("Hello {}", permit.user_id())
}

#[rustfmt::skip]
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite:{}/vestibule.db", folder.path().display());
    let vestibule = Embedded::open(&url, MasterKey::from_bytes([7; 32])).await?; // yours is random

    let (accounts, operator) = (vestibule.accounts(), vestibule.operator());
    let (first_name, last_name, password) = (None, None, None);
    let user = NewUser { email: "ada@example.com".parse()?, first_name, last_name, password };
    let owner = accounts.create_user(operator, user).await?.id;
    let organization = NewOrganization { name: "Acme".parse()?, plan: "free".parse()?, owner };
    let organization = accounts.create_organization(operator, organization).await?.id;
    let key = NewApiKey::named("first".parse()?);
    let key = accounts.create_api_key_for(operator, organization, owner, key).await?.secret;

    let routes = Routes::bearer().get("/v1/hello", Rule::signed_in(), hello);
    let (router, rules) = routes.into_parts()?;
    let service = vestibule.entry_point(rules, "http://localhost:3000".parse()?).guard(router);
    for (authorization, status) in [(format!("Bearer {}", key.expose()), 200), (String::new(), 401)] {
        let request = axum::http::Request::get("/v1/hello").header("authorization", authorization);
        let response = service.clone().oneshot(request.body(Body::empty())?).await?;
        assert_eq!(response.status(), status);
    }
    vestibule.close().await;
    Ok(())
}
