//! The end of a sign-in or a link: starts the session and builds the answer for the browser.

use serde_json::json;
use vestibule_accounts::{
    Caller, CookieSignIn, Error, ProviderSignIn, RequestSource, Result, SignedIn, TokenSignIn,
};
use vestibule_model::{AuditRecord, SsoIdentity};
use vestibule_outbound::url::with_query;
use vestibule_sso::Identity;
use vestibule_store::SsoSession;
use zeroize::Zeroizing;

use super::replaced::Replaced;
use super::return_to::ReturnTo;
use crate::admit::admission::check_enabled;
use crate::admit::request::{Admission, AdmissionRequest};
use crate::record::attempt;
use crate::{Sso, TestReport};

/// The longest ID token kept for sign-out at the provider, in bytes. It is sent in a URL, which
/// servers limit to about 8 KiB.
const LONGEST_ID_TOKEN: usize = 6 * 1_024;

/// The result of a callback.
#[derive(Debug)]
pub enum CallbackOutcome {
    /// A redirect to the application.
    Redirect {
        /// The URL, with the token in its fragment or a code in its query. Not for logs or caches.
        location: Location,
        /// The signed-in user. `None` with a code, whose session starts at the exchange.
        signed_in: Option<SignedIn>,
    },
    /// A redirect to a page of this server, with a session cookie.
    Browser {
        /// The path of the page.
        path: String,
        /// The session and its cookie.
        sign_in: CookieSignIn,
    },
    /// A token as the answer itself.
    Json(TokenSignIn),
    /// The report of a test sign-in, which signed nobody in.
    Tested(Box<TestReport>),
    /// A redirect after the signed-in user was linked to the identity.
    Linked {
        /// The path of the page.
        path: String,
        /// The linked identity.
        identity: SsoIdentity,
    },
}

/// A URL that holds a token or a code. Wiped when dropped, never printed.
pub struct Location(pub(crate) Zeroizing<String>);

impl Location {
    /// Exposes the URL for the `Location` header.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Location(…)")
    }
}

/// The answer that a sign-in ends with.
pub(super) struct SignInEnd<'a> {
    /// The destination of the browser.
    pub(super) to: &'a ReturnTo,
    /// The state of the application.
    pub(super) state: Option<&'a str>,
    /// The sessions that the browser has already.
    pub(super) replaced: Replaced<'a>,
    /// The client and the request of the callback.
    pub(super) origin: &'a RequestSource,
}

impl Sso {
    pub(super) async fn finish_sign_in(
        &self,
        admission: &AdmissionRequest<'_>,
        end: SignInEnd<'_>,
    ) -> Result<CallbackOutcome> {
        let SignInEnd {
            to,
            state,
            replaced,
            origin,
        } = end;
        let Admission {
            mut write,
            mut records,
            user,
            role,
            ..
        } = self.admit(admission).await?;
        // Under the lock of `admit`: a connection disabled meanwhile lets nobody in.
        check_enabled(&mut write, admission).await?;
        let sso_session = self.sso_session(admission)?;
        let noted = self.attempt(admission.connection, "sign_in", origin);
        let noted = attempt::with_identity(noted, admission.identity, Some(user.id));
        write.insert_attempt(&noted).await?;
        let scope = admission.caller.scope();
        let caller = Caller::arriving(scope, origin.actor(Some(user.id)));
        // Only the admission has told who the actor of its records is.
        for record in &mut records {
            record.actor = caller.actor().clone();
        }
        write.append_audit(&records).await?;
        let sign_in = ProviderSignIn {
            caller: &caller,
            user: &user,
            role,
            sso_session: &sso_session,
        };
        match to {
            ReturnTo::Code { redirect_uri } => {
                let code = self.issue_code(write, &sign_in, redirect_uri).await?;
                let mut pairs = form_urlencoded::Serializer::new(String::new());
                pairs.append_pair("code", &code);
                pairs.extend_pairs(state.map(|state| ("state", state)));
                let query = Zeroizing::new(pairs.finish());
                // No session yet: an unused code must leave none behind.
                Ok(CallbackOutcome::Redirect {
                    location: Location(Zeroizing::new(with_query(redirect_uri, &query))),
                    signed_in: None,
                })
            }
            ReturnTo::Fragment { redirect_uri } => {
                let TokenSignIn { signed_in, token } =
                    self.accounts().start_token_session(write, sign_in).await?;
                let mut pairs = form_urlencoded::Serializer::new(String::new());
                pairs.append_pair("access_token", token.expose());
                pairs.append_pair("token_type", "bearer");
                pairs.append_pair("expires_in", &token.expires_in().as_secs().to_string());
                pairs.extend_pairs(state.map(|state| ("state", state)));
                // In the fragment, which browsers send to no server and no log sees.
                let fragment = Zeroizing::new(pairs.finish());
                let location = format!("{redirect_uri}#{}", fragment.as_str());
                Ok(CallbackOutcome::Redirect {
                    location: Location(Zeroizing::new(location)),
                    signed_in: Some(signed_in),
                })
            }
            ReturnTo::Json => {
                let started = self.accounts().start_token_session(write, sign_in);
                Ok(CallbackOutcome::Json(started.await?))
            }
            ReturnTo::Browser { path } => {
                // Only cookies replace a session; a token stands beside whatever the browser has.
                self.check_replaced(&mut write, &sign_in, replaced).await?;
                let accounts = self.accounts();
                let started = accounts.start_cookie_session(write, sign_in, replaced.sessions);
                Ok(CallbackOutcome::Browser {
                    path: path.clone(),
                    sign_in: started.await?,
                })
            }
        }
    }

    pub(super) async fn finish_link(
        &self,
        admission: &AdmissionRequest<'_>,
        origin: &RequestSource,
    ) -> Result<SsoIdentity> {
        let Admission {
            mut write,
            mut records,
            user,
            ..
        } = self.admit(admission).await?;
        check_enabled(&mut write, admission).await?;
        let AdmissionRequest {
            connection,
            identity,
            caller,
            ..
        } = *admission;
        let linked = write
            .identity(connection.id, &identity.issuer, &identity.subject)
            .await?;
        let linked = linked.ok_or_else(|| Error::internal("a link is not there"))?;
        let noted = self.attempt(connection, "link", origin);
        write
            .insert_attempt(&attempt::with_identity(noted, identity, Some(user.id)))
            .await?;
        // A commit takes a record; a link that existed before has none of its own.
        let last = records
            .pop()
            .unwrap_or_else(|| self.link_seen(caller, &linked));
        write.append_audit(&records).await?;
        write.commit(last).await?;
        Ok(linked)
    }

    /// Builds the record of a link that existed before: only its time of last use changed.
    fn link_seen(&self, caller: &Caller, linked: &SsoIdentity) -> AuditRecord {
        self.accounts().record(
            caller.actor(),
            Some(caller.organization_id()),
            "sso.identity_seen",
            Some(linked.user_id.to_string()),
            &json!({ "connection": linked.connection_id }),
        )
    }

    /// Builds the `SsoSession` that records the connection and the identity behind a session.
    fn sso_session(&self, admission: &AdmissionRequest<'_>) -> Result<SsoSession> {
        let Identity {
            issuer,
            provider_subject: subject,
            session,
            id_token,
            ..
        } = admission.identity;
        let accounts = self.accounts();
        let id_token = id_token.as_deref();
        // Without it the provider may ask the person to confirm the sign-out, nothing worse.
        let id_token = id_token.filter(|token| token.len() <= LONGEST_ID_TOKEN);
        let sealed = match id_token {
            Some(token) => {
                let context = id_token_context(issuer, subject);
                Some(accounts.seal(&context, token.as_bytes())?)
            }
            None => None,
        };
        Ok(SsoSession {
            organization_id: admission.connection.organization_id,
            connection_id: admission.connection.id,
            issuer: issuer.clone(),
            subject: subject.clone(),
            provider_session: session.clone(),
            id_token: sealed,
        })
    }

    /// Opens the ID token of a session for the `id_token_hint` of a sign-out. Returns `None` if
    /// none was kept.
    pub(crate) fn open_id_token(&self, sso_session: &SsoSession) -> Option<String> {
        let context = id_token_context(&sso_session.issuer, &sso_session.subject);
        let sealed = sso_session.id_token.as_deref()?;
        let plain = self.accounts().open_sealed(&context, sealed).ok()?;
        String::from_utf8(plain.to_vec()).ok()
    }
}

fn id_token_context(issuer: &str, subject: &str) -> String {
    format!("sso_id_token:{issuer}:{subject}")
}
