//! The setup of single sign-on by an organisation.

use rstest::rstest;
use vestibule_accounts::Caller;
use vestibule_federation::{
    NewConnection, ReturnTo, SettingsVersion, SignInMethod, SignInTarget, StartSignIn,
};
use vestibule_model::Role;
use vestibule_outbound::FixedResolver;

use crate::provider::{APP, Connected, SESSIONS, origin, secret, settings_for, sso_of};
use crate::support::{Backend, Fixture, OPERATOR, assert_refused, refused_fields};

#[rstest]
#[tokio::test]
async fn a_wrong_value_is_answered_with_which_one_and_why(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::new(backend).await;
    let operator = world.fixture.operator();
    let new = |edit: fn(&mut vestibule_model::ConnectionSettings)| {
        let mut settings = settings_for(&world.provider.base);
        edit(&mut settings);
        NewConnection {
            name: "Another".parse().unwrap(),
            settings,
            secret: secret(),
            enabled: true,
            save_anyway: false,
        }
    };
    let refused = |edit| world.sso.create_connection(&operator, new(edit));
    let fields = refused_fields(refused(|it| it.issuer.push_str("/realm")).await);
    assert_eq!(fields[0], ("issuer".to_owned(), "discovery"));
    let fields = refused_fields(refused(|it| it.issuer = "http://192.0.2.1".to_owned()).await);
    assert_eq!(fields[0], ("issuer".to_owned(), "scheme"));
    let fields = refused_fields(refused(|it| it.issuer = "https://10.0.0.1".to_owned()).await);
    assert_eq!(fields[0], ("issuer".to_owned(), "address_guard"));
    let fields = refused_fields(refused(|it| it.algorithm = "RS256".to_owned()).await);
    assert_eq!(fields[0], ("algorithm".to_owned(), "algorithm"));
    let fields = refused_fields(refused(|it| it.algorithm = "none".to_owned()).await);
    assert_eq!(fields, [("algorithm".to_owned(), "invalid_algorithm")]);
    let fields = refused_fields(refused(|it| it.default_role = Role::Owner).await);
    assert_eq!(fields, [("default_role".to_owned(), "owner_by_mapping")]);
    assert_eq!(world.sso.connections(&operator).await.unwrap().len(), 1);

    let mut anyway = new(|it| it.issuer.push_str("/realm"));
    anyway.save_anyway = true;
    let saved = world
        .sso
        .create_connection(&operator, anyway)
        .await
        .unwrap();
    assert!(saved.checks.iter().any(|check| !check.passed));
    let checks = world
        .sso
        .preflight(&operator, world.id, SettingsVersion::Live)
        .await;
    let checks = checks.unwrap();
    assert!(checks.iter().all(|check| check.passed), "{checks:?}");
}

#[rstest]
#[tokio::test]
async fn a_change_of_a_connection_that_somebody_has_changed_meanwhile_is_refused(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::new(backend).await;
    let operator = world.fixture.operator();
    let slow = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = settings_for(&format!("http://{}", slow.local_addr().unwrap()));
    let staged = world
        .sso
        .stage_connection(&operator, world.id, settings, Some(secret()), true);
    let (sso, caller, id) = (&world.sso, &operator, world.id);
    let meanwhile = async move {
        // Whoever asks the provider has seen the connection already.
        let asked = slow.accept().await.unwrap();
        let changed = sso.enable_connection(caller, id).await;
        drop((slow, asked));
        changed.unwrap().version
    };
    let (staged, version) = tokio::join!(staged, meanwhile);
    assert_refused(staged, "connection_changed");
    let found = world.sso.connections(&operator).await.unwrap();
    assert_eq!(
        (found[0].version, found[0].staged.is_none()),
        (version, true)
    );
}

#[rstest]
#[tokio::test]
async fn a_secret_goes_to_no_other_issuer_and_is_never_shown(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::new(backend).await;
    let operator = world.fixture.operator();
    let mut settings = settings_for("https://evil.example");
    let staged = world
        .sso
        .stage_connection(&operator, world.id, settings.clone(), None, true);
    let fields = refused_fields(staged.await);
    assert_eq!(
        fields,
        [("client_secret".to_owned(), "client_secret_needed")]
    );
    settings.issuer.clone_from(&world.provider.base);
    settings.client_id = "other".to_owned();
    let staged = world
        .sso
        .stage_connection(&operator, world.id, settings, None, false);
    let staged = staged.await.unwrap().connection;
    assert_eq!(staged.live.client_id, "vestibule");
    let swapped = world
        .sso
        .swap_connection(&operator, world.id)
        .await
        .unwrap();
    assert_eq!(swapped.live.client_id, "other");
    assert_eq!(swapped.staged.unwrap().client_id, "vestibule");
    world
        .sso
        .swap_connection(&operator, world.id)
        .await
        .unwrap();
    world
        .sso
        .unstage_connection(&operator, world.id)
        .await
        .unwrap();
    let nothing = world.sso.swap_connection(&operator, world.id).await;
    assert_refused(nothing, "nothing_staged");
    for record in world.fixture.records("sso.connection_staged").await {
        assert!(!record.details.contains("s3cret"), "{}", record.details);
    }
    world.sign_in(ReturnTo::Json).await.unwrap();
}

#[rstest]
#[tokio::test]
async fn strangers_who_cannot_begin_push_no_attempt_out(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::new(backend).await;
    let operator = world.fixture.operator();
    let new = NewConnection {
        name: "Away".parse().unwrap(),
        settings: settings_for("http://127.0.0.1:1"),
        secret: secret(),
        enabled: true,
        save_anyway: true,
    };
    let saved = world.sso.create_connection(&operator, new).await.unwrap();
    let id = saved.connection.id;
    let request = StartSignIn {
        target: SignInTarget::Connection(id),
        ..world.request(ReturnTo::Json)
    };
    assert_refused(world.sso.start(request).await, "provider_unusable");
    assert_eq!(world.sso.attempts(&operator, id).await.unwrap(), []);
}

#[rstest]
#[tokio::test]
async fn only_owners_change_who_vouches_for_people(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::new(backend).await;
    let admin = world.fixture.member("admin@example.com", Role::Admin).await;
    let admin = world.fixture.caller(admin.id).await;
    let user = world.fixture.member("user@example.com", Role::User).await;
    let user = world.fixture.caller(user.id).await;
    assert_eq!(world.sso.connections(&admin).await.unwrap().len(), 1);
    assert_refused(world.sso.connections(&user).await, "role_required");
    let uri = world.sso.add_redirect_uri(&admin, "https://evil.example/");
    assert_refused(uri.await, "role_required");
    assert_refused(
        world
            .sso
            .disable_connection(&admin, world.id, SESSIONS)
            .await,
        "role_required",
    );
    assert_refused(
        world.sso.add_domain(&admin, "evil.example", None).await,
        "role_required",
    );
    let elsewhere = world
        .fixture
        .organization_of("Other", world.fixture.owner.id)
        .await;
    let other = Caller::operator(&OPERATOR, elsewhere.id);
    assert_refused(world.sso.connection(&other, world.id).await, "not_found");
    assert_refused(
        world.sso.swap_connection(&other, world.id).await,
        "not_found",
    );
}

#[rstest]
#[tokio::test]
async fn only_a_registered_redirect_uri_is_gone_back_to(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::new(backend).await;
    let spellings = [
        "",
        "https://app.example.com",
        "https://app.example.com/",
        "https://app.example.com/auth/callback/",
        "https://app.example.com/auth/callback?",
        "https://app.example.com/auth/callback?x=1",
        "https://app.example.com/auth/callback#",
        "https://app.example.com/auth/callback#x",
        "https://app.example.com/auth/Callback",
        "https://app.example.com/auth/callback%20",
        "https://app.example.com/auth/callback ",
        " https://app.example.com/auth/callback",
        "https://app.example.com/auth/./callback",
        "https://app.example.com/auth/x/../callback",
        "https://app.example.com/auth//callback",
        "https://app.example.com/auth%2fcallback",
        "https://app.example.com/auth/callbac%6b",
        "https://app.example.com\\auth\\callback",
        "https://app.example.com:443/auth/callback",
        "https://app.example.com:8443/auth/callback",
        "https://app.example.com./auth/callback",
        "https://APP.example.com/auth/callback",
        "HTTPS://app.example.com/auth/callback",
        "http://app.example.com/auth/callback",
        "//app.example.com/auth/callback",
        "https:app.example.com/auth/callback",
        "https://user@app.example.com/auth/callback",
        "https://app.example.com@evil.example/auth/callback",
        "https://app.example.com.evil.example/auth/callback",
        "https://evil.example/https://app.example.com/auth/callback",
        "https://app.example.com%00.evil.example/auth/callback",
        "https://app.example.com\u{3002}evil.example/auth/callback",
        "https://\u{430}pp.example.com/auth/callback",
        "https://app.example.com/auth/callback\n",
        "https://app.example.com/auth/callback\u{0}",
        "javascript:alert(1)",
    ];
    for text in spellings {
        for code in [false, true] {
            let redirect_uri = text.to_owned();
            let to = if code {
                ReturnTo::Code { redirect_uri }
            } else {
                ReturnTo::Fragment { redirect_uri }
            };
            let request = world.request(to);
            let url = world.sso.start_url(&request).await;
            assert_refused(url, "redirect_uri_not_registered");
            let refused = world.sso.start(request).await;
            assert_refused(refused, "redirect_uri_not_registered");
        }
    }
    let request = world.request(ReturnTo::Fragment {
        redirect_uri: APP.to_owned(),
    });
    let url = world.sso.start_url(&request).await.unwrap();
    let start = format!(
        "https://auth.example.com/v1/auth/sso/{}/start?response_mode=fragment&redirect_uri=https",
        world.fixture.organization.id
    );
    assert!(url.starts_with(&start), "{url}");
    let operator = world.fixture.operator();
    let uris = world.sso.redirect_uris(&operator).await.unwrap();
    let removed = world.sso.remove_redirect_uri(&operator, uris[0].id);
    removed.await.unwrap();
    assert_refused(
        world.sso.start(request).await,
        "redirect_uri_not_registered",
    );
}

#[rstest]
#[tokio::test]
async fn a_domain_is_proved_in_the_dns_by_one_organization_at_a_time(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::new(backend).await;
    let operator = fixture.operator();
    let sso = sso_of(&fixture, FixedResolver::new());
    let domain = sso
        .add_domain(&operator, "Example.ORG", None)
        .await
        .unwrap();
    assert_eq!(domain.name.as_str(), "example.org");
    let twice = sso.add_domain(&operator, "example.org", None).await;
    assert_refused(twice, "domain_taken");
    assert_refused(
        sso.verify_domain(&operator, domain.id).await,
        "domain_not_proved",
    );
    let text = domain.record_value();
    let resolver =
        FixedResolver::new().with_texts(&domain.record_name(), &["v=spf1 -all", text.as_str()]);
    let seeing = sso_of(&fixture, resolver);
    let proved = seeing.verify_domain(&operator, domain.id).await.unwrap();
    assert_eq!(proved.verified_at, Some(fixture.now()));
    let other = fixture.organization_of("Other", fixture.owner.id).await;
    let other = Caller::operator(&OPERATOR, other.id);
    let rival = sso.add_domain(&other, "example.org", None).await.unwrap();
    assert_refused(
        sso.assert_domain(&OPERATOR, other.organization_id(), rival.id)
            .await,
        "domain_taken",
    );
    sso.remove_domain(&operator, domain.id).await.unwrap();
    sso.assert_domain(&OPERATOR, other.organization_id(), rival.id)
        .await
        .unwrap();
}

#[rstest]
#[tokio::test]
async fn the_domain_alone_tells_how_one_signs_in(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::new(backend).await;
    let operator = world.fixture.operator();
    let discover = async |text: &str| {
        let email = text.parse().unwrap();
        world.sso.discover(&email, None).await.unwrap()
    };
    let known = discover("ada@example.com").await;
    assert_eq!(known.method, SignInMethod::Both);
    assert_eq!(known, discover("nobody@example.com").await);
    let stranger = discover("nobody@elsewhere.example").await;
    assert_eq!(stranger.method, SignInMethod::Password);
    assert_eq!(stranger.connection, None);
    world
        .sso
        .disable_connection(&operator, world.id, SESSIONS)
        .await
        .unwrap();
    assert_eq!(
        discover("ada@example.com").await.method,
        SignInMethod::Password
    );
    let request = world.request(ReturnTo::Json);
    let by_organization = world.sso.start(request.clone()).await;
    assert_refused(by_organization, "not_found");
    let mut request = request;
    request.target = SignInTarget::Connection(world.id);
    assert_refused(world.sso.start(request).await, "not_found");
    let from = origin();
    let tested = world
        .sso
        .start_test(&operator, world.id, SettingsVersion::Live, None, &from);
    tested.await.unwrap();
    world
        .sso
        .enable_connection(&operator, world.id)
        .await
        .unwrap();
    world.sign_in(ReturnTo::Json).await.unwrap();
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_form_sent_many_times_at_once_creates_one_connection(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = Connected::new(backend).await;
    let fixture = &world.fixture;
    let entry = fixture
        .enter(fixture.owner.id, fixture.organization.id)
        .await;
    let caller = Caller::from(&fixture.by_cookie(&entry.cookie).await.unwrap());
    let form = world.sso.connection_form(&caller).unwrap();
    let submissions = (0..4).map(|_| {
        let (sso, caller, form) = (world.sso.clone(), caller.clone(), form.clone());
        let new = NewConnection {
            name: "Another".parse().unwrap(),
            settings: settings_for(&world.provider.base),
            secret: secret(),
            enabled: true,
            save_anyway: true,
        };
        tokio::spawn(async move {
            let prepared = sso.open_connection_form(&caller, &form).unwrap();
            sso.create_connection_once(&caller, prepared, new).await
        })
    });
    let created = futures_util::future::join_all(submissions).await;
    let mut ids: Vec<_> = created.into_iter().map(|it| it.unwrap().unwrap()).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1);
    let connections = world.sso.connections(&caller).await.unwrap();
    let another = connections
        .iter()
        .filter(|it| it.name.to_string() == "Another");
    assert_eq!(another.map(|it| it.id).collect::<Vec<_>>(), ids);
    // The token of another session is none.
    let entry = fixture
        .enter(fixture.owner.id, fixture.organization.id)
        .await;
    let other = Caller::from(&fixture.by_cookie(&entry.cookie).await.unwrap());
    assert!(world.sso.open_connection_form(&other, &form).is_none());
    assert!(fixture.accounts.open_api_key_form(&caller, &form).is_none());
}
