//! What is refused about a node, and in which words.

use vestibule_layer::model::{Capability, ResourcePath};
use vestibule_layer::{Allowed, FieldError, Permit, Problem, Refusal};

use crate::error::{self, Result};
use crate::node::{self, Node};

/// Refuses a caller who may not act with `needs` on a node known by its id. If the caller may not
/// even read it, the refusal does not tell its path, which holds the names of all folders above.
pub(crate) fn allowed<'a>(
    permit: &'a Permit,
    node: &'a Node,
    needs: Capability,
) -> Result<Allowed<'a>> {
    let refusal = match permit.may(&node.path, needs) {
        Ok(allowed) => return Ok(allowed),
        Err(refusal) => refusal,
    };
    if let Refusal::Path {
        have: None, by_key, ..
    } = refusal
    {
        let id = node.kind.id(node.id);
        let (whose, way_out) = if by_key {
            (
                "this key has",
                "Use a key whose own grants reach it, or one without grants of its own.",
            )
        } else {
            (
                "you have",
                "Ask an administrator of the organisation for a grant on its path.",
            )
        };
        let detail = format!("This needs {needs} on {id}; {whose} nothing there.");
        return Err(Problem::forbidden(refusal.reason(), detail)
            .hint(way_out)
            .into());
    }
    Err(refusal.into())
}

/// Refuses to change the place or name of a folder that every organisation has.
pub(crate) fn changeable(node: &Node) -> Result<()> {
    if node.system_managed {
        return Err(system_managed(
            "This folder belongs to the organisation itself: it stays as it is.",
        )
        .into());
    }
    Ok(())
}

/// 403: the folder is the organisation's own, whoever asks.
pub(crate) fn system_managed(detail: &'static str) -> Problem {
    Problem::forbidden("system_managed", detail).hint("Work with the folders below it.")
}

/// The path of what has this name in a folder.
pub(crate) fn child(parent: &ResourcePath, name: &str) -> Result<ResourcePath> {
    parent.join(name).map_err(|invalid| {
        if invalid.reason == "path_too_long" {
            too_long("name", "must leave the whole path with at most 1024 bytes").into()
        } else {
            Problem::invalid(vec![FieldError::new("name", invalid)]).into()
        }
    })
}

/// Refuses a move that would give a node below a path that is too long; `field` is the field to
/// blame.
pub(crate) async fn fits(
    connection: &mut sqlx::AnyConnection,
    permit: &Permit,
    field: &'static str,
    from: &ResourcePath,
    to: &ResourcePath,
) -> Result<()> {
    let longest = node::longest_below(connection, permit.scope(), from).await?;
    if (longest + to.as_str().len()).saturating_sub(from.as_str().len()) > ResourcePath::MAX_BYTES {
        let message = "must leave every path below with at most 1024 bytes";
        return Err(too_long(field, message).into());
    }
    Ok(())
}

fn too_long(field: &str, message: &'static str) -> Problem {
    error::refused(field, "path_too_long", message)
}
