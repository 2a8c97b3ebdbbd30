//! The mapping from claims to the parts of an identity.
//!
//! Claims become a subject, an address, a name and the provider's group names. Roles and
//! permissions are decided in the tier above.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use vestibule_model::{Email, Invalid};

use crate::identity::ClaimedEmail;
use crate::oidc::claims::{is_subject, missing, mistyped};
use crate::refusal::SsoRefusal;

/// The number of groups that are read.
const MOST_GROUPS: usize = 500;
/// The longest group name and the longest personal name, in characters.
const LONGEST_NAME: usize = 256;

/// The position of a claim: a name at the top level (`email`, `https://example.com/groups`), or a
/// JSON pointer (RFC 6901) if it starts with `/` (`/realm_access/roles`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClaimPath(String);

impl ClaimPath {
    /// Returns the path as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn find<'a>(&self, claims: &'a Map<String, Value>) -> Option<&'a Value> {
        let found = match self.0.strip_prefix('/') {
            None => claims.get(&self.0),
            Some(rest) => {
                // `~1` before `~0`, or `~01` would become `/` (RFC 6901, 4).
                let unescape = |part: &str| part.replace("~1", "/").replace("~0", "~");
                let mut parts = rest.split('/').map(unescape);
                let first = claims.get(&parts.next()?);
                parts.fold(first, |value, part| value?.as_object()?.get(&part))
            }
        };
        found.filter(|value| !value.is_null())
    }
}

impl FromStr for ClaimPath {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let sound = (1..=200).contains(&text.len()) && !text.chars().any(char::is_control);
        if sound && text != "/" {
            return Ok(Self(text.to_owned()));
        }
        Err(Invalid::new(
            "invalid_claim_path",
            "must be the name of a claim, or a path such as /realm_access/roles",
        ))
    }
}

impl TryFrom<String> for ClaimPath {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<ClaimPath> for String {
    fn from(path: ClaimPath) -> Self {
        path.0
    }
}

impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The claims that hold each part of an identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mapping {
    /// The subject: a text that the provider never reassigns. Always read from the ID token.
    pub subject: ClaimPath,
    /// The e-mail address.
    pub email: ClaimPath,
    /// The statement that the address was verified: only the JSON value `true` counts.
    pub email_verified: ClaimPath,
    /// The person's name.
    pub name: ClaimPath,
    /// The groups: a list of texts. `None` if they are not wanted.
    pub groups: Option<ClaimPath>,
}

impl Default for Mapping {
    fn default() -> Self {
        let path = |name: &str| ClaimPath(name.to_owned());
        Self {
            subject: path("sub"),
            email: path("email"),
            email_verified: path("email_verified"),
            name: path("name"),
            groups: None,
        }
    }
}

/// The two documents in which a provider describes a person.
#[derive(Clone, Copy)]
pub(crate) struct Told<'a> {
    pub(crate) id_token: &'a Map<String, Value>,
    pub(crate) userinfo: Option<&'a Map<String, Value>>,
}

impl<'a> Told<'a> {
    /// Returns the claim from the first document that has it.
    fn find(self, path: &ClaimPath) -> Option<&'a Value> {
        let userinfo = || path.find(self.userinfo?);
        path.find(self.id_token).or_else(userinfo)
    }
}

impl Mapping {
    /// Returns true if the ID token lacks a claim that the userinfo endpoint may supply.
    pub(crate) fn lacks(&self, id_token: &Map<String, Value>) -> bool {
        [
            Some(&self.email),
            Some(&self.email_verified),
            Some(&self.name),
            self.groups.as_ref(),
        ]
        .into_iter()
        .flatten()
        .any(|path| path.find(id_token).is_none())
    }

    /// Returns the subject.
    pub(crate) fn subject(&self, id_token: &Map<String, Value>) -> Result<String, SsoRefusal> {
        let claim = self.subject.as_str();
        match self.subject.find(id_token) {
            None => Err(missing(claim)),
            Some(Value::String(text)) if is_subject(text) => Ok(text.clone()),
            Some(Value::String(_)) => Err(SsoRefusal::Subject),
            Some(_) => Err(mistyped(claim, "a text")),
        }
    }

    /// Returns the address with the statement of the same document about it. The other document's
    /// statement counts only if it is about the same address and the first makes none.
    pub(crate) fn email(&self, told: Told<'_>) -> Result<Option<ClaimedEmail>, SsoRefusal> {
        let first = self.claimed(told.id_token)?;
        let second = match told.userinfo {
            Some(userinfo) => self.claimed(userinfo)?,
            None => None,
        };
        let (address, verified) = match (first, second) {
            (None, None) => return Ok(None),
            // Only about the same address: otherwise a verified address would vouch for another.
            (Some((address, None)), Some((other, word))) if address == other => (address, word),
            (Some(claimed), _) | (None, Some(claimed)) => claimed,
        };
        // A signed denial is final: the unsigned userinfo answer cannot overrule it.
        let denied = self
            .email_verified
            .find(told.id_token)
            .is_some_and(|word| *word != Value::Bool(true));
        Ok(Some(ClaimedEmail {
            address,
            verified: verified == Some(true) && !denied,
        }))
    }

    /// Returns one document's address and its statement about it. Any value but the JSON `true`
    /// counts as false.
    fn claimed(
        &self,
        claims: &Map<String, Value>,
    ) -> Result<Option<(Email, Option<bool>)>, SsoRefusal> {
        let Some(value) = self.email.find(claims) else {
            return Ok(None);
        };
        let address = value.as_str().and_then(|text| text.parse().ok());
        let expected = "an e-mail address";
        let address = address.ok_or_else(|| mistyped(self.email.as_str(), expected))?;
        let word = self.email_verified.find(claims);
        Ok(Some((address, word.map(|word| *word == Value::Bool(true)))))
    }

    /// Returns the person's name.
    pub(crate) fn name(&self, told: Told<'_>) -> Result<Option<String>, SsoRefusal> {
        let Some(value) = told.find(&self.name) else {
            return Ok(None);
        };
        let text = value.as_str().map(str::trim).filter(|text| {
            text.chars().count() <= LONGEST_NAME && !text.chars().any(char::is_control)
        });
        let expected = "a text of at most 256 characters";
        let text = text.ok_or_else(|| mistyped(self.name.as_str(), expected))?;
        Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
    }

    /// Returns the provider's groups; empty if none are mapped or sent.
    pub(crate) fn groups(&self, told: Told<'_>) -> Result<Vec<String>, SsoRefusal> {
        let Some(path) = &self.groups else {
            return Ok(Vec::new());
        };
        let items = match told.find(path) {
            None => return Ok(Vec::new()),
            Some(Value::Array(items)) if items.len() <= MOST_GROUPS => Some(items),
            Some(_) => None,
        };
        let group = |item: &Value| {
            let text = item.as_str()?;
            (text.chars().count() <= LONGEST_NAME).then(|| text.to_owned())
        };
        items
            .and_then(|items| items.iter().map(group).collect())
            .ok_or_else(|| mistyped(path.as_str(), "a list of at most 500 texts"))
    }
}

#[cfg(test)]
mod tests;
