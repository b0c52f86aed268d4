//! Identifiers: UUIDv7 newtypes minted from the injected clock and entropy.
//!
//! An id holds 96 bits of information, 48 of time and 48 of entropy; the other bits are the version, the variant and zeros.
//! So it has a reversible short form of 24 hex digits for protocols whose ids are that wide (docs/adr/0003).
//! Ids are names, never secrets.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    entropy::{Entropy, random},
    time::Timestamp,
};

/// A fresh UUIDv7 of 48 bits of time and 48 bits of entropy.
fn mint(now: Timestamp, entropy: &dyn Entropy) -> Uuid {
    compose(u64::try_from(now.millis()).unwrap_or(0), random::<6>(entropy))
}

fn compose(millis: u64, tail: [u8; 6]) -> Uuid {
    let mut filler = [0; 10];
    filler[4..].copy_from_slice(&tail);
    uuid::Builder::from_unix_timestamp_millis(millis, &filler).into_uuid()
}

fn short(id: Uuid) -> String {
    let text = id.simple().to_string();
    format!("{}{}", &text[..12], &text[20..])
}

fn from_short(text: &str) -> Option<Uuid> {
    let lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() != 24 || !text.bytes().all(lower_hex) {
        return None;
    }
    let millis = u64::from_str_radix(&text[..12], 16).ok()?;
    let tail = u64::from_str_radix(&text[12..], 16).ok()?.to_be_bytes();
    Some(compose(millis, [tail[2], tail[3], tail[4], tail[5], tail[6], tail[7]]))
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id of this moment.
            pub fn mint(now: Timestamp, entropy: &dyn Entropy) -> Self {
                Self(mint(now, entropy))
            }

            /// The 24-digit lower-case hex form.
            pub fn short(self) -> String {
                short(self.0)
            }

            /// Reads the 24-digit form back.
            pub fn from_short(text: &str) -> Option<Self> {
                from_short(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0.hyphenated())
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::try_parse(text).map(Self)
            }
        }
    };
}

id!(/// A project: one user base, one issuer.
    ProjectId);
id!(/// An application: what a request comes from.
    ApplicationId);
id!(/// An identity: a member, guest, endpoint or service.
    IdentityId);
id!(/// A credential.
    CredentialId);
id!(/// A trusted issuer of assertions.
    IssuerId);
id!(/// A session, the `sid` of its tokens.
    SessionId);
id!(/// A one-time verification.
    VerificationId);
id!(/// An invitation into an application.
    InvitationId);
id!(/// A membership of an identity in an application.
    MembershipId);

impl SessionId {
    /// Its 16 bytes.
    pub(crate) fn to_bytes(self) -> [u8; 16] {
        self.0.into_bytes()
    }

    /// Reads the 16 bytes back.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Uuid::from_slice(bytes).ok().map(Self)
    }

    /// A byte that spreads sessions evenly over shards.
    pub(crate) const fn spread(self) -> u8 {
        self.0.as_bytes()[15]
    }
}

impl IdentityId {
    /// A byte that spreads identities evenly over shards.
    pub(crate) const fn spread(self) -> u8 {
        self.0.as_bytes()[15]
    }
}

impl MembershipId {
    /// The id of the membership that a guest has without a row: its own.
    pub const fn of_guest(guest: IdentityId) -> Self {
        Self(guest.0)
    }
}

id!(/// A group of endpoints.
    EndpointGroupId);
id!(/// An invitation into a SIP domain.
    SipInvitationId);
id!(/// An open connection.
    ConnectionId);
id!(/// A guest target: what a guest may reach.
    GuestTargetId);
id!(/// An entry of the audit log.
    AuditId);
id!(/// A token's `jti`.
    TokenId);
id!(/// A security event that others are told of.
    EventId);
id!(/// A webhook.
    WebhookId);
id!(/// An administrator of the installation.
    AdministratorId);
id!(/// A session of the console.
    ConsoleSessionId);
id!(/// A passkey of an administrator.
    PasskeyId);

impl ProjectId {
    /// The installation as such, which has an audit chain like a project and nothing else.
    pub const INSTALLATION: Self = Self(Uuid::nil());
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);
    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn the_short_form_is_24_hex_digits_and_reads_back() {
        let id = IdentityId::mint(Timestamp::from_millis(1_763_773_269_671), &Fixed(0xAB));
        assert_eq!(id.short(), "019aa91446a7abababababab");
        assert_eq!(IdentityId::from_short(&id.short()), Some(id));
        assert_eq!(id.to_string().parse::<IdentityId>().ok(), Some(id));
        assert_eq!(id.to_string().as_bytes()[14], b'7');
    }

    #[test]
    fn what_is_not_a_short_form_is_none() {
        for text in [
            "",
            "019aa91446a7abababababa",
            "019AA91446A7ABABABABABAB",
            "019aa916e0a7ababababab+b",
            "x19aa91446a7abababababab",
        ] {
            assert_eq!(IdentityId::from_short(text), None, "{text}");
        }
    }
}
