use std::net::Ipv4Addr;

use proptest::prelude::*;
use rstest::rstest;

use super::*;

#[rstest]
#[case("https://auth.example.com")]
#[case("https://auth.example.com:8443")]
#[case("https://auth.example.com:1")]
#[case("https://auth.example.com:65535")]
#[case("https://auth")]
#[case("https://xn--bcher-kva.example")]
#[case("https://a.b-c.d0.example")]
#[case("https://1.example")]
#[case("http://localhost")]
#[case("http://localhost:8080")]
#[case("http://localhost:443")]
#[case("https://localhost:80")]
#[case("https://192.0.2.7")]
#[case("https://192.0.2.7:8443")]
#[case("http://127.0.0.1:3000")]
#[case("https://[2001:db8::1]")]
#[case("https://[2001:db8::1]:8443")]
#[case("http://[::1]:8080")]
#[case("https://[::ffff:c000:207]")]
fn the_spelling_of_browsers_is_kept(#[case] text: &str) {
    assert_eq!(text.parse::<WebOrigin>().unwrap().as_str(), text);
}

#[rstest]
#[case("HTTPS://auth.example.com", "https://auth.example.com")]
#[case("https://Auth.Example.COM", "https://auth.example.com")]
#[case("https://auth.example.com.", "https://auth.example.com")]
#[case("https://auth.example.com:443", "https://auth.example.com")]
#[case("http://localhost:80", "http://localhost")]
#[case("https://auth.example.com:", "https://auth.example.com")]
#[case("https://auth.example.com:08443", "https://auth.example.com:8443")]
#[case(" https://auth.example.com", "https://auth.example.com")]
#[case("https://auth.example.com\n", "https://auth.example.com")]
#[case("https://0x7f.1", "https://127.0.0.1")]
#[case("https://0X7F000001", "https://127.0.0.1")]
#[case("https://2130706433", "https://127.0.0.1")]
#[case("https://127.1", "https://127.0.0.1")]
#[case("https://0177.0.0.01", "https://127.0.0.1")]
#[case("https://192.0.519", "https://192.0.2.7")]
#[case("https://192.0.2.7.", "https://192.0.2.7")]
#[case("https://[2001:0DB8:0:0:0:0:0:1]", "https://[2001:db8::1]")]
#[case("https://[2001:db8:0:0:1:0:0:1]", "https://[2001:db8::1:0:0:1]")]
#[case("https://[2001:DB8::1]:443", "https://[2001:db8::1]")]
#[case("https://2001:db8::1", "https://[2001:db8::1]")]
#[case("https://[::ffff:192.0.2.7]:8443", "https://[::ffff:c000:207]:8443")]
fn another_spelling_is_refused_and_the_right_one_named(#[case] text: &str, #[case] right: &str) {
    let error = text.parse::<WebOrigin>().unwrap_err();
    let right: WebOrigin = right.parse().unwrap();
    assert_eq!(error, OriginError::Spelling(right.clone()));
    assert!(error.to_string().ends_with(&format!("write \"{right}\"")));
}

#[rstest]
#[case("https://auth.example.com/")]
#[case("https://Auth.example.com:443/sign-in")]
#[case("https://auth.example.com?x")]
#[case("https://auth.example.com#x")]
fn what_follows_an_origin_is_refused_and_the_origin_named(#[case] text: &str) {
    let origin = "https://auth.example.com".parse().unwrap();
    assert_eq!(text.parse::<WebOrigin>(), Err(OriginError::Longer(origin)));
}

#[rstest]
#[case("", OriginError::Scheme)]
#[case("auth.example.com", OriginError::Scheme)]
#[case("auth.example.com:8443", OriginError::Scheme)]
#[case("//auth.example.com", OriginError::Scheme)]
#[case("https:auth.example.com", OriginError::Scheme)]
#[case("https:/auth.example.com", OriginError::Scheme)]
#[case("https:\\\\auth.example.com", OriginError::Scheme)]
#[case("ftp://auth.example.com", OriginError::Scheme)]
#[case("httpss://auth.example.com", OriginError::Scheme)]
#[case("null", OriginError::Scheme)]
#[case("https://user@auth.example.com", OriginError::UserInfo)]
#[case("https://user:password@auth.example.com", OriginError::UserInfo)]
#[case("https://@auth.example.com", OriginError::UserInfo)]
#[case("https://auth.example.com:84430", OriginError::Port)]
#[case("https://auth.example.com:65536", OriginError::Port)]
#[case("https://auth.example.com:abc", OriginError::Port)]
#[case("https://auth.example.com:0", OriginError::Port)]
#[case("https://auth.example.com:-1", OriginError::Port)]
#[case("https://auth.example.com:+443", OriginError::Port)]
#[case("https://auth.example.com: 443", OriginError::Port)]
#[case("https://auth.example.com:8443:1", OriginError::Port)]
#[case("https://[2001:db8::1]:84430", OriginError::Port)]
#[case("https://", OriginError::Host)]
#[case("https:///auth.example.com", OriginError::Host)]
#[case("https://:8443", OriginError::Host)]
#[case("https://.", OriginError::Host)]
#[case("https://auth..example", OriginError::Host)]
#[case("https://auth.example.com..", OriginError::Host)]
#[case("https://-auth.example", OriginError::Host)]
#[case("https://auth-.example", OriginError::Host)]
#[case("https://auth_.example", OriginError::Host)]
#[case("https://*.example.com", OriginError::Host)]
#[case("https://auth example.com", OriginError::Host)]
#[case("https://auth%2eexample.com", OriginError::Host)]
#[case("https://auth.example.com\\evil.example", OriginError::Host)]
#[case("https://b\u{fc}cher.example", OriginError::Host)]
#[case("https://auth\u{3002}example", OriginError::Host)]
#[case("https://auth.example\u{202e}.com", OriginError::Host)]
#[case("https://1.2.3.4.5", OriginError::Host)]
#[case("https://256.0.0.1", OriginError::Host)]
#[case("https://4294967296", OriginError::Host)]
#[case("https://1.2.3.08", OriginError::Host)]
#[case("https://auth.0x", OriginError::Host)]
#[case("https://[2001:db8::1", OriginError::Host)]
#[case("https://[2001:db8::1]evil.example", OriginError::Host)]
#[case("https://[2001:db8::1%25eth0]", OriginError::Host)]
#[case("https://[192.0.2.7]", OriginError::Host)]
#[case("https://[auth.example.com]", OriginError::Host)]
fn what_is_no_origin_is_refused_for_what_is_wrong(#[case] text: &str, #[case] why: OriginError) {
    assert_eq!(text.parse::<WebOrigin>(), Err(why));
}

#[test]
fn the_origin_of_a_listener_is_spelled_as_browsers_send_it() {
    let of = |address: &str| WebOrigin::of_listener(address.parse().unwrap());
    assert_eq!(of("127.0.0.1:80").as_str(), "http://127.0.0.1");
    assert_eq!(of("127.0.0.1:8080").as_str(), "http://127.0.0.1:8080");
    assert_eq!(of("[::1]:8080").as_str(), "http://[::1]:8080");
    assert_eq!(of("[::1]:80").as_str(), "http://[::1]");
}

#[rstest]
#[case("http://localhost:8080", "localhost", true)]
#[case("http://127.0.0.9", "127.0.0.9", true)]
#[case("https://[::1]:8080", "[::1]", true)]
#[case("https://auth.example.com:8443", "auth.example.com", false)]
#[case("https://localhost.example.com", "localhost.example.com", false)]
#[case("https://[2001:db8::1]", "[2001:db8::1]", false)]
fn an_origin_knows_its_host(#[case] text: &str, #[case] host: &str, #[case] loopback: bool) {
    let origin: WebOrigin = text.parse().unwrap();
    assert_eq!((origin.host(), origin.is_loopback()), (host, loopback));
}

proptest! {
    #[test]
    fn a_text_is_refused_or_kept_as_it_is(
        text in "(https?|HTTP)?(://)?[a-z0-9A-Z.x:\\[\\]%@-]{0,24}[/?#]?"
    ) {
        match text.parse::<WebOrigin>() {
            Ok(origin) => prop_assert_eq!(origin.as_str(), text),
            // The spelling that is named is accepted.
            Err(OriginError::Spelling(right) | OriginError::Longer(right)) => {
                prop_assert_eq!(right.as_str().parse::<WebOrigin>(), Ok(right));
            }
            Err(_) => {}
        }
    }

    #[test]
    fn every_spelling_of_an_address_leads_to_the_same_origin(bits: u32) {
        let [a, b, c, d] = bits.to_be_bytes();
        let right = WebOrigin(format!("https://{}", Ipv4Addr::from_bits(bits)));
        let rest = bits & 0x00ff_ffff;
        for host in [
            format!("{bits}"),
            format!("0x{bits:X}"),
            format!("0{bits:o}"),
            format!("{a}.{rest}"),
            format!("0x{a:x}.0{b:o}.{}", u16::from_be_bytes([c, d])),
            format!("{a}.{b}.{c}.{d}"),
        ] {
            let origin = WebOrigin::cut(&format!("https://{host}")).unwrap().origin;
            prop_assert_eq!(origin, right.clone(), "{}", host);
        }
    }
}
