//! `vestibule key`.

use clap::Subcommand;
use serde_json::{Value, json};
use vestibule_accounts::{Error, NarrowedApiKey, NewApiKey, NewGrant};
use vestibule_model::{ApiKey, ApiKeyId, Capability, Grant, ResourcePath, Timestamp};

use super::args::{PageArgs, Yes};
use super::context::Context;
use super::lookup::{self, OPERATOR, parse, wrong};
use super::output;
use vestibule_server::failure::{Code, Failure};

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key for a member; it is printed once and never again
    #[command(before_help = "\
Examples:
  vestibule key create Acme ada@example.com robot
  vestibule key create Acme ada@example.com reader --grant READ_ONLY:/shared --expires-at 2027-01-31T12:00:00Z")]
    Create {
        /// Id or name of the organisation
        org: String,
        /// E-mail address or id of the owner
        user: String,
        /// The key's name
        name: String,
        /// The time of its expiry, as in RFC 3339
        #[arg(long, value_name = "TIME")]
        expires_at: Option<String>,
        /// Narrow the key to what this grants; may be given several times
        #[arg(long, value_name = "CAPABILITY:PATH")]
        grant: Vec<String>,
    },
    /// List the keys, the revoked ones too
    List {
        /// Id or name of the organisation
        org: String,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Revoke a key, from the next request on
    #[command(alias = "remove")]
    Revoke {
        /// Id or name of the organisation
        org: String,
        /// The key's id
        key: String,
        #[command(flatten)]
        yes: Yes,
    },
}

pub(super) async fn run(context: &Context, command: KeyCommand) -> Result<(), Failure> {
    let output = context.output;
    let accounts = context.accounts().await?;
    match command {
        KeyCommand::Create {
            org,
            user,
            name,
            expires_at,
            grant,
        } => {
            let organization = lookup::organization(&accounts, &org).await?;
            let owner = lookup::user(&accounts, &user).await?;
            let grants: Vec<_> = grant
                .iter()
                .map(|text| grant_of(text))
                .collect::<Result<_, _>>()?;
            let ends = |text| time("--expires-at", text);
            let new = NewApiKey::named(parse("NAME", &name)?)
                .expiring(expires_at.as_deref().map(ends).transpose()?)
                .narrowed_to((!grants.is_empty()).then_some(grants));
            let created = accounts
                .create_api_key_for(&OPERATOR, organization.id, owner.id, new)
                .await;
            let created = created
                .map_err(|error| Failure::named(error, &[("expires_at", "--expires-at")]))?;
            let mut object = describe(&created.key, created.grants.as_deref());
            object["key"] = created.secret.expose().into();
            if output.json {
                return output.object(&object);
            }
            output::message(&format!(
                "{} is {}. Keep it: it is not shown again.",
                name, created.key.id
            ));
            output::data(created.secret.expose())
        }
        KeyCommand::List { org, page } => {
            let (caller, _) = lookup::caller(&accounts, &org).await?;
            let keys = accounts.api_keys_of_organization(&caller, page.into());
            let shown = |(key, grants): &NarrowedApiKey| {
                let mut item = describe(key, grants.as_deref());
                if !output.json {
                    item["narrowed_to"] = grants.as_deref().map(in_words).into();
                }
                item
            };
            let columns = [
                "id",
                "name",
                "owner_id",
                "narrowed_to",
                "key_suffix",
                "last_used_at",
                "expires_at",
                "revoked_at",
            ];
            output.part(&columns, &keys.await?, shown)
        }
        KeyCommand::Revoke { org, key, yes } => {
            let (caller, organization) = lookup::caller(&accounts, &org).await?;
            let id: ApiKeyId = parse("KEY", &key)?;
            let key = match accounts.api_key_of_organization(&caller, id).await {
                Err(Error::NotFound { .. }) => {
                    let text = format!("{} has no such key.", organization.name);
                    return Err(Failure::new(Code::NotFound, text));
                }
                found => found?,
            };
            output::confirm(yes, &format!("Deleting the key {}", key.name))?;
            accounts
                .revoke_api_key_of(&caller, key.owner_id, id)
                .await?;
            output.done(&json!({ "id": id }), &format!("{} is deleted.", key.name))
        }
    }
}

pub(super) fn time(name: &str, text: &str) -> Result<Timestamp, Failure> {
    Timestamp::parse(text).map_err(|invalid| wrong(name, &invalid))
}

fn grant_of(text: &str) -> Result<NewGrant, Failure> {
    let Some((capability, path)) = text.split_once(':') else {
        return Err(
            Failure::usage(format!("--grant {text} is not CAPABILITY:PATH."))
                .field("--grant")
                .hint("For example --grant READ_ONLY:/shared"),
        );
    };
    Ok(NewGrant {
        path: parse::<ResourcePath>("--grant", path)?,
        capability: parse::<Capability>("--grant", capability)?,
        can_approve: false,
    })
}

/// Describes the grants that narrow a key, as `--grant` takes them.
fn in_words(grants: &[Grant]) -> String {
    let each = grants
        .iter()
        .map(|grant| format!("{}:{}", grant.capability, grant.path));
    each.collect::<Vec<_>>().join(", ")
}

/// A key; `grants` are only there where they narrow it, as on `/v1`.
fn describe(key: &ApiKey, grants: Option<&[Grant]>) -> Value {
    let mut object = json!({
        "id": key.id,
        "name": key.name,
        "owner_id": key.owner_id,
        "organization_id": key.organization_id,
        "key_suffix": key.suffix,
        "connection_id": key.connection_id,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
    });
    if let Some(grants) = grants {
        let shown = |grant: &Grant| {
            json!({
                "path": grant.path,
                "capability": grant.capability,
                "can_approve": grant.can_approve,
            })
        };
        object["grants"] = grants.iter().map(shown).collect();
    }
    object
}
