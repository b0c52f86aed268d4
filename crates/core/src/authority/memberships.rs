//! Memberships and invitations: who has which role in an application.

use serde_json::{Map, Value};

use super::{Authenticated, Authority, LinkTemplate, Log, authenticate::resolve, roles::add_place};
use crate::{
    application::Application,
    audit::Audit,
    caller::{Permit, Scope},
    context::Ctx,
    error::{AuthError, Noun, Rule},
    identity::{Identifier, Identity, IdentityKind, is_email},
    ids::{InvitationId, MembershipId},
    mail::{Mail, Message},
    membership::{Invitation, Membership, RoleLadder},
    project::ProjectRef,
    store::Tx,
    time::Timestamp,
};

/// Which role an operation in an application needs.
#[derive(Clone, Copy, Debug)]
pub struct RoleNeeded {
    /// The roles there are.
    pub ladder: &'static RoleLadder,
    /// The least that suffices.
    pub least: &'static str,
}

/// Who is to be invited as what.
#[derive(Debug)]
pub struct InvitationRequest {
    /// The address.
    pub email: String,
    /// The role to be had.
    pub role: String,
    /// What only one dialect knows.
    pub attributes: Map<String, Value>,
    /// Where the mailed link leads, with `{invitation}` for its id.
    pub link: LinkTemplate,
}

/// What became of an invitation.
#[derive(Debug)]
pub enum Invited {
    /// The address has an account, which is a member now.
    Member(Membership),
    /// The address has none; the invitation waits for it.
    Pending(Invitation),
    /// The invitation was waiting already.
    AlreadyPending(Invitation),
}

impl Authority {
    /// The caller's place in an application.
    ///
    /// Refuses with `NotFound(Membership)` when there is none or it is disabled, and always for a session that another
    /// application's issuer vouched for. Guests have the lowest role in their own application without a row.
    pub async fn membership(
        &self,
        who: &Authenticated,
        application: ProjectRef,
        ladder: &'static RoleLadder,
    ) -> Result<(Application, Membership), AuthError> {
        let who = who.clone();
        self.store
            .read(move |tx| {
                let application = application_in(tx, &who, &application)?;
                let membership = place_in(tx, &who, &application, ladder)?;
                Ok((application, membership))
            })
            .await
    }

    /// Proves that the caller has a role in an application: the role's counterpart of a scope.
    pub async fn permit_in(
        &self,
        who: &Authenticated,
        application: ProjectRef,
        needed: RoleNeeded,
    ) -> Result<(Permit, Application, Membership), AuthError> {
        let (application, membership) = self.membership(who, application, needed.ladder).await?;
        if !needed.ladder.reaches(&membership.role, needed.least) {
            return Err(AuthError::Forbidden { needs: Scope::ProjectsWrite });
        }
        Ok((Permit::earned(application.project, who.actor()), application, membership))
    }

    /// The caller's memberships with their applications, newest first.
    pub async fn memberships(&self, who: &Authenticated) -> Result<Vec<(Membership, Application)>, AuthError> {
        // Guests are members of nothing, and the most of those who are asked about: no row is read for them.
        if who.identity.kind == IdentityKind::Guest {
            return Ok(Vec::new());
        }
        let who = who.clone();
        self.store
            .read(move |tx| {
                let mut found = Vec::new();
                for membership in tx.memberships_of(who.identity.id)? {
                    if membership.disabled_at.is_some() || is_confined_elsewhere(&who, membership.application) {
                        continue;
                    }
                    if let Some(application) = tx.application(membership.application)? {
                        found.push((membership, application));
                    }
                }
                Ok(found)
            })
            .await
    }

    /// Invites an address into an application: a member at once if it has an account, else as soon as it gets one.
    ///
    /// Nobody can hand out a role above their own. Refuses with `Conflict(Membership)` when the address is a member already
    /// and with `Conflict(Identity)` when it is the caller's own.
    pub async fn invite(
        &self,
        ctx: &Ctx,
        who: &Authenticated,
        application: ProjectRef,
        needed: RoleNeeded,
        wanted: InvitationRequest,
    ) -> Result<Invited, AuthError> {
        let (permit, application, own) = self.permit_in(who, application, needed).await?;
        if !is_email(wanted.email.trim()) {
            return Err(AuthError::invalid("email", Rule::Malformed));
        }
        if !needed.ladder.0.contains(&wanted.role.as_str()) {
            return Err(AuthError::invalid("role", Rule::Malformed));
        }
        if !needed.ladder.reaches(&own.role, ladder_name(needed.ladder, &wanted.role)) {
            return Err(AuthError::Forbidden { needs: Scope::ProjectsWrite });
        }
        let address = Identifier::email(&wanted.email);
        let invitation = Invitation {
            id: InvitationId::mint(ctx.now, self.entropy.as_ref()),
            project: permit.project(),
            application: application.id,
            email: address.value().to_owned(),
            role: wanted.role,
            attributes: wanted.attributes,
            created_by: who.identity.id,
            created_at: ctx.now,
        };
        let (fresh, caller) = (invitation.clone(), who.identity.id);
        let membership = MembershipId::mint(ctx.now, self.entropy.as_ref());
        let outcome = self
            .commit(ctx, move |tx, log| match tx.identity_by_identifier(permit.project(), &address)? {
                Some((found, _)) if found.id == caller => Err(AuthError::Conflict(Noun::Identity)),
                Some((found, _)) => join(tx, log, &permit, member_of(&fresh, membership, &found)),
                None => keep_waiting(tx, log, &permit, fresh),
            })
            .await?;
        if let Invited::Pending(_) = outcome {
            self.outbox.send(Mail {
                to: invitation.email.clone(),
                language: ctx.language.clone(),
                sender: who.project.name.clone(),
                message: Message::Invitation {
                    link: wanted.link.0.replace("{invitation}", &invitation.id.short()),
                    inviter: display_name(&who.identity),
                    application: application.name.clone(),
                },
            });
        }
        Ok(outcome)
    }

    /// Gives the caller a place as `role` in an application, unless it has one there already.
    ///
    /// Only an account may: guests and users of an issuer stay where they are.
    pub async fn join_application(
        &self,
        ctx: &Ctx,
        who: &Authenticated,
        application: ProjectRef,
        role: &'static str,
    ) -> Result<(), AuthError> {
        let (who, now) = (who.clone(), ctx.now);
        let id = MembershipId::mint(now, self.entropy.as_ref());
        self.commit(ctx, move |tx, log| {
            let application = application_in(tx, &who, &application)?;
            if let Some(membership) = tx.membership(application.id, who.identity.id)? {
                let counts = membership.disabled_at.is_none();
                return if counts { Ok(()) } else { Err(AuthError::Disabled(Noun::Membership)) };
            }
            if who.identity.application == Some(application.id) {
                return Ok(());
            }
            who.require_account()?;
            let joined = Membership {
                id,
                project: application.project,
                application: application.id,
                identity: who.identity.id,
                role: role.to_owned(),
                attributes: Map::new(),
                disabled_at: None,
                created_by: who.identity.id,
                created_at: now,
                updated_at: now,
            };
            let permit = Permit::earned(application.project, who.actor());
            match join(tx, log, &permit, joined) {
                // Another request of the same account was faster.
                Ok(_) | Err(AuthError::Conflict(Noun::Membership)) => Ok(()),
                Err(refusal) => Err(refusal),
            }
        })
        .await
    }

    /// Open invitations to an application.
    pub async fn invitations(
        &self,
        who: &Authenticated,
        application: ProjectRef,
        needed: RoleNeeded,
    ) -> Result<Vec<Invitation>, AuthError> {
        let (_, application, _) = self.permit_in(who, application, needed).await?;
        self.store.read(move |tx| Ok(tx.invitations(application.id)?)).await
    }

    /// An open invitation, for whoever holds its link.
    pub async fn invitation(&self, id: InvitationId) -> Result<Invitation, AuthError> {
        self.store.read(move |tx| tx.invitation(id)?.ok_or(AuthError::NotFound(Noun::Invitation))).await
    }

    /// Refuses an invitation that is not open, lies elsewhere or is for another address.
    pub async fn check_invitation(&self, place: ProjectRef, id: InvitationId, email: &str) -> Result<(), AuthError> {
        let address = Identifier::email(email);
        self.store
            .read(move |tx| {
                let home = resolve(tx, &place)?.0.id;
                match tx.invitation(id)?.filter(|open| open.project == home && open.email == address.value()) {
                    Some(_) => Ok(()),
                    None => Err(AuthError::invalid("invitation", Rule::Malformed)),
                }
            })
            .await
    }

    /// An open invitation to an application in which the caller has the role to invite.
    pub async fn invitation_for(
        &self,
        who: &Authenticated,
        id: InvitationId,
        needed: RoleNeeded,
    ) -> Result<(Invitation, Application), AuthError> {
        let invitation = self.invitation(id).await?;
        if invitation.project != who.project.id {
            return Err(AuthError::NotFound(Noun::Invitation));
        }
        let (_, application, _) = self.permit_in(who, ProjectRef::Application(invitation.application), needed).await?;
        Ok((invitation, application))
    }

    /// Takes an open invitation back.
    pub async fn withdraw_invitation(
        &self,
        ctx: &Ctx,
        who: &Authenticated,
        id: InvitationId,
        needed: RoleNeeded,
    ) -> Result<(), AuthError> {
        let (invitation, _) = self.invitation_for(who, id, needed).await?;
        let actor = who.actor();
        self.commit(ctx, move |tx, log| {
            if !tx.delete_invitation(id)? {
                return Err(AuthError::NotFound(Noun::Invitation));
            }
            let subject = format!("invitation:{id}");
            log.record(Audit::new(invitation.project, actor, "invitation.withdrawn", &subject));
            Ok(())
        })
        .await
    }
}

/// Makes a membership for an account that exists.
fn join(tx: &mut dyn Tx, log: &mut Log, permit: &Permit, joined: Membership) -> Result<Invited, AuthError> {
    if !add_place(tx, log, &joined)? {
        return Err(AuthError::Conflict(Noun::Membership));
    }
    let subject = format!("identity:{}", joined.identity);
    log.record(Audit::new(permit.project(), permit.actor(), "membership.created", &subject));
    Ok(Invited::Member(joined))
}

/// Keeps an invitation for an account that does not exist yet.
fn keep_waiting(tx: &mut dyn Tx, log: &mut Log, permit: &Permit, fresh: Invitation) -> Result<Invited, AuthError> {
    if tx.insert_invitation(&fresh)? {
        let subject = format!("invitation:{}", fresh.id);
        log.record(Audit::new(permit.project(), permit.actor(), "invitation.created", &subject));
        return Ok(Invited::Pending(fresh));
    }
    let waiting = tx.invitations(fresh.application)?.into_iter().find(|other| other.email == fresh.email);
    waiting.map(Invited::AlreadyPending).ok_or(AuthError::NotFound(Noun::Invitation))
}

/// Turns the open invitations of a new account's address into memberships.
pub(super) fn accept_invitations(
    tx: &mut dyn Tx,
    log: &mut Log,
    identity: &Identity,
    address: &Identifier,
    mut fresh_id: impl FnMut() -> MembershipId,
    now: Timestamp,
) -> Result<(), AuthError> {
    for invitation in tx.invitations_for(identity.project, address.value())? {
        let joined = Membership { created_at: now, updated_at: now, ..member_of(&invitation, fresh_id(), identity) };
        add_place(tx, log, &joined)?;
        tx.delete_invitation(invitation.id)?;
        log.record(Audit::new(
            identity.project,
            crate::caller::Actor::Identity(identity.id),
            "invitation.accepted",
            &format_args!("invitation:{}", invitation.id),
        ));
    }
    Ok(())
}

fn member_of(invitation: &Invitation, id: MembershipId, identity: &Identity) -> Membership {
    Membership {
        id,
        project: invitation.project,
        application: invitation.application,
        identity: identity.id,
        role: invitation.role.clone(),
        attributes: invitation.attributes.clone(),
        disabled_at: None,
        created_by: invitation.created_by,
        created_at: invitation.created_at,
        updated_at: invitation.created_at,
    }
}

fn ladder_name(ladder: &'static RoleLadder, role: &str) -> &'static str {
    ladder.0.iter().copied().find(|step| *step == role).unwrap_or_default()
}

fn display_name(identity: &Identity) -> String {
    let profile = &identity.profile;
    [&profile.given_name, &profile.family_name].into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// The application, if it lies in the caller's project; another project's is as good as none (ATTACKS N89).
fn application_in(tx: &mut dyn Tx, who: &Authenticated, reference: &ProjectRef) -> Result<Application, AuthError> {
    let (project, application) = resolve(tx, reference)?;
    application
        .filter(|found| project.id == who.project.id && found.disabled_at.is_none())
        .ok_or(AuthError::NotFound(Noun::Application))
}

pub(super) fn is_confined_elsewhere(who: &Authenticated, application: crate::ids::ApplicationId) -> bool {
    who.session.as_ref().is_some_and(|session| session.confined && session.application != Some(application))
}

fn place_in(
    tx: &mut dyn Tx,
    who: &Authenticated,
    application: &Application,
    ladder: &'static RoleLadder,
) -> Result<Membership, AuthError> {
    if is_confined_elsewhere(who, application.id) {
        return Err(AuthError::NotFound(Noun::Membership));
    }
    let identity = &who.identity;
    if let Some(membership) = tx.membership(application.id, identity.id)? {
        let counts = membership.disabled_at.is_none();
        return if counts { Ok(membership) } else { Err(AuthError::NotFound(Noun::Membership)) };
    }
    let lowest = ladder.0.first().copied().unwrap_or_default();
    if identity.kind != IdentityKind::Guest || identity.application != Some(application.id) {
        return Err(AuthError::NotFound(Noun::Membership));
    }
    Ok(Membership {
        id: MembershipId::of_guest(identity.id),
        project: identity.project,
        application: application.id,
        identity: identity.id,
        role: lowest.to_owned(),
        attributes: Map::new(),
        disabled_at: None,
        created_by: identity.id,
        created_at: identity.created_at,
        updated_at: identity.updated_at,
    })
}
