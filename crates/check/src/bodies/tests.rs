use uuid::Uuid;

use super::*;

/// A room of 800 bytes, and of what each body has beside it.
const ROOM: usize = 800;

fn caller(user: u128, organization: u128) -> Sender {
    let organization = OrganizationId::from_uuid(Uuid::from_u128(organization));
    Sender::Known(UserId::from_uuid(Uuid::from_u128(user)), organization)
}

/// A body that takes so many bytes of the room.
fn body(bodies: &Arc<Bodies>, sender: Sender, bytes: usize) -> Result<BodyPlace, NoRoom> {
    let mut place = bodies.place(sender);
    place.grow_to(FREE_BYTES + bytes).map(|()| place)
}

#[test]
fn what_is_given_back_is_there_again() {
    let bodies = Bodies::new(ROOM);
    let mut place = body(&bodies, caller(1, 1), 40).unwrap();
    place.grow_to(FREE_BYTES + 100).unwrap();
    place.grow_to(30).unwrap();
    assert_eq!(place.bytes(), FREE_BYTES + 100);
    assert_eq!(place.grow_to(FREE_BYTES + 101), Err(NoRoom));
    assert_eq!(place.bytes(), FREE_BYTES + 100);
    drop(place);
    let again = body(&bodies, caller(1, 1), 100).unwrap();
    assert_eq!(bodies.taken_bytes(), FREE_BYTES + 100);
    drop(again);
    assert_eq!(bodies.taken_bytes(), 0);
    assert!(bodies.taken().by.is_empty());
}

#[test]
fn one_caller_or_address_has_an_eighth_with_all_bodies() {
    let bodies = Bodies::new(ROOM);
    for (one, other) in [
        (caller(1, 1), caller(2, 1)),
        (Sender::Stranger(1), Sender::Stranger(2)),
    ] {
        let _first = body(&bodies, one, 60).unwrap();
        assert_eq!(body(&bodies, one, 41).unwrap_err(), NoRoom);
        let _second = body(&bodies, one, 40).unwrap();
        body(&bodies, other, 100).unwrap();
    }
    // In another organisation a caller is the same.
    let _here = body(&bodies, caller(1, 1), 60).unwrap();
    assert_eq!(body(&bodies, caller(1, 2), 41).unwrap_err(), NoRoom);
}

#[test]
fn one_organization_has_a_quarter() {
    let bodies = Bodies::new(ROOM);
    let _its = [1, 2].map(|user| body(&bodies, caller(user, 1), 100).unwrap());
    assert_eq!(body(&bodies, caller(3, 1), 1).unwrap_err(), NoRoom);
    body(&bodies, caller(3, 2), 100).unwrap();
}

#[test]
fn neither_callers_nor_strangers_take_the_half_of_the_others() {
    let callers = [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3)];
    let callers = callers.map(|(user, organization)| caller(user, organization));
    let strangers = [1, 2, 3, 4, 5].map(Sender::Stranger);
    for (first, second) in [(callers, strangers), (strangers, callers)] {
        let bodies = Bodies::new(ROOM);
        let mut places = Vec::new();
        for half in [first, second] {
            let (full, late) = half.split_at(4);
            places.extend(
                full.iter()
                    .map(|sender| body(&bodies, *sender, 100).unwrap()),
            );
            assert_eq!(body(&bodies, late[0], 1).unwrap_err(), NoRoom);
        }
        // What is short fits all the same, whoever sends it.
        for sender in first.into_iter().chain(second) {
            places.push(body(&bodies, sender, 0).unwrap());
        }
        assert_eq!(bodies.taken_bytes(), 18 * FREE_BYTES + ROOM);
    }
}
