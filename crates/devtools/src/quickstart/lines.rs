//! Lines to paste: every request there is, each with the answer that it teaches.

use std::fmt::Write as _;
use std::path::Path;

use askama::Template;
use vestibule_model::{ConnectionId, OrganizationId, Role, UserId};

use super::idp::REDIRECT_URI;
use super::quoted::quoted;
use super::shown::Shown;

/// The lines to paste, with everything that is long or secret in a variable of the shell.
#[derive(Template)]
#[template(path = "lines.sh.txt", escape = "none")]
struct Lines<'a> {
    url: &'a str,
    key: &'a str,
    owner: &'a str,
    owner_password: &'a str,
    member: &'a str,
    member_password: &'a str,
    member_id: UserId,
    first: OrganizationId,
    second: OrganizationId,
    /// The command that calls this program on this folder.
    vestibule: String,
    cookie: &'a str,
    redirect_uri: &'a str,
    /// The connection with the development provider, if there is one.
    connection: Option<ConnectionId>,
}

impl Shown {
    /// Renders the facts for people: with everything to paste at the first start, with neither
    /// secret nor line that would need one later.
    pub fn to_text(&self, cookie: &str) -> String {
        let mut text = format!(
            "Vestibule is up at {}, probes and metrics at {}.\nIts data is in {}.\n\n",
            self.url, self.admin_url, self.data_dir
        );
        if let (Some(idp), Some(connection)) = (&self.idp_url, &self.sso_connection_id) {
            let _ = write!(
                text,
                "DEVELOPMENT ONLY: the identity provider at {idp} asks nobody for a password. Who \
                 reaches it can sign in as anybody, owners included; it listens on this machine \
                 alone. The first organisation is connected with it ({connection}).\n\n"
            );
        }
        for organization in &self.organizations {
            let _ = writeln!(
                text,
                "{} ({}), plan {}",
                organization.name, organization.id, organization.plan
            );
            let members = self.users.iter();
            for user in members.filter(|user| user.organization_id == organization.id) {
                let _ = write!(text, "  {} {}", user.role, user.email);
                if let Some(password) = &user.password {
                    let _ = write!(text, ", password {password}");
                }
                text.push('\n');
            }
        }
        if let Some(lines) = self.lines(cookie) {
            let _ = write!(text, "\nAPI key of the owner: {}\n", lines.key);
            text.push_str("None of these secrets is shown again.\n\n");
            let _ = write!(
                text,
                "Open this in a browser and enter the owner's password:\n  {}\n\n",
                self.sign_in_url
            );
            // askama drops the line break at the end of a template.
            text.push_str(lines.render().unwrap_or_default().trim_end());
            text.push('\n');
        } else {
            let _ = write!(
                text,
                "\nSign in with a browser:\n  {}\n\nThe secrets were shown at the first start.",
                self.sign_in_url
            );
            text.push_str(&self.with_a_new_key().unwrap_or_default());
            text.push('\n');
        }
        text.push_str("\nCtrl-C ends the server; the folder stays.");
        text
    }

    /// Tells how to go on without the secrets.
    fn with_a_new_key(&self) -> Option<String> {
        let owner = self.users.iter().find(|user| user.role == Role::Owner)?;
        let mut organizations = self.organizations.iter();
        let organization = organizations.find(|it| it.id == owner.organization_id)?;
        Some(format!(
            " A new key, and a request with it:\n  KEY=$({} key create {} {} another)\n  curl -i \
             {}/v1/documents -H \"Authorization: Bearer $KEY\"",
            command(&self.folder),
            quoted(organization.name.as_str()),
            quoted(owner.email.as_str()),
            self.url
        ))
    }

    fn lines<'a>(&'a self, cookie: &'a str) -> Option<Lines<'a>> {
        let [first, second] = self.organizations.as_slice() else {
            return None;
        };
        let find = |role| self.users.iter().find(|user| user.role == role);
        let (owner, member) = (find(Role::Owner)?, find(Role::User)?);
        Some(Lines {
            url: &self.url,
            key: self.api_key.as_deref()?,
            owner: owner.email.as_str(),
            owner_password: owner.password.as_deref()?,
            member: member.email.as_str(),
            member_password: member.password.as_deref()?,
            member_id: member.id,
            first: first.id,
            second: second.id,
            vestibule: command(&self.folder),
            cookie,
            redirect_uri: REDIRECT_URI,
            connection: self.sso_connection_id,
        })
    }
}

/// This program with the folder's configuration: by its name where the shell would find it.
fn command(data_dir: &Path) -> String {
    let program = std::env::current_exe().ok();
    let found = program.as_deref().is_some_and(|program| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let first = std::env::split_paths(&path)
            .map(|folder| folder.join("vestibule"))
            .find(|candidate| candidate.is_file());
        first.and_then(|first| first.canonicalize().ok()) == program.canonicalize().ok()
    });
    let name = match &program {
        Some(program) if !found => quoted(program.as_os_str()),
        _ => "vestibule".to_owned(),
    };
    format!("{name} --data-dir {}", quoted(data_dir.as_os_str()))
}
