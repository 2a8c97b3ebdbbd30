//! Instructions a request, which do not depend on the machine or on what else it does.

use std::sync::Arc;

use anyhow::Result;

use crate::fixture;
use crate::requests::{CONNECTIONS, client, request};
use crate::server::{Counted, Kind};

/// Requests of the shorter and of the longer run. Their difference leaves out the start of the
/// process and the first sight of the credential.
const FEW: usize = 1_000;
const MANY: usize = 11_000;

/// Prints the instructions of a bare and of a checked request, as callgrind counts them.
pub(crate) fn measure() -> Result<()> {
    let callers = fixture::callers()?;
    let key = format!("Authorization: Bearer {}", callers.keys[0].expose());
    let request = Arc::new(vec![request(&key)]);
    println!("instructions a request, counted by callgrind");
    let bare = a_request(Kind::Bare, &request)?;
    let checked = a_request(Kind::Checked, &request)?;
    println!(
        "  one key          bare {bare:.0}, checked {checked:.0}, ratio {:.3}",
        checked / bare
    );
    Ok(())
}

fn a_request(kind: Kind, request: &Arc<Vec<Vec<u8>>>) -> Result<f64> {
    let runtime = client()?;
    let count = |requests| -> Result<f64> {
        let server = Counted::start(kind)?;
        runtime.block_on(crate::client::load(
            server.port(),
            CONNECTIONS,
            requests,
            request,
        ))?;
        server.instructions()
    };
    let (few, many) = (count(FEW)?, count(MANY)?);
    Ok((many - few) / f64::from(u32::try_from(MANY - FEW)?))
}
