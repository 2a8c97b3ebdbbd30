//! Sessions of people who came through a provider.

use serde_json::json;
use vestibule_accounts::{Caller, Error, ProviderSignIn, RequestSource, Result, TokenSignIn};
use vestibule_model::{AuditRecord, SsoIdentity};
use vestibule_sso::Identity;
use vestibule_store::SsoSession;
use zeroize::Zeroizing;

use super::arrived::{Arrived, Location};
use super::replaced::Replaced;
use super::return_to::{ReturnTo, with_query};
use crate::Sso;
use crate::admit::admission::keep_enabled;
use crate::admit::arrival::{Admission, Arrival};
use crate::record::attempt;

/// The longest ID token that is kept for the provider's sign-out, in bytes: it goes into a URL.
const LONGEST_ID_TOKEN: usize = 6 * 1_024;

/// The part of a sign-in that decides how its browser goes on.
pub(super) struct SignInEnd<'a> {
    /// The place that the browser is sent to.
    pub(super) to: &'a ReturnTo,
    /// The state of the application.
    pub(super) state: Option<&'a str>,
    /// The sessions that the browser has already.
    pub(super) replaced: Replaced<'a>,
    /// The request of the callback.
    pub(super) origin: &'a RequestSource,
}

impl Sso {
    pub(super) async fn finish_sign_in(
        &self,
        arrival: &Arrival<'_>,
        end: SignInEnd<'_>,
    ) -> Result<Arrived> {
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
        } = self.admit(arrival).await?;
        keep_enabled(&mut write, arrival).await?;
        let came_by = self.came_by(arrival)?;
        let noted = self.attempt(arrival.connection, "sign_in", origin);
        let noted = attempt::told(noted, arrival.identity, Some(user.id));
        write.insert_attempt(&noted).await?;
        let scope = arrival.caller.scope();
        let caller = Caller::arriving(scope, origin.actor(Some(user.id)));
        for record in &mut records {
            record.actor = caller.actor().clone();
        }
        write.append_audit(&records).await?;
        let newcomer = ProviderSignIn {
            caller: &caller,
            user: &user,
            role,
            came_by: &came_by,
        };
        match to {
            ReturnTo::Code { redirect_uri } => {
                let code = self.issue_code(write, &newcomer, redirect_uri).await?;
                let mut pairs = form_urlencoded::Serializer::new(String::new());
                pairs.append_pair("code", &code);
                pairs.extend_pairs(state.map(|state| ("state", state)));
                let query = Zeroizing::new(pairs.finish());
                Ok(Arrived::Redirect {
                    location: Location(Zeroizing::new(with_query(redirect_uri, &query))),
                    signed_in: None,
                })
            }
            ReturnTo::Fragment { redirect_uri } => {
                let TokenSignIn { signed_in, token } =
                    self.accounts().start_token_session(write, newcomer).await?;
                let mut pairs = form_urlencoded::Serializer::new(String::new());
                pairs.append_pair("access_token", token.expose());
                pairs.append_pair("token_type", "bearer");
                pairs.append_pair("expires_in", &token.expires_in().as_secs().to_string());
                pairs.extend_pairs(state.map(|state| ("state", state)));
                let fragment = Zeroizing::new(pairs.finish());
                let location = format!("{redirect_uri}#{}", fragment.as_str());
                Ok(Arrived::Redirect {
                    location: Location(Zeroizing::new(location)),
                    signed_in: Some(signed_in),
                })
            }
            ReturnTo::Json => {
                let started = self.accounts().start_token_session(write, newcomer);
                Ok(Arrived::Json(started.await?))
            }
            ReturnTo::Browser { path } => {
                self.keep_others(&mut write, &newcomer, replaced).await?;
                let accounts = self.accounts();
                let started = accounts.start_cookie_session(write, newcomer, replaced.sessions);
                Ok(Arrived::Browser {
                    path: path.clone(),
                    sign_in: started.await?,
                })
            }
        }
    }

    pub(super) async fn finish_link(
        &self,
        arrival: &Arrival<'_>,
        origin: &RequestSource,
    ) -> Result<SsoIdentity> {
        let Admission {
            mut write,
            mut records,
            user,
            ..
        } = self.admit(arrival).await?;
        keep_enabled(&mut write, arrival).await?;
        let Arrival {
            connection,
            identity,
            caller,
            ..
        } = *arrival;
        let linked = write
            .identity(connection.id, &identity.issuer, &identity.subject)
            .await?;
        let linked = linked.ok_or_else(|| Error::internal("a link is not there"))?;
        let noted = self.attempt(connection, "link", origin);
        write
            .insert_attempt(&attempt::told(noted, identity, Some(user.id)))
            .await?;
        let last = records
            .pop()
            .unwrap_or_else(|| self.link_seen(caller, &linked));
        write.append_audit(&records).await?;
        write.commit(last).await?;
        Ok(linked)
    }

    /// Linked before: nothing was changed but when it was used last.
    fn link_seen(&self, caller: &Caller, linked: &SsoIdentity) -> AuditRecord {
        self.accounts().record(
            caller.actor(),
            Some(caller.organization_id()),
            "sso.identity_seen",
            Some(linked.user_id.to_string()),
            &json!({ "connection": linked.connection_id }),
        )
    }

    /// By what the session of an arrival comes.
    fn came_by(&self, arrival: &Arrival<'_>) -> Result<SsoSession> {
        let Identity {
            issuer,
            provider_subject: subject,
            session,
            id_token,
            ..
        } = arrival.identity;
        let accounts = self.accounts();
        let id_token = id_token.as_deref();
        let id_token = id_token.filter(|token| token.len() <= LONGEST_ID_TOKEN);
        let sealed = match id_token {
            Some(token) => {
                let context = id_token_context(issuer, subject);
                Some(accounts.seal(&context, token.as_bytes())?)
            }
            None => None,
        };
        Ok(SsoSession {
            organization_id: arrival.connection.organization_id,
            connection_id: arrival.connection.id,
            issuer: issuer.clone(),
            subject: subject.clone(),
            provider_session: session.clone(),
            id_token: sealed,
        })
    }

    /// The ID token of a session, opened for the provider's sign-out.
    pub(crate) fn open_id_token(&self, came_by: &SsoSession) -> Option<String> {
        let context = id_token_context(&came_by.issuer, &came_by.subject);
        let sealed = came_by.id_token.as_deref()?;
        let plain = self.accounts().open_sealed(&context, sealed).ok()?;
        String::from_utf8(plain.to_vec()).ok()
    }
}

fn id_token_context(issuer: &str, subject: &str) -> String {
    format!("sso_id_token:{issuer}:{subject}")
}
