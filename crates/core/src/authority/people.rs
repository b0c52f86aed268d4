//! People of a project as other people of it see them, and the applications that a request may name.

use super::{Authenticated, Authority, RoleNeeded, authenticate::resolve, memberships::is_confined_elsewhere};
use crate::{
    application::Application,
    caller::Scope,
    error::{AuthError, Noun},
    identity::{HeldIdentifier, Identity, IdentityKind},
    ids::{ApplicationId, IdentityId, ProjectId},
    project::ProjectRef,
    store::Tx,
};

/// Somebody with what they are found by.
#[derive(Clone, Debug)]
pub struct Person {
    /// Who.
    pub identity: Identity,
    /// Their addresses.
    pub identifiers: Vec<HeldIdentifier>,
}

/// People, and how many there are beyond this page.
#[derive(Clone, Debug)]
pub struct People {
    /// This page.
    pub people: Vec<Person>,
    /// All of them.
    pub total: u32,
}

impl Authority {
    /// The application that a request names beside its credential, if the credential is good for it: it lies in the same
    /// project, and a credential of one application names that one. What does not exist is as good as foreign (ATTACKS N100).
    pub async fn application_for(&self, who: &Authenticated, reference: ProjectRef) -> Result<Application, AuthError> {
        let who = who.clone();
        self.store
            .read(move |tx| {
                let found = match resolve(tx, &reference) {
                    Err(AuthError::NotFound(_)) => None,
                    found => found?.1,
                };
                let own = who.session.is_none().then(|| who.application.as_ref().map(|own| own.id)).flatten();
                let application = found
                    .filter(|found| found.project == who.project.id && own.is_none_or(|own| own == found.id))
                    .filter(|found| !is_confined_elsewhere(&who, found.id))
                    .ok_or(AuthError::ApplicationMismatch)?;
                match application.disabled_at {
                    Some(_) => Err(AuthError::Disabled(Noun::Application)),
                    None => Ok(application),
                }
            })
            .await
    }

    /// Somebody of the caller's project: themselves, or whoever the caller administers.
    pub async fn person(&self, who: &Authenticated, id: IdentityId, needed: RoleNeeded) -> Result<Person, AuthError> {
        let who = who.clone();
        self.store
            .read(move |tx| {
                let found = tx.identity(id)?.filter(|found| found.project == who.project.id);
                let found = found.filter(|found| found.standing.erased_at.is_none());
                let identity = found.ok_or(AuthError::NotFound(Noun::Identity))?;
                if identity.id != who.identity.id && !administers(tx, &who, &identity, needed)? {
                    return Err(AuthError::Forbidden { needs: Scope::IdentitiesRead });
                }
                Ok(Person { identifiers: tx.identifiers(identity.id)?, identity })
            })
            .await
    }

    /// Refuses everybody but the owner of this account.
    pub async fn require_self(&self, who: &Authenticated, id: IdentityId) -> Result<(), AuthError> {
        if id == who.identity.id {
            return Ok(());
        }
        let project = who.project.id;
        let found = self.store.read(move |tx| Ok(tx.identity(id)?)).await?;
        match found.filter(|found| found.project == project && found.standing.erased_at.is_none()) {
            Some(_) => Err(AuthError::Forbidden { needs: Scope::IdentitiesWrite }),
            None => Err(AuthError::NotFound(Noun::Identity)),
        }
    }

    /// Refuses whoever does not belong to the place that a request names, be it a project or an application of one.
    pub async fn require_place(&self, who: &Authenticated, place: ProjectRef) -> Result<(), AuthError> {
        match place {
            ProjectRef::Application(_) | ProjectRef::Alias { .. } => self.application_for(who, place).await.map(drop),
            ProjectRef::Id(id) if id == who.project.id => Ok(()),
            ProjectRef::Name(name) if name == who.project.name => Ok(()),
            ProjectRef::Id(_) | ProjectRef::Name(_) => {
                let home = self.store.read(move |tx| Ok(resolve(tx, &place)?.0.id)).await?;
                if home == who.project.id { Ok(()) } else { Err(AuthError::ApplicationMismatch) }
            }
        }
    }

    /// People that the caller administers: all of the project for a role in the project as a whole, else those with a place in
    /// the named application for a role there.
    pub async fn people(
        &self,
        who: &Authenticated,
        application: ProjectRef,
        needed: RoleNeeded,
        skip: u32,
        limit: u32,
    ) -> Result<People, AuthError> {
        let within = if administers_project(who, needed) {
            None
        } else {
            match self.permit_in(who, application, needed).await {
                Ok((_, application, _)) => Some(application.id),
                Err(AuthError::NotFound(Noun::Membership)) => {
                    return Err(AuthError::Forbidden { needs: Scope::IdentitiesRead });
                }
                Err(refusal) => return Err(refusal),
            }
        };
        let project = who.project.id;
        self.store.read(move |tx| people_in(tx, project, within, skip, limit)).await
    }
}

/// A page of the people of a project, or of those with a place in one application of it.
pub(super) fn people_in(
    tx: &mut dyn Tx,
    project: ProjectId,
    within: Option<ApplicationId>,
    skip: u32,
    limit: u32,
) -> Result<People, AuthError> {
    let (page, total) = tx.members(project, within, skip, limit)?;
    let mut people = Vec::with_capacity(page.len());
    for identity in page {
        people.push(Person { identifiers: tx.identifiers(identity.id)?, identity });
    }
    Ok(People { people, total })
}

/// Whether an application's issuer alone says who this is: then nothing counts outside of that application.
pub(super) fn is_vouched(who: &Authenticated) -> bool {
    who.session.as_ref().is_some_and(|session| session.confined)
}

fn administers_project(who: &Authenticated, needed: RoleNeeded) -> bool {
    let suffices = |role: &str| needed.ladder.reaches(role, needed.least);
    who.identity.kind == IdentityKind::Member && !is_vouched(who) && who.identity.project_roles().any(suffices)
}

/// Whether the caller has the role in the project or in an application in which `other` has a place.
fn administers(tx: &mut dyn Tx, who: &Authenticated, other: &Identity, needed: RoleNeeded) -> Result<bool, AuthError> {
    if administers_project(who, needed) {
        return Ok(true);
    }
    for own in tx.memberships_of(who.identity.id)? {
        let counts = own.disabled_at.is_none()
            && !is_confined_elsewhere(who, own.application)
            && needed.ladder.reaches(&own.role, needed.least)
            && tx.application(own.application)?.is_some_and(|found| found.disabled_at.is_none());
        if counts && tx.membership(own.application, other.id)?.is_some_and(|place| place.disabled_at.is_none()) {
            return Ok(true);
        }
    }
    Ok(false)
}
