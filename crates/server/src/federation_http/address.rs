//! Which addresses may be connected to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whom a project lets us connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Only the world, over HTTPS.
    Public,
    /// Also private networks and this machine, also in the clear: for providers of one's own and for tests.
    Private,
}

impl Reach {
    /// How far `private_addresses` of a project lets us reach.
    pub const fn of(private_addresses: bool) -> Self {
        if private_addresses { Self::Private } else { Self::Public }
    }

    /// Whether an address is within reach. What a cloud tells its machines is never.
    pub fn allows(self, address: IpAddr) -> bool {
        is_public(address) || (self == Self::Private && is_private(address))
    }
}

/// Where clouds tell their machines secrets, inside private ranges; most do at a link-local address.
const METADATA: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)), IpAddr::V6(Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254))];

/// Whether an address is of this machine or of a private network (RFC 1918, 4193, 6598).
fn is_private(address: IpAddr) -> bool {
    let address = address.to_canonical();
    if METADATA.contains(&address) {
        return false;
    }
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4.is_loopback() || v4.is_private() || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local(),
    }
}

/// Whether an address is no special one (RFC 6890): none of this machine, of a private network or of a cloud's own services.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(a == 0
        || a >= 224
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b)))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    // Global unicast, without what embeds another address or is for documents.
    (0x2000..0x4000).contains(&a) && a != 0x2002 && !(a == 0x2001 && (b < 0x0200 || b == 0x0db8)) && a != 0x3fff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n92_special_addresses_are_not_the_world() {
        for special in [
            "127.0.0.1",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "198.18.0.1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "::",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
        ] {
            assert!(!Reach::Public.allows(special.parse().unwrap()), "{special}");
        }
        for public in ["1.1.1.1", "157.240.1.35", "2a03:2880:f12f:83:face:b00c:0:25de", "2606:4700::1111"] {
            assert!(Reach::Public.allows(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn n92_a_private_reach_ends_at_private_networks() {
        for own in
            ["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.1.2.3", "192.168.1.1", "100.64.0.1", "fd12::1", "1.1.1.1"]
        {
            assert!(Reach::Private.allows(own.parse().unwrap()), "{own}");
        }
        for special in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "fe80::1",
            "0.0.0.0",
            "::",
            "224.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "100.100.100.200",
            "fd00:ec2::254",
        ] {
            assert!(!Reach::Private.allows(special.parse().unwrap()), "{special}");
        }
    }
}
