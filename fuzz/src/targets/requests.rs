//! Requests, through the whole router.

use std::sync::OnceLock;

use axum::body::Body;
use http::{HeaderName, HeaderValue, Request, Uri};
use ringfence_wire::{Access, DIALECTS};

use crate::scene::scene;

/// The headers that faces look for credentials in, by the first byte of a line; any other byte means `Authorization`.
const HEADERS: [(u8, &str); 6] = [
    (b'1', "x-auth-token"),
    (b'2', "x-auth-ha1b-token"),
    (b'3', "x-keyclic-app"),
    (b'4', "x-auth-google-token"),
    (b'5', "cookie"),
    (b'6', "x-forwarded-for"),
];

/// The closed `GET`s of every face.
fn closed() -> &'static [String] {
    static CLOSED: OnceLock<Vec<String>> = OnceLock::new();
    CLOSED.get_or_init(|| {
        let of_dialects = DIALECTS.iter().flat_map(|dialect| {
            let closed =
                dialect.endpoints.iter().filter(|endpoint| endpoint.access != Access::Open && endpoint.method == "GET");
            closed.map(|endpoint| format!("/{}{}", dialect.name, filled(endpoint.path)))
        });
        let native = ["/api/v1/me", "/api/v1/me/sessions", "/api/v1/identities", "/api/v1/audit", "/forward-auth"];
        of_dialects.chain(native.map(str::to_owned)).collect()
    })
}

/// A path with something for each of its parameters.
fn filled(path: &str) -> String {
    let segments =
        path.split('/').map(|segment| if segment.contains('{') { "5c81593adf767b0017d1aa68" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

/// The credentials of a request: a byte that chooses where, a line of query, then headers. Nobody made these, so every face refuses
/// them, and none fails.
pub fn authorization(data: &[u8]) {
    let Some((&first, rest)) = data.split_first() else { return };
    let mut lines = rest.split(|byte| *byte == b'\n');
    let path = &closed()[usize::from(first) % closed().len()];
    let query = String::from_utf8_lossy(lines.next().unwrap_or_default());
    let Ok(uri) = format!("{path}?{query}").parse::<Uri>() else { return };
    let mut request = Request::get(uri.clone());
    for line in lines {
        let name = line.first().and_then(|byte| HEADERS.iter().find(|(key, _)| key == byte));
        let (name, value) = name.map_or(("authorization", line), |(_, name)| (*name, &line[1..]));
        let Ok(value) = HeaderValue::from_bytes(value) else { continue };
        request = request.header(HeaderName::from_static(name), value);
    }
    let status = scene().ask(request.body(Body::empty()).expect("a request")).status();
    assert!((300..500).contains(&status.as_u16()), "{uri} was answered with {status}");
}
