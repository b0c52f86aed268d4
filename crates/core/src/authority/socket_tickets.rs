//! Socket tickets: what a client shows where it can show no token, such as in the address of a socket (ASVS 4.4.3).
//!
//! A ticket is the sealed name of its owner's session. It opens nothing but that session, as often as its owner comes back,
//! and it dies with it; nothing is stored.

use super::{Authenticated, Authority, authenticate::refuse_other_kind};
use crate::{
    context::Ctx,
    error::{AuthError, Noun, TokenFault},
    ids::SessionId,
    seal::Sealed,
    secret::{RawToken, TokenKind},
};

/// What the session's name is sealed for.
const CONTEXT: &str = "socket_ticket";

impl Authority {
    /// A ticket for the caller's own session. Each is another text, and all are good.
    pub fn socket_ticket(&self, who: &Authenticated) -> Result<RawToken, AuthError> {
        let session = who.session.as_ref().ok_or(AuthError::NotFound(Noun::Session))?.id;
        let sealed = self.sealer.seal(&session.to_bytes(), CONTEXT, self.entropy.as_ref());
        Ok(TokenKind::SocketTicket.assemble(sealed.as_str().as_bytes()))
    }

    pub(super) async fn by_socket_ticket(&self, ctx: &Ctx, ticket: &RawToken) -> Result<Authenticated, AuthError> {
        refuse_other_kind(ticket, TokenKind::SocketTicket)?;
        let session = self.session_of_ticket(ticket).ok_or(TokenFault::Unknown)?;
        self.holder_of(ctx, session).await
    }

    fn session_of_ticket(&self, ticket: &RawToken) -> Option<SessionId> {
        let text = String::from_utf8(TokenKind::SocketTicket.secret(ticket)?.to_vec()).ok()?;
        let session = self.sealer.open(&Sealed::stored(text), CONTEXT).ok()?;
        SessionId::from_bytes(&session)
    }
}
