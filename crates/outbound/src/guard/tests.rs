use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn guard(allowed: &[&str]) -> Guard {
    Guard::allowing(allowed.iter().map(|text| text.parse().unwrap()).collect())
}

#[rstest]
#[case("8.8.8.8")]
#[case("1.1.1.1")]
#[case("9.255.255.255")]
#[case("11.0.0.0")]
#[case("100.63.255.255")]
#[case("100.128.0.0")]
#[case("126.255.255.255")]
#[case("128.0.0.1")]
#[case("169.253.255.255")]
#[case("169.255.0.0")]
#[case("172.15.255.255")]
#[case("172.32.0.0")]
#[case("192.0.1.0")]
#[case("192.167.255.255")]
#[case("192.169.0.0")]
#[case("198.17.255.255")]
#[case("198.20.0.0")]
#[case("223.255.255.255")]
#[case("2001:4860:4860::8888")]
#[case("2606:4700:4700::1111")]
#[case("2001:200::1")]
#[case("3ffe:ffff::1")]
fn public_addresses_pass(#[case] address: &str) {
    assert_eq!(Guard::default().check(ip(address)), Ok(()));
}

#[rstest]
#[case("0.0.0.0", AddressKind::Unspecified)]
#[case("0.1.2.3", AddressKind::Unspecified)]
#[case("10.0.0.1", AddressKind::Private)]
#[case("10.255.255.255", AddressKind::Private)]
#[case("100.64.0.1", AddressKind::CarrierShared)]
#[case("100.127.255.255", AddressKind::CarrierShared)]
#[case("127.0.0.1", AddressKind::Loopback)]
#[case("127.255.255.254", AddressKind::Loopback)]
#[case("169.254.1.1", AddressKind::LinkLocal)]
#[case("172.16.0.1", AddressKind::Private)]
#[case("172.31.255.255", AddressKind::Private)]
#[case("192.0.0.8", AddressKind::Reserved)]
#[case("192.0.2.1", AddressKind::Documentation)]
#[case("192.88.99.1", AddressKind::Translated)]
#[case("192.168.0.1", AddressKind::Private)]
#[case("192.168.255.255", AddressKind::Private)]
#[case("198.18.0.1", AddressKind::Benchmarking)]
#[case("198.19.255.255", AddressKind::Benchmarking)]
#[case("198.51.100.7", AddressKind::Documentation)]
#[case("203.0.113.7", AddressKind::Documentation)]
#[case("224.0.0.1", AddressKind::Multicast)]
#[case("239.255.255.255", AddressKind::Multicast)]
#[case("240.0.0.1", AddressKind::Reserved)]
#[case("255.255.255.255", AddressKind::Reserved)]
#[case("169.254.169.254", AddressKind::Metadata)]
#[case("169.254.170.2", AddressKind::Metadata)]
#[case("100.100.100.200", AddressKind::Metadata)]
#[case("168.63.129.16", AddressKind::Metadata)]
#[case("192.0.0.192", AddressKind::Metadata)]
#[case("fd00:ec2::254", AddressKind::Metadata)]
#[case("::", AddressKind::Unspecified)]
#[case("::1", AddressKind::Loopback)]
#[case("::7f00:1", AddressKind::Translated)]
#[case("::ffff:127.0.0.1", AddressKind::Translated)]
#[case("::ffff:8.8.8.8", AddressKind::Translated)]
#[case("::ffff:169.254.169.254", AddressKind::Translated)]
#[case("::ffff:0:127.0.0.1", AddressKind::Reserved)]
#[case("64:ff9b::10.0.0.1", AddressKind::Translated)]
#[case("64:ff9b:1::1", AddressKind::Translated)]
#[case("100::1", AddressKind::Reserved)]
#[case("2001::1", AddressKind::Translated)]
#[case("2001:2::1", AddressKind::Benchmarking)]
#[case("2001:20::1", AddressKind::Reserved)]
#[case("2001:db8::1", AddressKind::Documentation)]
#[case("2002:7f00:1::1", AddressKind::Translated)]
#[case("3fff::1", AddressKind::Documentation)]
#[case("4000::1", AddressKind::Reserved)]
#[case("5f00::1", AddressKind::Reserved)]
#[case("fc00::1", AddressKind::UniqueLocal)]
#[case("fdff::1", AddressKind::UniqueLocal)]
#[case("fe80::1", AddressKind::LinkLocal)]
#[case("fec0::1", AddressKind::Private)]
#[case("ff02::1", AddressKind::Multicast)]
fn every_other_address_is_refused_by_its_kind(#[case] address: &str, #[case] kind: AddressKind) {
    assert_eq!(Guard::default().check(ip(address)), Err(kind));
}

#[rstest]
#[case("10.20.0.0/16", "10.20.3.4")]
#[case("127.0.0.1", "127.0.0.1")]
#[case("fd00::/8", "fd12::1")]
#[case("169.254.169.254/32", "169.254.169.254")]
#[case("64:ff9b::/96", "64:ff9b::8.8.8.8")]
#[case("::ffff:0:0/96", "::ffff:8.8.8.8")]
fn a_network_that_the_operator_allows_passes(#[case] network: &str, #[case] address: &str) {
    assert_eq!(guard(&[network]).check(ip(address)), Ok(()));
}

#[rstest]
#[case::its_neighbour("10.20.0.0/16", "10.21.0.1")]
#[case::metadata_inside_a_network("169.254.0.0/16", "169.254.169.254")]
#[case::metadata_inside_everything("0.0.0.0/0", "168.63.129.16")]
#[case::private_behind_translation("64:ff9b::/96", "64:ff9b::10.0.0.1")]
#[case::loopback_behind_a_mapped_address("::ffff:0:0/96", "::ffff:127.0.0.1")]
#[case::the_other_family("127.0.0.0/8", "::1")]
fn what_was_not_allowed_stays_refused(#[case] network: &str, #[case] address: &str) {
    assert!(guard(&[network]).check(ip(address)).is_err());
}

proptest! {
    #[test]
    fn an_ipv4_address_in_ipv6_clothes_never_passes(v4: [u8; 4]) {
        let v4 = Ipv4Addr::from(v4);
        let [a, b, c, d] = v4.octets();
        let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        for v6 in [
            v4.to_ipv6_mapped(),
            Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
        ] {
            prop_assert!(Guard::default().check(IpAddr::V6(v6)).is_err());
        }
    }
}
