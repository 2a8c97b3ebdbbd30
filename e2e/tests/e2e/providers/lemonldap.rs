//! `LemonLDAP::NG`, as Debian packages it.

use serde_json::json;
use vestibule_e2e::{Backend, Lemonldap, LemonldapClient, Visitor};

use super::{APPLICATION, CLIENT, connect_within, fixture, initiate, me, token};

#[tokio::test]
async fn a_person_of_lemonldap_signs_in_for_a_token_and_for_a_session() {
    let fixture = fixture(Backend::Sqlite).await;
    let client = LemonldapClient {
        id: CLIENT,
        secret: "a secret of the portal",
        redirect_uri: "https://not.yet.example/",
    };
    let mut portal = Lemonldap::start(client).await;
    let body = json!({
        "name": "The portal",
        "settings": {
            "issuer": portal.discovery(),
            "client_id": client.id,
            "just_in_time": true,
        },
        "client_secret": client.secret,
    });
    let connection = connect_within(&fixture, body, APPLICATION, "badwolf.org").await;
    let redirect_uri = connection["callback_url"].as_str().unwrap();
    portal
        .enter(LemonldapClient {
            redirect_uri,
            ..client
        })
        .await;

    let mut visitor = Visitor::new(&[APPLICATION]);
    let form = visitor.open(&initiate(&fixture, APPLICATION).await).await;
    let page = Lemonldap::sign_in(&mut visitor, &form, "dwho").await;
    let me = me(&fixture, &token(&page)).await;
    assert_eq!(me["email"], "dwho@badwolf.org");
    assert_eq!(me["first_name"], "Doctor Who");

    let start = format!("{}/v1/auth/sso/{}/signin", fixture.url(), fixture.acme());
    let page = visitor
        .open(&format!("{start}?redirect=/api/auth/session"))
        .await;
    assert_eq!(page.status, 200, "{page:?}");
    assert!(page.text.contains("dwho@badwolf.org"), "{}", page.text);

    // Somebody who does not know the password stays there.
    let mut stranger = Visitor::new(&[APPLICATION]);
    let form = stranger.open(&initiate(&fixture, APPLICATION).await).await;
    let fields = [("user", "dwho"), ("password", "guess")];
    let page = stranger.submit(&form, &fields).await;
    assert!(page.url.starts_with(portal.issuer()), "{page:?}");
}
