//! What members are called, for lists and choices.

use std::collections::{BTreeMap, BTreeSet};

use vestibule_accounts::{Error, Member, Page};
use vestibule_model::{Membership, Role, UserId};

use crate::visit::Visit;
use crate::words::name_of;

/// As many members as are looked up for their names and choices.
const MOST: u32 = 1_000;

/// The names of members.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    known: BTreeMap<UserId, String>,
    /// Set if there are more members than are listed.
    is_cut: bool,
}

impl Names {
    /// The name of a member; the id of whoever is none.
    pub(super) fn of(&self, user: UserId) -> String {
        self.known
            .get(&user)
            .cloned()
            .unwrap_or_else(|| user.to_string())
    }

    /// Returns whether a user is among them.
    pub(super) fn has(&self, user: UserId) -> bool {
        self.known.contains_key(&user)
    }

    /// Returns whether some members are not listed.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// All of them, as choices of a form: by name.
    pub(super) fn choices(&self) -> Vec<(String, &str)> {
        let all = self.known.iter();
        let mut all: Vec<_> = all
            .map(|(id, name)| (id.to_string(), name.as_str()))
            .collect();
        all.sort_by_key(|(_, name)| name.to_lowercase());
        all
    }
}

/// Reads the names of the organisation's members. `chosen` is among them, however many there are.
pub(super) async fn names(visit: &Visit, chosen: Option<UserId>) -> Result<Names, Error> {
    let accounts = visit.web.accounts();
    let members = accounts.members(&visit.caller(), Page::first(MOST)).await?;
    let mut names = Names {
        is_cut: members.next.is_some(),
        known: named(members.items),
    };
    if let Some(user) = chosen.filter(|user| names.is_cut && !names.has(*user)) {
        match accounts.member(&visit.caller(), user).await {
            Ok(member) => drop(names.known.insert(user, full_name(&member))),
            Err(Error::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(names)
}

/// The same of all its active owners, however many there are.
pub(super) async fn owners(visit: &Visit) -> Result<Names, Error> {
    let owners = visit.web.accounts().owners(&visit.caller()).await?;
    Ok(Names {
        known: named(owners),
        is_cut: false,
    })
}

/// Returns the names of these users, as far as they are members, and which of them are active
/// owners.
pub(super) async fn names_of(
    visit: &Visit,
    users: &[UserId],
) -> Result<(Names, BTreeSet<UserId>), Error> {
    let accounts = visit.web.accounts();
    let members = accounts.members_among(&visit.caller(), users).await?;
    let owns = |membership: &Membership| {
        membership.role == Role::Owner && membership.deactivated_at.is_none()
    };
    let owners = members.iter().filter(|(_, membership)| owns(membership));
    let owners = owners.map(|(user, _)| user.id).collect();
    let names = Names {
        known: named(members),
        is_cut: false,
    };
    Ok((names, owners))
}

fn named(members: Vec<Member>) -> BTreeMap<UserId, String> {
    let each = members.into_iter();
    each.map(|member| (member.0.id, full_name(&member)))
        .collect()
}

/// Name and address of a member; the address once where there is no name.
fn full_name((user, _): &Member) -> String {
    let (name, email) = (name_of(user), user.email.as_str());
    if name == email {
        name
    } else {
        format!("{name} ({email})")
    }
}
