//! A wrong id or secret is told apart before anybody signs in.

use rstest::rstest;
use vestibule_model::OsEntropy;
use vestibule_sso::oidc::{ClientAuth, ClientKey, ClientKeyKind, OidcConnection};
use vestibule_sso::{NamedCheck, PlainClientSecret, Provider as _};

use crate::world::{Reply, Script, World};

async fn credentials(script: Script) -> NamedCheck {
    let checks = World::new(script).await.ours.preflight().await;
    let mut checks = checks.into_iter();
    checks.find(|check| check.name == "credentials").unwrap()
}

fn wrong_secret(script: &mut Script) {
    script.connection = |connection| {
        let secret = PlainClientSecret::new("another".to_owned());
        connection.client_auth = ClientAuth::Secret(secret);
    };
}

fn wrong_client(script: &mut Script) {
    script.connection = |connection| connection.client_id = "somebody".into();
}

#[rstest]
#[case::secret(
    wrong_secret,
    "the provider knows the client id, but does not accept the client secret: “invalid_client”: “”"
)]
#[case::client(wrong_client, "the provider does not know the client id somebody")]
#[tokio::test]
async fn the_wrong_one_of_id_and_secret_is_named(
    #[case] spoil: fn(&mut Script),
    #[case] detail: &str,
) {
    let mut script = Script::default();
    spoil(&mut script);
    let check = credentials(script).await;
    assert_eq!((check.passed, check.detail.as_str()), (false, detail));
}

/// A page that does not say, says it with a success, or repeats the question.
#[rstest]
#[case(Reply::Status(500))]
#[case(Reply::Body("{\"title\": \"redirect_uri\"}"))]
#[case(Reply::Redirect)]
#[tokio::test]
async fn a_page_that_does_not_tell_is_not_guessed_from(#[case] reply: Reply) {
    let mut script = Script::default();
    wrong_secret(&mut script);
    script.reply("authorize", reply);
    let check = credentials(script).await;
    let detail = "token endpoint: refused with “invalid_client”: “”";
    assert_eq!((check.passed, check.detail.as_str()), (false, detail));
}

#[tokio::test]
async fn a_key_that_the_provider_cannot_know_yet_is_no_fault() {
    let connection: fn(&mut OidcConnection) = |connection| {
        let key = ClientKey::generate(ClientKeyKind::Es256, &OsEntropy);
        connection.client_auth = ClientAuth::PrivateKeyJwt(key);
        connection.client_id = "somebody".into();
    };
    let check = credentials(Script {
        connection,
        ..Script::default()
    })
    .await;
    assert!(
        check.passed && check.detail.contains("register"),
        "{check:?}"
    );
}
