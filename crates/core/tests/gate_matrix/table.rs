//! What each kind of way in is answered in each state.

use ringfence_core::authority::{GuestTicket, PresentedCredential};

/// Ways in. Those of one [`Kind`] are answered alike.
pub const WAYS: [(&str, Kind, How); 20] = [
    ("password, signing in", Kind::Password, How::SignIn),
    ("password, with each request", Kind::Password, How::EachRequest),
    ("access token, HS256", Kind::Token, How::Face("test")),
    ("access token, EdDSA", Kind::Token, How::Face("native")),
    ("access token, RS256", Kind::Token, How::Face("rsa")),
    ("access token, ES256", Kind::Token, How::Face("ec")),
    ("access token of a guest", Kind::GuestToken, How::Face("test")),
    ("api key", Kind::ApiKey, How::EachRequest),
    ("assertion, new", Kind::NewAssertion, How::EachRequest),
    ("assertion, shown again", Kind::SeenAssertion, How::EachRequest),
    ("assertion of a member, new", Kind::NewMemberAssertion, How::EachRequest),
    ("assertion of a member, shown again", Kind::SeenMemberAssertion, How::EachRequest),
    ("secret of an endpoint, signing in", Kind::Secret, How::SignIn),
    ("secret of an endpoint, with each request", Kind::Secret, How::EachRequest),
    ("access token of an endpoint, HS512", Kind::EndpointToken, How::Face("device")),
    ("ticket of a guest", Kind::Ticket, How::SignIn),
    ("ticket for a socket", Kind::SocketTicket, How::Face("test")),
    ("digest of a SIP user, with each request", Kind::Digest, How::EachRequest),
    ("digest of a SIP user, signing in", Kind::Digest, How::SignIn),
    ("guest, signing in", Kind::Visit, How::SignIn),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Password,
    Token,
    GuestToken,
    ApiKey,
    NewAssertion,
    SeenAssertion,
    NewMemberAssertion,
    SeenMemberAssertion,
    Secret,
    EndpointToken,
    Ticket,
    SocketTicket,
    Digest,
    Visit,
}

/// The kinds that show such a credential. Without a wildcard, so that a new way in does not compile before it has its rows.
pub const fn kinds_that_show(presented: &PresentedCredential) -> &'static [Kind] {
    match presented {
        PresentedCredential::Password { .. } => &[Kind::Password, Kind::Secret],
        PresentedCredential::AccessToken(_) => &[Kind::Token, Kind::GuestToken, Kind::EndpointToken],
        PresentedCredential::ApiKey(_) => &[Kind::ApiKey],
        PresentedCredential::SocketTicket(_) => &[Kind::SocketTicket],
        PresentedCredential::Assertion { .. } => {
            &[Kind::NewAssertion, Kind::SeenAssertion, Kind::NewMemberAssertion, Kind::SeenMemberAssertion]
        }
        PresentedCredential::Digest { .. } => &[Kind::Digest],
        PresentedCredential::Guest { ticket: Some(GuestTicket::Known(_)), .. } => &[Kind::Ticket],
        // A table of its own, in federation.rs.
        PresentedCredential::Federated { .. } => &[],
        PresentedCredential::Guest { .. } => &[Kind::Visit],
    }
}

pub const KINDS: usize = Kind::Visit as usize + 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    SignIn,
    EachRequest,
    Face(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Active,
    Suspended,
    Locked,
    Erased,
    ProjectDisabled,
    ApplicationDisabled,
    GroupDisabled,
    SessionRevoked,
    CredentialRevoked,
    IssuerRevoked,
    WayOff,
    Expired,
}

/// What a way in a state is answered: `accepted`, a code, or a reason why there is no such case after a dash.
type Cells = [&'static str; KINDS];

pub const STRANGER: &str = "- a new guest is nobody yet";
pub const NO_PASSWORD: &str = "- it has no password to guess, so it is never locked";
pub const NO_SESSION: &str = "- there is no session yet";
pub const NO_CREDENTIAL: &str = "- nothing is stored of it that could be revoked";
pub const NO_ISSUER: &str = "- no issuer vouches for it";
pub const NO_SWITCH: &str = "- the switches are for people who sign in";
pub const NO_END: &str = "- it has no end";
pub const NO_GROUP: &str = "- it is in no group";
pub const NO_APPLICATION: &str = "- its session is through no application";
pub const NO_GUESS: &str = "- nobody guesses 128 random bits, so it is never locked";

/// In the order of [`Kind`].
#[rustfmt::skip]
pub const TABLE: [(State, Cells); 12] = [
    (State::Active, ["accepted"; KINDS]),
    (State::Suspended, [
        "identity_suspended", "identity_suspended", "identity_suspended", "identity_suspended",
        "identity_suspended", "identity_suspended", "identity_suspended", "identity_suspended",
        "identity_suspended", "identity_suspended", "identity_suspended", "identity_suspended",
        "identity_suspended", STRANGER,
    ]),
    (State::Locked, [
        "throttled", "identity_suspended", NO_PASSWORD, NO_PASSWORD,
        NO_PASSWORD, NO_PASSWORD, "identity_suspended", "identity_suspended",
        NO_GUESS, NO_GUESS, NO_PASSWORD, "identity_suspended",
        "identity_suspended", STRANGER,
    ]),
    // The address is free again, so nobody has it. The issuer may speak of the same subject again, who is somebody new then.
    (State::Erased, [
        "invalid_credentials", "identity_suspended", "identity_suspended", "identity_suspended",
        "accepted", "identity_suspended", "token_claims", "identity_suspended",
        "invalid_credentials", "identity_suspended", "identity_suspended", "identity_suspended",
        "invalid_credentials", STRANGER,
    ]),
    (State::ProjectDisabled, ["disabled"; KINDS]),
    (State::ApplicationDisabled, [
        "disabled", "disabled", "disabled", "disabled",
        "disabled", "disabled", "disabled", "disabled",
        "disabled", NO_APPLICATION, "disabled", "disabled",
        "disabled", "disabled",
    ]),
    (State::GroupDisabled, [
        NO_GROUP, NO_GROUP, NO_GROUP, NO_GROUP,
        NO_GROUP, NO_GROUP, NO_GROUP, NO_GROUP,
        "disabled", "disabled", NO_GROUP, NO_GROUP,
        "disabled", NO_GROUP,
    ]),
    (State::SessionRevoked, [
        NO_SESSION, "session_revoked", "session_revoked", NO_SESSION,
        NO_SESSION, "session_revoked", NO_SESSION, "session_revoked",
        NO_SESSION, "session_revoked", "session_revoked", "session_revoked",
        NO_SESSION, NO_SESSION,
    ]),
    // A new password ends all that the old one, and anything else, had opened; whom the issuer vouches for may come anew.
    (State::CredentialRevoked, [
        "invalid_credentials", "session_revoked", NO_CREDENTIAL, "token_unknown",
        NO_CREDENTIAL, NO_CREDENTIAL, "accepted", "session_revoked",
        NO_CREDENTIAL, NO_CREDENTIAL, NO_CREDENTIAL, "session_revoked",
        "invalid_credentials", NO_CREDENTIAL,
    ]),
    (State::IssuerRevoked, [
        NO_ISSUER, NO_ISSUER, NO_ISSUER, NO_ISSUER,
        "token_signature", "session_revoked", "token_signature", "session_revoked",
        NO_ISSUER, NO_ISSUER, NO_ISSUER, NO_ISSUER,
        NO_ISSUER, NO_ISSUER,
    ]),
    // Sessions that were started while the way was on go on.
    (State::WayOff, [
        "not_supported", "accepted", "accepted", NO_SWITCH,
        "not_supported", "accepted", "not_supported", "accepted",
        "not_supported", NO_APPLICATION, "accepted", "accepted",
        "not_supported", "not_supported",
    ]),
    (State::Expired, [
        NO_END, "token_expired", "token_expired", "token_unknown",
        "token_expired", "token_expired", "token_expired", "token_expired",
        "identity_suspended", "token_expired", "token_expired", "token_expired",
        NO_END, NO_END,
    ]),
];

pub fn cell(kind: Kind, state: State) -> &'static str {
    let row = TABLE.iter().find(|(listed, _)| *listed == state);
    row.unwrap_or_else(|| panic!("no row for {state:?}")).1[kind as usize]
}
