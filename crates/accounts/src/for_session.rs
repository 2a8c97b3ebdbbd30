//! Values that the server hands to a browser and wants back unread and unchanged: the token of a
//! form, a secret on its way to the next page. Each is sealed for one session, user, organisation
//! and purpose, with a deadline inside, so that nothing has to be stored and any server of the
//! installation opens it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use vestibule_credential::MasterKey;
use vestibule_model::Timestamp;
use zeroize::Zeroizing;

use crate::{Accounts, Caller, Error, Result};

/// The time in which a form can be sent after it was opened.
pub const FORM_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// The longest text that is opened, in characters; what is sealed here is far shorter.
const LONGEST: usize = 1_024;

impl Accounts {
    /// Seals `plain` for the caller's session, to be opened for the same purpose before `until`.
    pub fn seal_for_session(
        &self,
        caller: &Caller,
        purpose: &str,
        plain: &str,
        until: Timestamp,
    ) -> Result<String> {
        let key = self.key_for_session(caller);
        let key = key.ok_or_else(|| Error::internal("caller has no session to seal for"))?;
        let deadline = until.as_micros().to_be_bytes();
        let mut bytes = Zeroizing::new(Vec::with_capacity(deadline.len() + plain.len()));
        bytes.extend_from_slice(&deadline);
        bytes.extend_from_slice(plain.as_bytes());
        let sealed = key.seal(purpose, &bytes, self.entropy())?;
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens what was sealed for the caller's session and this purpose. `None` for anything else:
    /// of another session, changed, cut off, expired, or no such thing at all.
    pub fn open_for_session(
        &self,
        caller: &Caller,
        purpose: &str,
        text: &str,
    ) -> Option<Zeroizing<String>> {
        if text.len() > LONGEST {
            return None;
        }
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let bytes = self.key_for_session(caller)?.open(purpose, &sealed).ok()?;
        let (deadline, plain) = bytes.split_first_chunk::<8>()?;
        if self.now().as_micros() >= i64::from_be_bytes(*deadline) {
            return None;
        }
        let plain = std::str::from_utf8(plain).ok()?;
        Some(Zeroizing::new(plain.to_owned()))
    }

    /// A key of its own for each session: a person may open as many forms as they like.
    fn key_for_session(&self, caller: &Caller) -> Option<MasterKey> {
        let permit = caller.permit()?;
        let session = permit.credential().session()?;
        let (user, organization) = (permit.user_id(), caller.organization_id());
        let context = format!("for_session:{session}:{user}:{organization}");
        Some(self.0.master_key.derive(&context))
    }
}
