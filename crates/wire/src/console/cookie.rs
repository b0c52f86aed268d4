//! The cookie of a console session. Its prefix binds it to this host, to TLS and to the whole of it (RFC 6265bis 4.1.3.2);
//! browsers take machines' own names, as in `dev`, for as good as TLS.

use http::{HeaderMap, HeaderValue, header};
use ringfence_core::secret::RawToken;

const NAME: &str = "__Host-ringfence-console";

/// The token that a browser sent, if any.
pub(super) fn token(headers: &HeaderMap) -> Option<RawToken> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|part| part.trim().split_once('='));
    pairs.filter(|(name, _)| *name == NAME).map(|(_, value)| RawToken::new(value)).next()
}

/// Has the browser keep a token until it is closed; the session behind it ends earlier.
pub(super) fn keep(token: &RawToken) -> HeaderValue {
    let text = format!("{NAME}={}; Path=/; Secure; HttpOnly; SameSite=Strict", token.expose());
    let mut value = HeaderValue::try_from(text).unwrap_or(FORGET);
    value.set_sensitive(true);
    value
}

/// Has the browser forget it.
pub(super) const FORGET: HeaderValue =
    HeaderValue::from_static("__Host-ringfence-console=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict");
