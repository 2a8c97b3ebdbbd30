//! Client authentication at the token endpoint (OpenID Connect Core, 9).

use crate::oidc::client_key::ClientKey;
use crate::secret::PlainClientSecret;

/// The credentials of a client.
#[derive(Clone, Debug)]
pub enum ClientAuth {
    /// A secret, sent as the provider's discovery document prefers.
    Secret(PlainClientSecret),
    /// A secret in the `Authorization` header (`client_secret_basic`).
    Basic(PlainClientSecret),
    /// A secret in the form (`client_secret_post`).
    Post(PlainClientSecret),
    /// A signature by a key that is this connection's alone (`private_key_jwt`).
    PrivateKeyJwt(ClientKey),
}

/// The method in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Basic,
    Post,
    PrivateKeyJwt,
}

impl Method {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Basic => "client_secret_basic",
            Self::Post => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }
}

impl ClientAuth {
    /// Selects the method, given those that the provider offers. None named means
    /// `client_secret_basic` (OpenID Connect Discovery, 3).
    ///
    /// If both methods for a secret are offered and the administrator chose none, the form is used
    /// for ids and secrets that the header would have to encode: RFC 6749, 2.3.1 demands the
    /// encoding, and popular providers compare the raw text.
    pub(crate) fn method(&self, client_id: &str, offered: &[String]) -> Method {
        let offers = |method: Method| offered.iter().any(|other| other == method.as_str());
        match self {
            Self::Secret(secret) if offers(Method::Post) => {
                let plain = is_plain(client_id) && is_plain(secret.expose());
                if plain && offers(Method::Basic) {
                    Method::Basic
                } else {
                    Method::Post
                }
            }
            Self::Secret(_) | Self::Basic(_) => Method::Basic,
            Self::Post(_) => Method::Post,
            Self::PrivateKeyJwt(_) => Method::PrivateKeyJwt,
        }
    }
}

/// Returns true if form encoding leaves a text unchanged.
fn is_plain(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"*-._".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_header_would_spell_otherwise_goes_into_the_form_where_the_provider_reads_it() {
        let method = |id: &str, secret: &str, offered: &[Method]| {
            let offered: Vec<_> = offered.iter().map(|it| it.as_str().to_owned()).collect();
            ClientAuth::Secret(PlainClientSecret::new(secret.to_owned())).method(id, &offered)
        };
        let (basic, post) = (Method::Basic, Method::Post);
        let both = [basic, post];
        assert_eq!(method("vestibule", "s3cret-._*", &both), basic);
        for (id, secret) in [
            ("of acme", "s3cret"),
            ("vestibule", "a+b"),
            ("a:b", "s~"),
            ("ä", "s"),
        ] {
            assert_eq!(method(id, secret, &both), post, "{id} {secret}");
            assert_eq!(method(id, secret, &[basic]), basic);
            assert_eq!(method(id, secret, &[]), basic);
        }
        assert_eq!(method("vestibule", "s3cret", &[post]), post);
    }
}
