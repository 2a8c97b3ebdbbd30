use rstest::rstest;

use super::*;

fn written(text: &str) -> (tempfile::TempDir, Sources) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("vestibule.toml");
    std::fs::write(&file, text).unwrap();
    let sources = Sources {
        file: Some(file),
        ..Sources::default()
    };
    (dir, sources)
}

fn read(text: &str, environment: &[(&str, &str)]) -> Result<Settings, ConfigErrors> {
    let (_dir, mut sources) = written(text);
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    sources.environment = environment.iter().map(own).collect();
    Settings::new(&sources.read())
}

#[rstest]
#[case::unknown_key(
    "[server]\nlisen = \"\"",
    "server.lisen",
    "did you mean server.listen?"
)]
#[case::unknown_section(
    "[sever]\nlisten = \"\"",
    "sever.listen",
    "did you mean server.listen?"
)]
#[case::unknown_plan_key(
    "[plans.team]\nfeature = []",
    "plans.team.feature",
    "did you mean plans.team.features?"
)]
#[case::stranger("[billing]\ncurrency = \"EUR\"", "billing.currency", "is not a key")]
#[case::wrong_type(
    "[server]\nmax_connections = \"many\"",
    "server.max_connections",
    "whole number"
)]
#[case::negative(
    "[server]\nmax_connections = -1",
    "server.max_connections",
    "zero or above"
)]
#[case::zero(
    "[server]\nmax_connections = 0",
    "server.max_connections",
    "one or above"
)]
#[case::no_port(
    "[server]\nlisten = \"127.0.0.1\"",
    "server.listen",
    "an address and a port"
)]
#[case::path(
    "[server]\npublic_url = \"https://a.example/x\"",
    "server.public_url",
    "no path"
)]
#[case::user(
    "[server]\npublic_url = \"https://u@a.example\"",
    "server.public_url",
    "no user"
)]
#[case::plain_http(
    "[server]\npublic_url = \"http://a.example\"",
    "server.public_url",
    "https"
)]
#[case::everybody(
    "[server]\ntrusted_proxies = [\"0.0.0.0/0\"]",
    "server.trusted_proxies",
    "name the proxies"
)]
#[case::half_of_everybody(
    "[server]\ntrusted_proxies = [\"10.0.0.0/7\"]",
    "server.trusted_proxies",
    "name the proxies"
)]
#[case::forwarded_header(
    "[server]\nforwarded_header = \"x-real-ip\"",
    "server.forwarded_header",
    "must be x-forwarded-for or forwarded"
)]
#[case::more_than_a_network(
    "[server]\ntrusted_proxies = [\"10.0.0.1/8\"]",
    "server.trusted_proxies",
    "no bits set after its prefix"
)]
#[case::no_origin(
    "[server]\nlisten = \"0.0.0.0:8080\"",
    "server.public_url",
    "https://auth.example.com"
)]
#[case::no_place_for_anybody(
    "[server]\nmax_connections_per_address = 0",
    "server.max_connections_per_address",
    "one or above"
)]
#[case::no_time_for_a_head(
    "[server]\nhead_timeout = \"0s\"",
    "server.head_timeout",
    "longer than 0s"
)]
#[case::kept_for_ever(
    "[server]\nidle_timeout = \"2d\"",
    "server.idle_timeout",
    "1d or shorter"
)]
#[case::no_place_for_the_heaviest_caller(
    "[cache]\nmemory_mib = 3",
    "cache.memory_mib",
    "4 or above"
)]
#[case::no_place_for_one_body(
    "[server]\nbody_memory_mib = 7",
    "server.body_memory_mib",
    "8 or above"
)]
#[case::store("[store]\nurl = \"mysql://x\"", "store.url", "sqlite: or postgres://")]
#[case::parameters("[store]\nurl = \"sqlite:v.db?mode=ro\"", "store.url", "no parameters")]
#[case::few_connections("[store]\nconnections = 2", "store.connections", "from 3 to 1000")]
#[case::too_many_connections("[store]\nconnections = 1001", "store.connections", "from 3 to 1000")]
#[case::checkpoint(
    "[store]\ncheckpoint = \"never\"",
    "store.checkpoint",
    "auto or external"
)]
#[case::prefix("[keys]\nprefix = \"K\"", "keys.prefix", "lower-case")]
#[case::master_key("[keys]\nmaster_key = \"short\"", "keys.master_key", "32 random bytes")]
#[case::no_file(
    "[keys]\nmaster_key_file = \"nowhere\"",
    "keys.master_key",
    "cannot be read"
)]
#[case::no_unit("[sessions]\nidle = \"7\"", "sessions.idle", "30s, 15m, 1h or 7d")]
#[case::number("[sessions]\nidle = 7", "sessions.idle", "30s, 15m, 1h or 7d")]
#[case::no_time("[sessions]\nidle = \"0s\"", "sessions.idle", "longer than 0s")]
#[case::idle("[sessions]\nidle = \"60d\"", "sessions.idle", "sessions.absolute")]
#[case::token(
    "[sessions]\naccess_token = \"60d\"",
    "sessions.access_token",
    "sessions.absolute"
)]
#[case::cookie(
    "[sessions]\ncookie_name = \"a b\"",
    "sessions.cookie_name",
    "__Host-vestibule"
)]
#[case::cookie_of_neighbours(
    "[server]\npublic_url = \"https://a.example\"\n[sessions]\ncookie_name = \"session\"",
    "sessions.cookie_name",
    "__Host-"
)]
#[case::no_requests(
    "[plans.team.limits]\nrequests_per_minute = 0",
    "plans.team.limits.requests_per_minute",
    "leave it out"
)]
#[case::plan("[plans.Team]\nseats = 1", "plans.Team.seats", "lower-case")]
#[case::format("[log]\nformat = \"xml\"", "log.format", "text or json")]
#[case::sample("[sample]\nenabled = \"yes\"", "sample.enabled", "true or false")]
#[case::sample_url("[sample]\nurl = \"file\"", "sample.url", "sqlite:")]
fn a_refusal_names_the_field_and_how_to_mend_it(
    #[case] text: &str,
    #[case] key: &str,
    #[case] way_out: &str,
) {
    let errors = read(text, &[]).unwrap_err();
    let [error] = errors.0.as_slice() else {
        panic!("{errors}");
    };
    assert_eq!(error.key, key);
    assert!(error.to_string().contains(way_out), "{error}");
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let errors = read("[server]\nlisten = \"x\"\n[log]\nformat = \"y\"\n", &[]).unwrap_err();
    let keys: Vec<_> = errors.0.iter().map(|error| error.key.as_str()).collect();
    assert_eq!(keys, ["server.listen", "log.format"]);
    // Wrong types and unknown keys, too, and nothing twice.
    let text = "[server]\npublic_url = 5\nlisten = \"0.0.0.0:1\"\nx = 1\n[log]\nformat = \"y\"\n";
    let errors = read(text, &[]).unwrap_err();
    let keys: Vec<_> = errors.0.iter().map(|error| error.key.as_str()).collect();
    assert_eq!(keys, ["server.public_url", "server.x", "log.format"]);
}

#[test]
fn what_is_seldom_meant_is_said() {
    let warnings = |text| read(text, &[]).unwrap().warnings();
    assert_eq!(warnings(""), [""; 0]);
    let own = "[server]\nadmin_listen = \"0.0.0.0:8081\"\n[sessions]\ncookie_name = \"session\"";
    let said = warnings(own);
    assert_eq!(said.len(), 2);
    assert!(said[0].contains("server.admin_listen"), "{said:?}");
    assert!(said[1].contains("sessions.cookie_name"), "{said:?}");
}

#[test]
fn what_other_machines_reach_needs_an_origin() {
    let text = "[server]\nlisten = \"[::]:8080\"\npublic_url = \"https://a.example\"";
    assert!(read(text, &[]).is_ok());
}

#[test]
fn a_broken_line_is_named_and_not_repeated() {
    let errors = read("[store]\nurl = \"postgres://u:secret@h/d\n", &[]).unwrap_err();
    assert!(errors.to_string().contains("line 2"), "{errors}");
    assert!(!errors.to_string().contains("secret"), "{errors}");
}

#[test]
fn flags_overrule_the_environment_which_overrules_the_file() {
    let (_dir, mut sources) = written("[server]\nlisten = \"127.0.0.1:1\"\nmax_connections = 2");
    let key = "server.listen";
    let listen = |sources: &Sources| {
        let values = sources.read();
        let settings = Settings::new(&values).unwrap();
        let origin = values.provenance(key).unwrap().to_string();
        (settings.server.listen.port(), origin)
    };
    assert_eq!(listen(&sources).0, 1);
    sources.environment = vec![(
        "VESTIBULE_SERVER__LISTEN".to_owned(),
        "127.0.0.1:2".to_owned(),
    )];
    let expected = (2, "environment VESTIBULE_SERVER__LISTEN".to_owned());
    assert_eq!(listen(&sources), expected);
    sources.flags = vec![(key.to_owned(), "127.0.0.1:3".to_owned())];
    assert_eq!(listen(&sources), (3, "flag".to_owned()));
}

#[test]
fn the_environment_spells_lists_and_plans_too() {
    let settings = read(
        "",
        &[
            (
                "VESTIBULE_SERVER__TRUSTED_PROXIES",
                "10.0.0.0/8, 192.168.1.1",
            ),
            ("VESTIBULE_PLANS__TEAM__FEATURES", "agents,sso"),
            (
                "VESTIBULE_PLANS__TEAM__LIMITS__AGENT_MESSAGES_PER_MONTH",
                "7",
            ),
            ("VESTIBULE_TEST_POSTGRES", "not ours"),
        ],
    )
    .unwrap();
    let team = settings.plans.get(&"team".parse().unwrap()).unwrap();
    assert!(team.has("sso"));
    assert_eq!(team.limit("agent_messages_per_month"), Some(7));
}

#[test]
fn a_slip_of_the_underscore_is_not_ignored() {
    let errors = read("", &[("VESTIBULE_SERVER_LISTEN", "127.0.0.1:2")]).unwrap_err();
    let text = errors.to_string();
    assert!(
        text.contains("did you mean VESTIBULE_SERVER__LISTEN?"),
        "{text}"
    );
}

#[test]
fn a_secret_comes_from_a_file_beside_the_configuration_and_is_never_shown() {
    let key = "a".repeat(64);
    let (dir, sources) = written(
        "[keys]\nmaster_key_file = \"master.key\"\n[store]\nurl = \"postgres://u:hidden@h/d\"",
    );
    std::fs::write(dir.path().join("master.key"), format!("{key}\n")).unwrap();
    let values = sources.read();
    let settings = Settings::new(&values).unwrap();
    assert!(settings.master_key().is_ok());
    let shown: Vec<_> = values
        .shown()
        .map(|(key, toml, json, origin)| format!("{key} {toml} {json} {origin}"))
        .collect();
    let shown = format!("{shown:?} {values:?} {settings:?}");
    assert!(
        !shown.contains(&key) && !shown.contains("hidden"),
        "{shown}"
    );
    assert!(
        shown.contains("keys.master_key") && shown.contains("***"),
        "{shown}"
    );
}

#[test]
fn the_files_of_sqlite_lie_beside_the_configuration_that_names_them() {
    let (dir, sources) = written("[store]\nurl = \"sqlite:a.db\"");
    let settings = Settings::new(&sources.read()).unwrap();
    let folder = dir.path().display();
    assert_eq!(settings.store.to_string(), format!("sqlite:{folder}/a.db"));
    let sample = settings.sample.url.to_string();
    assert_eq!(sample, format!("sqlite:{folder}/sample.db"));
}

#[rstest]
#[case("sqlite:C#/100%/a:b/a?b/v.db", "C#/100%/a:b/a?b/v.db")]
#[case("sqlite:%41.db", "%41.db")]
#[case("sqlite:it's \\\"mine\\\".db", "it's \"mine\".db")]
fn store_and_sample_take_a_path_literally(#[case] url: &str, #[case] file: &str) {
    let text = format!("[store]\nurl = \"{url}\"\n[sample]\nurl = \"{url}\"");
    let (dir, sources) = written(&text);
    let settings = Settings::new(&sources.read()).unwrap();
    let expected = Some(dir.path().join(file));
    let expected = expected.as_deref();
    assert_eq!(settings.store.sqlite_file(), expected);
    assert_eq!(settings.sample.database.file(), expected);
}

#[test]
fn the_sample_is_where_the_store_is_unless_it_has_a_place_of_its_own() {
    let store = "[store]\nurl = \"postgres://ada:engine@db/vestibule\"";
    let settings = read(store, &[]).unwrap();
    assert_eq!(
        settings.sample.url.to_string(),
        "postgres://db:5432/vestibule"
    );
    assert!(!format!("{settings:?}").contains("engine"));
    let (dir, sources) = written(&format!("{store}\n[sample]\nurl = \"sqlite:s.db\""));
    let settings = Settings::new(&sources.read()).unwrap();
    let file = dir.path().join("s.db");
    assert_eq!(settings.sample.database.file(), Some(file.as_path()));
}

#[test]
fn a_variable_that_is_no_text_is_refused_and_not_passed_over() {
    let sources = Sources {
        unreadable: vec!["VESTIBULE_STORE__URL".to_owned()],
        ..Sources::default()
    };
    let error = sources.read().complete().unwrap_err().to_string();
    assert!(error.contains("VESTIBULE_STORE__URL"), "{error}");
}

#[rstest]
#[case("https://auth.example.com", "https://auth.example.com")]
#[case("https://auth.example.com/", "https://auth.example.com")]
#[case("https://auth.example.com:8443", "https://auth.example.com:8443")]
#[case("http://localhost", "http://localhost")]
#[case("http://127.0.0.2:8080/", "http://127.0.0.2:8080")]
#[case("http://[::1]:8080", "http://[::1]:8080")]
#[case("https://[2001:db8::1]", "https://[2001:db8::1]")]
fn a_public_url_is_an_origin_as_browsers_send_it(#[case] text: &str, #[case] origin: &str) {
    assert_eq!(text.parse::<PublicUrl>().unwrap().as_str(), origin);
}

#[rstest]
#[case("https://Auth.Example.com", "write \"https://auth.example.com\"")]
#[case("https://auth.example.com.", "write \"https://auth.example.com\"")]
#[case("https://auth.example.com:443/", "write \"https://auth.example.com\"")]
#[case("https://auth.example.com:", "write \"https://auth.example.com\"")]
#[case("https://auth.example.com//", "write \"https://auth.example.com\"")]
#[case("https://auth.example.com/#", "write \"https://auth.example.com\"")]
#[case("http://localhost:80", "write \"http://localhost\"")]
#[case("http://127.1:8080", "write \"http://127.0.0.1:8080\"")]
#[case("https://[2001:0DB8:0:0:0:0:0:1]", "write \"https://[2001:db8::1]\"")]
#[case("https://auth.example.com:84430", "a port from 1 to 65535")]
#[case("https://auth.example.com:abc", "a port from 1 to 65535")]
#[case("https://auth.example.com:0", "a port from 1 to 65535")]
#[case("https://b\u{fc}cher.example", "xn-- form")]
#[case("auth.example.com", "such as https://auth.example.com")]
#[case("http://Auth.Example.com", "must begin with https")]
#[case("http://0xc0000207", "must begin with https")]
fn a_public_url_in_another_spelling_is_refused_and_the_right_one_named(
    #[case] text: &str,
    #[case] way_out: &str,
) {
    let error = text.parse::<PublicUrl>().unwrap_err();
    assert!(error.contains(way_out), "{text}: {error}");
}

#[test]
fn the_url_of_a_listener_is_the_origin_that_browsers_send() {
    let of = |address: &str| PublicUrl::of(address.parse().unwrap());
    assert_eq!(of("127.0.0.1:80").as_str(), "http://127.0.0.1");
    assert_eq!(of("[::1]:8080").as_str(), "http://[::1]:8080");
}

#[test]
fn proxies_named_in_mapped_notation_are_those_of_ipv4() {
    let text = "[server]\ntrusted_proxies = [\"::ffff:10.0.0.0/104\"]";
    let proxies = read(text, &[]).unwrap().server.trusted_proxies;
    assert!(proxies.trusts([10, 1, 2, 3].into()));
    let half = "[server]\ntrusted_proxies = [\"::ffff:0:0/97\"]";
    let error = read(half, &[]).unwrap_err().to_string();
    assert!(
        error.contains("0.0.0.0/1, which is wider than /8"),
        "{error}"
    );
}

#[test]
fn hosts_without_tls_are_compared_as_urls_have_them() {
    let text = "[sso]\nplain_http_hosts = [\"[2001:0DB8::1]\", \"Idp.internal\"]";
    let hosts = read(text, &[]).unwrap().sso.outbound.plain_http_hosts;
    assert_eq!(hosts, ["2001:db8::1", "idp.internal"]);
}
