//! The application that is somebody's own place: founded with their account or when it is first needed, and joined by those
//! whom its owner registers. The owner answers for those: may shut them out, and let them in again.

use serde_json::{Map, Value};

use super::{
    Authenticated, Authority, Log, People, Registration, RoleNeeded,
    applications::put_application,
    passwords::rebind,
    people::people_in,
    projects::check_name,
    roles::{add_place, change_place},
};
use crate::{
    application::{Alias, Application, ApplicationSettings},
    audit::Audit,
    caller::Permit,
    context::Ctx,
    error::{AuthError, Noun},
    event::SecurityEvent,
    identity::Identity,
    ids::{ApplicationId, IdentityId, MembershipId},
    membership::Membership,
    project::ProjectRef,
    store::Tx,
    time::Timestamp,
};

/// What makes an application somebody's home in the eyes of one face.
#[derive(Clone, Copy, Debug)]
pub struct HomeKind {
    /// The scheme of the name that it has.
    pub scheme: &'static str,
    /// The role of its founder.
    pub owner: &'static str,
}

/// What a new home is to be.
#[derive(Clone, Debug)]
pub struct HomeRequest {
    /// What people call it.
    pub name: String,
    /// What only one dialect knows, under its name.
    pub attributes: Map<String, Value>,
}

/// Where a new account belongs.
pub(super) enum Place {
    /// In an application that is founded with it.
    Founds(Founding),
    /// In an application whose owner registers it.
    Joins { application: ApplicationId, role: &'static str, by: IdentityId },
}

/// An application that will be, with all that is decided beforehand.
pub(super) struct Founding {
    kind: HomeKind,
    id: ApplicationId,
    wanted: HomeRequest,
}

impl Place {
    /// Gives a new account its place.
    pub(super) fn take(
        self,
        tx: &mut dyn Tx,
        log: &mut Log,
        identity: &Identity,
        id: MembershipId,
        now: Timestamp,
    ) -> Result<(), AuthError> {
        match self {
            Self::Founds(founding) => founding.found(tx, log, identity, id, now).map(drop),
            Self::Joins { application, role, by } => {
                // Held, so that it is not switched off meanwhile.
                let found = tx.application_to_change(application)?.filter(|found| found.disabled_at.is_none());
                found.ok_or(AuthError::NotFound(Noun::Application))?;
                add_place(tx, log, &place_of(identity, application, role, by, id, now))?;
                Ok(())
            }
        }
    }
}

impl Founding {
    fn found(
        self,
        tx: &mut dyn Tx,
        log: &mut Log,
        founder: &Identity,
        id: MembershipId,
        now: Timestamp,
    ) -> Result<(Application, Membership), AuthError> {
        let application = Application {
            id: self.id,
            project: founder.project,
            name: self.wanted.name,
            settings: ApplicationSettings { attributes: self.wanted.attributes, ..ApplicationSettings::default() },
            disabled_at: None,
            created_at: now,
            updated_at: now,
        };
        let alias = Alias { scheme: self.kind.scheme.to_owned(), value: application.id.short() };
        put_application(tx, log, &application, &[alias], crate::caller::Actor::Identity(founder.id))?;
        let place = place_of(founder, application.id, self.kind.owner, founder.id, id, now);
        add_place(tx, log, &place)?;
        Ok((application, place))
    }
}

fn place_of(
    identity: &Identity,
    application: ApplicationId,
    role: &str,
    by: IdentityId,
    id: MembershipId,
    now: Timestamp,
) -> Membership {
    Membership {
        id,
        project: identity.project,
        application,
        identity: identity.id,
        role: role.to_owned(),
        attributes: Map::new(),
        disabled_at: None,
        created_by: by,
        created_at: now,
        updated_at: now,
    }
}

impl Authority {
    /// Makes an account with a home of its own.
    pub async fn register_with_home(
        &self,
        ctx: &Ctx,
        wanted: Registration,
        kind: HomeKind,
        home: HomeRequest,
    ) -> Result<Identity, AuthError> {
        check_name(&home.name)?;
        self.register_at(ctx, wanted, Some(Place::Founds(self.founding(ctx, kind, home)))).await
    }

    /// Makes an account in an application in which the caller has the role that this needs.
    pub async fn register_into(
        &self,
        ctx: &Ctx,
        who: &Authenticated,
        application: ApplicationId,
        needed: RoleNeeded,
        role: &'static str,
        wanted: Registration,
    ) -> Result<Identity, AuthError> {
        self.permit_in(who, ProjectRef::Application(application), needed).await?;
        let wanted = Registration { project: ProjectRef::Id(who.project.id), ..wanted };
        self.register_at(ctx, wanted, Some(Place::Joins { application, role, by: who.identity.id })).await
    }

    fn founding(&self, ctx: &Ctx, kind: HomeKind, wanted: HomeRequest) -> Founding {
        Founding { kind, id: ApplicationId::mint(ctx.now, self.entropy.as_ref()), wanted }
    }

    /// The caller's home, founded as `wanted` says if there is none yet. Refused when it is switched off.
    pub async fn home(
        &self,
        ctx: &Ctx,
        who: &Authenticated,
        kind: HomeKind,
        wanted: impl FnOnce() -> HomeRequest,
    ) -> Result<(Application, Membership), AuthError> {
        who.require_account()?;
        let id = who.identity.id;
        let found = match self.store.read(move |tx| home_of(tx, id, kind)).await? {
            Some(home) => home,
            None => self.found_home(ctx, id, self.founding(ctx, kind, wanted())).await?,
        };
        match found.0.disabled_at {
            Some(_) => Err(AuthError::Disabled(Noun::Application)),
            None => Ok(found),
        }
    }

    async fn found_home(
        &self,
        ctx: &Ctx,
        id: IdentityId,
        founding: Founding,
    ) -> Result<(Application, Membership), AuthError> {
        check_name(&founding.wanted.name)?;
        let (now, membership) = (ctx.now, MembershipId::mint(ctx.now, self.entropy.as_ref()));
        self.commit(ctx, move |tx, log| {
            // Held, so that of two who come at once one founds and the other finds.
            let founder = tx.identity_to_change(id)?.ok_or(AuthError::NotFound(Noun::Identity))?;
            match home_of(tx, id, founding.kind)? {
                Some(home) => Ok(home),
                None => founding.found(tx, log, &founder, membership, now),
            }
        })
        .await
    }

    /// People with a place in an application in which the caller has the role that this needs.
    pub async fn people_of(
        &self,
        who: &Authenticated,
        application: ApplicationId,
        needed: RoleNeeded,
        skip: u32,
        limit: u32,
    ) -> Result<People, AuthError> {
        let (permit, ..) = self.permit_in(who, ProjectRef::Application(application), needed).await?;
        self.store.read(move |tx| people_in(tx, permit.project(), Some(application), skip, limit)).await
    }

    /// Shuts out somebody whom the owner of this application registered, ending their sessions, or lets them in again. Whoever
    /// was shut out by an operator stays so.
    pub async fn suspend_member(
        &self,
        ctx: &Ctx,
        who: &Authenticated,
        application: ApplicationId,
        needed: RoleNeeded,
        id: IdentityId,
        suspended: bool,
    ) -> Result<Identity, AuthError> {
        let (permit, ..) = self.permit_in(who, ProjectRef::Application(application), needed).await?;
        let (owner, now) = (who.identity.id, ctx.now);
        self.commit(ctx, move |tx, log| {
            let identity = tx.identity_to_change(id)?.filter(|found| found.project == permit.project());
            let mut identity = identity.ok_or(AuthError::NotFound(Noun::Identity))?;
            let place = tx.membership(application, id)?.filter(|place| place.identity != place.created_by);
            let mut place = place.filter(|_| id != owner).ok_or(AuthError::NotFound(Noun::Identity))?;
            // The same moment on both says that it was the owner.
            let own = place.disabled_at.is_some() && place.disabled_at == identity.standing.suspended_at;
            match (identity.standing.suspended_at, suspended) {
                (Some(_), _) if !own => {
                    return Err(AuthError::Forbidden { needs: crate::caller::Scope::IdentitiesWrite });
                }
                (Some(_), true) | (None, false) => return Ok(identity),
                (None, true) => {
                    place.disabled_at = Some(now);
                    identity.standing.suspended_at = Some(now);
                    identity.updated_at = now;
                    tx.update_identity(&identity)?;
                    log.end_sessions_of(tx, id, now)?;
                }
                (Some(_), false) => {
                    place.disabled_at = None;
                    identity.standing.suspended_at = None;
                    identity.updated_at = now;
                    identity = rebind(tx, identity, now)?;
                }
            }
            place.updated_at = now;
            change_place(tx, log, &place)?;
            note(log, &permit, if suspended { "identity.suspended" } else { "identity.restored" }, id);
            Ok(identity)
        })
        .await
    }
}

fn note(log: &mut Log, permit: &Permit, action: &'static str, id: IdentityId) {
    log.record(Audit::new(permit.project(), permit.actor(), action, &format_args!("identity:{id}")));
    log.announce(SecurityEvent::IdentityChanged(id));
}

fn home_of(tx: &mut dyn Tx, id: IdentityId, kind: HomeKind) -> Result<Option<(Application, Membership)>, AuthError> {
    for place in tx.memberships_of(id)? {
        let names = tx.aliases(place.application)?;
        if !names.iter().any(|name| name.scheme == kind.scheme) {
            continue;
        }
        if let Some(application) = tx.application(place.application)? {
            return Ok(Some((application, place)));
        }
    }
    Ok(None)
}
