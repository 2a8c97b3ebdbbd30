//! The frame around the pages of a user who is signed in: the user, the active organisation and the
//! menu.

use std::ops::Deref;

use vestibule_model::{OrganizationId, Role, UserId};

use crate::look::Look;

/// The settings of htmx: it sends requests to this server alone, evaluates no text as code or
/// style, caches no page, and replaces a page only by the page that was asked for.
pub(crate) const HTMX: &str = include_str!("../assets/htmx.json").trim_ascii();

/// An organisation that somebody can work in.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub(crate) id: OrganizationId,
    pub(crate) name: String,
    pub(crate) role: Role,
    /// Set for the session's active organisation.
    pub(crate) is_current: bool,
}

/// A place to go to.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) path: String,
    pub(crate) label: &'static str,
    pub(crate) is_current: bool,
}

/// Places that belong together.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) label: &'static str,
    pub(crate) places: Vec<Place>,
}

/// The frame around a page for a user who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) look: Look,
    pub(crate) public_url: String,
    pub(crate) user_id: UserId,
    pub(crate) user_name: String,
    pub(crate) user_email: String,
    pub(crate) organizations: Vec<Choice>,
    pub(crate) current: Choice,
    /// Set for a session from the organisation's identity provider, which reaches no other
    /// organisation.
    pub(crate) by_provider: bool,
    pub(crate) groups: Vec<Group>,
    /// The path of the page with `{organization}`, for the switcher of organisations.
    pub(crate) section: String,
    /// The notice about what was just done.
    pub(crate) done: Option<String>,
}

impl Deref for Frame {
    type Target = Look;

    fn deref(&self) -> &Look {
        &self.look
    }
}

impl Frame {
    /// Returns the URL by which programs call this server.
    pub(crate) fn origin(&self) -> &str {
        &self.public_url
    }

    /// The path of a page of the organisation.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/organization/{}{rest}", self.current.id)
    }

    /// Returns the user, organisation and role that the page is for. A fragment for any other is
    /// not put into this frame.
    pub(crate) fn whose(&self) -> String {
        let Choice { id, role, .. } = &self.current;
        format!("{} {id} {role}", self.user_id)
    }

    pub(crate) fn is_admin(&self) -> bool {
        self.current.role >= Role::Admin
    }

    pub(crate) fn is_owner(&self) -> bool {
        self.current.role >= Role::Owner
    }
}
