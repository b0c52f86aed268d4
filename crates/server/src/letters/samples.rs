//! Every letter there is, for people who want to see them: with names and links of nobody.

use ringfence_core::{
    mail::{Mail, Message},
    time::Timestamp,
};
use ringfence_wire::Letters;

use super::Letter;

/// Shows them.
#[derive(Debug)]
pub struct Samples;

const TO: &str = "ann@example.org";

impl Letters for Samples {
    fn samples(&self, language: &str, sender: &str) -> Vec<(&'static str, ringfence_wire::Letter)> {
        let link = || "https://example.org/link".to_owned();
        let (inviter, application) = ("Ben".to_owned(), "Widget".to_owned());
        let messages = [
            ("password_reset", Message::PasswordReset { link: link(), minutes: 10 }),
            ("verify_email", Message::VerifyEmail { link: link(), minutes: 1440 }),
            ("invitation", Message::Invitation { link: link(), inviter, application }),
            ("password_changed", Message::PasswordChanged),
            ("email_changed", Message::EmailChanged),
            ("api_key_made", Message::ApiKeyMade),
            ("provider_linked", Message::ProviderLinked { provider: "google" }),
        ];
        let shown = messages.into_iter().map(|(name, message)| {
            let (to, language, sender) = (TO.to_owned(), Some(language.to_owned()), sender.to_owned());
            let Letter { subject, text, html } = Letter::of(&Mail { to, language, sender, message });
            (name, ringfence_wire::Letter { at: Timestamp::default(), to: TO.to_owned(), subject, text, html })
        });
        shown.collect()
    }
}
