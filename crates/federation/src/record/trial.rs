//! A sign-in to look at: it creates nobody and shows what it would do.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use vestibule_accounts::{Caller, Error, RequestSource, Result};
use vestibule_model::{ConnectionId, Digest, Role, Timestamp};

use crate::flow::purpose::Purpose;
use crate::flow::redirect::{Browser, Initiated};
use crate::secret_text::random_text;
use crate::setup::version::chosen;
use crate::{NO_CONNECTION, Sso, Which};

/// How long a ticket is good.
const TICKET_LIFE: Duration = Duration::from_secs(10 * 60);

/// What tickets are sealed for.
const CONTEXT: &str = "sso_test_ticket";

/// The longest ticket that is looked at, in bytes.
const LONGEST_TICKET: usize = 1_024;

/// What a ticket says.
#[derive(Serialize, Deserialize)]
struct Ticket {
    connection: ConnectionId,
    which: Which,
    /// What makes it one of its kind, so that it counts once.
    id: String,
    expires_at: Timestamp,
}

fn no_such_ticket() -> Error {
    Error::sign_in_failed(
        "sso_ticket",
        "The ticket is none of this server's, was used, or is older than 10 minutes; ask for \
         another one.",
    )
}

impl Sso {
    /// Begins a sign-in that creates nobody and shows what it would do. For admins and owners.
    pub async fn test_sign_in(
        &self,
        caller: &Caller,
        id: ConnectionId,
        which: Which,
        binding: Option<&str>,
        origin: &RequestSource,
    ) -> Result<Initiated> {
        caller.needs(Role::Admin)?;
        let found = self.accounts().store().connection(caller.scope(), id);
        let (connection, secrets) = found.await?.ok_or(NO_CONNECTION)?;
        let browser = Browser {
            binding,
            login_hint: None,
            origin,
        };
        self.begin(&connection, &secrets, which, Purpose::Test, browser)
            .await
    }

    /// A URL by which a browser begins a test sign-in once, within ten minutes: for who sets a
    /// connection up without one. Nothing is written before it is used. For admins and owners.
    pub async fn test_url(
        &self,
        caller: &Caller,
        id: ConnectionId,
        which: Which,
    ) -> Result<String> {
        caller.needs(Role::Admin)?;
        let accounts = self.accounts();
        let found = accounts.store().connection(caller.scope(), id);
        let (connection, secrets) = found.await?.ok_or(NO_CONNECTION)?;
        chosen(&connection, &secrets, which)?;
        let ticket = Ticket {
            connection: id,
            which,
            id: random_text(accounts.entropy()).to_string(),
            expires_at: accounts.now().after(TICKET_LIFE),
        };
        let plain = serde_json::to_vec(&ticket).map_err(Error::internal)?;
        let sealed = accounts.seal(CONTEXT, &plain)?;
        Ok(format!(
            "{}/v1/auth/sso/{}/test?ticket={}",
            self.public_url(),
            connection.organization_id,
            URL_SAFE_NO_PAD.encode(sealed)
        ))
    }

    /// Begins the test sign-in of a ticket in the browser that brings it.
    pub async fn start_test(
        &self,
        ticket: &str,
        binding: Option<&str>,
        origin: &RequestSource,
    ) -> Result<Initiated> {
        self.count(origin.address)?;
        let accounts = self.accounts();
        let ticket = self.open_ticket(ticket).ok_or_else(no_such_ticket)?;
        let now = accounts.now();
        if ticket.expires_at <= now {
            return Err(no_such_ticket());
        }
        let (_, connection, secrets) = self.named(ticket.connection).await?;
        let mut write = accounts.begin_for_stranger().await?;
        let digest = Digest::of(ticket.id.as_bytes());
        let new = write
            .spend_token(ticket.connection, &digest, ticket.expires_at)
            .await?;
        if !new {
            return Err(no_such_ticket());
        }
        write.commit_unaudited().await?;
        let browser = Browser {
            binding,
            login_hint: None,
            origin,
        };
        self.begin(&connection, &secrets, ticket.which, Purpose::Test, browser)
            .await
    }

    fn open_ticket(&self, text: &str) -> Option<Ticket> {
        if text.len() > LONGEST_TICKET {
            return None;
        }
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let plain = self.accounts().open_sealed(CONTEXT, &sealed).ok()?;
        serde_json::from_slice(&plain).ok()
    }
}
