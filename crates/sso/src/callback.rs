//! The authorization response in the query of a callback (RFC 6749, 4.1.2 and 4.1.2.1; RFC 9207).

use crate::refusal::{Quoted, SsoRefusal};
use crate::sign_in::Pending;

/// The longest query that is read, in bytes.
pub const MAX_BYTES: usize = 8 * 1_024;

/// The parameters of a callback. Unknown ones are ignored, as RFC 6749, 4.1.2 demands; a known one
/// that is repeated is refused.
#[derive(Default)]
pub struct Callback {
    state: Option<String>,
    code: Option<String>,
    issuer: Option<String>,
    error: Option<String>,
    description: Option<String>,
}

impl Callback {
    /// Reads the query, without its `?`.
    pub fn read(query: &str) -> Result<Self, SsoRefusal> {
        if query.len() > MAX_BYTES {
            return Err(SsoRefusal::CallbackTooLong);
        }
        let mut callback = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let slot = match &*name {
                "state" => &mut callback.state,
                "code" => &mut callback.code,
                "iss" => &mut callback.issuer,
                "error" => &mut callback.error,
                "error_description" => &mut callback.description,
                _ => continue,
            };
            // Repeated parameters are read differently by each parser (RFC 6749, 3.1).
            if slot.replace(value.into_owned()).is_some() {
                let parameter = Quoted::new(&name);
                return Err(SsoRefusal::CallbackRepeats { parameter });
            }
        }
        Ok(callback)
    }

    /// Returns the state, which identifies the pending sign-in.
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// Returns the code if the response belongs to `pending` and comes from its issuer.
    ///
    /// `promised` is true if the provider announced that it names itself: then a response without
    /// `iss` is refused. The issuer is checked before anything else in the response, errors
    /// included (RFC 9207, 2.4).
    pub(crate) fn code(self, pending: &Pending, promised: bool) -> Result<String, SsoRefusal> {
        let state = self.state.ok_or(SsoRefusal::StateMissing)?;
        if !pending.state.matches(&state) {
            return Err(SsoRefusal::StateMismatch);
        }
        match self.issuer {
            Some(issuer) if issuer != pending.issuer => {
                return Err(SsoRefusal::CallbackIssuer {
                    expected: pending.issuer.clone(),
                    found: Quoted::new(&issuer),
                });
            }
            None if promised => return Err(SsoRefusal::CallbackIssuerMissing),
            _ => {}
        }
        // Only now: until state and issuer fit, anyone may have written the error.
        if let Some(error) = self.error {
            return Err(SsoRefusal::ProviderError {
                error: Quoted::new(&error),
                description: Quoted::new(&self.description.unwrap_or_default()),
            });
        }
        let code = self.code.filter(|code| !code.is_empty());
        code.ok_or(SsoRefusal::CodeMissing)
    }
}

/// Prints no code and no state.
impl std::fmt::Debug for Callback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Callback")
            .field("issuer", &self.issuer)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}
