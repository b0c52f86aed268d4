//! What a request says about itself: its client behind trusted proxies, its language, its credentials.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
};

use axum::extract::{ConnectInfo, FromRequestParts};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, header, request::Parts};
use ipnet::IpNet;
use ringfence_core::{
    context::{Ctx, RequestId},
    entropy::random,
    secret::Password,
};

use crate::app::App;

impl FromRequestParts<App> for Circumstances {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let request_id = match parts.extensions.get::<RequestId>() {
            Some(id) => *id,
            None => RequestId(u64::from_be_bytes(random(app.authority.entropy().as_ref()))),
        };
        Ok(Self(Ctx {
            request_id,
            address: client_address(parts, &app.settings.trusted_proxies),
            dialect: app.mount.dialect,
            language: preferred_language(&parts.headers),
            now: app.authority.clock().now(),
        }))
    }
}

/// The [`Ctx`] of a request.
#[derive(Debug)]
pub(crate) struct Circumstances(pub(crate) Ctx);

/// The client: the socket's peer, or what a trusted peer says in `X-Forwarded-For`, read from the right up to the first
/// address that is not trusted itself. Anybody else's headers are not looked at (ATTACKS N43).
pub(crate) fn client_address(parts: &Parts, trusted: &[IpNet]) -> Option<IpAddr> {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip().to_canonical();
    let is_trusted = |address: &IpAddr| trusted.iter().any(|range| range.contains(address));
    if !is_trusted(&peer) {
        return Some(peer);
    }
    let mut client = peer;
    let lines: Vec<&str> =
        parts.headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok()).collect();
    for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        let Ok(address) = hop.trim().parse::<IpAddr>() else { break };
        client = address.to_canonical();
        if !is_trusted(&client) {
            break;
        }
    }
    Some(client)
}

/// The language that `Accept-Language` likes best; `*` and nonsense are none.
fn preferred_language(headers: &HeaderMap) -> Option<String> {
    languages(headers).first().map(|tag| (*tag).to_owned())
}

/// The languages of `Accept-Language`, those that it likes best first; `*` and nonsense are left out.
pub(crate) fn languages(headers: &HeaderMap) -> Vec<&str> {
    let text = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let weighted = text.split(',').filter_map(|part| {
        let (tag, weight) = match part.split_once(';') {
            None => (part, 1.0),
            Some((tag, weight)) => (tag, weight.trim().strip_prefix("q=")?.parse::<f32>().ok()?),
        };
        let tag = tag.trim();
        (is_language(tag) && weight > 0.0).then_some((tag, weight))
    });
    let mut weighted: Vec<_> = weighted.collect();
    // The sort is stable: the first of equals comes first.
    weighted.sort_by(|one, other| other.1.total_cmp(&one.1));
    weighted.into_iter().map(|(tag, _)| tag).collect()
}

/// Whether a tag begins with a language of two or three letters (BCP 47); clients that have none send `null`.
fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let language = parts.next().unwrap_or_default();
    (2..=3).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_alphabetic())
        && parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Scheme and credentials of an `Authorization` header: the words on either side of the first space.
pub(crate) fn authorization(headers: &HeaderMap) -> Option<(&str, &str)> {
    let (scheme, credentials) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    Some((scheme, credentials.trim()))
}

/// User and password of Basic credentials (RFC 7617): UTF-8, split at the first colon.
pub(crate) fn basic(credentials: &str) -> Option<(String, Password)> {
    let decoded = String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    (!user.is_empty()).then(|| (user.to_owned(), Password::new(password)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&str]) -> String {
        let mut request = http::Request::builder();
        for line in forwarded {
            request = request.header("x-forwarded-for", *line);
        }
        let mut parts = request.body(()).unwrap().into_parts().0;
        parts.extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
        client_address(&parts, &["10.0.0.0/8".parse().unwrap()]).unwrap().to_string()
    }

    #[test]
    fn n43_forwarded_addresses_count_from_trusted_peers_only() {
        assert_eq!(client("203.0.113.9", &["192.0.2.1"]), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &["192.0.2.1"]), "192.0.2.1");
        assert_eq!(client("10.0.0.1", &["6.6.6.6, 192.0.2.1, 10.0.0.2"]), "192.0.2.1");
        assert_eq!(client("10.0.0.1", &["6.6.6.6", "192.0.2.1"]), "192.0.2.1");
        assert_eq!(client("10.0.0.1", &["nonsense, 10.0.0.3"]), "10.0.0.3");
        assert_eq!(client("::ffff:10.0.0.1", &["192.0.2.1"]), "192.0.2.1");
    }

    #[test]
    fn n66_basic_splits_at_the_first_colon() {
        let read =
            |text: &str| basic(&STANDARD.encode(text)).map(|(user, password)| (user, password.expose().to_owned()));
        assert_eq!(read("ann@example.org:a:b"), Some(("ann@example.org".to_owned(), "a:b".to_owned())));
        assert_eq!(read("no colon"), None);
        assert_eq!(read(":empty user"), None);
        assert_eq!(basic("***").map(|(user, _)| user), None);
    }

    #[test]
    fn the_best_liked_language_wins() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, text.parse().unwrap());
            preferred_language(&headers)
        };
        assert_eq!(read("fr-FR, en;q=0.8").as_deref(), Some("fr-FR"));
        assert_eq!(read("en;q=0.5, it;q=0.9, *;q=0.1").as_deref(), Some("it"));
        assert_eq!(read("*"), None);
        assert_eq!(read("null"), None);
        assert_eq!(read("fr;;;"), None);
    }
}
