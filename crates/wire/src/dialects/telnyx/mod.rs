//! Telnyx: telephony credentials over REST, and the socket of the voice SDKs.

mod calls;
mod conversation;
mod frames;
mod invite;
mod login;
mod refusal;
mod socket;
#[cfg(test)]
mod tests;
mod voice;

use ringfence_core::{
    authority::{SessionClaim, SubjectClaim, TokenShape},
    jose::Alg,
    key::KeySet,
};

use super::{Access, Dialect, Endpoint};

pub(super) const DIALECT: Dialect = Dialect {
    name: "telnyx",
    routes: |app| socket::routes().with_state(app),
    endpoints: &[Endpoint { method: "GET", path: "/", access: Access::Open, source: "3.1 Transport" }],
    token_shape: Some(&TOKEN),
    assertion_profiles: &[],
    application_alias: "telnyx:application",
};

const TOKEN: TokenShape = TokenShape {
    dialect: "telnyx",
    typ: "JWT",
    alg: Alg::HS512,
    set: KeySet::Private,
    issuer: Some("telnyx_telephony"),
    audience: Some("telnyx_telephony"),
    subject: SubjectClaim::Identity,
    session: SessionClaim::Jti,
    refreshes: false,
};
