//! All that a customer writes: notes on paths, which callers read and write where they may.

#![expect(clippy::print_stdout, reason = "it tells its user what to send")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use serde::Deserialize;
use tower::make::Shared;
use vestibule_layer::credential::frame::{PlainSecret, Prefix, SecretKind, mint};
use vestibule_layer::model::{Capability, OsEntropy, ResourcePath};
use vestibule_layer::{
    CheckService, Core, CoreParts, EntryPointExt as _, Fields, Json, MemoryDirectory, Permit,
    Problem, Routes, Rule,
};

type Notes = Arc<Mutex<BTreeMap<ResourcePath, String>>>;
type AnyError = Box<dyn std::error::Error>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewNote {
    path: String,
    text: String,
}

async fn write(
    State(notes): State<Notes>,
    permit: Permit,
    Json(new): Json<NewNote>,
) -> Result<(), Problem> {
    let mut fields = Fields::default();
    let path = fields.parse("path", &new.path);
    let path = fields.finish_with(path)?;
    permit.may(&path, Capability::ReadWrite)?;
    let mut notes = notes.lock().map_err(|_| Problem::internal())?;
    notes.insert(path, new.text);
    Ok(())
}

async fn list(State(notes): State<Notes>, permit: Permit) -> Result<Json<Vec<String>>, Problem> {
    let (visible, notes) = (
        permit.visible(),
        notes.lock().map_err(|_| Problem::internal())?,
    );
    let shown = notes.iter().filter(|(path, _)| visible.includes(path));
    Ok(Json(
        shown
            .map(|(path, text)| format!("{path}: {text}"))
            .collect(),
    ))
}

fn service() -> Result<(CheckService<axum::Router>, PlainSecret), AnyError> {
    let (router, rules) = Routes::bearer()
        .get("/v1/notes", Rule::signed_in(), list)
        .post("/v1/notes", Rule::signed_in(), write)
        .with_state(Notes::default())
        .into_parts()?;
    let key = mint(&Prefix::default(), SecretKind::LiveKey, &OsEntropy);
    let directory = MemoryDirectory::with_owner_key(&key.digest());
    let core = Core::new(CoreParts::new(Arc::new(directory)));
    let entry_point = core.entry_point(rules, "http://127.0.0.1:3000".parse()?);
    Ok((entry_point.guard(router), key))
}

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let (service, key) = service()?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    let key = key.expose();
    println!("curl -i http://127.0.0.1:3000/v1/notes -H 'Authorization: Bearer {key}'");
    axum::serve(listener, Shared::new(service)).await?;
    Ok(())
}

#[cfg(test)]
#[path = "../tests/example/mod.rs"]
mod tests;
