//! Memberships: which role an identity has in an application, and invitations to one.

use serde_json::{Map, Value};

use crate::{
    ids::{ApplicationId, IdentityId, InvitationId, MembershipId, ProjectId},
    store::StoreResult,
    time::Timestamp,
};

/// An identity's place in an application.
#[derive(Clone, Debug, PartialEq)]
pub struct Membership {
    /// Its id.
    pub id: MembershipId,
    /// The project of both.
    pub project: ProjectId,
    /// The application.
    pub application: ApplicationId,
    /// The identity.
    pub identity: IdentityId,
    /// A role of the dialect's ladder.
    pub role: String,
    /// What only one dialect knows; opaque here.
    pub attributes: Map<String, Value>,
    /// Since when it does not count.
    pub disabled_at: Option<Timestamp>,
    /// Who made it.
    pub created_by: IdentityId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Roles from least to most, a constant of a dialect.
#[derive(Debug)]
pub struct RoleLadder(pub &'static [&'static str]);

impl RoleLadder {
    /// Whether `role` stands at `least` or above. A role that is not on the ladder stands below all.
    pub fn reaches(&self, role: &str, least: &str) -> bool {
        let rank = |name: &str| self.0.iter().position(|step| *step == name);
        matches!((rank(role), rank(least)), (Some(has), Some(needs)) if has >= needs)
    }
}

/// An invitation of an address that has no account yet; it becomes a membership when the account is made.
#[derive(Clone, Debug, PartialEq)]
pub struct Invitation {
    /// Its id; a name, not a secret: it only shows itself.
    pub id: InvitationId,
    /// The project.
    pub project: ProjectId,
    /// The application.
    pub application: ApplicationId,
    /// The address in its one spelling.
    pub email: String,
    /// The role to be had.
    pub role: String,
    /// What only one dialect knows; opaque here.
    pub attributes: Map<String, Value>,
    /// Who invited.
    pub created_by: IdentityId,
    /// When.
    pub created_at: Timestamp,
}

/// Storage of memberships and invitations.
pub trait MembershipStore {
    /// Adds a membership; `false` when the identity has one in the application.
    fn insert_membership(&mut self, membership: &Membership) -> StoreResult<bool>;
    /// The membership of an identity in an application, disabled ones included.
    fn membership(&mut self, application: ApplicationId, identity: IdentityId) -> StoreResult<Option<Membership>>;
    /// Memberships of an identity, newest first.
    fn memberships_of(&mut self, identity: IdentityId) -> StoreResult<Vec<Membership>>;
    /// Replaces role, attributes and standing.
    fn update_membership(&mut self, membership: &Membership) -> StoreResult<()>;
    /// Removes all memberships of an identity; `false` when it had none.
    fn delete_memberships_of(&mut self, identity: IdentityId) -> StoreResult<bool>;

    /// Adds an invitation; `false` when the address is invited to the application already.
    fn insert_invitation(&mut self, invitation: &Invitation) -> StoreResult<bool>;
    /// An invitation by id.
    fn invitation(&mut self, id: InvitationId) -> StoreResult<Option<Invitation>>;
    /// Open invitations to an application, oldest first.
    fn invitations(&mut self, application: ApplicationId) -> StoreResult<Vec<Invitation>>;
    /// Open invitations of an address in a project, oldest first.
    fn invitations_for(&mut self, project: ProjectId, email: &str) -> StoreResult<Vec<Invitation>>;
    /// Removes an invitation; `false` when it is gone already.
    fn delete_invitation(&mut self, id: InvitationId) -> StoreResult<bool>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_off_the_ladder_reaches_nothing() {
        let ladder = RoleLadder(&["guest", "agent", "owner"]);
        assert!(ladder.reaches("owner", "agent") && ladder.reaches("agent", "agent"));
        assert!(
            !ladder.reaches("guest", "agent") && !ladder.reaches("root", "guest") && !ladder.reaches("owner", "root")
        );
    }
}
