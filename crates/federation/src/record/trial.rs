//! Test sign-ins: the whole flow, without creating anybody.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use vestibule_accounts::{Caller, Error, RequestSource, Result};
use vestibule_model::{ConnectionId, Digest, Role, Timestamp};

use crate::flow::purpose::Purpose;
use crate::flow::redirect::{Browser, StartedSignIn};
use crate::secret_text::random_text;
use crate::setup::version::chosen;
use crate::{NO_CONNECTION, SettingsVersion, Sso};

/// The lifetime of a ticket.
const TICKET_LIFE: Duration = Duration::from_secs(10 * 60);

/// The sealing context of tickets.
const CONTEXT: &str = "sso_test_ticket";

/// The longest ticket that is opened, in bytes.
const LONGEST_TICKET: usize = 1_024;

/// The content of a ticket.
#[derive(Serialize, Deserialize)]
struct Ticket {
    connection: ConnectionId,
    which: SettingsVersion,
    /// A random id, under which the ticket is marked as used.
    id: String,
    expires_at: Timestamp,
}

fn unknown_ticket() -> Error {
    Error::sign_in_failed(
        "sso_ticket",
        "The ticket is none of this server's, was used, or is older than 10 minutes; ask for \
         another one.",
    )
}

impl Sso {
    /// Starts a test sign-in in the caller's browser. For admins and owners.
    pub async fn start_test(
        &self,
        caller: &Caller,
        id: ConnectionId,
        which: SettingsVersion,
        binding: Option<&str>,
        origin: &RequestSource,
    ) -> Result<StartedSignIn> {
        caller.needs(Role::Admin)?;
        let found = self.accounts().store().connection(caller.scope(), id);
        let (connection, secrets) = found.await?.ok_or(NO_CONNECTION)?;
        let browser = Browser {
            binding,
            login_hint: None,
            origin,
        };
        self.start_at_provider(&connection, &secrets, which, Purpose::Test, browser)
            .await
    }

    /// Returns a URL that starts one test sign-in in any browser within ten minutes, for
    /// administrators at the command line. Nothing is stored before it is used. For admins and
    /// owners.
    pub async fn test_url(
        &self,
        caller: &Caller,
        id: ConnectionId,
        which: SettingsVersion,
    ) -> Result<String> {
        caller.needs(Role::Admin)?;
        let accounts = self.accounts();
        let found = accounts.store().connection(caller.scope(), id);
        let (connection, secrets) = found.await?.ok_or(NO_CONNECTION)?;
        // Refuses a staged version that does not exist, before anybody opens the URL.
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

    /// Starts the test sign-in of a ticket, once.
    pub async fn start_test_by_ticket(
        &self,
        ticket: &str,
        binding: Option<&str>,
        origin: &RequestSource,
    ) -> Result<StartedSignIn> {
        self.count(origin.address)?;
        let accounts = self.accounts();
        let ticket = self.open_ticket(ticket).ok_or_else(unknown_ticket)?;
        let now = accounts.now();
        if ticket.expires_at <= now {
            return Err(unknown_ticket());
        }
        let (_, connection, secrets) = self.find_connection(ticket.connection).await?;
        // The ticket is in a URL, which ends up in histories: it works once.
        let mut write = accounts.begin_for_stranger().await?;
        let digest = Digest::of(ticket.id.as_bytes());
        let new = write
            .spend_token(ticket.connection, &digest, ticket.expires_at)
            .await?;
        if !new {
            return Err(unknown_ticket());
        }
        write.commit().await?;
        let browser = Browser {
            binding,
            login_hint: None,
            origin,
        };
        self.start_at_provider(&connection, &secrets, ticket.which, Purpose::Test, browser)
            .await
    }

    fn open_ticket(&self, text: &str) -> Option<Ticket> {
        // Bounded before decoding, since anyone can send one.
        if text.len() > LONGEST_TICKET {
            return None;
        }
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let plain = self.accounts().open_sealed(CONTEXT, &sealed).ok()?;
        serde_json::from_slice(&plain).ok()
    }
}
