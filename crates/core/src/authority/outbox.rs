//! What other servers are told: events placed, read in order, minted as security event tokens, swept.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Authority, Log};
use crate::{
    caller::Permit,
    context::Ctx,
    error::AuthError,
    event::SecurityEvent,
    ids::{EventId, IdentityId},
    jose::Alg,
    key::KeySet,
    outbox::{EventKind, EventSubject, NewEvent, OutboxEvent, OutboxState, Place, Told, kept_for},
    project::ProjectPolicy,
    secret::RawToken,
    session::SessionsOf,
    store::Tx,
    time::Timestamp,
};

/// Events placed in one transaction.
const PLACE_STEP: u32 = 1000;
/// Events swept in one transaction.
const SWEEP_STEP: u32 = 1000;
/// No event is swept before this age, whatever its project says.
const YOUNG: Duration = Duration::from_hours(24);
/// The `typ` of security event tokens (RFC 8417 §2.3), so that none is ever taken for an access token.
const TYP: &str = "secevent+jwt";
/// Where the event types of CAEP 1.0 live.
const CAEP: &str = "https://schemas.openid.net/secevent/caep/event-type";

/// The claims of a security event token (RFC 8417 §2.2).
#[derive(Serialize)]
struct SetClaims {
    iss: String,
    jti: String,
    iat: i64,
    sub_id: Value,
    events: Map<String, Value>,
}

impl Log {
    /// Has an event told to other servers, if the work is committed.
    pub(super) fn tell(&mut self, kind: EventKind, identity: IdentityId, detail: Value) {
        let detail = if let Value::Object(members) = detail { members } else { Map::new() };
        self.told.push(Told { kind, subject: EventSubject::Identity(identity), detail });
    }

    /// Has it told that nothing counts that a user was given before.
    pub(super) fn tell_ended(&mut self, identity: IdentityId) {
        self.tell(EventKind::SessionRevoked, identity, Value::Null);
    }

    /// Ends every session of an identity, and has it told of each and of the user as a whole: a verifier that never heard of
    /// one of the sessions refuses its tokens all the same.
    pub(super) fn end_sessions_of(
        &mut self,
        tx: &mut dyn Tx,
        identity: IdentityId,
        now: Timestamp,
    ) -> Result<(), AuthError> {
        self.announce_revoked(tx.revoke_sessions(SessionsOf::Identity(identity), now)?);
        self.tell_ended(identity);
        Ok(())
    }

    /// Announces that a password was replaced, here and to other servers.
    pub(super) fn announce_password(&mut self, identity: IdentityId) {
        self.announce(SecurityEvent::CredentialChanged(identity));
        let detail = json!({ "credential_type": "password", "change_type": "update" });
        self.tell(EventKind::CredentialChange, identity, detail);
    }
}

impl Authority {
    /// Writes what a unit of work wants told.
    pub(super) fn store_told(
        tx: &mut dyn Tx,
        told: Vec<Told>,
        occurred_at: Timestamp,
        (stored_at, entropy): (Timestamp, &dyn crate::entropy::Entropy),
    ) -> Result<(), AuthError> {
        for told in told {
            let id = EventId::mint(stored_at, entropy);
            tx.append_event(&NewEvent { id, told, occurred_at, stored_at })?;
        }
        Ok(())
    }

    /// Gives every event that is committed its place, and reports the last one. Several nodes may try; one does at a time.
    pub async fn place_events(&self) -> Result<OutboxState, AuthError> {
        loop {
            let state = self.outbox_state().await?;
            if !state.waiting {
                return Ok(state);
            }
            self.store.write(|tx| Ok(tx.place_events(PLACE_STEP)?)).await?;
        }
    }

    /// How far placing has come.
    pub async fn outbox_state(&self) -> Result<OutboxState, AuthError> {
        self.store.read(|tx| Ok(tx.outbox_state()?)).await
    }

    /// Whether a reader of the permit's project who was told everything up to `place` can go on from there: nothing after it
    /// was removed, and it was given.
    pub async fn can_resume(&self, permit: &Permit, place: Place) -> Result<bool, AuthError> {
        let project = permit.project();
        self.store
            .read(move |tx| Ok(place >= tx.events_forgotten_to(project)? && place <= tx.outbox_state()?.placed))
            .await
    }

    /// Placed events of the permit's project after a place, in order, but those written before `since`.
    pub async fn events_after(
        &self,
        permit: &Permit,
        after: Place,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<(Place, OutboxEvent)>, AuthError> {
        let project = permit.project();
        self.store.read(move |tx| Ok(tx.events_after(project, after, since, limit)?)).await
    }

    /// An event as a security event token, signed by its project's published key. Minted again it says the same.
    pub async fn mint_event(&self, ctx: &Ctx, event: &OutboxEvent) -> Result<RawToken, AuthError> {
        let signer = self.signer(ctx, event.project, KeySet::Published, Alg::EdDSA, TYP).await?;
        let iss = format!("{}/projects/{}", self.public_url, event.project);
        let user = json!({ "format": "iss_sub", "iss": &iss, "sub": event.identity.to_string() });
        // Complex in either case (RFC 9493 §3.3), so that a reader looks for both in the same place.
        let sub_id = match event.session {
            Some(session) => json!({
                "format": "complex",
                "session": { "format": "opaque", "id": session.to_string() },
                "user": user,
            }),
            None => json!({ "format": "complex", "user": user }),
        };
        let mut payload = event.detail.clone();
        // In whole seconds and rounded down, like the `iat` that it is compared with.
        payload.insert("event_timestamp".to_owned(), event.occurred_at.seconds().into());
        let events = [(format!("{CAEP}/{}", event.kind), Value::Object(payload))].into_iter().collect();
        signer.mint(&SetClaims { iss, jti: event.id.to_string(), iat: event.stored_at.seconds(), sub_id, events })
    }

    /// Removes events that no token can be older than, and reports how many.
    pub(super) async fn sweep_events(&self) -> Result<u64, AuthError> {
        // What nobody read has no place, and a reader who comes back must not miss that it was there.
        self.place_events().await?;
        let now = self.clock.now();
        let projects = self.store.read(move |tx| Ok(tx.projects_with_events(now - YOUNG)?)).await?;
        let mut swept = 0;
        for id in projects {
            loop {
                let step = self.store.write(move |tx| {
                    let policy = tx.project(id)?.map_or_else(ProjectPolicy::default, |project| project.policy);
                    Ok(tx.sweep_events(id, now - kept_for(&policy), SWEEP_STEP)?)
                });
                let step = step.await?;
                swept += step;
                if step < u64::from(SWEEP_STEP) {
                    break;
                }
            }
        }
        Ok(swept)
    }
}
