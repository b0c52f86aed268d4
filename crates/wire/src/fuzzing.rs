//! The parsers of this crate as `cargo xtask fuzz` drives them: each takes whatever came and panics if it did what it must not.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use http::HeaderValue;

pub use crate::engineio::fuzzing::{engine_io, socket_io};
use crate::{extract::client_address, jsonrpc::Incoming, native};

/// A JSON-RPC frame: read the same when it is printed as JSON again.
///
/// # Panics
/// When it is read otherwise.
pub fn json_rpc(text: &str) {
    let read = Incoming::parse(text);
    if let Ok(value) = serde_json::from_str::<serde_json::Value>(text) {
        // A member that is there twice is refused, and is there once in what is printed.
        if read.is_ok() && !has_fractions(text) {
            assert_eq!(Incoming::parse(&value.to_string()), read);
        }
    } else {
        assert!(read.is_err(), "read what is no JSON");
    }
}

/// Whether a text may hold numbers that are no integers of 64 bits: those that have a point, an exponent or very many digits.
pub(crate) fn has_fractions(text: &str) -> bool {
    let digits = |part: &str| part.len() > 17;
    text.contains(['.', 'e', 'E']) || text.split(|byte: char| !byte.is_ascii_digit()).any(digits)
}

/// A frame of the native socket: whatever it is, it is read alike when it is printed as JSON again.
///
/// # Panics
/// When it is not.
pub fn native_frame(text: &str) {
    let read = native::fuzzing::frame_as_read(text);
    if let Ok(value) = serde_json::from_str::<serde_json::Value>(text) {
        assert_eq!(native::fuzzing::frame_as_read(&value.to_string()), read);
    }
}

/// Forwarded addresses, one header a line: without a trusted peer they change nothing, and with one never into a trusted hop.
///
/// # Panics
/// When a header is believed that must not be.
pub fn forwarded(lines: &[u8]) {
    let trusted = ["10.0.0.0/8".parse().expect("a range")];
    let client = |peer: [u8; 4]| {
        let mut parts = http::Request::new(()).into_parts().0;
        for line in lines.split(|byte| *byte == b'\n') {
            let Ok(value) = HeaderValue::from_bytes(line) else { continue };
            parts.headers.append("x-forwarded-for", value.clone());
            parts.headers.append("forwarded", value);
        }
        parts.extensions.insert(ConnectInfo(SocketAddr::from((peer, 1))));
        client_address(&parts, &trusted)
    };
    assert_eq!(client([203, 0, 113, 9]), Some([203, 0, 113, 9].into()), "a stranger's header is believed");
    let address = client([10, 0, 0, 1]).expect("a peer has an address");
    // What limits count by must be one spelling of an address.
    assert_eq!(address, address.to_canonical());
}
