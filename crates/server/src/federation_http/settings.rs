//! What the settings of every provider have in common, and how they are checked before they are stored.

use anyhow::{Result, bail};
use reqwest::Url;
use serde_json::Value;

use super::outgoing::{Reach, is_within};

/// How the hosts of a provider on this machine are spelled; any other spelling of them hides something.
const THIS_MACHINE: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];

/// The member that lets a provider be in a private network.
const PRIVATE: &str = "private_addresses";

/// Refuses addresses that could never be asked.
pub fn check_urls<'a>(urls: impl IntoIterator<Item = &'a Url>, private_addresses: bool) -> Result<()> {
    for url in urls {
        if is_within(url, Reach::of(private_addresses)) {
            continue;
        }
        if private_addresses {
            bail!("{url} is no address that a provider may have");
        }
        bail!("{url} is not HTTPS, or in a private network; private_addresses = true allows that");
    }
    Ok(())
}

/// Whoever writes an address of this machine into the operator's file means it: such a provider need not also be said to be
/// private.
pub fn admit_this_machine(settings: &mut Value) {
    let Some(members) = settings.as_object_mut() else { return };
    if !members.contains_key(PRIVATE) && members.values().any(names_this_machine) {
        members.insert(PRIVATE.to_owned(), Value::Bool(true));
    }
}

fn names_this_machine(value: &Value) -> bool {
    match value {
        Value::String(text) => is_on_this_machine(text),
        Value::Array(items) => items.iter().any(names_this_machine),
        Value::Object(members) => members.values().any(names_this_machine),
        _ => false,
    }
}

fn is_on_this_machine(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")) else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    THIS_MACHINE.iter().any(|host| {
        let port = authority.strip_prefix(host);
        port.is_some_and(|port| port.is_empty() || port.strip_prefix(':').is_some_and(is_number))
    })
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn admitted(url: &str) -> bool {
        let mut settings = json!({ "jwks_url": url });
        admit_this_machine(&mut settings);
        settings.get(PRIVATE) == Some(&Value::Bool(true))
    }

    #[test]
    fn a_provider_on_this_machine_is_meant_when_it_is_spelled_plainly() {
        for plain in ["http://127.0.0.1:8080/certs", "https://localhost", "http://[::1]:1/x", "http://localhost?x"] {
            assert!(admitted(plain), "{plain}");
        }
        for other in [
            "http://0x7f000001/",
            "http://127.1/",
            "http://[::ffff:127.0.0.1]/",
            "http://127.0.0.1.example.org/",
            "http://localhost:80@example.org/",
            "http://169.254.169.254/",
            "http://10.0.0.1/",
            "localhost",
        ] {
            assert!(!admitted(other), "{other}");
        }
    }

    #[test]
    fn what_an_operator_says_about_it_counts() {
        let mut settings = json!({ "jwks_url": "http://127.0.0.1/", "private_addresses": false });
        admit_this_machine(&mut settings);
        assert_eq!(settings["private_addresses"], false);
    }

    #[test]
    fn n92_urls_of_private_networks_are_refused_unless_configured() {
        let check = |url: &str, private| check_urls([&Url::parse(url).unwrap()], private).is_ok();
        for special in [
            "https://127.0.0.1/",
            "https://0x7f000001/",
            "https://[::ffff:169.254.169.254]/",
            "https://169.254.169.254/",
            "https://192.168.1.1/",
            "http://example.org/",
            "https://user@example.org/",
            "ftp://example.org/",
            "data:text/plain,x",
        ] {
            assert!(!check(special, false), "{special}");
        }
        assert!(check("https://example.org/certs", false));
        assert!(check("http://192.168.1.1/", true) && check("http://idp.internal:8080/", true));
        assert!(!check("http://169.254.169.254/", true) && !check("http://[::ffff:169.254.169.254]/", true));
    }
}
