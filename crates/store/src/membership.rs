//! Memberships and invitations.

use ringfence_core::{
    ids::{ApplicationId, IdentityId, InvitationId, ProjectId},
    membership::{Invitation, Membership, MembershipStore},
    store::StoreResult,
};

use crate::{
    row::{Row, json},
    sql::values,
    tx::SqlTx,
};

macro_rules! membership_columns {
    () => {
        "id, project_id, application_id, identity_id, role, attributes, disabled_at, created_by, created_at, updated_at"
    };
}

fn membership(row: &mut Row) -> StoreResult<Membership> {
    Ok(Membership {
        id: row.id()?,
        project: row.id()?,
        application: row.id()?,
        identity: row.id()?,
        role: row.text()?,
        attributes: row.json()?,
        disabled_at: row.opt_time()?,
        created_by: row.id()?,
        created_at: row.time()?,
        updated_at: row.time()?,
    })
}

macro_rules! invitation_columns {
    () => {
        "id, project_id, application_id, email, role, attributes, created_by, created_at"
    };
}

fn invitation(row: &mut Row) -> StoreResult<Invitation> {
    Ok(Invitation {
        id: row.id()?,
        project: row.id()?,
        application: row.id()?,
        email: row.text()?,
        role: row.text()?,
        attributes: row.json()?,
        created_by: row.id()?,
        created_at: row.time()?,
    })
}

impl MembershipStore for SqlTx<'_> {
    fn insert_membership(&mut self, membership: &Membership) -> StoreResult<bool> {
        self.changed(
            "INSERT INTO membership (id, project_id, application_id, identity_id, role, attributes, disabled_at,
                 created_by, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (application_id, identity_id) DO NOTHING",
            values![
                membership.id,
                membership.project,
                membership.application,
                membership.identity,
                &membership.role,
                json(&membership.attributes)?,
                membership.disabled_at,
                membership.created_by,
                membership.created_at,
                membership.updated_at
            ],
        )
    }

    fn membership(&mut self, application: ApplicationId, identity: IdentityId) -> StoreResult<Option<Membership>> {
        self.one(
            concat!(
                "SELECT ",
                membership_columns!(),
                " FROM membership WHERE application_id = $1 AND identity_id = $2"
            ),
            values![application, identity],
            membership,
        )
    }

    fn memberships_of(&mut self, identity: IdentityId) -> StoreResult<Vec<Membership>> {
        self.all(
            concat!(
                "SELECT ",
                membership_columns!(),
                " FROM membership WHERE identity_id = $1 ORDER BY created_at DESC, id DESC"
            ),
            values![identity],
            membership,
        )
    }

    fn update_membership(&mut self, membership: &Membership) -> StoreResult<()> {
        self.later(
            "UPDATE membership SET role = $1, attributes = $2, disabled_at = $3, updated_at = $4 WHERE id = $5",
            values![
                &membership.role,
                json(&membership.attributes)?,
                membership.disabled_at,
                membership.updated_at,
                membership.id
            ],
        )
    }

    fn delete_memberships_of(&mut self, identity: IdentityId) -> StoreResult<bool> {
        self.changed("DELETE FROM membership WHERE identity_id = $1", values![identity])
    }

    fn insert_invitation(&mut self, invitation: &Invitation) -> StoreResult<bool> {
        self.changed(
            "INSERT INTO invitation (id, project_id, application_id, email, role, attributes, created_by, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (application_id, email) DO NOTHING",
            values![
                invitation.id,
                invitation.project,
                invitation.application,
                &invitation.email,
                &invitation.role,
                json(&invitation.attributes)?,
                invitation.created_by,
                invitation.created_at
            ],
        )
    }

    fn invitation(&mut self, id: InvitationId) -> StoreResult<Option<Invitation>> {
        self.one(concat!("SELECT ", invitation_columns!(), " FROM invitation WHERE id = $1"), values![id], invitation)
    }

    fn invitations(&mut self, application: ApplicationId) -> StoreResult<Vec<Invitation>> {
        self.all(
            concat!(
                "SELECT ",
                invitation_columns!(),
                " FROM invitation WHERE application_id = $1 ORDER BY created_at, id"
            ),
            values![application],
            invitation,
        )
    }

    fn invitations_for(&mut self, project: ProjectId, email: &str) -> StoreResult<Vec<Invitation>> {
        self.all(
            concat!(
                "SELECT ",
                invitation_columns!(),
                " FROM invitation WHERE project_id = $1 AND email = $2 ORDER BY created_at, id"
            ),
            values![project, email],
            invitation,
        )
    }

    fn delete_invitation(&mut self, id: InvitationId) -> StoreResult<bool> {
        self.changed("DELETE FROM invitation WHERE id = $1", values![id])
    }
}
