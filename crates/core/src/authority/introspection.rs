//! Answering other servers: whether a token counts now, and ending it for whoever holds it.

use super::{Authenticated, Authority, PresentedCredential};
use crate::{
    caller::Permit,
    context::Ctx,
    error::AuthError,
    jose::Unverified,
    secret::{RawToken, TokenKind},
    time::Timestamp,
};

/// A token that counts (RFC 7662 §2.2).
#[derive(Debug)]
pub struct Introspected {
    /// Whose it is.
    pub who: Authenticated,
    /// When it ends by itself; an API key may not.
    pub expires_at: Option<Timestamp>,
}

impl Authority {
    /// What an access token or API key of the permit's project stands for now; none when it does not count, whatever the
    /// reason, or is another project's.
    pub async fn introspect(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        token: &RawToken,
    ) -> Result<Option<Introspected>, AuthError> {
        match self.authenticate(ctx, presented(token)).await {
            Ok(who) if who.project.id == permit.project() => {
                let expires_at = self.end_of(&who, token);
                Ok(Some(Introspected { who, expires_at }))
            }
            Err(failure @ (AuthError::Unavailable { .. } | AuthError::Internal(_))) => Err(failure),
            Ok(_) | Err(_) => Ok(None),
        }
    }

    /// The audience of an access token that passed the gate a moment ago, for a face that tells by it whom to ask about the
    /// token; it vouches for nothing.
    pub fn known_audience(&self, token: &RawToken) -> Option<String> {
        Some(String::from(&*self.verified.recall(token)?.audience))
    }

    /// When a token that passed the gate ends: by itself or with its session.
    pub fn end_of(&self, who: &Authenticated, token: &RawToken) -> Option<Timestamp> {
        let session = who.session.as_ref()?.expires_at;
        let own = match self.verified.recall(token) {
            Some(known) => known.times.exp,
            None => Unverified::parse(token.expose())
                .ok()
                .and_then(|read| read.claims_unverified().ok()?.time("exp").ok()?),
        };
        Some(own.map_or(session, |own| own.min(session)))
    }

    /// Ends the session of a token, for whoever holds it (RFC 7009). A token that does not count is no error.
    pub async fn revoke_token(&self, ctx: &Ctx, token: &RawToken) -> Result<(), AuthError> {
        let outcome = match TokenKind::of(token) {
            Some(TokenKind::Refresh) => self.revoke_refresh(ctx, token).await,
            // Nobody ends an API key by showing it: whoever finds one could.
            Some(_) => Ok(()),
            None => match self.authenticate(ctx, PresentedCredential::AccessToken(token.clone())).await {
                Ok(who) => self.sign_out(ctx, &who).await,
                Err(refusal) => Err(refusal),
            },
        };
        match outcome {
            Err(failure @ (AuthError::Unavailable { .. } | AuthError::Internal(_))) => Err(failure),
            _ => Ok(()),
        }
    }
}

fn presented(token: &RawToken) -> PresentedCredential {
    match TokenKind::of(token) {
        Some(TokenKind::ApiKey) => PresentedCredential::ApiKey(token.clone()),
        _ => PresentedCredential::AccessToken(token.clone()),
    }
}
