//! The catalogue itself.

mod caller;
mod input;
mod single_sign_on;

use super::ProblemReason;

/// Every `reason` that an answer may name, by the step that refuses. A test holds it to what the
/// crates produce.
pub(super) fn all() -> impl Iterator<Item = &'static ProblemReason> {
    [
        REQUEST_LINE,
        caller::CREDENTIAL,
        caller::RIGHTS,
        TOO_MUCH,
        input::INPUT,
        single_sign_on::SINGLE_SIGN_ON,
        CONFLICTS,
        OUR_SIDE,
    ]
    .into_iter()
    .flatten()
}

/// The request line.
#[rustfmt::skip] // one entry, two lines: it is a table
const REQUEST_LINE: &[ProblemReason] = &[
    reason("path_not_canonical", "400",
        "The path has another spelling than its one plain one.", "Send it without encoded slashes, dots or letters, empty or dot segments."),
    reason("bad_host", "400",
        "The request names no host, or several.", "Send one header Host, as every client of HTTP/1.1 does."),
    reason("forwarded_for_unreadable", "400",
        "A proxy in front of the server, which the operator trusts, has named no address of its client.", "The proxy has to write the client's address into the header that server.forwarded_header names; the server's log has what it wrote."),
    reason("no_such_route", "404",
        "There is nothing at this path.", "See /openapi.json for every path."),
    reason("method_not_allowed", "405",
        "The path exists, for other methods.", "Use one that the Allow header lists."),
];

/// Too much at once.
#[rustfmt::skip] // one entry, two lines: it is a table
const TOO_MUCH: &[ProblemReason] = &[
    reason("too_many_requests", "429",
        "A limit is used up: as many at once as the answer says, then one at a time, evenly spread.", "Wait as long as Retry-After says; then one passes, not all of them."),
    reason("too_many_new_keys", "429",
        "The user has created as many API keys within 24 hours as one may: 1,000, unless the operator has set another number.", "Wait as long as Retry-After says, and keep keys for longer instead of creating one for each piece of work."),
    reason("quota_exceeded", "429",
        "An allowance of the organisation's plan is used up for its period.", "Wait as long as Retry-After says, or ask an owner for another plan."),
    reason("busy", "503",
        "Too many passwords are being checked at once.", "Wait as long as Retry-After says."),
    reason("no_room_for_body", "503",
        "Too many large bodies are on their way.", "Wait as long as Retry-After says, and send fewer of them at once; what is 4 KiB or less is always read."),
];

/// The world moved.
#[rustfmt::skip] // one entry, two lines: it is a table
const CONFLICTS: &[ProblemReason] = &[
    reason("subsumed", "409, 422",
        "Another permission already allows all of it.", "Nothing needs to be done; to lower it, change or delete the other."),
    reason("permission_limit", "400",
        "The member, or the group, has 50 permissions, which is the limit.", "Delete one, or grant a folder above several of them."),
    reason("name_conflict", "409",
        "There is something of this name in the folder already.", "Choose another name, or another folder."),
    reason("path_has_grants", "409",
        "Permissions stand on the path that a folder or document would come to, and the caller could not revoke them.", "Choose another name or folder, or ask an owner of the organisation to revoke the permissions there."),
    reason("too_many_keys", "409",
        "The user has 100 keys in the organisation, expired ones among them, which is the limit.", "Delete one."),
    reason("session_changed", "409",
        "Another request changed or ended the session meanwhile.", "Look at GET /api/auth/session, then try again."),
    reason("email_taken", "409",
        "Another user has this e-mail address.", "Use that user, or another address."),
    reason("already_member", "409",
        "The user is a member already.", "Change the role, or activate the membership."),
    reason("already_in_group", "409",
        "The member is in the group already.", "Nothing needs to be done."),
    reason("too_many_groups", "409",
        "The member is in 50 groups of the organisation, which is the limit.", "Take the member out of one, or grant what the group has to another group of the member."),
    reason("group_name_taken", "409",
        "Another group of the organisation has this name.", "Choose another name."),
    reason("last_owner", "409",
        "An organisation keeps at least one active owner.", "Make somebody else an owner first."),
    reason("no_seat", "409",
        "The plan has no seat left.", "Deactivate a member, or ask the operator for another plan."),
];

/// Our side.
#[rustfmt::skip] // one entry, two lines: it is a table
const OUR_SIDE: &[ProblemReason] = &[
    reason("directory_unavailable", "503",
        "The credential cannot be checked now, because the store does not answer.", "Wait as long as Retry-After says."),
    reason("unavailable", "503",
        "The truth cannot be known, or the change not be stored, now.", "Wait as long as Retry-After says."),
    reason("storage_full", "503",
        "There is no space left to store the change; reading still works.", "Ask the operator to make room."),
    reason("store_unavailable", "503",
        "The database of the sample does not answer now.", "Wait as long as Retry-After says."),
    reason("store_full", "503",
        "There is no space left to store the change; reading still works.", "Ask the operator to make room."),
    reason("timed_out", "503",
        "There was no answer in time; a change that was asked for may have been made.", "Look before you ask for a change again."),
    reason("internal_error", "500",
        "Something went wrong on our side.", "Try again; if it stays, ask the operator and name the request id."),
];

const fn reason(
    reason: &'static str,
    status: &'static str,
    means: &'static str,
    remedy: &'static str,
) -> ProblemReason {
    ProblemReason {
        reason,
        status,
        means,
        remedy,
    }
}
