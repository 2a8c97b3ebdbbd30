//! The redirect URIs of an organisation's applications.

use serde_json::json;
use vestibule_accounts::{Caller, Error, Result};
use vestibule_model::{RedirectUriId, RegisteredRedirectUri, Role};

use crate::Sso;

/// The number of redirect URIs that an organisation may register.
const MOST: u64 = 100;

impl Sso {
    /// Returns the registered redirect URIs. For admins and owners.
    pub async fn redirect_uris(&self, caller: &Caller) -> Result<Vec<RegisteredRedirectUri>> {
        caller.needs(Role::Admin)?;
        let store = self.accounts().store();
        Ok(store.redirect_uris(caller.scope()).await?)
    }

    /// Registers a redirect URI. For owners, since browsers are sent there with tokens.
    pub async fn add_redirect_uri(
        &self,
        caller: &Caller,
        uri: &str,
    ) -> Result<RegisteredRedirectUri> {
        caller.needs(Role::Owner)?;
        let accounts = self.accounts();
        let uri = uri.parse();
        let registered = RegisteredRedirectUri {
            id: RedirectUriId::mint(accounts.clock(), accounts.entropy()),
            organization_id: caller.organization_id(),
            uri: uri.map_err(|invalid| Error::invalid("redirect_uri", invalid))?,
            created_at: accounts.now(),
        };
        let mut write = accounts.begin_locked(caller).await?;
        // Counted under the organisation's lock, so that two calls at once cannot both be the last.
        if write.count_redirect_uris(caller.scope()).await? >= MOST {
            return Err(Error::conflict(
                "too_many_redirect_uris",
                format!("An organisation has at most {MOST} redirect URIs; remove one first."),
            ));
        }
        write.insert_redirect_uri(&registered).await?;
        let details = json!({ "uri": registered.uri });
        let subject = registered.id.to_string();
        accounts
            .commit(write, caller, "sso.redirect_uri_added", subject, &details)
            .await?;
        Ok(registered)
    }

    /// Removes a redirect URI. For owners.
    pub async fn remove_redirect_uri(&self, caller: &Caller, id: RedirectUriId) -> Result<()> {
        self.accounts()
            .revoking(move || self.remove_redirect_uri_once(caller, id))
            .await
    }

    async fn remove_redirect_uri_once(&self, caller: &Caller, id: RedirectUriId) -> Result<()> {
        caller.needs(Role::Owner)?;
        let accounts = self.accounts();
        let mut write = accounts.begin_locked(caller).await?;
        let uri = write.delete_redirect_uri(caller.scope(), id).await?;
        let uri = uri.ok_or(Error::NotFound {
            what: "redirect URI",
        })?;
        let details = json!({ "uri": uri });
        let subject = id.to_string();
        accounts
            .commit(write, caller, "sso.redirect_uri_removed", subject, &details)
            .await
    }
}
