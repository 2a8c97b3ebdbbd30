use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Mutex;

use rstest::rstest;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::guard::AddressKind;
use crate::resolver::FixedResolver;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A server on loopback that reads one request head, writes these bytes and closes.
async fn serve(answer: impl Into<Vec<u8>>) -> (SocketAddr, Arc<Mutex<String>>) {
    let listener = TcpListener::bind((LOOPBACK, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(Mutex::new(String::new()));
    let (answer, heard) = (answer.into(), Arc::clone(&seen));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = vec![0; 4_096];
            let length = stream.read(&mut head).await.unwrap_or(0);
            *heard.lock().unwrap() = String::from_utf8_lossy(&head[..length]).into_owned();
            let _ = stream.write_all(&answer).await;
            let _ = stream.shutdown().await;
        }
    });
    (address, seen)
}

fn ok(body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

fn config() -> Config {
    Config {
        limits: Limits {
            body: 1_000,
            total: Duration::from_millis(400),
            connect: Duration::from_millis(300),
            ..Limits::default()
        },
        ..Config::default()
    }
}

fn development() -> Outbound {
    outbound(config().allow_loopback(), FixedResolver::new())
}

fn outbound(config: Config, resolver: FixedResolver) -> Outbound {
    Outbound::new(config, Arc::new(resolver)).unwrap()
}

async fn get(outbound: &Outbound, url: &str) -> Result<Answer, OutboundError> {
    outbound
        .send("org", Request::get(url.parse().unwrap()))
        .await
}

#[tokio::test]
async fn an_answer_within_its_caps_arrives_whole() {
    let (address, seen) = serve(ok("{\"a\":1}")).await;
    let url = format!("http://{address}/path?x=1").parse().unwrap();
    let request = Request::get(url).with_bearer("token");
    let answer = development().send("org", request).await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, "{\"a\":1}");
    assert_eq!(answer.media_type().as_deref(), Some("application/json"));
    let seen = seen.lock().unwrap().clone();
    assert!(seen.starts_with("GET /path?x=1 HTTP/1.1\r\n"), "{seen}");
    assert!(seen.contains(&format!("host: {address}\r\n")), "{seen}");
    assert!(seen.contains("authorization: Bearer token\r\n"), "{seen}");
    assert!(seen.contains("accept-encoding: identity\r\n"), "{seen}");
    assert!(!seen.to_lowercase().contains("cookie"), "{seen}");
}

#[tokio::test]
async fn a_form_is_sent_encoded() {
    let (address, seen) = serve(ok("{}")).await;
    let url = format!("http://{address}").parse().unwrap();
    let request = Request::post_form(url, [("a b", "c&d")]);
    development().send("org", request).await.unwrap();
    let seen = seen.lock().unwrap().clone();
    assert!(seen.starts_with("POST / HTTP/1.1\r\n"), "{seen}");
    assert!(seen.contains("application/x-www-form-urlencoded"), "{seen}");
}

#[rstest]
#[case::a_declared_length_above_the_cap(
    "HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n".to_owned(),
    "too_large"
)]
#[case::a_body_without_end(
    format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(1_001)),
    "too_large"
)]
#[case::chunks_that_add_up(
    format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{}", format!("200\r\n{}\r\n", "x".repeat(512)).repeat(2)),
    "too_large"
)]
#[case::an_endless_header(
    format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "x".repeat(40_000)),
    "too_large"
)]
#[case::too_many_headers(
    format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(101)),
    "too_large"
)]
#[case::a_redirect("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1/\r\n\r\n".to_owned(), "redirect")]
#[case::not_modified("HTTP/1.1 304 Not Modified\r\n\r\n".to_owned(), "redirect")]
#[case::compression(
    "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 0\r\n\r\n".to_owned(),
    "protocol"
)]
#[case::a_body_cut_short("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc".to_owned(), "protocol")]
#[case::no_http("SSH-2.0-OpenSSH_9.2\r\n".to_owned(), "protocol")]
#[case::nothing(String::new(), "protocol")]
#[tokio::test]
async fn an_answer_outside_its_caps_is_refused(#[case] answer: String, #[case] reason: &str) {
    let (address, _) = serve(answer).await;
    let error = get(&development(), &format!("http://{address}"))
        .await
        .unwrap_err();
    assert_eq!(error.reason(), reason, "{error}");
}

#[tokio::test]
async fn a_failure_is_an_answer_until_success_is_asked_for() {
    let (address, _) = serve("HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n").await;
    let answer = get(&development(), &format!("http://{address}"))
        .await
        .unwrap();
    assert_eq!(
        answer.success().unwrap_err(),
        OutboundError::Status { status: 500 }
    );
}

#[tokio::test]
async fn a_silent_server_costs_the_time_limit_and_no_more() {
    let listener = TcpListener::bind((LOOPBACK, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let error = get(&development(), &format!("http://{address}"))
        .await
        .unwrap_err();
    assert_eq!(error, OutboundError::Timeout { seconds: 1 });
}

#[tokio::test]
async fn a_body_in_drops_costs_the_time_limit_and_no_more() {
    let listener = TcpListener::bind((LOOPBACK, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let error = get(&development(), &format!("http://{address}"))
        .await
        .unwrap_err();
    assert_eq!(error.reason(), "timeout");
}

#[tokio::test]
async fn one_socket_can_be_allowed_and_nothing_beside_it() {
    let (address, _) = serve(ok("{}")).await;
    let (beside, _) = serve(ok("{}")).await;
    let mut config = config();
    config.allowed_sockets.push(address);
    let outbound = outbound(
        config,
        FixedResolver::new().with_addresses("localhost", &[LOOPBACK]),
    );
    get(&outbound, &format!("http://{address}/")).await.unwrap();
    for other in [
        format!("http://{beside}/"),
        format!("https://{beside}/"),
        format!("http://localhost:{}/", address.port()),
    ] {
        let refused = get(&outbound, &other).await.unwrap_err();
        assert!(
            matches!(
                refused,
                OutboundError::Insecure { .. } | OutboundError::Blocked { .. }
            ),
            "{other}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn loopback_is_refused_unless_the_operator_allows_it() {
    let (address, seen) = serve(ok("{}")).await;
    let strict = outbound(
        Config {
            plain_http_hosts: vec!["127.0.0.1".to_owned()],
            ..config()
        },
        FixedResolver::new(),
    );
    let error = get(&strict, &format!("http://{address}"))
        .await
        .unwrap_err();
    let blocked = OutboundError::Blocked {
        host: "127.0.0.1".to_owned(),
        address: LOOPBACK,
        kind: AddressKind::Loopback,
    };
    assert_eq!(error, blocked);
    assert!(seen.lock().unwrap().is_empty(), "nothing was sent");
}

#[rstest]
#[case::a_private_address(&["10.0.0.1"])]
#[case::a_private_one_behind_a_public_one(&["8.8.8.8", "10.0.0.1"])]
#[case::metadata(&["169.254.169.254"])]
#[case::a_mapped_address(&["::ffff:127.0.0.1"])]
#[tokio::test]
async fn a_name_that_leads_inside_is_refused(#[case] addresses: &[&str]) {
    let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
    let resolver = FixedResolver::new().with_addresses("id.example.com", &addresses);
    let error = get(&outbound(config(), resolver), "https://id.example.com")
        .await
        .unwrap_err();
    assert_eq!(error.reason(), "address_blocked");
}

/// A name that leads to a public address when it is first asked for, and inside from then on.
struct Rebinding(std::sync::atomic::AtomicBool);

impl Resolver for Rebinding {
    fn addresses<'a>(
        &'a self,
        _name: &'a str,
    ) -> futures_util::future::BoxFuture<'a, Result<Vec<IpAddr>, DnsError>> {
        let asked = self.0.swap(true, std::sync::atomic::Ordering::SeqCst);
        let address = if asked {
            LOOPBACK
        } else {
            "8.8.8.8".parse().unwrap()
        };
        Box::pin(async move { Ok(vec![address]) })
    }

    fn texts<'a>(
        &'a self,
        name: &'a str,
    ) -> futures_util::future::BoxFuture<'a, Result<Vec<String>, DnsError>> {
        let name = name.to_owned();
        Box::pin(async move { Err(DnsError::NotFound { name }) })
    }
}

#[tokio::test]
async fn a_name_that_changes_its_mind_after_the_check_is_judged_again() {
    let resolver = Arc::new(Rebinding(std::sync::atomic::AtomicBool::new(false)));
    let outbound = Outbound::new(config(), resolver).unwrap();
    let url = "https://id.example.com".parse().unwrap();
    assert_eq!(outbound.check_address(&url).await, Ok(()));
    let error = get(&outbound, "https://id.example.com").await.unwrap_err();
    assert_eq!(error.reason(), "address_blocked");
}

#[tokio::test]
async fn http_is_refused_for_hosts_that_were_not_named() {
    let resolver = FixedResolver::new().with_addresses("id.example.com", &[LOOPBACK]);
    let outbound = outbound(config().allow_loopback(), resolver);
    let error = get(&outbound, "http://id.example.com").await.unwrap_err();
    assert_eq!(error.reason(), "insecure");
}

#[tokio::test]
async fn an_unknown_name_is_told_apart() {
    let error = get(&development(), "https://nowhere.example")
        .await
        .unwrap_err();
    assert_eq!(error.reason(), "name_not_found");
}

#[tokio::test]
async fn a_closed_port_is_told_apart() {
    let listener = TcpListener::bind((LOOPBACK, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = get(&development(), &format!("http://{address}"))
        .await
        .unwrap_err();
    assert_eq!(error.reason(), "connect_failed");
}

#[tokio::test]
async fn texts_come_from_the_resolver() {
    let resolver = FixedResolver::new().with_texts("_vestibule.example.com", &["a=b", "c"]);
    let outbound = outbound(config(), resolver);
    let texts = outbound
        .texts("org", "_vestibule.example.com")
        .await
        .unwrap();
    assert_eq!(texts, ["a=b", "c"]);
    let error = outbound.texts("org", "example.com").await.unwrap_err();
    assert_eq!(error.reason(), "name_not_found");
}

/// A TLS server for `name` on loopback, and its certificate.
async fn serve_tls(name: &str) -> (SocketAddr, Vec<u8>) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((LOOPBACK, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let _ = stream.read(&mut [0; 4_096]).await;
                let _ = stream.write_all(ok("{}").as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        }
    });
    (address, certificate.to_vec())
}

#[rstest]
#[case::trusted("id.example.com", true, None)]
#[case::not_trusted("id.example.com", false, Some("tls_failed"))]
#[case::for_another_name("other.example.com", true, Some("tls_failed"))]
#[tokio::test]
async fn a_certificate_must_prove_the_host(
    #[case] name: &str,
    #[case] trusted: bool,
    #[case] reason: Option<&str>,
) {
    let (address, certificate) = serve_tls(name).await;
    let mut config = config().allow_loopback();
    config.limits.connect = Duration::from_secs(5);
    config.limits.total = Duration::from_secs(5);
    if trusted {
        config.extra_roots.push(certificate);
    }
    let resolver = FixedResolver::new().with_addresses("id.example.com", &[LOOPBACK]);
    let url = format!("https://id.example.com:{}/", address.port());
    let outcome = get(&outbound(config, resolver), &url).await;
    assert_eq!(
        outcome.as_ref().err().map(OutboundError::reason),
        reason,
        "{outcome:?}"
    );
}

#[test]
fn a_root_that_is_no_certificate_is_refused() {
    let mut config = config();
    assert!(config.trust_pem(b"nothing").is_err());
    config.extra_roots.push(vec![1, 2, 3]);
    let refused = Outbound::new(config, Arc::new(FixedResolver::new()));
    assert!(matches!(
        refused.err(),
        Some(OutboundConfigError::Root { .. })
    ));
}
