//! Checks access tokens of a Ringfence server inside your service, without asking for each, and ends connections of those who
//! were signed out.
//!
//! ```no_run
//! # async fn service(token: &str) -> Result<(), Box<dyn std::error::Error>> {
//! use ringfence_verify::{Settings, Verifier};
//!
//! let settings = Settings::new("https://auth.example.org/projects/PROJECT", "APPLICATION", "API_KEY");
//! let verifier = Verifier::start(settings)?;
//! verifier.ready().await;
//!
//! let claims = verifier.verify(token).await?;
//! let watch = verifier.watch(&claims)?;
//! let ended = watch.ended().await; // close the connection: ended.reason says why
//! # Ok(())
//! # }
//! ```
//!
//! What it guarantees, and when it refuses everything, is written in `docs/verify.md`.
//!
//! | file | what |
//! | --- | --- |
//! | `verifier` | what a service holds: `verify`, `watch`, `still_valid` |
//! | `settings`, `refusal` | what it is told, and why it refuses |
//! | `jose/`, `claims`, `keys` | tokens: form and signature, what they say, the project's keys |
//! | `feed`, `sse`, `set` | following the feed of events, taking it apart, reading an event |
//! | `revoked`, `watch` | what was revoked, within bounded memory; who is connected |
//! | `ports`, `system`, `onward` | time and HTTP, the system's own, and a clock that is not set back |

mod claims;
mod feed;
mod jose;
mod keys;
mod onward;
pub mod ports;
mod refusal;
mod revoked;
mod set;
mod settings;
mod sse;
mod system;
mod verifier;
mod watch;

pub use claims::Claims;
pub use refusal::Refusal;
pub use settings::{Settings, SettingsError};
pub use system::{Http, System};
pub use verifier::{Status, Verifier, Watch};
pub use watch::Ended;
