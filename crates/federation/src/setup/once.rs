//! Creation of a connection by a form: once, however often the form is sent, as
//! [`create_api_key_once`](vestibule_accounts::Accounts::create_api_key_once) does for keys.

use vestibule_accounts::{Caller, FORM_LIFE, Result};
use vestibule_model::{ConnectionId, Role};

use super::connection::NewConnection;
use crate::Sso;

const FORM: &str = "sso_connection_form";

/// The id of a connection before it is created. Only the server can make one.
#[derive(Debug, Clone, Copy)]
pub struct PreparedConnection(ConnectionId);

impl Sso {
    /// Returns the token of a form that creates a connection. It is valid for one day in the
    /// caller's session and organisation.
    pub fn connection_form(&self, caller: &Caller) -> Result<String> {
        caller.needs(Role::Owner)?;
        let accounts = self.accounts();
        let id = ConnectionId::mint(accounts.clock(), accounts.entropy());
        let until = accounts.now().after(FORM_LIFE);
        accounts.seal_for_session(caller, FORM, &id.to_string(), until)
    }

    /// Opens the token of a form. Returns `None` if it is expired or not the caller's.
    pub fn open_connection_form(&self, caller: &Caller, token: &str) -> Option<PreparedConnection> {
        let id = self.accounts().open_for_session(caller, FORM, token)?;
        id.parse().ok().map(PreparedConnection)
    }

    /// Creates the prepared connection, as [`create_connection`](Self::create_connection) does,
    /// unless an earlier submission of the same form has. In that case nothing changes. Returns the
    /// connection's id. For owners.
    pub async fn create_connection_once(
        &self,
        caller: &Caller,
        PreparedConnection(id): PreparedConnection,
        new: NewConnection,
    ) -> Result<ConnectionId> {
        caller.needs(Role::Owner)?;
        // Looked for first: a repeated submission must not call the provider again.
        let find = || self.accounts().store().connection(caller.scope(), id);
        if find().await?.is_some() {
            return Ok(id);
        }
        match self.insert_connection(caller, id, new).await {
            Ok(_) => Ok(id),
            // The same form may have been submitted twice at once: the other one won while this one
            // was asking the provider.
            Err(error) => match find().await? {
                Some(_) => Ok(id),
                None => Err(error),
            },
        }
    }
}
