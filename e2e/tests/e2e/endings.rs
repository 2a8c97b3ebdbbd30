//! Every way in which somebody else ends a grant or a session, and who may: by what happens to
//! folders and documents ([`paths`]), and by what happens to people ([`people`], [`sessions`]).

mod paths;
mod people;
mod sessions;
