//! A body in memory, and the place it takes there.

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http_body_util::BodyExt;
use vestibule_check::{BodyPlace, NoRoom};

use super::{incomplete, is_length_limit};
use crate::Problem;

/// The first bytes of a body for which a place is taken, if it does not say that it is shorter.
const FIRST_BYTES: usize = 1024;

/// The whole body, up to `most` bytes, refused before it is read where it says that it is longer.
/// The place is given back when the last of what this gives is dropped.
pub(super) async fn whole(mut body: Body, most: usize, place: BodyPlace) -> Result<Bytes, Problem> {
    let announced = body.size_hint();
    if announced.lower() > most as u64 {
        return Err(Problem::body_too_large(most));
    }
    let expected = announced
        .upper()
        .and_then(|upper| usize::try_from(upper).ok())
        .map_or(most, |upper| upper.min(most));
    let mut placed = Placed {
        bytes: Vec::new(),
        place,
    };
    while let Some(frame) = body.frame().await {
        match frame {
            // Trailers are for nobody.
            Ok(frame) => {
                if let Ok(data) = frame.into_data() {
                    placed.append(&data, expected, most)?;
                }
            }
            Err(error) if is_length_limit(&error) => return Err(Problem::body_too_large(most)),
            Err(_) => return Err(incomplete()),
        }
    }
    Ok(Bytes::from_owner(placed))
}

/// Bytes, and the place they take.
struct Placed {
    bytes: Vec<u8>,
    place: BodyPlace,
}

impl Placed {
    /// Copies what has come, so that many small pieces take no more than their own bytes. A place
    /// is taken as they come, and not for what is only announced.
    fn append(&mut self, data: &[u8], expected: usize, most: usize) -> Result<(), Problem> {
        let length = self.bytes.len() + data.len();
        if length > most {
            return Err(Problem::body_too_large(most));
        }
        if length > self.place.bytes() {
            let doubled = (2 * self.place.bytes()).max(FIRST_BYTES).min(expected);
            let ample = self.place.grow_to(doubled.max(length));
            ample
                .or_else(|NoRoom| self.place.grow_to(length))
                .map_err(|NoRoom| Problem::no_room_for_body())?;
            let room = self.place.bytes();
            self.bytes.reserve_exact(room - self.bytes.len());
        }
        self.bytes.extend_from_slice(data);
        Ok(())
    }
}

impl AsRef<[u8]> for Placed {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
