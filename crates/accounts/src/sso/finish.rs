//! Sessions of people who came through a provider.

use std::time::Duration;

use serde_json::json;
use vestibule_model::{
    AuditRecord, CredentialRef, Digest, Role, Session, SsoIdentity, User, UserId,
};
use vestibule_sso::Identity;
use vestibule_store::{OneTimeCode, SsoSession, Write};
use zeroize::Zeroizing;

use super::admission::{Admission, Arrival, keep_enabled};
use super::arrived::{CallbackRequest, Location};
use super::browser::Replaced;
use super::callback::with_query;
use super::initiate::ReturnTo;
use super::secret::random_text;
use super::{Arrived, Origin, Sso, attempt};
use crate::{AccessToken, Caller, Error, Result, SignedIn, TokenSignIn};

/// How long a one-time code is good.
const CODE_LIFE: Duration = Duration::from_secs(60);

/// The longest ID token that is kept for the provider's sign-out, in bytes: it goes into a URL.
const LONGEST_ID_TOKEN: usize = 6 * 1_024;

/// Who begins a session, and by what.
pub(super) struct Newcomer<'a> {
    pub(super) caller: &'a Caller,
    pub(super) user: &'a User,
    pub(super) role: Role,
    pub(super) came_by: &'a SsoSession,
}

impl Sso {
    pub(super) async fn finish_sign_in(
        &self,
        arrival: &Arrival<'_>,
        to: &ReturnTo,
        state: Option<&str>,
        replaces: Option<UserId>,
        request: &CallbackRequest<'_>,
    ) -> Result<Arrived> {
        let origin = request.origin;
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
        let newcomer = Newcomer {
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
                let TokenSignIn { signed_in, token } = self.begin_token(write, newcomer).await?;
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
            ReturnTo::Json => Ok(Arrived::Json(self.begin_token(write, newcomer).await?)),
            ReturnTo::Browser { path } => {
                let has = Replaced {
                    sessions: request.sessions,
                    agreed: replaces,
                };
                Ok(Arrived::Browser {
                    path: path.clone(),
                    sign_in: self.begin_cookie(write, newcomer, has).await?,
                })
            }
        }
    }

    pub(super) async fn finish_link(
        &self,
        arrival: &Arrival<'_>,
        origin: &Origin,
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
            Some(token) => Some(accounts.0.master_key.seal(
                &id_token_context(issuer, subject),
                token.as_bytes(),
                accounts.entropy(),
            )?),
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

    async fn issue_code(
        &self,
        mut write: Write,
        newcomer: &Newcomer<'_>,
        redirect_uri: &str,
    ) -> Result<Zeroizing<String>> {
        let accounts = self.accounts();
        let code = random_text(accounts.entropy());
        let row = OneTimeCode {
            redirect_uri: redirect_uri.to_owned(),
            user_id: newcomer.user.id,
            origin: newcomer.came_by.clone(),
            expires_at: accounts.now().after(CODE_LIFE),
        };
        let digest = Digest::of(code.as_bytes());
        write.insert_one_time_code(&digest, &row).await?;
        let details = json!({
            "connection": newcomer.came_by.connection_id,
            "redirect_uri": redirect_uri,
        });
        let subject = newcomer.user.id.to_string();
        accounts
            .commit(write, newcomer.caller, "sso.code_issued", subject, &details)
            .await?;
        Ok(code)
    }

    /// Begins a session with an access token.
    pub(super) async fn begin_token(
        &self,
        write: Write,
        newcomer: Newcomer<'_>,
    ) -> Result<TokenSignIn> {
        let session = self.session_of(&newcomer);
        let (parts, accounts) = (self.accounts().candidate(&session)?, self.accounts());
        let token: AccessToken = accounts.token_of(&session, session.organization_id, &parts)?;
        let credential = CredentialRef::AccessToken(session.id);
        let signed_in = self
            .begin_session(write, newcomer, session, credential, None)
            .await?;
        Ok(TokenSignIn { signed_in, token })
    }

    pub(super) fn session_of(&self, newcomer: &Newcomer<'_>) -> Session {
        let organization = newcomer.caller.organization_id();
        self.accounts().new_session(newcomer.user.id, organization)
    }

    pub(super) async fn begin_session(
        &self,
        mut write: Write,
        newcomer: Newcomer<'_>,
        session: Session,
        credential: CredentialRef,
        cookie: Option<&Digest>,
    ) -> Result<SignedIn> {
        let accounts = self.accounts();
        write.insert_session(&session, cookie).await?;
        write
            .insert_sso_session(session.id, newcomer.came_by)
            .await?;
        let mut actor = newcomer.caller.actor().clone();
        actor.credential = Some(credential);
        let from = Some(newcomer.came_by.organization_id);
        let details = json!({
            "by": "sso",
            "for": credential.kind(),
            "connection": newcomer.came_by.connection_id,
            "sessions_ended": accounts.make_room(&mut write, &session, from).await?,
        });
        let organization = session.organization_id;
        let active = write.organization(organization).await?;
        let active = active.ok_or(Error::CredentialEnded)?;
        let subject = session.id.to_string();
        let kind = "session.started";
        accounts
            .commit_as(write, &actor, Some(organization), kind, subject, &details)
            .await?;
        let me = accounts
            .me_in(newcomer.user.id, organization, newcomer.role, session.id)
            .await?;
        Ok(SignedIn {
            me,
            organization: active,
            session,
        })
    }

    /// The ID token of a session, opened for the provider's sign-out.
    pub(super) fn open_id_token(&self, came_by: &SsoSession) -> Option<String> {
        let context = id_token_context(&came_by.issuer, &came_by.subject);
        let sealed = came_by.id_token.as_deref()?;
        let plain = self.accounts().0.master_key.open(&context, sealed).ok()?;
        String::from_utf8(plain.to_vec()).ok()
    }
}

fn id_token_context(issuer: &str, subject: &str) -> String {
    format!("sso_id_token:{issuer}:{subject}")
}
