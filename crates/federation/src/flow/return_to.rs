//! The places where a browser may be sent after a sign-in.

use serde::{Deserialize, Serialize};
use vestibule_accounts::{Error, Result};
use vestibule_model::OrgScope;
use vestibule_policy::target;

use crate::Sso;

/// The destination of the browser after the callback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReturnTo {
    /// An application, with the access token in the fragment.
    Fragment {
        /// A redirect URI of the organisation, byte for byte.
        redirect_uri: String,
    },
    /// An application, with a one-time code that it exchanges for the token.
    Code {
        /// A redirect URI of the organisation, byte for byte.
        redirect_uri: String,
    },
    /// A page of this server, with a session cookie.
    Browser {
        /// The path of the page, with its query if it has one.
        path: String,
    },
    /// No redirect: the token is the answer to the callback.
    Json,
}

impl Sso {
    pub(crate) async fn check_return(&self, scope: OrgScope, to: &ReturnTo) -> Result<()> {
        match to {
            ReturnTo::Fragment { redirect_uri } | ReturnTo::Code { redirect_uri } => {
                let store = self.accounts().store();
                // Compared byte for byte (RFC 9700, 2.1): patterns and prefixes have leaked tokens.
                if store.is_redirect_uri(scope, redirect_uri).await? {
                    return Ok(());
                }
                Err(Error::field(
                    "redirect_uri",
                    "redirect_uri_not_registered",
                    "must be one that the organisation has registered, character for character",
                ))
            }
            ReturnTo::Browser { path } => check_path(path),
            ReturnTo::Json => Ok(()),
        }
    }
}

/// Refuses a path that a browser could read as the URL of another server.
pub(crate) fn check_path(path: &str) -> Result<()> {
    if target::is_own_page(path) {
        return Ok(());
    }
    Err(Error::field(
        "redirect",
        "invalid_redirect",
        "must be a path on this server, such as /console",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_path_of_this_server_is_gone_back_to() {
        for good in ["/", "/console", "/console?tab=1&x=%20"] {
            assert!(check_path(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "console",
            "//evil.example",
            "/a//b",
            "/../b",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/\tx",
            "/ x",
            "/x#y",
            "/\u{e9}",
            "/x\r\nSet-Cookie: a=b",
        ] {
            assert!(check_path(bad).is_err(), "{bad}");
        }
        // The longest path that the pages themselves accept.
        let longest = "a".repeat(target::MAX_OWN_PAGE_BYTES - 1);
        assert!(check_path(&format!("/{longest}")).is_ok());
        assert!(check_path(&format!("/{longest}a")).is_err());
    }
}
