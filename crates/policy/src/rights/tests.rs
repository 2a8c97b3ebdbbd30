use Answer::{No, Yes};
use Ask::{AddGrant, Administer, Approve, Create, Do, Move, WalkDown};
use Role::{Admin, Owner, User};
use proptest::prelude::*;
use rstest::rstest;
use vestibule_model::{Capability, Grant, Principal, Role};

use super::*;
use crate::fixture::{caller, capability, id, path, stored};
use crate::grants::admit;

/// What a caller asks.
#[derive(Debug, Clone, Copy)]
enum Ask {
    /// To act on a path.
    Do(&'static str, &'static str),
    /// To create a path, which takes writing on its parent.
    Create(&'static str),
    /// To move a path below another, which takes writing on both.
    Move(&'static str, &'static str),
    /// To approve at a path.
    Approve(&'static str),
    /// To do what takes a role.
    Administer(Role),
    /// That an admin gives this grant to the caller.
    AddGrant(&'static str, &'static str),
    /// To see a path listed though it cannot be opened.
    WalkDown(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Yes,
    No(&'static str),
}

fn answer(caller: &Principal, ask: Ask) -> Answer {
    let refusal = |refusal: Refusal| refusal.reason();
    let reason = match ask {
        Do(needs, at) => may(caller, &path(at), capability(needs)).err().map(refusal),
        Create(at) => may(caller, &path(at).parent().unwrap(), Capability::ReadWrite)
            .err()
            .map(refusal),
        Move(from, to) => [from, to]
            .into_iter()
            .find_map(|end| may(caller, &path(end), Capability::ReadWrite).err())
            .map(refusal),
        Approve(at) => may_approve(caller, &path(at)).err().map(refusal),
        Administer(role) => administers(caller, role).err().map(refusal),
        AddGrant(gives, at) => {
            let max = Grant::MAX_PER_USER;
            admit(&stored(caller), &path(at), capability(gives), false, max)
                .err()
                .map(|refusal| refusal.reason())
        }
        WalkDown(at) => (!visible(caller).leads_down_from(&path(at))).then_some("not_listed"),
    };
    reason.map_or(Yes, No)
}

const NO_GRANT: Answer = No("path_not_granted");
const TOO_LOW: Answer = No("capability_not_granted");
const ROLE: Answer = No("role_required");

// Each step: role, what the caller holds (see `fixture::caller`), what is asked, the answer. The
// caller is the user `abc`. Deleting takes READ_WRITE_DELETE.
#[rstest]
#[case::example_01_an_owner_deletes_anywhere(&[(Owner, "", Do("RWD", "/private/doc"), Yes)])]
#[case::example_02_an_admin_writes_anywhere(&[(Admin, "", Do("RW", "/private/doc"), Yes)])]
// The operation of accounts is "delete the organisation"; its pure part is the role it takes.
#[case::example_03_an_admin_does_not_delete_the_organization(&[(Admin, "", Administer(Owner), ROLE)])]
#[case::example_04_without_grant_nothing_is_read(&[(User, "", Do("RO", "/shared"), NO_GRANT)])]
#[case::example_05_a_grant_covers_its_own_path(&[(User, "RO /shared", Do("RO", "/shared"), Yes)])]
#[case::example_06_a_grant_is_inherited(&[(User, "RO /shared", Do("RO", "/shared/reports/q1"), Yes)])]
#[case::example_07_reading_is_not_writing(&[(User, "RO /shared", Do("RW", "/shared/reports/q1"), TOO_LOW)])]
#[case::example_08_a_grant_below_raises(&[(User, "RO /shared; RW /shared/output", Do("RW", "/shared/output/file"), Yes)])]
#[case::example_09_a_grant_below_does_not_raise_above(&[(User, "RO /shared; RW /shared/output", Do("RW", "/shared"), TOO_LOW)])]
#[case::example_10_what_no_grant_covers_is_not_read(&[(User, "RO /shared; RW /shared/output", Do("RO", "/private/doc"), NO_GRANT)])]
#[case::example_11_a_grant_ends_at_its_segment(&[(User, "RO /shared/eng", Do("RO", "/shared/engineering"), NO_GRANT)])]
#[case::example_12_creating_takes_writing_on_the_parent(&[(User, "RW /shared/eng", Create("/shared/eng/new"), Yes)])]
#[case::example_13_a_sibling_s_grant_does_not_create(&[(User, "RW /shared/eng/specs", Create("/shared/eng/new"), NO_GRANT)])]
#[case::example_14_writing_is_not_deleting(&[(User, "RW /shared/eng", Do("RWD", "/shared/eng/specs"), TOO_LOW)])]
#[case::example_15_deleting_has_a_step_of_its_own(&[(User, "RWD /shared/eng", Do("RWD", "/shared/eng/specs"), Yes)])]
// That folders of the system stay is for whoever keeps folders.
#[case::example_16_a_grant_deletes_its_own_root(&[(User, "RWD /shared/eng", Do("RWD", "/shared/eng"), Yes)])]
#[case::example_17_moving_takes_writing_at_the_destination(&[(User, "RW /shared/a; RO /shared/b", Move("/shared/a/x", "/shared/b"), TOO_LOW)])]
#[case::example_18_moving_takes_no_deleting(&[(User, "RW /shared/a; RW /shared/b", Move("/shared/a/x", "/shared/b"), Yes)])]
#[case::example_19_the_own_folder_is_written(&[(User, "", Create("/users/abc/notes"), Yes)])]
#[case::example_20_the_own_folder_is_deleted_in(&[(User, "", Do("RWD", "/users/abc/notes"), Yes)])]
#[case::example_21_another_s_folder_is_not_read(&[(User, "", Do("RO", "/users/def/notes"), NO_GRANT)])]
#[case::example_22_an_admin_reads_every_user_s_folder(&[(Admin, "", Do("RO", "/users/def/notes"), Yes)])]
#[case::example_23_a_group_s_grant_counts(&[(User, "G RO /shared/eng", Do("RO", "/shared/eng/a"), Yes)])]
#[case::example_24_the_group_s_higher_grant_wins(&[(User, "RO /shared/eng; G RW /shared/eng", Do("RW", "/shared/eng/a"), Yes)])]
#[case::example_25_a_nearer_lower_grant_does_not_narrow(&[(User, "G RW /shared; RO /shared/eng", Do("RW", "/shared/eng/a"), Yes)])]
#[case::example_26_the_grants_of_all_groups_count(&[(User, "G RO /shared; G RW /shared/output", Do("RW", "/shared/output/f"), Yes)])]
// 27 to 30 are operations of accounts; their pure part is whether the grant is admitted.
#[case::example_27_a_covered_grant_is_refused(&[(User, "RW /a", AddGrant("RO", "/a/b"), No("subsumed"))])]
#[case::example_28_a_grant_that_raises_is_admitted(&[(User, "RO /a", AddGrant("RW", "/a/b"), Yes)])]
// The second step: those of groups do not count.
#[case::example_29_the_51st_grant_is_refused(&[
    (User, "50 RO /shared/f", AddGrant("RO", "/other"), No("permission_limit")),
    (User, "G 50 RO /shared/f", AddGrant("RO", "/other"), Yes),
])]
// The grant below stays as it is.
#[case::example_30_a_broader_grant_is_admitted(&[(User, "RO /a/b", AddGrant("RO", "/a"), Yes)])]
// The list is made by whoever keeps folders; its pure part is which paths are shown, and how.
#[case::example_31_ancestors_are_listed_and_cannot_be_read(&[
    (User, "RO /shared/eng/specs", WalkDown("/shared"), Yes),
    (User, "RO /shared/eng/specs", Do("RO", "/shared"), NO_GRANT),
    (User, "RO /shared/eng/specs", WalkDown("/private"), No("not_listed")),
])]
#[case::example_32_an_ancestor_is_not_opened(&[(User, "RO /shared/eng/specs", Do("RO", "/shared"), NO_GRANT)])]
// The ancestry is a list of the route's; its pure part is that the leaf alone decides.
#[case::example_33_the_leaf_decides_on_its_ancestry(&[(User, "RO /shared/eng/specs", Do("RO", "/shared/eng/specs"), Yes)])]
// That the revocation reaches the next request is the check's; its pure part is that a key has
// nothing but what its owner has at that moment.
#[case::example_34_a_key_follows_its_owner_s_live_rights(&[
    (User, "key; RW /shared", Do("RW", "/shared/doc"), Yes),
    (User, "key", Do("RW", "/shared/doc"), NO_GRANT),
])]
// The move is the store's; its pure part is the grant's path after it.
#[case::example_35_a_grant_follows_its_folder(&[
    (User, "RO /shared/f -> /private/f", Do("RO", "/private/f/x"), Yes),
    (User, "RO /shared/f -> /private/f", Do("RO", "/shared/f/x"), NO_GRANT),
])]
// The 404 is the scoped query's. The pure part: a caller is resolved for one organisation and
// brings nothing along from another; the owner of A is, in B, a user without grants.
#[case::example_36_rights_do_not_cross_organizations(&[
    (Owner, "", Do("RO", "/shared"), Yes),
    (User, "", Do("RO", "/shared"), NO_GRANT),
])]
// Deactivation is an operation of accounts and takes the group membership away for good; the pure
// part is the caller before and after.
#[case::example_37_a_reactivated_member_has_no_groups(&[
    (User, "G RO /shared", Do("RO", "/shared"), Yes),
    (User, "", Do("RO", "/shared"), NO_GRANT),
])]
#[case::example_38_approving_is_no_capability(&[
    (User, "RO /shared/eng +approve", Approve("/shared/eng/doc"), Yes),
    (User, "RO /shared/eng +approve", Do("RW", "/shared/eng/doc"), TOO_LOW),
])]
// Tags are kept elsewhere; the pure parts are writing on the node, and the role of an admin.
#[case::example_39_tags_are_attached_by_writers_and_created_by_admins(&[
    (User, "RW /shared", Do("RW", "/shared/x"), Yes),
    (User, "RW /shared", Administer(Admin), ROLE),
])]
// The route lists grants; its pure part is the role it takes.
#[case::example_40_no_grant_makes_an_admin(&[(User, "RWD /", Administer(Admin), ROLE)])]
fn the_worked_examples_hold(#[case] steps: &[(Role, &str, Ask, Answer)]) {
    for &(role, holds, ask, expected) in steps {
        let caller = caller(role, holds);
        assert_eq!(answer(&caller, ask), expected, "{role} {holds:?} {ask:?}");
    }
}

#[rstest]
#[case::an_owner_s_key_reaches_as_far_as_its_grants(
    Owner,
    "key RW /shared",
    Do("RW", "/shared/x"),
    Yes
)]
#[case::and_no_further(Owner, "key RW /shared", Do("RO", "/private"), NO_GRANT)]
#[case::and_no_higher(Owner, "key RW /shared", Do("RWD", "/shared/x"), TOO_LOW)]
#[case::a_key_is_never_wider_than_its_owner(
    User,
    "RO /shared; key RWD /",
    Do("RW", "/shared/x"),
    TOO_LOW
)]
#[case::nor_reaches_where_the_owner_does_not(
    User,
    "RO /shared; key RWD /",
    Do("RO", "/private"),
    NO_GRANT
)]
#[case::the_home_is_narrowed_too(User, "key RO /shared", Do("RO", "/users/abc"), NO_GRANT)]
#[case::and_open_where_the_key_says_so(User, "key RO /users", Do("RO", "/users/abc/x"), Yes)]
#[case::a_narrowed_key_has_no_role(Owner, "key RWD /", Administer(Admin), No("key_is_narrowed"))]
#[case::not_even_a_user_s(Owner, "key RWD /", Administer(User), No("key_is_narrowed"))]
#[case::a_key_that_is_not_has_its_owner_s(Owner, "key", Administer(Owner), Yes)]
#[case::a_narrowed_key_approves_where_it_may(
    Admin,
    "key RO /shared +approve",
    Approve("/shared"),
    Yes
)]
#[case::and_nowhere_else(
    Admin,
    "key RO /shared",
    Approve("/shared"),
    No("approval_not_granted")
)]
#[case::nor_where_the_owner_may_not(
    User,
    "RO /shared; key RO /shared +approve",
    Approve("/shared"),
    No("approval_not_granted")
)]
#[case::the_own_home_gives_no_approval(
    User,
    "",
    Approve("/users/abc/x"),
    No("approval_not_granted")
)]
#[case::an_admin_approves_anywhere(Admin, "", Approve("/x"), Yes)]
fn keys_and_approvals_hold_to_the_least_of_all_rights(
    #[case] role: Role,
    #[case] holds: &str,
    #[case] ask: Ask,
    #[case] expected: Answer,
) {
    assert_eq!(answer(&caller(role, holds), ask), expected);
}

#[rstest]
#[case::the_key_is_in_the_way(Owner, "key RO /shared", "this key has READ_ONLY there")]
#[case::the_key_reaches_nothing(Owner, "key RO /other", "this key has nothing there")]
#[case::its_owner_may_not_either(User, "RO /shared; key RW /shared", "you have READ_ONLY there")]
#[case::no_key(User, "RO /shared", "you have READ_ONLY there")]
fn a_refusal_says_whether_it_is_the_key_that_does_not_reach(
    #[case] role: Role,
    #[case] holds: &str,
    #[case] expected: &str,
) {
    let caller = caller(role, holds);
    let refusal = may(&caller, &path("/shared"), Capability::ReadWrite).unwrap_err();
    assert!(refusal.to_string().contains(expected), "{refusal}");
}

#[rstest]
#[case::one("RW /z +approve; RO /z", "The grant")]
#[case::two("RW /z; RO /z +approve", "together")]
fn a_grant_that_adds_nothing_is_refused_with_all_that_it_takes_to_cover_it(
    #[case] holds: &str,
    #[case] expected: &str,
) {
    let held = stored(&caller(User, holds));
    let refusal = admit(&held, &path("/z"), Capability::ReadWrite, true, 50).unwrap_err();
    assert_eq!(refusal.reason(), "subsumed");
    assert!(refusal.to_string().contains(expected), "{refusal}");
}

#[test]
fn a_key_narrowed_to_nothing_may_nothing() {
    let mut key = caller(Owner, "key");
    key.narrowed_to = Some([].into());
    assert_eq!(effective(&key, &path("/")), None);
    assert_eq!(visible(&key), Visible::Under(Vec::new()));
}

#[test]
fn a_refusal_says_what_the_caller_has_and_what_it_takes() {
    let reader = caller(User, "RO /shared");
    let refusal = may(&reader, &path("/shared/x"), Capability::ReadWrite).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "This needs READ_WRITE on /shared/x; you have READ_ONLY there."
    );
    let refusal = may(&reader, &path("/private"), Capability::ReadOnly).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "This needs READ_ONLY on /private; you have nothing there."
    );
}

#[test]
fn the_basis_names_the_grant_that_decided() {
    let member = caller(User, "RO /shared; G RW /shared/eng");
    let at = path("/shared/eng/x");
    let basis = may(&member, &at, Capability::ReadOnly).unwrap();
    assert_eq!(basis, Basis::Grant(&member.grants[1]));
    assert_eq!(
        may(&member, &path("/users/abc"), Capability::ReadOnly).unwrap(),
        Basis::Home
    );
}

#[rstest]
#[case::an_admin_sees_all(Admin, "", None)]
#[case::a_grant_on_the_root_shows_all(User, "RO /", None)]
#[case::a_user_sees_the_own_home(User, "", Some(&["/users/abc"][..]))]
#[case::what_is_covered_is_named_once(User, "RO /a/b; RW /a; G RO /a/c; RO /ab", Some(&["/a", "/ab", "/users/abc"][..]))]
#[case::an_owner_s_narrowed_key_sees_its_grants(Owner, "key RO /a; key RO /a/b; key RO /c", Some(&["/a", "/c"][..]))]
#[case::a_user_s_sees_what_both_see(User, "RO /a; RO /b/c; key RO /a/x; key RO /b; key RO /d", Some(&["/a/x", "/b/c"][..]))]
#[case::a_key_on_the_root_sees_what_its_owner_sees(User, "RO /a; key RO /", Some(&["/a", "/users/abc"][..]))]
fn a_list_is_cut_to_the_fewest_prefixes(
    #[case] role: Role,
    #[case] holds: &str,
    #[case] prefixes: Option<&[&str]>,
) {
    let expected = match prefixes {
        None => Visible::Everything,
        Some(prefixes) => Visible::Under(prefixes.iter().map(|text| path(text)).collect()),
    };
    assert_eq!(visible(&caller(role, holds)), expected);
}

fn some_path() -> impl Strategy<Value = ResourcePath> {
    "(/[ab]{1,2}){1,4}|/|/users/abc".prop_map(|text| path(&text))
}

fn some_grants() -> impl Strategy<Value = Vec<HeldGrant>> {
    let one = (some_path(), 0..3_u8, any::<bool>());
    let grant = |(path, level, can_approve)| HeldGrant {
        id: id(7),
        through: None,
        path,
        capability: [
            Capability::ReadOnly,
            Capability::ReadWrite,
            Capability::ReadWriteDelete,
        ][usize::from(level)],
        can_approve,
    };
    proptest::collection::vec(one.prop_map(grant), 0..5)
}

prop_compose! {
    fn some_caller()(
        role in prop_oneof![3 => Just(User), 1 => Just(Admin)],
        grants in some_grants(),
        narrowed_to in proptest::option::of(some_grants()),
    ) -> Principal {
        Principal {
            grants: grants.into(),
            narrowed_to: narrowed_to.map(Into::into),
            ..caller(role, "")
        }
    }
}

proptest! {
    #[test]
    fn what_is_visible_is_exactly_what_may_be_read(caller in some_caller(), at in some_path()) {
        let readable = may(&caller, &at, Capability::ReadOnly).is_ok();
        prop_assert_eq!(visible(&caller).includes(&at), readable);
        prop_assert_eq!(effective(&caller, &at).is_some(), readable);
        prop_assert!(!(readable && visible(&caller).leads_down_from(&at)));
    }

    #[test]
    fn a_right_on_a_path_holds_below_it(caller in some_caller(), at in some_path()) {
        let below = at.join("x").unwrap();
        prop_assert!(effective(&caller, &below) >= effective(&caller, &at));
    }

    #[test]
    fn narrowing_a_key_never_widens_it(caller in some_caller(), at in some_path()) {
        let free = Principal { narrowed_to: None, ..caller.clone() };
        prop_assert!(effective(&caller, &at) <= effective(&free, &at));
    }

    #[test]
    fn a_covered_grant_changes_no_right(
        caller in some_caller(),
        extra in some_grants(),
        at in some_path(),
    ) {
        let Some(extra) = extra.into_iter().next() else { return Ok(()) };
        if admit(&stored(&caller), &extra.path, extra.capability, extra.can_approve, 50).is_err() {
            let mut richer = caller.clone();
            richer.grants = richer.grants.iter().cloned().chain([extra]).collect();
            prop_assert_eq!(effective(&richer, &at), effective(&caller, &at));
            prop_assert_eq!(may_approve(&richer, &at).is_ok(), may_approve(&caller, &at).is_ok());
        }
    }
}
