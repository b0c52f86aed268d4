//! Telnyx: telephony credentials over REST, and the socket of the voice SDKs.
//!
//! Table endpoint → source → operation: docs/dialects/telnyx.md.

mod backend;
mod calls;
mod connections;
mod conversation;
mod credentials;
mod error;
mod fields;
mod frames;
mod invite;
mod login;
mod query;
mod refusal;
mod rest;
mod settings;
mod socket;
#[cfg(test)]
mod tests;
mod token;
mod voice;

use ringfence_core::{
    authority::{AudienceClaim, IssuerClaim, SessionClaim, SubjectClaim, TokenShape},
    jose::Alg,
    key::KeySet,
};

use super::{Bearer, Dialect, PlainHttp};

pub(super) const DIALECT: Dialect = Dialect {
    name: NAME,
    routes: |app| rest::routes().merge(socket::routes()).with_state(app),
    at_root: None,
    endpoints: rest::ENDPOINTS,
    token_shape: Some(&TOKEN),
    assertion_profiles: &[],
    application_alias: "telnyx:application",
    bearer: Bearer { scheme: "Bearer", application_header: None },
    plain: PlainHttp::Refuse,
};

/// Its name, also of its members in attributes.
const NAME: &str = "telnyx";

/// The claims are fixed (sheet, section 2), so a token's `jti` names its session.
const TOKEN: TokenShape = TokenShape {
    dialect: NAME,
    typ: "JWT",
    alg: Alg::HS512,
    also: &[],
    set: KeySet::Private,
    issuer: IssuerClaim::Named("telnyx_telephony"),
    audience: AudienceClaim::Named("telnyx_telephony"),
    subject: SubjectClaim::Identity,
    session: SessionClaim::Jti,
    refreshes: false,
    at_most: None,
    home: None,
};
