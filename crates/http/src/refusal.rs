//! The check's denials as problems: where each cause gets its status.

use std::time::Duration;

use http::StatusCode;
use vestibule_check::{Cause, Csrf, Denial, Inactive, Rejected, WrongOrigin};
use vestibule_model::PlanName;
use vestibule_policy::{Accepts, Refusal};

use crate::Problem;

/// The time after which the store may be back.
const STORE_RETRY: Duration = Duration::from_secs(2);

impl From<&Denial> for Problem {
    fn from(denial: &Denial) -> Self {
        let reason = denial.cause.reason();
        match &denial.cause {
            Cause::Path(not_canonical) => Self::bad_request(
                reason,
                format!("The path is not in its canonical spelling: {not_canonical}."),
            )
            .hint("Send each path in its one plain spelling, without encoded slashes, dots or letters."),
            Cause::NoCredential => no_credential(denial.kind.accepts),
            Cause::Rejected(rejected) => self::rejected(*rejected, denial.kind.accepts),
            Cause::Inactive(inactive) => self::inactive(*inactive),
            Cause::Csrf(csrf) => {
                Self::forbidden(reason, not_from_our_page(csrf)).hint(if csrf.or_bearer {
                    "Send the request from our own page, or with a key or token in the \
                     Authorization header in place of the cookie, which needs no Origin."
                } else {
                    "Send the request from our own page."
                })
            }
            Cause::ContentType { accepted } => Self::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                reason,
                "The body has no Content-Type, more than one, or another than this route reads.",
            )
            .hint(format!(
                "Send one header Content-Type: {}.",
                accepted.join(" or ")
            )),
            Cause::ContentEncoding => Self::body_encoded(),
            Cause::Limited(limited) => Self::limited(limited.clone()),
            Cause::Method { allowed } => Self::method_not_allowed(allowed),
            Cause::NoRoute => {
                Self::new(StatusCode::NOT_FOUND, reason, "There is nothing at this path.")
                    .hint("GET /openapi.json lists every path.")
            }
            Cause::Refused {
                refusal,
                offered_by,
            } => refused(refusal, offered_by),
            Cause::Unavailable => Self::unavailable(
                reason,
                "Your credential cannot be checked now, because the store does not answer.",
                STORE_RETRY,
            ),
        }
    }
}

fn not_from_our_page(
    Csrf {
        expected, found, ..
    }: &Csrf,
) -> String {
    let found = match found {
        WrongOrigin::Missing => "this one carried none".to_owned(),
        WrongOrigin::Other(origin) => format!("this one carried {origin:?}"),
        WrongOrigin::Repeated => "this one carried more than one".to_owned(),
        WrongOrigin::Site(site) => {
            format!(
                "this one did, but its Sec-Fetch-Site: {site} says that it comes from elsewhere"
            )
        }
    };
    format!("A request that changes something must carry Origin: {expected}; {found}.")
}

impl From<&Refusal> for Problem {
    fn from(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::NotAPath => Self::not_found("resource"),
            _ => Self::forbidden(refusal.reason(), refusal.to_string()).hint(way_out(refusal)),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        (&refusal).into()
    }
}

fn way_out(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Role { .. } => "Ask an owner of the organisation for the role, or to do it.",
        Refusal::Path { by_key: true, .. } => {
            "Use a key whose own grants reach this path, or one without grants of its own."
        }
        Refusal::Path { .. } | Refusal::Approval { .. } => {
            "Ask an administrator of the organisation for a grant on this path."
        }
        Refusal::NotAPath => "Check the path.",
        Refusal::Feature { .. } => "Ask an owner to move the organisation to another plan.",
        Refusal::Narrowed => "Use a key without grants of its own, or sign in.",
        Refusal::CredentialKind { .. } => "Call again with the kind of credential named.",
    }
}

/// The refusal of a feature names the plans that have it.
fn refused(refusal: &Refusal, offered_by: &[PlanName]) -> Problem {
    if offered_by.is_empty() {
        return refusal.into();
    }
    let plans: Vec<_> = offered_by.iter().map(PlanName::as_str).collect();
    Problem::from(refusal).hint(format!(
        "Ask an owner to move the organisation to a plan that has it: {}.",
        plans.join(", ")
    ))
}

fn no_credential(accepts: Accepts) -> Problem {
    let problem = Problem::unauthorized(
        "no_credential",
        "This request carries no credential.",
        false,
    );
    match accepts {
        Accepts::Bearer => {
            problem.hint("Send the header Authorization: Bearer <API key or access token>.")
        }
        Accepts::BearerOrCookie => problem
            .hint("Sign in and send the session cookie, or send Authorization: Bearer <API key>."),
        Accepts::Cookie => problem.hint("Sign in."),
    }
}

fn rejected(rejected: Rejected, accepts: Accepts) -> Problem {
    let (detail, hint) = match rejected {
        Rejected::Malformed => (
            "The credential is malformed.",
            match accepts {
                Accepts::Bearer => {
                    "Send Authorization: Bearer <token> with an API key or an access token, unaltered."
                }
                Accepts::BearerOrCookie => {
                    "Send the session cookie unaltered, or sign in again; an API key or an access \
                     token goes into the header Authorization: Bearer <token>."
                }
                Accepts::Cookie => "Sign in again.",
            },
        ),
        Rejected::Duplicate => (
            "The credential was sent more than once.",
            "Send exactly one Authorization header, and one session cookie at most.",
        ),
        Rejected::Scheme => (
            "The Authorization header has another scheme than Bearer.",
            "Send Authorization: Bearer <token>.",
        ),
        Rejected::WrongPlace => (
            "This kind of credential does not belong here.",
            "A key or access token goes into the Authorization header, a session value into its cookie.",
        ),
        Rejected::Checksum => (
            "The credential's checksum is wrong: a character was lost or altered.",
            "Copy the credential again, in full.",
        ),
        Rejected::Token(_) => (
            "The access token is not valid, or has expired.",
            "Sign in again, or refresh the token before it expires.",
        ),
        Rejected::Unknown => (
            "The credential is not known.",
            "Check that it belongs to this installation, or make a new one.",
        ),
        Rejected::Expired => (
            "The credential has expired.",
            "Sign in again, or make a new key.",
        ),
        Rejected::Revoked => (
            "The credential was revoked.",
            "Sign in again, or make a new key.",
        ),
    };
    Problem::unauthorized(rejected.reason(), detail, true).hint(hint)
}

fn inactive(inactive: Inactive) -> Problem {
    let reason = Cause::Inactive(inactive).reason();
    match inactive {
        Inactive::User => {
            Problem::forbidden(reason, "This user is suspended.").hint("Ask an administrator.")
        }
        Inactive::Membership => Problem::forbidden(
            reason,
            "The user is no longer an active member of this organisation.",
        )
        .hint("Sign in for another organisation, or ask an administrator."),
        Inactive::Organization => Problem::forbidden(reason, "This organisation is deactivated.")
            .code("tenant_deactivated")
            .hint("Ask the operator."),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(WrongOrigin::Missing, "carried none.")]
    #[case(WrongOrigin::Repeated, "carried more than one.")]
    #[case(WrongOrigin::Other("null".into()), "carried \"null\".")]
    #[case(
        WrongOrigin::Site("cross-site"),
        "Sec-Fetch-Site: cross-site says that it comes from elsewhere."
    )]
    fn the_refusal_of_an_origin_names_what_was_wrong(
        #[case] found: WrongOrigin,
        #[case] end: &str,
    ) {
        let expected = "https://app.example.com".into();
        let detail = not_from_our_page(&Csrf {
            expected,
            found,
            or_bearer: true,
        });
        assert!(detail.ends_with(end), "{detail}");
    }
}
