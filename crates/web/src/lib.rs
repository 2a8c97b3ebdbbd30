//! The pages: sign-in, account, organisation. Rendered on the server, complete without scripts,
//! with nothing from anybody else.
//!
//! A page is one file in `pages`, one template and one route: a struct with what the template
//! shows, a handler that calls one operation of `accounts`, and a line in [`routes`]. What people
//! read stands in `catalogue/en.txt`. A page has no rule of its own: the check guards it by the
//! route's rule, and `accounts` refuses what the caller may not do.

#[macro_use]
mod text;

mod assets;
mod brand;
mod failure;
mod form;
mod frame;
mod layer;
mod look;
mod moment;
mod new_key;
mod notice;
mod pages;
mod paging;
mod problem;
mod respond;
mod return_to;
mod sample;
mod visit;
mod web;
mod words;

pub use brand::{Brand, BrandError, Logo};
pub use layer::{DrawProblems, draw_problems};
pub use look::Look;
pub use pages::routes;
pub use sample::{Listed, SampleLists};
pub use web::{Web, WebParts};
