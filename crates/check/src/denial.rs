//! The check's refusals, with their causes.

use std::borrow::Cow;

use vestibule_credential::token::TokenError;
use vestibule_model::PlanName;
use vestibule_policy::target::NotCanonical;
use vestibule_policy::{Refusal, RouteKind};

use crate::directory::{Inactive, Unresolved};
use crate::known_caller::KnownCaller;
use crate::limits::Limited;

/// The refusal of a request: its cause, and the caller if known.
#[derive(Debug, Clone)]
pub struct Denial {
    /// The cause.
    pub cause: Cause,
    /// The kind of the route: the credentials that it accepts, and its tag.
    pub kind: RouteKind,
    /// The caller; `None` if the credential was not found good.
    pub caller: Option<KnownCaller>,
}

impl Denial {
    /// The denial of a request whose caller is not known.
    #[cold]
    pub(crate) fn of(kind: RouteKind, cause: Cause) -> Self {
        Self {
            cause,
            kind,
            caller: None,
        }
    }
}

/// The cause of a refusal.
#[derive(Debug, Clone)]
pub enum Cause {
    /// The path has another spelling than the canonical one.
    Path(NotCanonical),
    /// No credential was sent.
    NoCredential,
    /// A credential was sent and is not good.
    Rejected(Rejected),
    /// The credential is good, but its user may not act now.
    Inactive(Inactive),
    /// A browser sent it from a page that is not ours.
    Csrf(Csrf),
    /// The body is not of a type that the route reads.
    ContentType {
        /// The types that it does read.
        accepted: Vec<Cow<'static, str>>,
    },
    /// The body has a content coding, such as gzip.
    ContentEncoding,
    /// Too many requests.
    Limited(Limited),
    /// A route of this path exists, but not for this method.
    Method {
        /// The value of `Allow`.
        allowed: Box<str>,
    },
    /// There is no such route.
    NoRoute,
    /// The rule of the route refuses this caller.
    Refused {
        /// The unmet demand.
        refusal: Refusal,
        /// The plans that have the feature, where that is what is missing.
        offered_by: Vec<PlanName>,
    },
    /// The truth cannot be known now.
    Unavailable,
}

impl Cause {
    /// The stable, `snake_case` cause that answers, audit records and explanations name.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Path(_) => "path_not_canonical",
            Self::NoCredential => "no_credential",
            Self::Rejected(rejected) => rejected.reason(),
            Self::Inactive(Inactive::User) => "user_suspended",
            Self::Inactive(Inactive::Membership) => "membership_ended",
            Self::Inactive(Inactive::Organization) => "organization_deactivated",
            Self::Csrf(_) => "csrf_origin_mismatch",
            Self::ContentType { .. } => "unsupported_media_type",
            Self::ContentEncoding => "unsupported_content_encoding",
            Self::Limited(_) => "too_many_requests",
            Self::Method { .. } => "method_not_allowed",
            Self::NoRoute => "no_such_route",
            Self::Refused { refusal, .. } => refusal.reason(),
            Self::Unavailable => "directory_unavailable",
        }
    }
}

impl From<Unresolved> for Cause {
    fn from(unresolved: Unresolved) -> Self {
        match unresolved {
            Unresolved::Unknown => Self::Rejected(Rejected::Unknown),
            Unresolved::Expired => Self::Rejected(Rejected::Expired),
            Unresolved::Revoked => Self::Rejected(Rejected::Revoked),
            Unresolved::Inactive(inactive, _) => Self::Inactive(inactive),
            Unresolved::Unavailable(_) => Self::Unavailable,
        }
    }
}

/// The reason for which a presented credential is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejected {
    /// It has no shape that this server gives out.
    Malformed,
    /// It was sent more than once.
    Duplicate,
    /// Another scheme than Bearer.
    Scheme,
    /// A session cookie as a bearer, or a key as a cookie.
    WrongPlace,
    /// The checksum is wrong: a typing or copying error.
    Checksum,
    /// An access token that does not verify.
    Token(TokenError),
    /// Nobody has this credential.
    Unknown,
    /// It has ended by itself.
    Expired,
    /// It was deleted, or its session was ended.
    Revoked,
}

impl Rejected {
    /// The stable cause.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "malformed_credential",
            Self::Duplicate => "duplicate_credential",
            Self::Scheme => "unsupported_scheme",
            Self::WrongPlace => "wrong_credential_kind",
            Self::Checksum => "bad_checksum",
            Self::Token(error) => error.reason(),
            Self::Unknown => "unknown_credential",
            Self::Expired => "credential_expired",
            Self::Revoked => "credential_revoked",
        }
    }
}

/// A request that the Origin guard refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Csrf {
    /// The origin that was expected.
    pub expected: Box<str>,
    /// The defect.
    pub found: WrongOrigin,
    /// True if the request would have needed no `Origin` with a bearer in place of the cookie.
    pub or_bearer: bool,
}

/// The defect of a request's `Origin`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WrongOrigin {
    /// There is no `Origin`.
    Missing,
    /// There is more than one `Origin`.
    Repeated,
    /// Another origin than ours, cut to 200 bytes.
    Other(Box<str>),
    /// Our own `Origin`, but a `Sec-Fetch-Site` with this value.
    Site(&'static str),
}
