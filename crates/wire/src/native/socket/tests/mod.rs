//! Connections: frames in, frames out, with time moved by hand.

mod ends;
mod loopback;
mod scene;
mod tickets;
mod tokens;
mod vectors;

/// What is answered to whoever is admitted, of the session `$s`, with the ticket `$t`.
const READY: &str = r#"{"type":"ready","session":"$s","identity":"…","application":"…","resumed":false,"reached":true,"expires_in":"…","server_time":"…","resume":{"ticket":"$t","expires_in":300}}"#;
/// The same for whoever comes back.
const RESUMED: &str = r#"{"type":"ready","session":"…","identity":"…","application":"…","resumed":true,"reached":true,"expires_in":"…","server_time":"…","resume":{"ticket":"…","expires_in":300}}"#;

/// What is said before a close that means to stay away.
fn stop(reason: &str) -> String {
    format!(r#"{{"type":"closing","code":4403,"reason":"{reason}","action":"stop","after_ms":0}}"#)
}
