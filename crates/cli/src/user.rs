//! `vestibule user`.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use vestibule_accounts::{NewUser, Page};
use vestibule_model::User;

use super::args::{PageArgs, Yes};
use super::context::Context;
use super::lookup::{self, OPERATOR, parse};
use super::{output, secret};
use vestibule_server::failure::Failure;

/// As many organisations of one person as are shown.
const ALL: Page = Page::first(1_000);

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Create a user
    #[command(
        before_help = "\
Examples:
  vestibule user create ada@example.com --password-file password.txt
  pwgen 20 1 | vestibule user create ada@example.com --first-name Ada --password-stdin",
        alias = "add"
    )]
    Create {
        /// The address to sign in with
        email: String,
        /// Given name
        #[arg(long)]
        first_name: Option<String>,
        /// Family name
        #[arg(long)]
        last_name: Option<String>,
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// List all people
    List(PageArgs),
    /// Show one person, with the organisations and the role in each
    Show {
        /// E-mail address or id
        user: String,
    },
    /// Give a person another password, and end all sessions
    SetPassword {
        /// E-mail address or id
        user: String,
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// Let nothing of a person's pass any more
    Suspend {
        /// E-mail address or id
        user: String,
        #[command(flatten)]
        yes: Yes,
    },
    /// Let a suspended person in again
    Unsuspend {
        /// E-mail address or id
        user: String,
    },
}

/// The source of a password.
#[derive(Debug, Args)]
pub(crate) struct PasswordArgs {
    /// Read the password from stdin
    #[arg(long)]
    password_stdin: bool,
    /// Read the password from a file
    #[arg(long, value_name = "FILE", conflicts_with = "password_stdin")]
    password_file: Option<PathBuf>,
}

pub(super) async fn run(context: &Context, command: UserCommand) -> Result<(), Failure> {
    let output = context.output;
    match command {
        UserCommand::Create {
            email,
            first_name,
            last_name,
            password,
        } => {
            let new = NewUser {
                email: parse("EMAIL", &email)?,
                first_name: optional("--first-name", first_name)?,
                last_name: optional("--last-name", last_name)?,
                password: secret::password(
                    password.password_stdin,
                    password.password_file.as_ref(),
                )?,
            };
            let user = context
                .accounts()
                .await?
                .create_user(&OPERATOR, new)
                .await?;
            output.object(&describe(&user))
        }
        UserCommand::List(page) => {
            let accounts = context.accounts().await?;
            let users = accounts.users(&OPERATOR, page.into()).await?;
            let columns = ["id", "email", "first_name", "last_name", "suspended_at"];
            output.part(&columns, &users, describe)
        }
        UserCommand::Show { user } => {
            let accounts = context.accounts().await?;
            let user = lookup::user(&accounts, &user).await?;
            let mut shown = describe(&user);
            shown["has_password"] = accounts.has_password(&OPERATOR, user.id).await?.into();
            let found = accounts.organizations_of(&OPERATOR, user.id, ALL).await?;
            let organizations = found.items.iter();
            shown["organizations"] = organizations
                .map(|(it, role)| json!({ "id": it.id, "name": it.name, "role": role }))
                .collect();
            output.object(&shown)
        }
        UserCommand::SetPassword { user, password } => {
            let password =
                secret::password(password.password_stdin, password.password_file.as_ref())?
                    .ok_or_else(|| {
                        Failure::usage("There is no password.")
                            .hint("Say --password-stdin or --password-file FILE.")
                    })?;
            let accounts = context.accounts().await?;
            let user = lookup::user(&accounts, &user).await?;
            accounts.set_password(&OPERATOR, user.id, password).await?;
            output.done(
                &json!({ "id": user.id, "email": user.email }),
                &format!("{} has another password.", user.email),
            )
        }
        UserCommand::Suspend { user, yes } => {
            let accounts = context.accounts().await?;
            let user = lookup::user(&accounts, &user).await?;
            output::confirm(yes, &format!("Ending the sessions of {}", user.email))?;
            let done = accounts.suspend_user(&OPERATOR, user.id).await?;
            let user = accounts.user(&OPERATOR, user.id).await?;
            let mut shown = describe(&user);
            shown["sessions_ended"] = done.sessions_ended.into();
            let ids = done.ownerless.iter().map(|it| it.id.to_string());
            shown["organizations_without_owner"] = ids.collect();
            let mut text = format!("{} is suspended.", user.email);
            if !done.ownerless.is_empty() {
                let names: Vec<_> = done.ownerless.iter().map(|it| it.name.as_str()).collect();
                let _ = write!(
                    text,
                    " Without an active owner now: {}. Make somebody one with `vestibule member \
                     add` or `vestibule member role`.",
                    names.join(", ")
                );
            }
            output.done(&shown, &text)
        }
        UserCommand::Unsuspend { user } => {
            let accounts = context.accounts().await?;
            let user = lookup::user(&accounts, &user).await?;
            accounts.unsuspend_user(&OPERATOR, user.id).await?;
            let user = accounts.user(&OPERATOR, user.id).await?;
            output.done(
                &describe(&user),
                &format!("{} is let in again.", user.email),
            )
        }
    }
}

fn optional(name: &str, text: Option<String>) -> Result<Option<vestibule_model::Name>, Failure> {
    text.map(|text| parse(name, &text)).transpose()
}

pub(super) fn describe(user: &User) -> Value {
    json!({
        "id": user.id,
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "created_at": user.created_at,
        "suspended_at": user.suspended_at,
    })
}
