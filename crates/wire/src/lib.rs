//! The HTTP faces of Ringfence: the only code that knows HTTP.
//!
//! [`router`] mounts every dialect and everything that belongs to none; [`admin_router`] serves the operator's listener.

mod admin;
mod app;
mod bridges;
mod console;
mod dialects;
mod engineio;
mod extract;
mod feed;
mod first;
mod forward_auth;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod guard;
mod jsonrpc;
mod links;
mod live;
mod looks;
mod mailbox;
mod mount;
mod native;
mod problem;
mod pump;
#[cfg(test)]
mod testing;
mod transport;
mod well_known;

pub use admin::{MetricsText, admin_router};
pub use app::{App, Doctor, Finding, Letters, Mount, Relay, Settings, Verdict};
pub use console::{ALL as CONSOLE_PAGES, Change as ConsoleChange, Page as ConsolePage};
pub use dialects::{ALL as DIALECTS, Access, Bearer, Dialect, Endpoint, PlainHttp};
pub use feed::{Feed, Rising};
pub use first::{Demo, DemoNames};
pub use live::LiveConnections;
pub use mailbox::{Letter, Mailbox};
pub use mount::router;
pub use native::{CODES, Code, description as api_description};
pub use transport::{over_tls, plain_router};

use ringfence_core::{authority::TokenShape, issuer::AssertionProfile};

/// The shapes of access tokens of all dialects and of the native API, for [`ringfence_core::authority::Parts`].
pub fn token_shapes() -> Vec<&'static TokenShape> {
    DIALECTS.iter().filter_map(|dialect| dialect.token_shape).chain([&native::TOKENS]).collect()
}

/// The profiles of assertions of all dialects and of the native API, for [`ringfence_core::authority::Parts`].
pub fn assertion_profiles() -> Vec<&'static AssertionProfile> {
    DIALECTS.iter().flat_map(|dialect| dialect.assertion_profiles.iter().copied()).chain([native::ASSERTIONS]).collect()
}
