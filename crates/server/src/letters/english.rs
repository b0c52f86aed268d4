//! Letters in English.

use ringfence_core::mail::Message;

use super::{Draft, named};

/// What the message says.
pub(super) fn letter(message: &Message, sender: &str) -> Draft {
    match message {
        Message::PasswordReset { link, minutes } => Draft {
            subject: format!("{sender}: set a new password"),
            before: "Somebody, probably you, asked for a new password. To set one, open this link:".to_owned(),
            link: Some(link.clone()),
            after: format!(
                "The link works once, for {}. If you did not ask for it, ignore this message; your password stays as it is.",
                span(*minutes)
            ),
        },
        Message::VerifyEmail { link, minutes } => Draft {
            subject: format!("{sender}: confirm your e-mail address"),
            before: "To confirm that this address is yours, open this link:".to_owned(),
            link: Some(link.clone()),
            after: format!("The link works once, for {}. If you did not sign up, ignore this message.", span(*minutes)),
        },
        Message::Invitation { link, inviter, application } => Draft {
            subject: format!("{sender}: you are invited to {application}"),
            before: format!("{} invites you to {application}. To join, open this link:", named(inviter, "Somebody")),
            link: Some(link.clone()),
            after: "If you do not know what this is about, ignore this message.".to_owned(),
        },
        Message::PasswordChanged => Draft {
            subject: format!("{sender}: your password was changed"),
            before: "Your password was changed, and every session was ended.".to_owned(),
            link: None,
            after: "If that was not you, ask for a new password at once and tell whoever runs the service.".to_owned(),
        },
        Message::EmailChanged => Draft {
            subject: format!("{sender}: your e-mail address was changed"),
            before: "Your account has another e-mail address now. This one no longer belongs to it.".to_owned(),
            link: None,
            after: "If that was not you, tell whoever runs the service at once.".to_owned(),
        },
        Message::ApiKeyMade => Draft {
            subject: format!("{sender}: your account has a new API key"),
            before: "An API key was made for your account. Whoever has it may act for you until it ends or is revoked."
                .to_owned(),
            link: None,
            after: "If that was not you, ask for a new password at once and tell whoever runs the service.".to_owned(),
        },
        Message::ProviderLinked { provider } => Draft {
            subject: format!("{sender}: your account can be opened by {provider}"),
            before: format!(
                "Your account is now linked to {provider}: whoever signs in there with your address is signed in here."
            ),
            link: None,
            after: "If that was not you, tell whoever runs the service at once.".to_owned(),
        },
    }
}

fn span(minutes: u64) -> String {
    match (minutes / 60, minutes % 60) {
        (1, 0) => "1 hour".to_owned(),
        (hours, 0) if hours > 0 => format!("{hours} hours"),
        _ => format!("{minutes} minutes"),
    }
}
