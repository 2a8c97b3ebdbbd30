//! The real server on real sockets: a fixture of its own for every test.
//!
//! ```no_run
//! # async fn example() {
//! use vestibule_e2e::{Backend, Fixture};
//!
//! let fixture = Fixture::start(Backend::Sqlite).await;
//! let answer = fixture.get("/v1/users/me").bearer(fixture.key()).send().await;
//! assert_eq!(answer.status, 200);
//! # }
//! ```

#![expect(clippy::unwrap_used, reason = "a test says what it needs by failing")]
#![expect(clippy::expect_used, reason = "a test says what it needs by failing")]
#![expect(
    clippy::missing_panics_doc,
    reason = "what a test cannot have, it cannot do without"
)]

mod answer;
mod backend;
mod browser;
mod fixture;
mod guardian;
mod lemonldap;
mod line;
mod nginx;
mod oidc_provider;
mod private_file;
mod process;
mod raw;
mod rounds;
mod served;
mod site;
mod visitor;
mod wall_clock;
mod wire;

pub use answer::{Answer, Call};
pub use backend::{Backend, Database};
pub use browser::{Browser, BrowserSetup, Key, Tab};
pub use fixture::{Fixture, Person, Setup, command};
pub use lemonldap::{Lemonldap, LemonldapClient};
pub use line::{Line, Reply};
pub use nginx::Nginx;
pub use oidc_provider::OidcProvider;
pub use private_file::write_private;
pub use process::{freeze, thaw};
pub use raw::RawAnswer;
pub use rounds::rounds;
pub use served::Served;
pub use site::Site;
pub use visitor::{Form, Page, Visitor};
pub use wall_clock::WallClock;
pub use wire::Wire;
