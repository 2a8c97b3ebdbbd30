//! The facts that a quickstart shows.

use std::path::PathBuf;

use serde::Serialize;
use vestibule_accounts::{Caller, Page};
use vestibule_model::{ConnectionId, Email, Name, OrganizationId, PlanName, Role, UserId};

use super::data_dir::DataDir;
use super::idp::Connected;
use super::seed::{OWNER, Secrets, USER};
use vestibule_server::OPERATOR;
use vestibule_server::failure::Failure;
use vestibule_server::serve::Server;

/// The line that `quickstart --json` prints.
#[derive(Clone, Serialize)]
pub struct Shown {
    /// The URL of the server.
    pub url: String,
    /// The URL for probes.
    pub admin_url: String,
    /// The folder, as an absolute path. What is not UTF-8 in it cannot be shown.
    pub data_dir: String,
    /// The same, as it is.
    #[serde(skip)]
    pub folder: PathBuf,
    /// The organisations, the oldest first.
    pub organizations: Vec<ShownOrganization>,
    /// Their members: one entry for each membership.
    pub users: Vec<ShownUser>,
    /// A key of the owner; `None` once it was shown.
    pub api_key: Option<String>,
    /// The folder for mail to deliver.
    pub mail_outbox: String,
    /// The issuer of the provider for development, where one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idp_url: Option<String>,
    /// The first organisation's connection with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sso_connection_id: Option<ConnectionId>,
    /// The sign-in page, with the owner's address filled in.
    pub sign_in_url: String,
}

/// An organisation of a quickstart.
#[derive(Debug, Clone, Serialize)]
pub struct ShownOrganization {
    /// Its id.
    pub id: OrganizationId,
    /// Its name.
    pub name: Name,
    /// Its plan.
    pub plan: PlanName,
}

/// A member of an organisation of a quickstart.
#[derive(Clone, Serialize)]
pub struct ShownUser {
    /// The user's id.
    pub id: UserId,
    /// The address to sign in with.
    pub email: Email,
    /// The password; `None` once it was shown.
    pub password: Option<String>,
    /// The role in this organisation.
    pub role: Role,
    /// The organisation.
    pub organization_id: OrganizationId,
}

/// As many organisations and members as are shown.
const PAGE: Page = Page::first(100);

/// Reads back what there is, as it is now.
pub(super) async fn gather(
    server: &Server,
    dir: &DataDir,
    secrets: Option<Secrets>,
    idp: Option<Connected>,
) -> Result<Shown, Failure> {
    let accounts = &server.wired().accounts;
    let found = accounts.all_organizations(&OPERATOR, PAGE).await?;
    let (mut organizations, mut users) = (Vec::new(), Vec::new());
    for organization in found.items {
        let caller = Caller::operator(&OPERATOR, organization.id);
        for (user, membership) in accounts.members(&caller, PAGE).await?.items {
            let password = secrets
                .as_ref()
                .and_then(|secrets| match user.email.as_str() {
                    OWNER => Some(secrets.owner_password.clone()),
                    USER => Some(secrets.user_password.clone()),
                    _ => None,
                });
            users.push(ShownUser {
                id: user.id,
                email: user.email,
                password,
                role: membership.role,
                organization_id: organization.id,
            });
        }
        organizations.push(ShownOrganization {
            id: organization.id,
            name: organization.name,
            plan: organization.plan,
        });
    }
    Ok(Shown {
        url: server.url().to_owned(),
        admin_url: server.admin_url()?,
        data_dir: dir.path().display().to_string(),
        folder: dir.path().to_owned(),
        organizations,
        users,
        api_key: secrets.map(|secrets| secrets.api_key.expose().to_owned()),
        mail_outbox: dir.outbox().display().to_string(),
        sso_connection_id: idp.as_ref().map(|idp| idp.connection),
        idp_url: idp.map(|idp| idp.url),
        sign_in_url: format!("{}/sign-in?email={OWNER}", server.url()),
    })
}
