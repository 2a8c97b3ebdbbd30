//! Where one can go: the menu, and what the organisation switcher keeps.

use vestibule_model::Role;

use crate::frame::{Choice, Group, Place};
use crate::text;
use crate::web::Web;

/// The condition, besides the role, for a page to be in the menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    Nothing,
    Sso,
    Sample,
}

/// One entry of the menu.
struct Section {
    group: &'static str,
    /// Its name in the catalogue, after `nav.`.
    name: &'static str,
    /// Its path, with `{organization}` where the organisation's id goes.
    path: &'static str,
    role: Role,
    needs: Needs,
}

const fn section(
    group: &'static str,
    name: &'static str,
    path: &'static str,
    role: Role,
    needs: Needs,
) -> Section {
    Section {
        group,
        name,
        path,
        role,
        needs,
    }
}

const ORGANIZATION: &str = "/organization/{organization}";

#[rustfmt::skip]
const SECTIONS: &[Section] = &[
    section("organization", "overview", ORGANIZATION, Role::User, Needs::Nothing),
    section("organization", "members", "/organization/{organization}/members", Role::Admin, Needs::Nothing),
    section("organization", "access", "/organization/{organization}/access", Role::Admin, Needs::Nothing),
    section("organization", "organization_keys", "/organization/{organization}/keys", Role::Admin, Needs::Nothing),
    section("organization", "sso", "/organization/{organization}/sso", Role::Admin, Needs::Sso),
    section("organization", "audit", "/organization/{organization}/audit", Role::Admin, Needs::Nothing),
    section("organization", "plan", "/organization/{organization}/plan", Role::User, Needs::Nothing),
    section("organization", "settings", "/organization/{organization}/settings", Role::Admin, Needs::Nothing),
    section("sample", "documents", "/organization/{organization}/documents", Role::User, Needs::Sample),
    section("sample", "agents", "/organization/{organization}/agents", Role::User, Needs::Sample),
    section("account", "profile", "/account", Role::User, Needs::Nothing),
    section("account", "keys", "/account/keys", Role::User, Needs::Nothing),
    section("account", "sessions", "/account/sessions", Role::User, Needs::Nothing),
    section("account", "password", "/account/password", Role::User, Needs::Nothing),
];

/// The menu of somebody with this role; `shown` is the page that it stands on.
pub(crate) fn groups(web: &Web, current: &Choice, shown: &str) -> Vec<Group> {
    let there = section_of(shown).map(|section| section.path);
    let mut groups: Vec<(&str, Group)> = Vec::new();
    let offered = |section: &&Section| {
        section.role <= current.role
            && match section.needs {
                Needs::Nothing => true,
                Needs::Sso => web.sso().is_some(),
                Needs::Sample => web.sample().is_some(),
            }
    };
    for section in SECTIONS.iter().filter(offered) {
        let place = Place {
            path: with_id(section.path, &current.id.to_string()),
            label: label(section.name),
            is_current: there == Some(section.path),
        };
        match groups.iter_mut().find(|(name, _)| *name == section.group) {
            Some((_, group)) => group.places.push(place),
            None => groups.push((
                section.group,
                Group {
                    label: label(&format!("group.{}", section.group)),
                    places: vec![place],
                },
            )),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// The same page of another organisation, in which one has this role; the first page of that
/// organisation where one may not open the same. What is about a single object stays behind.
pub(crate) fn same_page(shown: &str, organization: &str, role: Role) -> String {
    let found = section_of(shown).filter(|section| section.role <= role);
    with_id(
        found.map_or(ORGANIZATION, |section| section.path),
        organization,
    )
}

/// The section that a page belongs to: the longest whose path it begins with.
fn section_of(shown: &str) -> Option<&'static Section> {
    let covers = |section: &&Section| {
        let rest = shown.strip_prefix(section.path);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let found = SECTIONS.iter().filter(covers);
    // The overview's path is a prefix of every other section of the organisation.
    found.max_by_key(|section| section.path.len())
}

fn with_id(path: &str, organization: &str) -> String {
    path.replacen("{organization}", organization, 1)
}

fn label(name: &str) -> &'static str {
    text::find(&format!("nav.{name}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(
        "/organization/{organization}/audit",
        Role::Owner,
        "/organization/t/audit"
    )]
    #[case("/organization/{organization}/audit", Role::User, "/organization/t")]
    #[case(
        "/organization/{organization}/members/user_1",
        Role::Admin,
        "/organization/t/members"
    )]
    #[case(
        "/organization/{organization}/sso/connection_1",
        Role::Admin,
        "/organization/t/sso"
    )]
    #[case("/account/keys", Role::User, "/account/keys")]
    #[case("/account/keys/created/key_1", Role::User, "/account/keys")]
    #[case("/account/unknown", Role::User, "/account")]
    #[case("//evil.example", Role::Owner, "/organization/t")]
    #[case("https://evil.example", Role::Owner, "/organization/t")]
    #[case("", Role::Owner, "/organization/t")]
    fn a_switch_stays_on_the_page_where_the_other_organization_has_it(
        #[case] shown: &str,
        #[case] role: Role,
        #[case] expected: &str,
    ) {
        assert_eq!(same_page(shown, "t", role), expected);
    }

    #[test]
    fn every_section_has_a_name() {
        for section in SECTIONS {
            assert!(!label(section.name).is_empty(), "{}", section.name);
            let group = format!("group.{}", section.group);
            assert!(!label(&group).is_empty(), "{group}");
        }
    }
}
