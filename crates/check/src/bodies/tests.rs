use super::*;

fn user(number: u128) -> Sender {
    Sender::User(Uuid::from_u128(number))
}

#[test]
fn all_bodies_together_have_a_bound_and_what_is_given_back_is_there_again() {
    let bodies = Bodies::new(400);
    let mut places: Vec<_> = (0..4).map(|number| bodies.place(user(number))).collect();
    for place in &mut places {
        place.grow_to(40).unwrap();
        place.grow_to(100).unwrap();
        place.grow_to(30).unwrap();
        assert_eq!(place.bytes(), 100);
    }
    let mut late = bodies.place(user(4));
    assert_eq!(late.grow_to(1), Err(NoRoom));
    assert_eq!(late.bytes(), 0);
    places.pop();
    late.grow_to(100).unwrap();
    drop((places, late));
    assert_eq!(bodies.taken_bytes(), 0);
    assert!(bodies.taken().by.is_empty());
    assert_eq!(bodies.taken().by_strangers, 0);
}

#[test]
fn one_caller_gets_a_quarter_with_all_bodies() {
    let bodies = Bodies::new(400);
    let (mut first, mut second) = (bodies.place(user(1)), bodies.place(user(1)));
    first.grow_to(60).unwrap();
    assert_eq!(second.grow_to(41), Err(NoRoom));
    second.grow_to(40).unwrap();
    bodies.place(user(2)).grow_to(100).unwrap();
}

#[test]
fn strangers_leave_half_of_it_to_those_who_are_known() {
    let bodies = Bodies::new(400);
    let mut strangers: Vec<_> = (0..3)
        .map(|number| bodies.place(Sender::Stranger(number)))
        .collect();
    strangers[0].grow_to(100).unwrap();
    strangers[1].grow_to(100).unwrap();
    assert_eq!(strangers[2].grow_to(1), Err(NoRoom));
    bodies.place(user(1)).grow_to(100).unwrap();
}
