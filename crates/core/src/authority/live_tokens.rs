//! Access tokens of open connections: taken, renewed, and resumed without one.

use std::{collections::HashSet, sync::Arc};

use super::{Authenticated, Authority, PresentedCredential};
use crate::{
    context::Ctx,
    error::{AuthError, Noun, TokenFault},
    identity::IdentityKind,
    ids::{ConnectionId, IdentityId},
    jose::Unverified,
    live_token::{LiveToken, UpdateRefusal},
    resume::{RESUMED, ResumeRefusal, TICKET_LIFE, Ticket, Whereabouts},
    seal::Sealed,
    secret::{RawToken, TokenKind},
    time::Timestamp,
};

/// What tickets are sealed for.
const TICKET: &str = "resume_ticket";

/// Somebody on an open connection, and what the connection goes by.
#[derive(Debug)]
pub struct OnConnection {
    /// Who.
    pub who: Authenticated,
    /// The token.
    pub token: LiveToken,
}

/// A connection that has come back.
#[derive(Debug)]
pub struct Resumed {
    /// Whose it is.
    pub back: OnConnection,
    /// What it was before; if that is still open, it is over now.
    pub was: ConnectionId,
}

/// A ticket for its owner.
#[derive(Debug)]
pub struct ResumeTicket {
    /// The ticket.
    pub ticket: RawToken,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Whether somebody is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presence {
    /// Who.
    pub identity: IdentityId,
    /// Since when; none when not, or when the asker may not see it.
    pub since: Option<Timestamp>,
}

impl OnConnection {
    fn of(who: Authenticated, token: &RawToken, ends: Option<Timestamp>) -> Result<Self, AuthError> {
        let read = Unverified::parse(token.expose())?;
        let issued_at = read.claims_unverified()?.time("iat")?.ok_or(TokenFault::Claims)?;
        let expires_at = ends.ok_or(AuthError::NotFound(Noun::Session))?;
        Self::with(who, issued_at, expires_at, false)
    }

    fn with(
        who: Authenticated,
        issued_at: Timestamp,
        expires_at: Timestamp,
        provisional: bool,
    ) -> Result<Self, AuthError> {
        let session = who.session.as_deref().ok_or(AuthError::NotFound(Noun::Session))?;
        let token = LiveToken {
            project: who.project.id,
            application: who.application.as_ref().map(|application| application.id),
            identity: who.identity.id,
            session: session.id,
            kind: who.identity.kind,
            confined: session.confined,
            target: session.target,
            scopes: session.scopes.clone(),
            auth_time: session.auth_time,
            issued_at,
            expires_at: expires_at.min(session.expires_at),
            provisional,
            socket: who.application.as_ref().map(|application| application.settings.socket).unwrap_or_default(),
        };
        Ok(Self { who, token })
    }
}

impl Authority {
    /// Takes the access token that a connection is to go by.
    pub async fn accept_live_token(&self, ctx: &Ctx, token: &RawToken) -> Result<OnConnection, AuthError> {
        let who = self.authenticate(ctx, PresentedCredential::AccessToken(token.clone())).await?;
        let ends = self.end_of(&who, token);
        OnConnection::of(who, token, ends)
    }

    /// Takes another token for a connection: one that renews or narrows what it was admitted with. After a refusal everything
    /// is as it was, except that [`UpdateRefusal::SubjectChanged`] ends the connection.
    pub async fn update_live_token(
        &self,
        ctx: &Ctx,
        held: &LiveToken,
        token: &RawToken,
    ) -> Result<OnConnection, UpdateRefusal> {
        let next = self.accept_live_token(ctx, token).await?;
        held.may_become(&next.token)?;
        Ok(next)
    }

    /// A ticket with which this connection may come back once.
    pub fn resume_ticket(
        &self,
        now: Timestamp,
        held: &LiveToken,
        connection: ConnectionId,
        place: &Whereabouts,
    ) -> Result<ResumeTicket, AuthError> {
        let expires_at = now + TICKET_LIFE;
        let network = place.network.filter(|_| held.socket.same_network);
        let ticket = Ticket {
            connection,
            session: held.session,
            issued_at: held.issued_at,
            token_ends: held.expires_at,
            provisional: held.provisional,
            expires_at,
            only_from: Whereabouts { origin: place.origin.clone(), network },
        };
        let plain = serde_json::to_vec(&ticket).map_err(AuthError::internal)?;
        let sealed = self.sealer.seal(&plain, TICKET, self.entropy.as_ref());
        Ok(ResumeTicket { ticket: TokenKind::Resume.assemble(sealed.as_str().as_bytes()), expires_at })
    }

    /// Lets a connection come back that was lost, once, while its session lives: its token may have ended meanwhile, and a new
    /// one must come soon (ATTACKS N48, N53).
    pub async fn resume(&self, ctx: &Ctx, ticket: &RawToken, place: &Whereabouts) -> Result<Resumed, ResumeRefusal> {
        let ticket = self.open_resume_ticket(ticket)?;
        if ticket.expires_at <= ctx.now {
            return Err(AuthError::TokenExpired.into());
        }
        let Whereabouts { origin, network } = &ticket.only_from;
        if *origin != place.origin || network.is_some() && *network != place.network {
            return Err(ResumeRefusal::Elsewhere);
        }
        let token_ends = match (ticket.token_ends, ticket.provisional) {
            // It has had its time, and another loss does not prolong it.
            (end, true) if end <= ctx.now => return Err(AuthError::TokenExpired.into()),
            (end, true) => end,
            (end, false) => end.max(ctx.now + RESUMED),
        };
        let provisional = ticket.provisional || ticket.token_ends < token_ends;
        let who = self.use_up(ctx, &ticket).await?;
        let back = OnConnection::with(who, ticket.issued_at, token_ends, provisional)?;
        Ok(Resumed { back, was: ticket.connection })
    }

    fn open_resume_ticket(&self, ticket: &RawToken) -> Result<Ticket, AuthError> {
        let sealed = TokenKind::Resume.secret(ticket).ok_or(TokenFault::Type)?;
        let sealed = String::from_utf8(sealed.to_vec()).map_err(|_| TokenFault::Unknown)?;
        // Whatever does not open was made by nobody here.
        let plain = self.sealer.open(&Sealed::stored(sealed), TICKET).map_err(|_| TokenFault::Unknown)?;
        Ok(serde_json::from_slice(&plain).map_err(|_| TokenFault::Unknown)?)
    }

    async fn use_up(&self, ctx: &Ctx, ticket: &Ticket) -> Result<Authenticated, ResumeRefusal> {
        let (connection, session, now) = (ticket.connection, ticket.session, ctx.now);
        let until = now + TICKET_LIFE;
        let who = self
            .store
            .write(move |tx| {
                let standpoint = tx.standpoint(session)?.ok_or(AuthError::SessionRevoked)?;
                let who = Authenticated::from(standpoint);
                who.admit(now)?;
                Ok(tx.use_up_tickets(connection, session, until)?.then_some(who))
            })
            .await?;
        who.ok_or(ResumeRefusal::Used)
    }

    /// Which of these are connected, as far as `held` may see them: members of the same application; of others, and to a guest
    /// of everybody but itself, nothing is said.
    pub async fn presence_among(
        &self,
        ctx: &Ctx,
        held: &LiveToken,
        wanted: Vec<IdentityId>,
    ) -> Result<Vec<Presence>, AuthError> {
        let (asker, now) = (Arc::new(held.clone()), ctx.now);
        self.store
            .read(move |tx| {
                let mut seen = HashSet::new();
                let mut found = Vec::with_capacity(wanted.len());
                for identity in wanted.into_iter().filter(|identity| seen.insert(*identity)) {
                    let visible = asker.kind != IdentityKind::Guest || identity == asker.identity;
                    let open = if visible { tx.presence_of(identity, now)? } else { Vec::new() };
                    let here = |open: &crate::presence::Presence| {
                        (open.project, open.application) == (asker.project, asker.application)
                    };
                    let since = open.iter().filter(|open| here(open)).map(|open| open.since).min();
                    found.push(Presence { identity, since });
                }
                Ok(found)
            })
            .await
    }
}
