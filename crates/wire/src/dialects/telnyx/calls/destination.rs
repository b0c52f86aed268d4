//! Whom a caller names (sheet, 5): a user name as it is, or in a SIP address of this account.

/// A destination as dialled.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) enum Destination {
    /// A user name of this account.
    Name(String),
    /// Somebody elsewhere, whom we cannot reach.
    Elsewhere,
    /// Nothing.
    Empty,
}

impl Destination {
    /// Reads `number`; `domains` are those of this account.
    pub(in super::super) fn read(number: &str, domains: &[&str]) -> Self {
        let number = number.trim();
        let scheme = ["sip:", "sips:"].iter().find_map(|scheme| {
            let head = number.get(..scheme.len())?;
            head.eq_ignore_ascii_case(scheme).then(|| &number[scheme.len()..])
        });
        let address = scheme.unwrap_or(number);
        let address = address.split([';', '?']).next().unwrap_or_default();
        let (name, domain) = match address.split_once('@') {
            Some((name, domain)) => (name, Some(domain)),
            None => (address, None),
        };
        if name.is_empty() {
            return Self::Empty;
        }
        let host = domain.map(|domain| domain.split_once(':').map_or(domain, |(host, _)| host));
        if host.is_some_and(|host| !domains.iter().any(|own| own.eq_ignore_ascii_case(host))) {
            return Self::Elsewhere;
        }
        Self::Name(name.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_of_this_account_are_read_and_no_others() {
        let domains = ["sip.telnyx.com", "rtc.test"];
        let name = |text: &str| Destination::Name(text.to_owned());
        for (dialled, read) in [
            ("gencredAbC", name("gencredAbC")),
            ("sip:ann@rtc.test", name("ann")),
            ("SIPS:ann@RTC.test:5061;transport=tls?x=y", name("ann")),
            ("ann@sip.telnyx.com", name("ann")),
            ("sip:ann", name("ann")),
            ("sip:ann@evil.test", Destination::Elsewhere),
            ("sip:ann@rtc.test@evil.test", Destination::Elsewhere),
            ("", Destination::Empty),
            ("sip:@rtc.test", Destination::Empty),
            ("é", name("é")),
        ] {
            assert_eq!(Destination::read(dialled, &domains), read, "{dialled}");
        }
    }
}
