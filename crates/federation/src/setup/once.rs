//! A connection that a form creates: once, however often the form is sent, in the way of
//! [`create_api_key_once`](vestibule_accounts::Accounts::create_api_key_once).

use vestibule_accounts::{Caller, FORM_LIFE, Result};
use vestibule_model::{ConnectionId, Role};

use super::connection::NewConnection;
use crate::Sso;

const FORM: &str = "sso_connection_form";

/// The id of a connection before it is created. Only the server makes one.
#[derive(Debug, Clone, Copy)]
pub struct PreparedConnection(ConnectionId);

impl Sso {
    /// Returns the token of a form that creates a connection. It is good for the caller's session
    /// in this organisation, for a day.
    pub fn connection_form(&self, caller: &Caller) -> Result<String> {
        caller.needs(Role::Owner)?;
        let accounts = self.accounts();
        let id = ConnectionId::mint(accounts.clock(), accounts.entropy());
        let until = accounts.now().after(FORM_LIFE);
        accounts.seal_for_session(caller, FORM, &id.to_string(), until)
    }

    /// Opens the token of a form; `None` where it is not the caller's, or too old.
    pub fn open_connection_form(&self, caller: &Caller, token: &str) -> Option<PreparedConnection> {
        let id = self.accounts().open_for_session(caller, FORM, token)?;
        id.parse().ok().map(PreparedConnection)
    }

    /// Creates the prepared connection, as [`create_connection`](Self::create_connection) does, if
    /// no earlier submission of the same form has; what that one asked for stands then, and nothing
    /// is changed. Returns the connection's id. For owners.
    pub async fn create_connection_once(
        &self,
        caller: &Caller,
        PreparedConnection(id): PreparedConnection,
        new: NewConnection,
    ) -> Result<ConnectionId> {
        caller.needs(Role::Owner)?;
        let find = || self.accounts().store().connection(caller.scope(), id);
        if find().await?.is_some() {
            return Ok(id);
        }
        match self.insert_connection(caller, id, new).await {
            Ok(_) => Ok(id),
            // Sent twice at once: the other submission may have come first while this one asked
            // the provider.
            Err(error) => match find().await? {
                Some(_) => Ok(id),
                None => Err(error),
            },
        }
    }
}
