//! People, roles and capabilities in words.

#![expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "templates hand out references"
)]

use vestibule_model::{Capability, Role, User};

/// All capabilities, in rising order.
pub(crate) const CAPABILITIES: [Capability; 3] = [
    Capability::ReadOnly,
    Capability::ReadWrite,
    Capability::ReadWriteDelete,
];

/// All roles, in rising order.
pub(crate) const ROLES: [Role; 3] = [Role::User, Role::Admin, Role::Owner];

/// Returns the user's name, or the address if there is none.
pub(crate) fn name_of(user: &User) -> String {
    let names: Vec<_> = [&user.first_name, &user.last_name]
        .into_iter()
        .flatten()
        .map(ToString::to_string)
        .collect();
    if names.is_empty() {
        user.email.to_string()
    } else {
        names.join(" ")
    }
}

/// A role in words.
pub(crate) fn role(role: &Role) -> &'static str {
    match role {
        Role::User => t!("role.USER"),
        Role::Admin => t!("role.ADMIN"),
        Role::Owner => t!("role.OWNER"),
    }
}

/// A capability in words.
pub(crate) fn capability(capability: &Capability) -> &'static str {
    match capability {
        Capability::ReadOnly => t!("capability.READ_ONLY"),
        Capability::ReadWrite => t!("capability.READ_WRITE"),
        Capability::ReadWriteDelete => t!("capability.READ_WRITE_DELETE"),
    }
}

#[cfg(test)]
mod tests {
    use vestibule_model::Timestamp;

    use super::*;

    #[test]
    fn people_are_called_by_the_names_they_have_and_else_by_their_address() {
        let called = |first: &str, last: &str| {
            name_of(&User {
                id: "user_01jhmpfn80e48s5s0q7b7cwx5e".parse().unwrap(),
                email: "ada@example.com".parse().unwrap(),
                first_name: first.parse().ok(),
                last_name: last.parse().ok(),
                created_at: Timestamp::from_seconds(0),
                suspended_at: None,
            })
        };
        assert_eq!(called("Ada", "Lovelace"), "Ada Lovelace");
        assert_eq!(called("Ada", ""), "Ada");
        assert_eq!(called("", "Lovelace"), "Lovelace");
        assert_eq!(called("", ""), "ada@example.com");
    }
}
