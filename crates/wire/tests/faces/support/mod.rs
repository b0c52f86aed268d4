//! Servers in the hands of a test: the real router over SQLite in a temporary file, time that stands still, mail that stays.

mod exchange;
mod ground;
mod looks;
mod tokens;

pub use exchange::{Answer, Asking, Exchange, basic};
pub use ground::{Ground, PUBLIC_URL, mount};
pub use looks::{by_kind, indented, named, numbered, verbatim};
use ringfence_core::mail::Message;
pub use tokens::{claims, forged, header, signed, signed_by};

/// The link in a mail; empty in mails without one.
pub fn link_in(message: Message) -> String {
    match message {
        Message::PasswordReset { link, .. } | Message::VerifyEmail { link, .. } | Message::Invitation { link, .. } => {
            link
        }
        Message::PasswordChanged | Message::EmailChanged | Message::ApiKeyMade | Message::ProviderLinked { .. } => {
            String::new()
        }
    }
}
