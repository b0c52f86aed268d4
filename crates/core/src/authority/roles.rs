//! Which roles somebody has: remembered for a while, and kept true because whatever writes a membership does it here.
//!
//! `cargo xtask test --only purity` finds whoever goes round.

use std::{collections::BTreeSet, sync::Arc};

use super::{Authenticated, Authority, Log, memberships::is_confined_elsewhere, memory::Memory, people::is_vouched};
use crate::{
    context::Ctx,
    error::AuthError,
    event::SecurityEvent,
    identity::{Identity, IdentityKind},
    ids::{ApplicationId, IdentityId},
    membership::Membership,
    store::Tx,
};

/// A place that counts, unless its application is switched off.
struct Place {
    application: ApplicationId,
    role: Box<str>,
    open: bool,
}

/// Bounded memory of the places that people have.
pub(super) struct Places(Memory<IdentityId, Arc<[Place]>>);

impl Default for Places {
    fn default() -> Self {
        Self(Memory::of(32_768))
    }
}

impl Places {
    /// Forgets the places that the event may concern.
    pub(super) fn forget(&self, event: SecurityEvent) {
        match event {
            SecurityEvent::MembershipChanged(id) => self.0.forget(&id),
            SecurityEvent::ApplicationChanged(id) => {
                self.0.forget_where(|places| places.iter().any(|place| place.application == id));
            }
            // None of these is asked about here: whoever shows a credential was admitted a moment ago.
            SecurityEvent::SessionRevoked(_)
            | SecurityEvent::CredentialChanged(_)
            | SecurityEvent::IdentityChanged(_)
            | SecurityEvent::EndpointGroupChanged(_)
            | SecurityEvent::ProjectChanged(_)
            | SecurityEvent::KeysChanged(_)
            | SecurityEvent::PresenceChanged(_) => {}
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        self.0.clear();
    }
}

impl Authority {
    /// The caller's roles: those in the project as a whole, and those in one application or, without one, in all of them.
    pub async fn roles(
        &self,
        ctx: &Ctx,
        who: &Authenticated,
        application: Option<ApplicationId>,
    ) -> Result<BTreeSet<String>, AuthError> {
        let places = self.places_of(ctx, who).await?;
        let counts = places.iter().filter(|place| {
            place.open
                && application.is_none_or(|wanted| wanted == place.application)
                && !is_confined_elsewhere(who, place.application)
        });
        let mut roles: BTreeSet<_> = counts.map(|place| String::from(&*place.role)).collect();
        if !is_vouched(who) {
            roles.extend(who.identity.project_roles().map(str::to_owned));
        }
        Ok(roles)
    }

    async fn places_of(&self, ctx: &Ctx, who: &Authenticated) -> Result<Arc<[Place]>, AuthError> {
        // Guests are members of nothing, and the most of those who are asked about: no row is read for them.
        if who.identity.kind == IdentityKind::Guest {
            return Ok(Arc::default());
        }
        let id = who.identity.id;
        if let Some(known) = self.places.0.recall(&id, ctx.now, self.confirm_within) {
            return Ok(known);
        }
        let look = self.places.0.look();
        let places: Arc<[Place]> = self.store.read(move |tx| places_in(tx, id)).await?.into();
        self.places.0.remember(id, Arc::clone(&places), ctx.now, look);
        Ok(places)
    }
}

fn places_in(tx: &mut dyn Tx, id: IdentityId) -> Result<Vec<Place>, AuthError> {
    let mut places = Vec::new();
    for membership in tx.memberships_of(id)?.into_iter().filter(|membership| membership.disabled_at.is_none()) {
        if let Some(application) = tx.application(membership.application)? {
            let open = application.disabled_at.is_none();
            places.push(Place { application: application.id, role: membership.role.into(), open });
        }
    }
    Ok(places)
}

/// Gives somebody a place; `false` when they have one in the application.
pub(super) fn add_place(tx: &mut dyn Tx, log: &mut Log, place: &Membership) -> Result<bool, AuthError> {
    let added = tx.insert_membership(place)?;
    if added {
        log.announce(SecurityEvent::MembershipChanged(place.identity));
    }
    Ok(added)
}

/// Adds somebody with their first place. Nobody can have asked about them before, so nobody is told.
pub(super) fn add_with_place(tx: &mut dyn Tx, identity: &Identity, place: &Membership) -> Result<(), AuthError> {
    tx.insert_identity(identity)?;
    tx.insert_membership(place)?;
    Ok(())
}

/// Replaces role, attributes and standing of a place.
pub(super) fn change_place(tx: &mut dyn Tx, log: &mut Log, place: &Membership) -> Result<(), AuthError> {
    tx.update_membership(place)?;
    log.announce(SecurityEvent::MembershipChanged(place.identity));
    Ok(())
}

/// Takes all places of somebody away.
pub(super) fn remove_places(tx: &mut dyn Tx, log: &mut Log, id: IdentityId) -> Result<(), AuthError> {
    if tx.delete_memberships_of(id)? {
        log.announce(SecurityEvent::MembershipChanged(id));
    }
    Ok(())
}
