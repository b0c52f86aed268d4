//! Which of several connections of an identity is reached, those of other nodes included.
//!
//! A node knows its own connections at once. Of others it reads in the store: when it is told that somebody came or went there,
//! and with each confirmation in case it was not told.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, PoisonError},
};

use ringfence_core::{
    authority::Authenticated,
    error::{AuthError, Noun},
    ids::{ConnectionId, IdentityId, SessionId},
    presence::{Elsewhere, InboundPolicy},
};

use super::{
    LiveConnections,
    connection::{Connection, Directive},
    index::Key,
};

impl LiveConnections {
    pub(super) fn displace(&self, newest: &Arc<Connection>, identity: IdentityId) {
        for other in self.index.members(Key::Identity(identity)) {
            // Each dialect reaches its own.
            if !Arc::ptr_eq(&other, newest) && other.dialect() == newest.dialect() {
                other.post(Directive::TakenOver);
            }
        }
    }

    /// Sends a connection of `session` away that has come back as another one, and gives up its place at once.
    pub(super) fn supersede(&self, session: SessionId, id: ConnectionId) {
        for lost in self.index.members(Key::Session(session)) {
            if lost.id() == id
                && let Some(bound) = lost.bound()
            {
                self.index.leave(Key::Identity(bound.identity), &lost);
                lost.post(Directive::TakenOver);
            }
        }
    }

    /// Connections of an identity in a dialect, in order of sign-in, that are reached from outside.
    pub(crate) fn reached(&self, identity: IdentityId, dialect: &str) -> Vec<Arc<Connection>> {
        let members = self.index.members(Key::Identity(identity)).into_iter();
        let mut signed_in: Vec<_> = members
            .filter(|member| member.dialect() == dialect)
            .filter_map(|member| Some((member.bound()?, member)))
            .filter(|(bound, _)| bound.identity == identity)
            .collect();
        signed_in.sort_by_key(|(bound, _)| bound.order);
        // The newest sign-in knows the policy best.
        let policy = signed_in.last().map_or(InboundPolicy::default(), |(bound, _)| bound.policy);
        let reached = policy.reached(&signed_in).iter().filter(|(_, member)| policy.reaches(member.beside()));
        reached.map(|(_, connection)| Arc::clone(connection)).collect()
    }

    /// Has the store agree to a connection whose policy depends on what other nodes have, and says whether it is recorded by
    /// that. `instead_of` is what it was before it came back.
    pub(super) async fn claim(
        &self,
        connection: &Arc<Connection>,
        who: &Authenticated,
        policy: InboundPolicy,
        instead_of: Option<ConnectionId>,
    ) -> Result<bool, AuthError> {
        let known = connection.bound().is_some_and(|bound| bound.identity == who.identity.id);
        if policy != InboundPolicy::Refuse || known {
            return Ok(false);
        }
        if connection.bound().is_some() {
            // Its row is somebody else's until it is written anew.
            let (node, dialect) = (self.recorder.node(), connection.dialect());
            let taken = self.authority.is_present_elsewhere(node, who.identity.id, dialect).await?;
            return if taken { Err(AuthError::Conflict(Noun::Session)) } else { Ok(false) };
        }
        let presence = self.recorder.presence(connection, who, self.authority.clock().now())?;
        self.authority.claim_presence(presence, instead_of).await.map(|()| true)
    }

    /// Looks for older connections elsewhere where those are reached, before anybody is told whether this one is.
    pub(super) async fn look_beside(
        &self,
        connection: &Connection,
        identity: IdentityId,
        policy: InboundPolicy,
    ) -> Result<(), AuthError> {
        if policy == InboundPolicy::Oldest {
            let (node, dialect) = (self.recorder.node(), connection.dialect());
            let older = self.authority.is_present_elsewhere(node, identity, dialect).await?;
            connection.set_beside(Elsewhere { older, newer: false });
        }
        Ok(())
    }

    /// Finds out what other nodes have beside the connections of some people, or of everybody.
    pub(super) async fn compare(&self, whose: Option<&[IdentityId]>) -> Result<(), AuthError> {
        let mut found = Vec::new();
        match whose {
            Some(whose) => {
                for identity in whose {
                    found.extend(self.authority.presence_beside(self.recorder.node(), Some(*identity)).await?);
                }
            }
            None => found = self.authority.presence_beside(self.recorder.node(), None).await?,
        }
        let mut beside: HashMap<IdentityId, HashMap<ConnectionId, Elsewhere>> = HashMap::new();
        for (identity, connection, what) in found {
            beside.entry(identity).or_default().insert(connection, what);
        }
        for identity in self.remember_shared(whose, &beside) {
            for member in self.index.members(Key::Identity(identity)) {
                let what = beside.get(&identity).and_then(|found| found.get(&member.id())).copied();
                member.set_beside(what.unwrap_or_default());
            }
        }
        Ok(())
    }

    /// Keeps in mind who is connected elsewhere too, and returns those to whom that matters: them, and whoever was.
    fn remember_shared<T>(&self, whose: Option<&[IdentityId]>, beside: &HashMap<IdentityId, T>) -> HashSet<IdentityId> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let mut concerned: HashSet<IdentityId> = beside.keys().copied().collect();
        match whose {
            Some(whose) => {
                concerned.extend(whose);
                for identity in whose {
                    shared.remove(identity);
                }
            }
            None => concerned.extend(shared.drain()),
        }
        shared.extend(beside.keys());
        concerned
    }
}
