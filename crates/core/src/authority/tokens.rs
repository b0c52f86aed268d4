//! Access tokens: minted for a session, verified by key, shape and time.

use std::{sync::Arc, time::Duration};

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Authenticated, Authority, IdTokenRequest, keys::VerifyingEntry, verified::Checked};
use crate::{
    audit::Audit,
    context::Ctx,
    error::{AuthError, TokenFault},
    identity::IdentityKind,
    ids::{ApplicationId, ProjectId, SessionId, TokenId},
    jose::{Alg, Times, Unverified, Validity},
    key::KeySet,
    project::Project,
    secret::{RawToken, TokenKind},
    time::Timestamp,
};

/// How one face's access tokens look and what its sessions depend on: data, so that minting and verifying exist once.
#[derive(Debug)]
pub struct TokenShape {
    /// The face, as in [`Ctx::dialect`].
    pub dialect: &'static str,
    /// The `typ` header.
    pub typ: &'static str,
    /// The algorithm.
    pub alg: Alg,
    /// Others that a project may choose instead. Tokens of all of them count, or a choice would end what is out there.
    pub also: &'static [Alg],
    /// The set of keys that signs.
    pub set: KeySet,
    /// The `iss` claim.
    pub issuer: IssuerClaim,
    /// The `aud` claim.
    pub audience: AudienceClaim,
    /// The `sub` claim.
    pub subject: SubjectClaim,
    /// The claim that names the session.
    pub session: SessionClaim,
    /// Whether the face can refresh, so that a session outlives its access tokens.
    pub refreshes: bool,
    /// The longest that a token lives, however long its session does.
    pub at_most: Option<Duration>,
    /// The scheme of the names of homes, if whoever comes through the face has one: a session there ends with the home.
    pub home: Option<&'static str>,
}

/// What the `iss` claim says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssuerClaim {
    /// The installation, for faces whose clients do not look at it.
    Installation,
    /// What clients of the face expect.
    Named(&'static str),
    /// The project, so that a verifier that trusts one project trusts no other.
    Project,
}

/// What the `aud` claim says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AudienceClaim {
    /// The issuer itself.
    Issuer,
    /// What clients of the face expect.
    Named(&'static str),
    /// The application that the session was started through.
    Application,
}

impl TokenShape {
    /// The `iss` of tokens of `project` at the installation with this URL.
    pub fn issuer(&self, public_url: &str, project: ProjectId) -> String {
        match self.issuer {
            IssuerClaim::Installation => public_url.to_owned(),
            IssuerClaim::Named(name) => name.to_owned(),
            IssuerClaim::Project => format!("{public_url}/projects/{project}"),
        }
    }

    /// What signs tokens of a project.
    fn alg_in(&self, project: &Project) -> Alg {
        let chosen = project.policy.signing_alg.alg();
        if self.also.contains(&chosen) { chosen } else { self.alg }
    }

    fn takes(&self, alg: Alg) -> bool {
        alg == self.alg || self.also.contains(&alg)
    }

    fn audience(&self, issuer: &str, application: Option<ApplicationId>) -> String {
        match (self.audience, application) {
            (AudienceClaim::Named(name), _) => name.to_owned(),
            (AudienceClaim::Application, Some(id)) => id.to_string(),
            (AudienceClaim::Issuer, _) | (AudienceClaim::Application, None) => issuer.to_owned(),
        }
    }
}

/// What the `sub` claim says.
#[derive(Debug)]
pub enum SubjectClaim {
    /// The id of the identity.
    Identity,
    /// What kind of identity it is, in the words of the face.
    Kind(fn(IdentityKind) -> &'static str),
}

/// Which claim names the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionClaim {
    /// `sid`, as OIDC has it.
    Sid,
    /// `jti`, for faces whose claims are fixed and whose sessions have one token each.
    Jti,
}

/// A token for its owner.
#[derive(Debug)]
pub struct IssuedToken {
    /// The compact JWS.
    pub token: RawToken,
    /// Its `exp`.
    pub expires_at: Timestamp,
}

/// What a verified access token points at. Whether that still counts is another question.
pub(super) struct TokenClaims {
    pub(super) session: SessionId,
    named_by: SessionClaim,
    issuer: Option<String>,
    /// If it has exactly one.
    pub(super) audience: Option<String>,
    typ: Option<String>,
    alg: Alg,
    pub(super) times: Times,
    pub(super) key: Arc<VerifyingEntry>,
}

#[derive(Serialize)]
struct AccessClaims<'a, E> {
    #[serde(flatten)]
    extra: E,
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
    jti: String,
    iat: i64,
    exp: i64,
}

/// An ID token (OIDC Core §2). Without `sid`, so that it is never taken for an access token (ATTACKS N19).
#[derive(Serialize)]
struct IdClaims<'a> {
    #[serde(flatten)]
    extra: Map<String, Value>,
    iss: &'a str,
    aud: &'a str,
    sub: String,
    auth_time: i64,
    iat: i64,
    exp: i64,
}

/// The `typ` of ID tokens.
const ID_TOKEN: &str = "JWT";

impl Authority {
    /// Mints an access token for the session of `who`, in the shape of the face it was started through, with `extra` claims
    /// beside ours.
    pub async fn issue_token<E: Serialize>(
        &self,
        ctx: &Ctx,
        who: &Authenticated,
        extra: E,
    ) -> Result<IssuedToken, AuthError> {
        let session = who.session.as_ref().ok_or(AuthError::NotFound(crate::error::Noun::Session))?;
        // The gate judges by this shape too: a token in another one would be dead at birth.
        let shape = self.shape(&session.dialect)?;
        who.admit(ctx.now)?;
        let signer = self.signer(ctx, who.project.id, shape.set, shape.alg_in(&who.project), shape.typ).await?;
        let expires_at = if shape.refreshes {
            session.expires_at.min(ctx.now + who.project.policy.tokens.access.duration())
        } else {
            // A session may be as endless as the assertion behind it; no token of ours is.
            session.expires_at.min(ctx.now + who.project.policy.tokens.refresh.duration())
        };
        let expires_at = shape.at_most.map_or(expires_at, |most| expires_at.min(ctx.now + most));
        let issuer = shape.issuer(&self.public_url, who.project.id);
        let subject = match shape.subject {
            SubjectClaim::Identity => who.identity.id.to_string(),
            SubjectClaim::Kind(name) => name(who.identity.kind).to_owned(),
        };
        let id = session.id.to_string();
        let (sid, jti) = match shape.session {
            SessionClaim::Sid => (Some(id), TokenId::mint(ctx.now, self.entropy.as_ref()).to_string()),
            SessionClaim::Jti => (None, id),
        };
        let claims = AccessClaims {
            extra,
            iss: &issuer,
            aud: &shape.audience(&issuer, session.application),
            sub: &subject,
            sid,
            jti,
            iat: ctx.now.seconds(),
            exp: expires_at.seconds(),
        };
        Ok(IssuedToken { token: signer.mint(&claims)?, expires_at })
    }

    /// Mints an ID token: who the session of `who` is of, for the client itself.
    pub async fn issue_id_token(
        &self,
        ctx: &Ctx,
        who: &Authenticated,
        wanted: IdTokenRequest,
        expires_at: Timestamp,
    ) -> Result<RawToken, AuthError> {
        let session = who.session.as_ref().ok_or(AuthError::NotFound(crate::error::Noun::Session))?;
        let shape = self.shape(&session.dialect)?;
        let signer = self.signer(ctx, who.project.id, shape.set, shape.alg_in(&who.project), ID_TOKEN).await?;
        signer.mint(&IdClaims {
            extra: wanted.claims,
            iss: &shape.issuer(&self.public_url, who.project.id),
            aud: &wanted.audience,
            sub: who.identity.id.to_string(),
            auth_time: session.auth_time.seconds(),
            iat: ctx.now.seconds(),
            exp: expires_at.seconds(),
        })
    }

    /// Accepts that the caller's token came in a query string, where logs of others see it: only in a project that allows it
    /// for its old clients, and each use is audited.
    pub async fn accept_token_in_query(&self, ctx: &Ctx, who: &Authenticated) -> Result<(), AuthError> {
        if !who.project.policy.compat.token_in_query {
            return Err(AuthError::NotSupported("a token in the query"));
        }
        let used = Audit::new(who.project.id, who.actor(), "compat.token_in_query", &who.actor());
        self.commit(ctx, move |_, log| {
            log.record(used);
            Ok(())
        })
        .await
    }

    fn shape(&self, dialect: &str) -> Result<&'static TokenShape, AuthError> {
        self.shapes.get(dialect).copied().ok_or(AuthError::NotSupported("access tokens"))
    }

    /// Whether some face names sessions by `jti` in tokens of this algorithm.
    fn names_by_jti(&self, alg: Alg) -> bool {
        self.shapes.values().any(|shape| shape.session == SessionClaim::Jti && shape.takes(alg))
    }

    /// What was checked of an access token when it passed a moment ago, if it still counts by itself.
    pub(super) fn checked_before(&self, ctx: &Ctx, token: &RawToken) -> Result<Option<Checked>, AuthError> {
        let known = self.verified.recall(token).filter(|known| self.still_knows(ctx, &known.key));
        if let Some(known) = &known {
            known.admit(ctx.now)?;
        }
        Ok(known)
    }

    /// Checks form, key, signature and time of an access token of ours.
    pub(super) async fn check_access_token(&self, ctx: &Ctx, token: &RawToken) -> Result<TokenClaims, AuthError> {
        if TokenKind::of(token).is_some() {
            return Err(TokenFault::Type.into());
        }
        if !token.expose().contains('.') {
            return Err(TokenFault::Unknown.into());
        }
        let unverified = Unverified::parse(token.expose())?;
        let header = unverified.header().clone();
        // All of ours name their key; a token that does not is somebody else's kind (ATTACKS N21).
        let kid = header.kid.ok_or(TokenFault::Type)?;
        let key = self.verifying_key(ctx, &kid).await?;
        let claims = unverified.verify(&key.verifying)?;
        let (session, named_by) = match claims.string("sid")? {
            None if self.names_by_jti(header.alg) => (claims.string("jti")?, SessionClaim::Jti),
            sid => (sid, SessionClaim::Sid),
        };
        let session = session.ok_or(TokenFault::Type)?.parse::<SessionId>().map_err(|_| TokenFault::Claims)?;
        let times = claims.times()?;
        times.check(&Validity::at(ctx.now))?;
        key.admit(ctx.now)?;
        let audience = claims.audience()?;
        Ok(TokenClaims {
            session,
            named_by,
            times,
            issuer: claims.string("iss")?.map(str::to_owned),
            audience: match audience[..] {
                [only] => Some(only.to_owned()),
                _ => None,
            },
            typ: header.typ,
            alg: header.alg,
            key,
        })
    }

    /// Whether a token is of the project of its session and has the shape of the face that the session was started through.
    /// Neither ever changes.
    pub(super) fn check_shape(&self, live: &Authenticated, claims: &TokenClaims) -> Result<(), AuthError> {
        if live.project.id != claims.key.project {
            return Err(TokenFault::Key.into());
        }
        let session = live.session.as_ref().ok_or(TokenFault::Type)?;
        let shape = self.shape(&session.dialect)?;
        let issuer = shape.issuer(&self.public_url, live.project.id);
        if !shape.takes(claims.alg) {
            return Err(TokenFault::Algorithm.into());
        }
        if claims.typ.as_deref() != Some(shape.typ) || claims.named_by != shape.session {
            return Err(TokenFault::Type.into());
        }
        if claims.issuer.as_deref() != Some(issuer.as_str()) {
            return Err(TokenFault::Issuer.into());
        }
        if claims.audience != Some(shape.audience(&issuer, session.application)) {
            return Err(TokenFault::Audience.into());
        }
        Ok(())
    }
}
