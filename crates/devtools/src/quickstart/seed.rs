//! The contents of a new quickstart: two organisations, two people, a key, and something to read.

use vestibule_accounts::{Accounts, Caller, NewApiKey, NewGrant, NewOrganization, NewUser};
use vestibule_credential::frame::PlainSecret;
use vestibule_credential::password::PlainPassword;
use vestibule_model::{Capability, Email, Entropy, Invalid, OsEntropy, Role, UserId};

use vestibule_server::OPERATOR;
use vestibule_server::failure::Failure;
use vestibule_server::wiring::Wired;

/// The owner of both organisations.
pub(super) const OWNER: &str = "ada@example.com";
/// A plain user of the first organisation.
pub(super) const USER: &str = "bob@example.com";
/// The path that the user may read.
const GRANTED: &str = "/shared/reports";

/// The secrets that are shown once.
pub(super) struct Secrets {
    pub(super) owner_password: String,
    pub(super) user_password: String,
    pub(super) api_key: PlainSecret,
}

/// Fills an empty store.
pub(super) async fn everything(wired: &Wired) -> Result<Secrets, Failure> {
    let accounts = &wired.accounts;
    let (owner_password, user_password) = (password(), password());
    let owner = add_user(accounts, OWNER, "Ada", &owner_password).await?;
    let user = add_user(accounts, USER, "Bob", &user_password).await?;

    let mut organizations = Vec::new();
    for (name, plan) in [("Acme", "team"), ("Globex", "free")] {
        let new = NewOrganization {
            name: read(name)?,
            plan: read(plan)?,
            owner,
        };
        let organization = accounts.create_organization(&OPERATOR, new).await?;
        if let Some(sample) = &wired.sample {
            let seeded = sample.seed(organization.id, owner, name).await;
            seeded.map_err(Failure::from_error)?;
        }
        organizations.push(organization);
    }
    let first = organizations
        .first()
        .ok_or_else(|| Failure::defect("no organisation was made"))?;
    let caller = Caller::operator(&OPERATOR, first.id);
    accounts.add_member(&caller, user, Role::User).await?;
    let grant = NewGrant {
        path: read(GRANTED)?,
        capability: Capability::ReadOnly,
        can_approve: false,
    };
    accounts.grant_to_user(&caller, user, grant).await?;
    let key = NewApiKey::named(read("quickstart")?);
    let created = accounts.create_api_key_for(&OPERATOR, caller.organization_id(), owner, key);
    let created = created.await?;
    Ok(Secrets {
        owner_password,
        user_password,
        api_key: created.secret,
    })
}

async fn add_user(
    accounts: &Accounts,
    email: &str,
    first_name: &str,
    password: &str,
) -> Result<UserId, Failure> {
    let new = NewUser {
        email: read::<Email>(email)?,
        first_name: Some(read(first_name)?),
        last_name: None,
        password: Some(PlainPassword::try_from(password.to_owned()).map_err(Failure::defect)?),
    };
    Ok(accounts.create_user(&OPERATOR, new).await?.id)
}

fn read<T: std::str::FromStr<Err = Invalid>>(text: &str) -> Result<T, Failure> {
    text.parse().map_err(Failure::defect)
}

/// 20 letters and digits that are not mistaken for each other: 100 random bits, and nothing that a
/// shell or JSON would take for its own.
fn password() -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut random = [0; 20];
    OsEntropy.fill(&mut random);
    random
        .iter()
        .map(|byte| char::from(LETTERS[usize::from(byte % 32)]))
        .collect()
}
