//! Token sets: issued together at a sign-in, renewed by a refresh token that is used once.
//!
//! A replay of the token before the newest gets the same answer inside the grace window, because the first answer may have
//! been lost. Anything older was stolen from somebody: the session ends and everybody hears of it. A set is never renewed
//! beyond the end of its session, nor for another subject, project or application.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Authenticated, Authority};
use crate::{
    audit::Audit,
    caller::Actor,
    context::Ctx,
    error::{AuthError, Noun, TokenFault},
    ids::SessionId,
    refresh::{RefreshFamily, Rotation, family_name, first_token, next_token},
    seal::Sealed,
    secret::{RawToken, TokenKind},
    session::SessionsOf,
    store::Again,
    time::Timestamp,
};

/// What a face wants to be in a token set.
#[derive(Clone, Debug)]
pub struct TokenRequest<E> {
    /// Claims of the access token beside ours.
    pub access: E,
    /// The ID token, if one is wanted.
    pub id: Option<IdTokenRequest>,
}

/// What an ID token is to be.
#[derive(Clone, Debug)]
pub struct IdTokenRequest {
    /// The client that it is for.
    pub audience: String,
    /// Claims beside ours.
    pub claims: Map<String, Value>,
}

/// Tokens that were issued together.
#[derive(Debug)]
pub struct TokenSet {
    /// The access token.
    pub access: RawToken,
    /// When the access token ends.
    pub expires_at: Timestamp,
    /// The ID token.
    pub id: Option<RawToken>,
    /// The refresh token.
    pub refresh: RawToken,
}

/// A token set on its way into a sealed answer and back.
#[derive(Serialize, Deserialize)]
struct Answer {
    access: String,
    expires_at: Timestamp,
    id: Option<String>,
    refresh: String,
}

impl From<&TokenSet> for Answer {
    fn from(set: &TokenSet) -> Self {
        Self {
            access: set.access.expose().to_owned(),
            expires_at: set.expires_at,
            id: set.id.as_ref().map(|token| token.expose().to_owned()),
            refresh: set.refresh.expose().to_owned(),
        }
    }
}

impl From<Answer> for TokenSet {
    fn from(answer: Answer) -> Self {
        Self {
            access: RawToken::new(answer.access),
            expires_at: answer.expires_at,
            id: answer.id.map(RawToken::new),
            refresh: RawToken::new(answer.refresh),
        }
    }
}

/// What became of a refresh token that is not the newest of its family.
enum Replay {
    /// The answer was lost: here it is again.
    Again(Sealed, i64),
    /// Somebody has had it who should not.
    Burned,
}

impl Authority {
    /// Issues the first token set of a session that was just started.
    pub async fn issue_tokens<E: Serialize>(
        &self,
        ctx: &Ctx,
        who: &Authenticated,
        wanted: TokenRequest<E>,
    ) -> Result<TokenSet, AuthError> {
        let session = who.session.as_ref().ok_or(AuthError::NotFound(Noun::Session))?.id;
        let set = self.mint_set(ctx, who, wanted, first_token(self.entropy.as_ref())).await?;
        let family = RefreshFamily {
            session,
            name: family_name(&set.refresh).ok_or(TokenFault::Unknown)?,
            generation: 0,
            newest: set.refresh.digest(),
            previous: None,
            rotated_at: ctx.now,
            answer: None,
        };
        self.commit_again(ctx, Again::Possible, move |tx, _| {
            if tx.insert_refresh_family(&family)? { Ok(()) } else { Err(AuthError::Conflict(Noun::Session)) }
        })
        .await?;
        Ok(set)
    }

    /// Whose session a refresh token renews. It is not used up.
    pub async fn refreshable(&self, ctx: &Ctx, token: &RawToken) -> Result<Authenticated, AuthError> {
        Ok(self.family_of(ctx, token).await?.1)
    }

    /// Renews a token set. Of many callers with one token all get the same new set.
    pub async fn refresh<E: Serialize>(
        &self,
        ctx: &Ctx,
        token: &RawToken,
        wanted: TokenRequest<E>,
    ) -> Result<TokenSet, AuthError> {
        let (family, who) = self.family_of(ctx, token).await?;
        if token.digest() == family.newest
            && let Some(set) = self.rotate(ctx, token, &family, &who, wanted).await?
        {
            return Ok(set);
        }
        match self.replay(ctx, token, &family).await? {
            Replay::Again(answer, generation) => {
                let plain = self.sealer.open(&answer, &answer_context(family.session, generation))?;
                Ok(serde_json::from_slice::<Answer>(&plain).map_err(AuthError::internal)?.into())
            }
            Replay::Burned => Err(AuthError::SessionRevoked),
        }
    }

    /// Ends the session of a refresh token, and with it every token of the session (RFC 7009).
    pub async fn revoke_refresh(&self, ctx: &Ctx, token: &RawToken) -> Result<(), AuthError> {
        let (_, who) = self.family_of(ctx, token).await?;
        self.sign_out(ctx, &who).await
    }

    /// The family of a token and the live session behind it, if this face started it.
    async fn family_of(&self, ctx: &Ctx, token: &RawToken) -> Result<(RefreshFamily, Authenticated), AuthError> {
        self.require_contact()?;
        let Some(name) = family_name(token) else {
            let other = TokenKind::of(token).is_some() || token.expose().contains('.');
            return Err(if other { TokenFault::Type } else { TokenFault::Unknown }.into());
        };
        let (family, standpoint) = self
            .store
            .read(move |tx| {
                let family = tx.refresh_family(&name)?.ok_or(TokenFault::Unknown)?;
                let standpoint = tx.standpoint(family.session)?.ok_or(AuthError::SessionRevoked)?;
                Ok((family, standpoint))
            })
            .await?;
        if standpoint.session.dialect != ctx.dialect {
            return Err(TokenFault::Audience.into());
        }
        let who = Authenticated::from(standpoint);
        who.admit(ctx.now)?;
        Ok((family, who))
    }

    /// Mints the next set and takes the step; none when somebody was faster.
    async fn rotate<E: Serialize>(
        &self,
        ctx: &Ctx,
        token: &RawToken,
        family: &RefreshFamily,
        who: &Authenticated,
        wanted: TokenRequest<E>,
    ) -> Result<Option<TokenSet>, AuthError> {
        let next = next_token(token, self.entropy.as_ref()).ok_or(TokenFault::Unknown)?;
        let set = self.mint_set(ctx, who, wanted, next).await?;
        let plain = zeroize::Zeroizing::new(serde_json::to_vec(&Answer::from(&set)).map_err(AuthError::internal)?);
        let context = answer_context(family.session, family.generation + 1);
        let step = Rotation {
            name: family.name.clone(),
            from: family.newest.clone(),
            to: set.refresh.digest(),
            answer: self.sealer.seal(&plain, &context, self.entropy.as_ref()),
            at: ctx.now,
        };
        let (session, actor) = (family.session, who.actor());
        let won = self
            .commit_again(ctx, Again::Possible, move |tx, log| {
                // It may have ended while the tokens were minted.
                let standpoint = tx.standpoint(session)?.ok_or(AuthError::SessionRevoked)?;
                let project = standpoint.project.id;
                Authenticated::from(standpoint).admit(step.at)?;
                let won = tx.rotate_refresh(&step)?;
                if won {
                    log.record(Audit::new(project, actor, "session.refreshed", &format_args!("session:{session}")));
                }
                Ok(won)
            })
            .await?;
        Ok(won.then_some(set))
    }

    /// Judges a token that is not the newest any more.
    async fn replay(&self, ctx: &Ctx, token: &RawToken, family: &RefreshFamily) -> Result<Replay, AuthError> {
        let (digest, name, session, now) = (token.digest(), family.name.clone(), family.session, ctx.now);
        self.commit(ctx, move |tx, log| {
            let family = tx.refresh_family(&name)?.ok_or(TokenFault::Unknown)?;
            let standpoint = tx.standpoint(session)?.ok_or(AuthError::SessionRevoked)?;
            let grace = standpoint.refresh_grace();
            let lost = family.previous.as_ref() == Some(&digest) && now.since(family.rotated_at) < grace;
            if let (true, Some(answer)) = (lost, family.answer) {
                return Ok(Replay::Again(answer, family.generation));
            }
            let project = standpoint.project.id;
            log.announce_revoked(tx.revoke_sessions(SessionsOf::Session(session), now)?);
            log.record(Audit::new(project, Actor::Anonymous, "refresh.replayed", &format_args!("session:{session}")));
            Ok(Replay::Burned)
        })
        .await
    }

    async fn mint_set<E: Serialize>(
        &self,
        ctx: &Ctx,
        who: &Authenticated,
        wanted: TokenRequest<E>,
        refresh: RawToken,
    ) -> Result<TokenSet, AuthError> {
        let issued = self.issue_token(ctx, who, wanted.access).await?;
        let id = match wanted.id {
            Some(id) => Some(self.issue_id_token(ctx, who, id, issued.expires_at).await?),
            None => None,
        };
        Ok(TokenSet { access: issued.token, expires_at: issued.expires_at, id, refresh })
    }
}

/// The context that an answer is sealed for.
fn answer_context(session: SessionId, generation: i64) -> String {
    format!("refresh_family:{session}:{generation}")
}
