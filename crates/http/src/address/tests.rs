use http::HeaderValue;
use proptest::prelude::*;
use rstest::rstest;

use super::*;

/// The proxies of the tests.
fn proxies(header: ForwardedHeader) -> TrustedProxies {
    let networks = ["10.0.0.0/8", "2001:db8:a::/48"].map(|it| it.parse().unwrap());
    TrustedProxies::new(networks.to_vec())
        .unwrap()
        .reading(header)
}

fn lines<T: AsRef<[u8]>>(header: ForwardedHeader, lines: &[T]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines {
        let value = HeaderValue::from_bytes(line.as_ref()).unwrap();
        headers.append(header.name(), value);
    }
    headers
}

fn client(
    header: ForwardedHeader,
    peer: &str,
    text: &[&str],
) -> Result<ClientAddress, UnreadableEntry> {
    proxies(header).client(peer.parse().unwrap(), &lines(header, text))
}

#[rstest]
#[case::direct("203.0.113.9", &["1.2.3.4"], "203.0.113.9")]
#[case::direct_and_unreadable("203.0.113.9", &["unknown"], "203.0.113.9")]
#[case::behind_one("10.0.0.1", &["1.2.3.4"], "1.2.3.4")]
#[case::forged_by_the_client("10.0.0.1", &["9.9.9.9, 1.2.3.4"], "1.2.3.4")]
#[case::nonsense_of_the_client("10.0.0.1", &["unknown, \", 1.2.3.4"], "1.2.3.4")]
#[case::behind_two("10.0.0.1", &["1.2.3.4, 10.0.0.2"], "1.2.3.4")]
#[case::behind_two_of_both_families("10.0.0.1", &["1.2.3.4,2001:db8:a::2"], "1.2.3.4")]
#[case::two_headers("10.0.0.1", &["9.9.9.9", "1.2.3.4"], "1.2.3.4")]
#[case::two_headers_of_two_proxies("10.0.0.1", &["9.9.9.9, 1.2.3.4", "10.0.0.2"], "1.2.3.4")]
#[case::proxies_alone("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3")]
#[case::nothing("10.0.0.1", &[], "10.0.0.1")]
#[case::nothing_said("10.0.0.1", &[""], "10.0.0.1")]
#[case::nothing_but_commas("10.0.0.1", &[" , ,,", ""], "10.0.0.1")]
#[case::port("10.0.0.1", &["198.51.100.7:51000"], "198.51.100.7")]
#[case::ports_of_two("10.0.0.1", &["1.2.3.4:1, 10.0.0.2:65535"], "1.2.3.4")]
#[case::trailing_comma("10.0.0.1", &["198.51.100.7,"], "198.51.100.7")]
#[case::leading_comma("10.0.0.1", &[",198.51.100.7"], "198.51.100.7")]
#[case::empty_between("10.0.0.1", &["1.2.3.4,\t, ,10.0.0.2,"], "1.2.3.4")]
#[case::empty_line_after("10.0.0.1", &["1.2.3.4", " "], "1.2.3.4")]
#[case::quoted("10.0.0.1", &["\"198.51.100.7\""], "198.51.100.7")]
#[case::quoted_port("10.0.0.1", &["\"198.51.100.7:51000\""], "198.51.100.7")]
#[case::v6("10.0.0.1", &["2001:db8::7"], "2001:db8::7")]
#[case::brackets("10.0.0.1", &["[2001:db8::7]"], "2001:db8::7")]
#[case::brackets_and_port("10.0.0.1", &["[2001:db8::7]:443"], "2001:db8::7")]
#[case::quoted_brackets("10.0.0.1", &["\"[2001:db8::7]:443\""], "2001:db8::7")]
#[case::zone("10.0.0.1", &["fe80::1%eth0"], "fe80::1")]
#[case::zone_in_brackets("10.0.0.1", &["[fe80::1%25eth0]:443"], "fe80::1")]
#[case::mapped_peer("::ffff:10.0.0.1", &["2001:db8::7"], "2001:db8::7")]
#[case::mapped_entry("10.0.0.1", &["::ffff:1.2.3.4"], "1.2.3.4")]
#[case::mapped_entry_with_port("10.0.0.1", &["[::ffff:102:304]:1"], "1.2.3.4")]
#[case::mapped_proxy("10.0.0.1", &["1.2.3.4, ::ffff:10.0.0.2"], "1.2.3.4")]
fn the_client_is_who_the_last_trusted_proxy_saw(
    #[case] peer: &str,
    #[case] text: &[&str],
    #[case] expected: IpAddr,
) {
    let found = client(ForwardedHeader::XForwardedFor, peer, text);
    assert_eq!(found, Ok(ClientAddress(expected)));
}

#[rstest]
#[case("unknown")]
#[case("_hidden")]
#[case("localhost")]
#[case("unix:")]
#[case("-")]
#[case("1.2.3.4 1.2.3.5")]
#[case("1.2.3")]
#[case("1.2.3.04")]
#[case("1.2.3.4:")]
#[case("1.2.3.4:65536")]
#[case("1.2.3.4:+1")]
#[case("1.2.3.4:x")]
#[case("1.2.3.4:1:1")]
#[case("1.2.3.4%eth0")]
#[case("1.2.3.4/32")]
#[case("[1.2.3.4]")]
#[case("[2001:db8::7")]
#[case("2001:db8::7]")]
#[case("[2001:db8::7]443")]
#[case("[2001:db8::7]:")]
#[case("[]")]
#[case("fe80::1%")]
#[case("2001:db8:1:2:3:4:5:6:443")]
#[case("\"1.2.3.4")]
#[case("1.2.3.4\"")]
#[case("\"")]
#[case("for=1.2.3.4")]
fn what_a_trusted_proxy_adds_and_nobody_can_read_is_no_address(#[case] entry: &str) {
    let header = ForwardedHeader::XForwardedFor;
    for (text, proxy) in [
        (entry.to_owned(), "10.0.0.1"),
        (format!("9.9.9.9, {entry},"), "10.0.0.1"),
        // What a trusted proxy further out has added counts alike.
        (format!("9.9.9.9, {entry}, 10.0.0.2"), "10.0.0.2"),
    ] {
        let found = client(header, "10.0.0.1", &[&text]).unwrap_err();
        let expected = UnreadableEntry {
            proxy: proxy.parse().unwrap(),
            header,
            entry: entry.escape_default().to_string(),
        };
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn bytes_that_are_no_text_are_refused_where_the_proxy_wrote_them_alone() {
    let header = ForwardedHeader::XForwardedFor;
    let ask = |line: &[u8]| proxies(header).client([10, 0, 0, 1].into(), &lines(header, &[line]));
    let expected = ClientAddress([1, 2, 3, 4].into());
    assert_eq!(ask(b"\xff\xe2\x80\xae, 1.2.3.4"), Ok(expected));
    let refused = ask(b"1.2.3.4, \xff\xe2\x80\xae").unwrap_err();
    assert_eq!(refused.entry, "\\xff\\xe2\\x80\\xae");
    let long = vec![b'a'; 10_000];
    assert_eq!(ask(&long).unwrap_err().entry.len(), ENTRY_BYTES);
}

#[rstest]
#[case(&["for=1.2.3.4"], "1.2.3.4")]
#[case(&["For=\"1.2.3.4:51000\";proto=https;by=203.0.113.43"], "1.2.3.4")]
#[case(&["proto=https; FOR=1.2.3.4 ;"], "1.2.3.4")]
#[case(&["for=1.2.3.4:51000"], "1.2.3.4")]
#[case(&["for=\"[2001:db8:cafe::17]:4711\""], "2001:db8:cafe::17")]
#[case(&["for=\"[2001:db8:cafe::17]:_port\""], "2001:db8:cafe::17")]
#[case(&["for=[2001:db8:cafe::17]"], "2001:db8:cafe::17")]
#[case(&["for=\"\\1.2.3.\\4\""], "1.2.3.4")]
#[case(&["for=1.2.3.4;ext=\"a, for=9.9.9.9; \\\" \\\\\""], "1.2.3.4")]
#[case(&["for=9.9.9.9, for=1.2.3.4, for=10.0.0.2"], "1.2.3.4")]
#[case(&["for=9.9.9.9", "for=1.2.3.4,", ", for=10.0.0.2"], "1.2.3.4")]
#[case::open_quote(&["for=9.9.9.9;x=\", for=1.2.3.4"], "1.2.3.4")]
#[case::open_quote_before_quotes(&["for=9.9.9.9;x=\", for=\"1.2.3.4\";host=\"\""], "1.2.3.4")]
#[case::escape_before_the_comma(&["for=9.9.9.9;x=\"\\, for=\"1.2.3.4\""], "1.2.3.4")]
#[case::nonsense(&["\\\"=;,=, for=1.2.3.4"], "1.2.3.4")]
fn forwarded_is_read_as_rfc_7239_has_it(#[case] text: &[&str], #[case] expected: IpAddr) {
    let found = client(ForwardedHeader::Forwarded, "10.0.0.1", text);
    assert_eq!(found, Ok(ClientAddress(expected)));
}

#[rstest]
#[case("for=unknown")]
#[case("for=_SEVKISEK")]
#[case("for=\"_hidden:80\"")]
#[case("proto=https")]
#[case("1.2.3.4")]
#[case("for=")]
#[case("for=\"\"")]
#[case("for=1.2.3.4;for=1.2.3.4")]
#[case("for=1.2.3.4 for=1.2.3.5")]
#[case("for=\"1.2.3.4")]
#[case("for=\"1.2.3.4\"x")]
#[case("for=\"\\\"1.2.3.4\\\"\"")]
#[case("f or=1.2.3.4;for=1.2.3.4")]
#[case("=x;for=1.2.3.4")]
fn an_element_of_forwarded_without_an_address_is_unreadable(#[case] element: &str) {
    let header = ForwardedHeader::Forwarded;
    for text in [element.to_owned(), format!("for=9.9.9.9, {element}")] {
        let found = client(header, "10.0.0.1", &[&text]);
        assert!(found.is_err(), "{text}: {found:?}");
    }
}

#[rstest]
#[case(ForwardedHeader::XForwardedFor, "1.2.3.4")]
#[case(ForwardedHeader::Forwarded, "9.9.9.9")]
fn one_header_is_read_and_the_other_ignored(
    #[case] header: ForwardedHeader,
    #[case] expected: IpAddr,
) {
    let mut headers = lines(ForwardedHeader::XForwardedFor, &["1.2.3.4"]);
    headers.extend(lines(ForwardedHeader::Forwarded, &["for=9.9.9.9"]));
    let found = proxies(header).client([10, 0, 0, 1].into(), &headers);
    assert_eq!(found, Ok(ClientAddress(expected)));
    let other = match header {
        ForwardedHeader::XForwardedFor => ForwardedHeader::Forwarded,
        ForwardedHeader::Forwarded => ForwardedHeader::XForwardedFor,
    };
    headers.insert(other.name(), HeaderValue::from_static("\"unreadable"));
    let found = proxies(header).client([10, 0, 0, 1].into(), &headers);
    assert_eq!(found, Ok(ClientAddress(expected)));
    assert_eq!(ForwardedHeader::named(header.name()), Some(header));
}

#[rstest]
#[case("0.0.0.0/0", false)]
#[case("::/0", false)]
#[case("0.0.0.0/1", false)]
#[case("10.0.0.0/7", false)]
#[case("2000::/15", false)]
#[case("::ffff:0:0/96", false)]
#[case("::ffff:10.0.0.0/103", false)]
#[case("10.0.0.0/8", true)]
#[case("2001::/16", true)]
#[case("::ffff:10.0.0.0/104", true)]
fn half_the_world_is_no_proxy(#[case] network: Network, #[case] passes: bool) {
    let proxies = TrustedProxies::new(vec![network]);
    let reason = proxies.err().map(|error| error.reason);
    assert_eq!(reason, (!passes).then_some("network_too_wide"));
}

#[test]
fn a_proxy_named_by_a_mapped_address_is_trusted_by_every_spelling() {
    let mapped = vec!["::ffff:10.0.0.0/104".parse().unwrap()];
    let proxies = TrustedProxies::new(mapped).unwrap();
    for peer in ["10.1.2.3", "::ffff:10.1.2.3"] {
        assert!(proxies.trusts(peer.parse().unwrap()), "{peer}");
    }
    assert!(!proxies.trusts("::ffff:11.1.2.3".parse().unwrap()));
}

/// An address as one of the ways in which proxies write it.
fn written(address: IpAddr, header: ForwardedHeader, style: u8) -> String {
    let port = 1024 + u16::from(style);
    let node = match address {
        IpAddr::V4(v4) => match style % 4 {
            0 => v4.to_string(),
            1 => format!("{v4}:{port}"),
            2 => format!("[::ffff:{v4}]:{port}"),
            _ => format!("[{}]", v4.to_ipv6_mapped()),
        },
        IpAddr::V6(v6) => match style % 3 {
            0 => format!("[{v6}]"),
            1 => format!("[{v6}]:{port}"),
            _ => format!("[{v6}%eth{port}]"),
        },
    };
    match (header, style / 4 % 4) {
        (ForwardedHeader::XForwardedFor, 0) => format!("\"{node}\""),
        (ForwardedHeader::XForwardedFor, 1) => format!("\t{node} ,,"),
        (ForwardedHeader::XForwardedFor, _) => node,
        (ForwardedHeader::Forwarded, 0) => format!("for=\"{node}\""),
        (ForwardedHeader::Forwarded, 1) => format!("by=_a;For=\"{node}\";host=\"a,\\\"b\\\\\""),
        (ForwardedHeader::Forwarded, 2) => format!("for={node};proto=https,"),
        (ForwardedHeader::Forwarded, _) => {
            let escaped: String = node.chars().flat_map(|c| ['\\', c]).collect();
            format!("host=\"\";for=\"{escaped}\"")
        }
    }
}

fn any_header() -> impl Strategy<Value = ForwardedHeader> {
    prop_oneof![
        Just(ForwardedHeader::XForwardedFor),
        Just(ForwardedHeader::Forwarded)
    ]
}

/// An address outside of the proxies' networks.
fn outside() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        (11_u8..=223, any::<[u8; 3]>()).prop_map(|(a, [b, c, d])| [a, b, c, d].into()),
        any::<[u16; 7]>().prop_map(|[a, b, c, d, e, f, g]| [0x2001, a, b, c, d, e, f, g].into())
    ]
    .prop_filter("not one of the proxies", |address: &IpAddr| {
        !proxies(ForwardedHeader::default()).trusts(*address)
    })
}

/// An address of a proxy.
fn inside() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<[u8; 3]>().prop_map(|[b, c, d]| [10, b, c, d].into()),
        any::<u16>().prop_map(|last| [0x2001, 0xdb8, 0xa, 0, 0, 0, 0, last].into())
    ]
}

/// Anything that a client may send as a line of the header.
fn nonsense() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        Just(b'"'),
        Just(b'\\'),
        Just(b','),
        Just(b';'),
        Just(b'='),
        0x20_u8..=0x7e,
        0x80_u8..=0xff,
    ];
    let spelled = prop_oneof![
        Just(b"for=9.9.9.9".to_vec()),
        Just(b"9.9.9.9, 10.0.0.9".to_vec()),
        Just(b"for=9.9.9.9;x=\"".to_vec()),
        Just(b"for=\"9.9.9.9\\".to_vec()),
    ];
    prop_oneof![proptest::collection::vec(byte, 0..40), spelled]
}

/// The lines that arrive: what the client sent, and one entry of each proxy, appended to the line
/// before or in a line of its own.
fn arriving(sent: Option<Vec<u8>>, entries: &[String], own_line: u16) -> Vec<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = sent.into_iter().collect();
    for (index, entry) in entries.iter().enumerate() {
        match lines.last_mut() {
            Some(line) if own_line >> index & 1 == 0 => {
                line.extend_from_slice(b", ");
                line.extend_from_slice(entry.as_bytes());
            }
            _ => lines.push(entry.clone().into_bytes()),
        }
    }
    lines
}

proptest! {
    /// The oracle knows the chain: the first address outside of the proxies that they saw.
    #[test]
    fn whatever_a_client_sends_its_address_is_the_one_that_the_proxies_saw(
        header in any_header(),
        sent in proptest::option::of(nonsense()),
        caller in outside(),
        chain in proptest::collection::vec(inside(), 1..5),
        styles in proptest::collection::vec(any::<u8>(), 5),
        own_line: u16,
    ) {
        let (peer, seen) = chain.split_last().unwrap();
        let saw = std::iter::once(&caller).chain(seen).zip(&styles);
        let entries: Vec<_> = saw.map(|(it, style)| written(*it, header, *style)).collect();
        let arrived = lines(header, &arriving(sent, &entries, own_line));
        prop_assert_eq!(
            proxies(header).client(*peer, &arrived),
            Ok(ClientAddress(caller.to_canonical()))
        );
        // To whom the peer is a stranger, none of it means anything.
        prop_assert_eq!(
            proxies(header).client(caller, &arrived),
            Ok(ClientAddress(caller.to_canonical()))
        );
    }

    /// The same with one proxy that writes no address: it is named, and nobody's address taken.
    #[test]
    fn a_proxy_that_names_no_address_is_named_itself(
        header in any_header(),
        sent in proptest::option::of(nonsense()),
        chain in proptest::collection::vec(inside(), 1..5),
        styles in proptest::collection::vec(any::<u8>(), 5),
        own_line: u16,
    ) {
        let (peer, seen) = chain.split_last().unwrap();
        let hidden = match header {
            ForwardedHeader::XForwardedFor => "unknown",
            ForwardedHeader::Forwarded => "for=unknown",
        };
        let saw = seen.iter().zip(&styles).map(|(it, style)| written(*it, header, *style));
        let entries: Vec<_> = std::iter::once(hidden.to_owned()).chain(saw).collect();
        let arrived = lines(header, &arriving(sent, &entries, own_line));
        let refused = proxies(header).client(*peer, &arrived).unwrap_err();
        prop_assert_eq!(refused.proxy, chain[0]);
        prop_assert_eq!(refused.entry, hidden);
    }
}
