//! Every way in which somebody else ends a grant or a session, and who may: by what happens to
//! folders and documents ([`paths`], and [`crashes`] in the middle of it), and by what happens to people ([`people`], [`sessions`]).

mod crashes;
mod paths;
mod people;
mod sessions;
