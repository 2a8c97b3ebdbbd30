//! People and organisations, named as people name them.

use vestibule_accounts::{Accounts, Caller};
use vestibule_model::{Email, Invalid, Organization, OrganizationId, User, UserId};

pub(super) use vestibule_server::OPERATOR;
use vestibule_server::failure::{Code, Failure};

/// Reads an argument.
pub(super) fn parse<T: std::str::FromStr<Err = Invalid>>(
    name: &str,
    text: &str,
) -> Result<T, Failure> {
    text.parse().map_err(|invalid| wrong(name, &invalid))
}

/// The refusal of an argument.
pub(super) fn wrong(name: &str, invalid: &Invalid) -> Failure {
    Failure::usage(format!("{name} {invalid}."))
        .reason(invalid.reason)
        .field(name)
}

/// A user, by e-mail address or id.
pub(super) async fn user(accounts: &Accounts, text: &str) -> Result<User, Failure> {
    if text.contains('@') {
        let email: Email = parse("USER", text)?;
        return Ok(accounts.user_by_email(&OPERATOR, &email).await?);
    }
    let id: UserId = text.parse().map_err(|mut invalid: Invalid| {
        let of_an_id = invalid.message.trim_start_matches("must be ");
        invalid.message = format!("must be an e-mail address, or {of_an_id}");
        wrong("USER", &invalid)
    })?;
    Ok(accounts.user(&OPERATOR, id).await?)
}

/// An organisation, by id or by its exact name, where only one has it.
pub(super) async fn organization(accounts: &Accounts, text: &str) -> Result<Organization, Failure> {
    if let Ok(id) = text.parse::<OrganizationId>() {
        return Ok(accounts.any_organization(&OPERATOR, id).await?);
    }
    let mut found = named(accounts, text).await?;
    match (found.pop(), found.is_empty()) {
        (Some(organization), true) => Ok(organization),
        (Some(last), false) => {
            let ids = found.iter().chain([&last]).map(|one| one.id.to_string());
            let ids = ids.collect::<Vec<_>>().join(", ");
            Err(Failure::new(
                Code::Conflict,
                format!("Several organisations are called {text:?}: {ids}."),
            )
            .hint("Name one by its id."))
        }
        (None, _) => Err(Failure::new(
            Code::NotFound,
            format!("No organisation is called {text:?}."),
        )
        .hint("See `vestibule org list`.")),
    }
}

/// All organisations of exactly this name, the oldest first.
pub(super) async fn named(accounts: &Accounts, name: &str) -> Result<Vec<Organization>, Failure> {
    Ok(accounts.organizations_named(&OPERATOR, name).await?)
}

/// The operator in an organisation.
pub(super) async fn caller(
    accounts: &Accounts,
    text: &str,
) -> Result<(Caller, Organization), Failure> {
    let organization = organization(accounts, text).await?;
    Ok((Caller::operator(&OPERATOR, organization.id), organization))
}
