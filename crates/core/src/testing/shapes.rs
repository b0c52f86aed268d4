//! The tokens, assertions and roles of faces that only tests have.

use crate::{
    authority::{AudienceClaim, IssuerClaim, SessionClaim, SubjectClaim, TokenShape},
    identity::IdentityKind,
    issuer::{AssertedKind, AssertionProfile, AudienceRule, ExpectedSub, ProfileClaims},
    jose::Alg,
    key::KeySet,
    membership::RoleLadder,
};

/// Faces for all kinds of tokens: `test` signs with a secret and cannot refresh; `native`, `rsa` and `ec` publish their keys
/// and can; `device` has fixed claims, so that a token's `jti` names its session.
pub static SHAPES: [TokenShape; 5] = [
    TokenShape {
        dialect: "test",
        typ: "JWT",
        alg: Alg::HS256,
        also: &[],
        set: KeySet::Private,
        issuer: IssuerClaim::Named("https://issuer.test"),
        audience: AudienceClaim::Issuer,
        subject: SubjectClaim::Kind(kind_word),
        session: SessionClaim::Sid,
        refreshes: false,
        at_most: None,
        home: Some("test:home"),
    },
    TokenShape {
        dialect: "device",
        typ: "JWT",
        alg: Alg::HS512,
        also: &[],
        set: KeySet::Private,
        issuer: IssuerClaim::Named("devices"),
        audience: AudienceClaim::Named("devices"),
        subject: SubjectClaim::Identity,
        session: SessionClaim::Jti,
        refreshes: false,
        at_most: None,
        home: None,
    },
    published("native", Alg::EdDSA),
    published("rsa", Alg::RS256),
    published("ec", Alg::ES256),
];

const fn published(dialect: &'static str, alg: Alg) -> TokenShape {
    TokenShape {
        dialect,
        typ: "at+jwt",
        alg,
        also: &[],
        set: KeySet::Published,
        issuer: IssuerClaim::Installation,
        audience: AudienceClaim::Named("ringfence"),
        subject: SubjectClaim::Identity,
        session: SessionClaim::Sid,
        refreshes: true,
        at_most: None,
        home: None,
    }
}

const fn kind_word(kind: IdentityKind) -> &'static str {
    match kind {
        IdentityKind::Guest => "guest",
        IdentityKind::External => "userexternal",
        IdentityKind::Member | IdentityKind::Endpoint | IdentityKind::Service => "user",
    }
}

/// Assertions that may lack an end, name the application in the path of a URL, and speak of users and of members.
pub static ASSERTIONS: AssertionProfile = AssertionProfile {
    name: "test",
    algs: &[Alg::HS256, Alg::HS384, Alg::HS512],
    audience: AudienceRule::UrlPath { segment: "projects", scheme: "test:application" },
    subject: &["_id"],
    wildcard: None,
    kinds: &[
        (ExpectedSub::Is("userexternal"), AssertedKind::External),
        (ExpectedSub::Is("user"), AssertedKind::Member),
    ],
    exp_required: false,
    max_lifetime: None,
    profile_claims: ProfileClaims { given_name: "firstname", family_name: "lastname", email: "email" },
    role: Some("role"),
    account_roles: &["owner", "admin", "agent"],
    default_role: "user",
};

/// Assertions that live for ten minutes at most, for one audience, whose `sub` is a name of the application.
pub static SHORT_ASSERTIONS: AssertionProfile = AssertionProfile {
    name: "short",
    algs: &[Alg::HS256],
    audience: AudienceRule::Exactly("ringfence"),
    subject: &["claims", "user"],
    wildcard: Some("ANYBODY"),
    kinds: &[(ExpectedSub::ApplicationAlias("test:application"), AssertedKind::Either)],
    exp_required: true,
    max_lifetime: Some(std::time::Duration::from_mins(10)),
    profile_claims: ProfileClaims { given_name: "firstname", family_name: "lastname", email: "email" },
    role: None,
    account_roles: &[],
    default_role: "user",
};

/// Roles of the test face.
pub static LADDER: RoleLadder = RoleLadder(&["guest", "user", "agent", "admin", "owner"]);
