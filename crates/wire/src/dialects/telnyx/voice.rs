//! `voice_sdk_id`: what the SDK keeps in its tab and shows in the URL when it comes back (sheet, 3.1 and 3.8).
//!
//! For those who have credentials it proves nothing and is only repeated. For a guest it is the ticket by which it is known
//! again: the SDK has nothing else to keep one in.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ringfence_core::{
    entropy::{Entropy, random},
    secret::{RawToken, TokenKind},
};

/// A `voice_sdk_id`.
#[derive(Clone)]
pub(super) struct VoiceId(Arc<str>);

impl VoiceId {
    const PREFIX: &'static str = "VSDK1";
    const TICKET: &'static str = "rfg_";
    const MOST: usize = 64;

    /// A new one of 30 random characters.
    pub(super) fn mint(entropy: &dyn Entropy) -> Self {
        let mut text = Self::PREFIX.to_owned() + &URL_SAFE_NO_PAD.encode(random::<23>(entropy));
        text.truncate(Self::PREFIX.len() + 30);
        Self(text.into())
    }

    /// The one that carries a guest's ticket.
    pub(super) fn of_ticket(ticket: &RawToken) -> Self {
        let bare = ticket.expose().strip_prefix(Self::TICKET).unwrap_or_default();
        Self(format!("{}{bare}", Self::PREFIX).into())
    }

    /// The guest's ticket that it carries.
    pub(super) fn ticket(&self) -> Option<RawToken> {
        let ticket = RawToken::new(format!("{}{}", Self::TICKET, self.0.strip_prefix(Self::PREFIX)?));
        (TokenKind::of(&ticket) == Some(TokenKind::GuestTicket)).then_some(ticket)
    }

    /// The one in a query, if it has our form and is wanted back.
    pub(super) fn presented(query: &str) -> Option<Self> {
        let mut found = None;
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            match name {
                "voice_sdk_id" => found = Some(value),
                "skip_last_voice_sdk_id" if value == "true" => return None,
                _ => {}
            }
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let ours = |text: &&str| text.starts_with(Self::PREFIX) && text.len() <= Self::MOST && text.bytes().all(plain);
        found.filter(ours).map(|text| Self(text.into()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use ringfence_core::testing::SeededEntropy;

    use super::*;

    fn presented(query: &str) -> Option<String> {
        VoiceId::presented(query).map(|found| found.as_str().to_owned())
    }

    #[test]
    fn only_our_own_form_is_repeated() {
        assert_eq!(presented("canary=true&voice_sdk_id=VSDK1abc-_9"), Some("VSDK1abc-_9".to_owned()));
        for query in [
            "",
            "voice_sdk_id=",
            "voice_sdk_id=abc",
            "voice_sdk_id=VSDK1%3Cscript%3E",
            "voice_sdk_id=VSDK1\"",
            "voice_sdk_id=VSDK1abc&skip_last_voice_sdk_id=true",
            &format!("voice_sdk_id=VSDK1{}", "a".repeat(60)),
        ] {
            assert_eq!(presented(query), None, "{query}");
        }
    }

    #[test]
    fn a_ticket_travels_in_it_and_back() {
        let entropy = SeededEntropy::new(1);
        let ticket = TokenKind::GuestTicket.mint(entropy.as_ref());
        let voice = VoiceId::of_ticket(&ticket);
        assert_eq!(presented(&format!("voice_sdk_id={}", voice.as_str())).as_deref(), Some(voice.as_str()));
        assert_eq!(voice.ticket().map(|ticket| ticket.expose().to_owned()).as_deref(), Some(ticket.expose()));
        assert!(VoiceId::mint(entropy.as_ref()).ticket().is_none());
        assert_eq!(VoiceId::mint(entropy.as_ref()).as_str().len(), 35);
    }
}
