//! The connections that a member is linked with, and the end of such a link.

use vestibule_accounts::Error;
use vestibule_handler::Failure;
use vestibule_model::{ConnectionId, Name, UserId};

use crate::failure::{no_sso, no_such};
use crate::form::Form;
use crate::visit::Visit;

/// A connection that a member is linked with.
pub(super) struct Linked {
    pub(super) connection: ConnectionId,
    pub(super) name: Name,
}

/// Returns the connections that a member is linked with; none where the server has no single
/// sign-on.
pub(super) async fn linked(visit: &Visit, user: UserId) -> Result<Vec<Linked>, Error> {
    let Some(sso) = visit.web.sso() else {
        return Ok(Vec::new());
    };
    let caller = visit.caller();
    let identities = sso.identities(&caller, user).await?;
    if identities.is_empty() {
        return Ok(Vec::new());
    }
    let connections = sso.connections(&caller).await?.into_iter();
    let linked = connections.filter(|it| identities.iter().any(|one| one.connection_id == it.id));
    let shown = |it: vestibule_model::SsoConnection| Linked {
        connection: it.id,
        name: it.name,
    };
    Ok(linked.map(shown).collect())
}

/// Unlinks a member from the connection that a form names.
pub(super) async fn unlink(
    visit: &Visit,
    user: UserId,
    form: &Form,
) -> Result<Result<(), Error>, Failure> {
    let sso = visit.web.sso().ok_or_else(no_sso)?;
    let connection = form.value("connection").parse::<ConnectionId>();
    let connection = connection.map_err(|_| no_such("connection"))?;
    let revoke_keys = form.has("revoke_keys", "yes");
    let caller = visit.caller();
    Ok(sso.unlink(&caller, connection, user, revoke_keys).await)
}
