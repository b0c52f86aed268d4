//! What a request says to Engine.IO itself, and that it goes on saying the rest.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use ringfence_core::secret::TokenDigest;
use serde_json::json;

/// Bytes of a query, which the clients repeat on every request.
const LONGEST: usize = 8 * 1024;

/// What frames are carried by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carrier {
    Polling,
    WebSocket,
}

/// What a request asks of Engine.IO.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) carrier: Carrier,
    /// The line it belongs to; none asks for a new one.
    pub(super) sid: Option<String>,
    /// Everything else that the query says. A line is only for whoever says the same as when it was opened (ATTACKS N60).
    pub(super) rest: TokenDigest,
}

/// Why a request is not for a line. The codes are those of the reference server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    UnknownTransport,
    UnknownSid,
    BadHandshakeMethod,
    BadRequest,
    UnsupportedProtocol,
    TooLong,
}

impl Asked {
    pub(super) fn read(query: &str) -> Result<Self, Refusal> {
        if query.len() > LONGEST {
            return Err(Refusal::TooLong);
        }
        let (mut protocol, mut transport, mut sid, mut rest) = (None, None, None, Vec::new());
        for piece in query.split('&').filter(|piece| !piece.is_empty()) {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            let own = match name {
                "EIO" => &mut protocol,
                "transport" => &mut transport,
                "sid" => &mut sid,
                // Against caches; and how older protocols asked for text.
                "t" | "b64" => continue,
                _ => {
                    rest.push(piece);
                    continue;
                }
            };
            if own.replace(value).is_some() {
                return Err(Refusal::BadRequest);
            }
        }
        if protocol != Some("4") {
            return Err(Refusal::UnsupportedProtocol);
        }
        let carrier = match transport {
            Some("polling") => Carrier::Polling,
            Some("websocket") => Carrier::WebSocket,
            _ => return Err(Refusal::UnknownTransport),
        };
        rest.sort_unstable();
        let rest = TokenDigest::of(rest.join("&").as_bytes());
        Ok(Self { carrier, sid: sid.map(str::to_owned), rest })
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (code, message) = match self {
            Self::UnknownTransport => (0, "Transport unknown"),
            Self::UnknownSid => (1, "Session ID unknown"),
            Self::BadHandshakeMethod => (2, "Bad handshake method"),
            Self::BadRequest | Self::TooLong => (3, "Bad request"),
            Self::UnsupportedProtocol => (5, "Unsupported protocol version"),
        };
        let status = if self == Self::TooLong { StatusCode::URI_TOO_LONG } else { StatusCode::BAD_REQUEST };
        (status, Json(json!({ "code": code, "message": message }))).into_response()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rest(query: &str) -> TokenDigest {
        Asked::read(query).unwrap().rest
    }

    #[test]
    fn what_engine_io_asks_is_told_from_the_rest() {
        let asked = Asked::read("channelId=ann%40x&EIO=4&transport=polling&t=abc&sid=S").unwrap();
        assert_eq!((asked.carrier, asked.sid.as_deref()), (Carrier::Polling, Some("S")));
        assert_eq!(asked.rest, rest("t=xyz&EIO=4&transport=websocket&channelId=ann%40x"));
    }

    #[test]
    fn n60_another_query_is_another_asker() {
        let ann = rest("EIO=4&transport=polling&channelId=ann&apiKey=k");
        for other in ["channelId=bob&apiKey=k", "channelId=ann", "channelId=ann&apiKey=k&token=x", ""] {
            assert_ne!(rest(&format!("EIO=4&transport=polling&{other}")), ann, "{other}");
        }
    }

    #[test]
    fn requests_for_nothing_that_is_spoken_here_are_refused() {
        let refused = |query: &str| Asked::read(query).unwrap_err();
        assert_eq!(refused("transport=polling"), Refusal::UnsupportedProtocol);
        assert_eq!(refused("EIO=3&transport=polling"), Refusal::UnsupportedProtocol);
        assert_eq!(refused("EIO=4&transport=webtransport"), Refusal::UnknownTransport);
        assert_eq!(refused("EIO=4"), Refusal::UnknownTransport);
        for twice in ["EIO=4&EIO=4&transport=polling", "EIO=4&transport=polling&sid=a&sid=b"] {
            assert_eq!(refused(twice), Refusal::BadRequest);
        }
        assert_eq!(refused(&format!("EIO=4&transport=polling&x={}", "x".repeat(LONGEST))), Refusal::TooLong);
    }

    proptest! {
        #[test]
        fn nothing_makes_the_reader_stumble(query in "\\PC*") {
            let _ = Asked::read(&query);
        }
    }
}
