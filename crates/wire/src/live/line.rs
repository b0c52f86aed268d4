//! The conversation's end of an open connection: the way to be admitted, and the way to be told things. Dropping it closes.

use std::{
    future::poll_fn,
    net::IpAddr,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use ringfence_core::{
    authority::{Authenticated, Authority},
    context::Ctx,
    error::{AuthError, Noun},
    ids::{ConnectionId, SessionId},
    presence::InboundPolicy,
};

use super::{
    LiveConnections, Manner, client_of,
    connection::{Connection, Directive, Ending, Habits},
    term::Term,
};

/// An open connection in the hands of whoever serves it.
pub(crate) struct Line {
    live: Arc<LiveConnections>,
    connection: Arc<Connection>,
    origin: Option<Box<str>>,
    /// What it was before it came back.
    was: Option<ConnectionId>,
    failures: u32,
}

impl Line {
    pub(super) const fn new(live: Arc<LiveConnections>, connection: Arc<Connection>) -> Self {
        Self { live, connection, origin: None, was: None, failures: 0 }
    }

    /// The page that opened it, if it was a browser.
    pub(crate) fn of_origin(mut self, origin: Option<&str>) -> Self {
        self.origin = origin.map(Into::into);
        self
    }

    /// The page that opened it.
    pub(crate) fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// The client's network: its address, of IPv6 the /64.
    pub(crate) fn network(&self) -> Option<IpAddr> {
        self.connection.address().map(client_of)
    }

    /// What others post to.
    pub(crate) const fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    pub(crate) fn authority(&self) -> &Authority {
        &self.live.authority
    }

    pub(crate) fn live(&self) -> &LiveConnections {
        &self.live
    }

    pub(crate) fn habits(&self) -> &'static Habits {
        self.connection.habits()
    }

    /// Registers the connection for somebody who has just passed the gate; also in place of whom it was registered for.
    ///
    /// After this, whatever ends the session reaches the connection, and `policy` says which of several is reached by others. A
    /// refusal leaves everything as it was, unless the session has ended meanwhile.
    pub(crate) async fn admit(
        &mut self,
        ctx: &Ctx,
        who: &Authenticated,
        policy: InboundPolicy,
    ) -> Result<(), AuthError> {
        let end = who.session.as_ref().ok_or(AuthError::NotFound(Noun::Session))?.expires_at;
        let term = Term { end, grace: Duration::ZERO, lead: self.habits().warn };
        self.register(ctx, who, policy, term, false).await
    }

    /// The same, for as long as was agreed.
    pub(crate) async fn admit_for(
        &mut self,
        ctx: &Ctx,
        who: &Authenticated,
        policy: InboundPolicy,
        term: Term,
    ) -> Result<(), AuthError> {
        self.register(ctx, who, policy, term, false).await
    }

    /// Registers the connection for somebody who was admitted on it before and goes on, perhaps in another session. It keeps its
    /// place among the connections of its identity.
    pub(crate) async fn renew(
        &mut self,
        ctx: &Ctx,
        who: &Authenticated,
        policy: InboundPolicy,
        term: Term,
    ) -> Result<(), AuthError> {
        self.register(ctx, who, policy, term, true).await
    }

    async fn register(
        &self,
        ctx: &Ctx,
        who: &Authenticated,
        policy: InboundPolicy,
        term: Term,
        renews: bool,
    ) -> Result<(), AuthError> {
        if let Some(application) = &who.application
            && !application.settings.allows_origin(self.origin.as_deref())
        {
            return Err(AuthError::NotSupported("this origin"));
        }
        let session = who.session.as_ref().ok_or(AuthError::NotFound(Noun::Session))?.id;
        self.live.authority.require_contact()?;
        let claimed = self.live.claim(&self.connection, who, policy, self.was).await?;
        if let Err(refusal) = self.live.bind(&self.connection, who, policy, term, Manner { renews, claimed }) {
            if claimed {
                self.live.recorder.closed(self.connection.id(), who.identity.id);
            }
            return Err(refusal);
        }
        self.live.look_beside(&self.connection, who.identity.id, policy).await?;
        // An end that was announced after the gate and before this line found nothing to close; and what was remembered before
        // all others were last confirmed would count longer than they do.
        let still = self.live.authority.holder_confirmed(ctx, session, self.live.unconfirmed_for()).await;
        self.live.authority.leave_to_connection(session);
        if still.is_err() {
            self.connection.post(Directive::Ended(Ending::Revoked(ctx.now)));
        }
        if self.live.is_cut_off() {
            self.connection.post(self.live.cut_off());
        }
        still.map(drop)
    }

    /// This connection is one that has come back: what it was, in the same session, is over.
    pub(crate) fn supersede(&mut self, session: SessionId, was: ConnectionId) {
        self.was = Some(was);
        self.live.supersede(session, was);
    }

    /// Counts a refused sign-in.
    pub(crate) fn refused(&mut self) {
        self.failures += 1;
        self.connection.tried(self.live.uptime());
        self.live.arm(&self.connection);
        if self.failures >= self.habits().failures {
            self.connection.post(Directive::Guessing);
        }
    }

    /// The next thing that the connection is told.
    pub(crate) async fn directive(&self) -> Directive {
        poll_fn(|context| self.connection.poll_directive(context)).await
    }

    /// Whether it is told something that makes further writing pointless.
    pub(crate) fn poll_urgent(&self, context: &mut Context<'_>) -> Poll<()> {
        self.connection.poll_urgent(context)
    }

    /// Something was heard; returns the second in which that was.
    pub(crate) fn heard(&self) -> u64 {
        let now = self.live.ticker.coarse();
        self.connection.heard(now);
        now.second()
    }

    /// The other end does not take what is sent: it has a while.
    pub(crate) fn blocked(&self) {
        self.connection.give_up_at(Some(self.live.uptime() + self.habits().write));
        self.live.arm(&self.connection);
    }

    /// It has taken it.
    pub(crate) fn unblocked(&self) {
        self.connection.give_up_at(None);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.live.close(&self.connection);
    }
}
