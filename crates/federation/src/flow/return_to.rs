//! The places where a browser may be sent after a sign-in.

use serde::{Deserialize, Serialize};
use vestibule_accounts::{Error, Result};
use vestibule_model::OrgScope;
use vestibule_policy::target;

use crate::Sso;

/// How the browser goes on when it comes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReturnTo {
    /// To an application, with the access token in the fragment.
    Fragment {
        /// One of the organisation's redirect URIs, byte for byte.
        redirect_uri: String,
    },
    /// To an application, with a code that it exchanges for the token.
    Code {
        /// One of the organisation's redirect URIs, byte for byte.
        redirect_uri: String,
    },
    /// To a page of this server, with a session cookie.
    Browser {
        /// The page: a path, and a query where there is one.
        path: String,
    },
    /// Nowhere: the callback's own answer holds the token.
    Json,
}

impl Sso {
    pub(crate) async fn check_return(&self, scope: OrgScope, to: &ReturnTo) -> Result<()> {
        match to {
            ReturnTo::Fragment { redirect_uri } | ReturnTo::Code { redirect_uri } => {
                let store = self.accounts().store();
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

/// A registered redirect URI, which has no fragment, with more of a query.
pub(crate) fn with_query(redirect_uri: &str, query: &str) -> String {
    let sign = if redirect_uri.contains('?') { '&' } else { '?' };
    format!("{redirect_uri}{sign}{query}")
}

/// A page of this server, whatever a browser makes of the text.
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
        // As long as the pages themselves take it.
        let longest = "a".repeat(target::MAX_OWN_PAGE_BYTES - 1);
        assert!(check_path(&format!("/{longest}")).is_ok());
        assert!(check_path(&format!("/{longest}a")).is_err());
    }
}
