//! A service of its own, protected by the check. Run it with
//! `cargo run --package vestibule-layer --example protected` and send what it prints.

#![expect(clippy::print_stdout, reason = "it tells its user what to send")]

use std::sync::Arc;

use tower::make::Shared;
use vestibule_layer::credential::frame::{Prefix, SecretKind, mint};
use vestibule_layer::model::{Capability, OsEntropy, ResourcePath};
use vestibule_layer::{
    Core, CoreParts, EntryPointExt as _, Json, MemoryDirectory, OwnOrigin, Permit, Problem, Routes,
    Rule,
};

/// It takes a `Permit`, so it cannot be reached without one.
async fn report(permit: Permit) -> Result<Json<serde_json::Value>, Problem> {
    let path: ResourcePath = "/reports/today".parse().map_err(|_| Problem::internal())?;
    permit.may(&path, Capability::ReadOnly)?;
    Ok(Json(
        serde_json::json!({ "caller": permit.user_id(), "visitors": 42 }),
    ))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (router, table) = Routes::bearer()
        .get("/v1/report", Rule::signed_in(), report)
        .into_parts()?;

    let key = mint(&Prefix::default(), SecretKind::LiveKey, &OsEntropy);
    let directory = MemoryDirectory::with_owner_key(&key.digest());
    let origin = "http://127.0.0.1:3000".parse::<OwnOrigin>()?;
    let entry_point = Core::new(CoreParts::new(Arc::new(directory))).entry_point(table, origin);
    let service = entry_point.guard(router);

    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    let url = "http://127.0.0.1:3000/v1/report";
    println!(
        "curl -i {url}\ncurl -i {url} -H 'Authorization: Bearer {}'",
        key.expose()
    );
    axum::serve(listener, Shared::new(service)).await?;
    Ok(())
}
