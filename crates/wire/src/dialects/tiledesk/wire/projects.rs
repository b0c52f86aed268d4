//! Projects, and who works in them.

use ringfence_core::{application::Application, membership::Membership};
use serde::Serialize;
use serde_json::Value;

use super::{
    super::{LADDER, NAME, attributes::Attributes},
    Times,
};

/// The secret of a project, shown once, with a key pair that is used by nothing.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Keys<'a> {
    pub(in super::super) public_key: &'static str,
    pub(in super::super) private_key: &'static str,
    pub(in super::super) jwt_secret: &'a str,
}

/// A project.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "its shape")]
pub(in super::super) struct Project {
    #[serde(rename = "_id")]
    id: String,
    #[serde(rename = "id")]
    id_again: String,
    name: String,
    status: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<String>,
    active_operating_hours: bool,
    profile: Plan,
    versions: u32,
    channels: [Channel; 1],
    ip_filter_enabled: bool,
    ip_filter: Vec<String>,
    ip_filter_deny_enabled: bool,
    ip_filter_deny: Vec<String>,
    banned_users: Vec<Value>,
    trial_expired: bool,
    trial_days_left: u32,
    is_active_subscription: bool,
    #[serde(flatten)]
    times: Times,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Plan {
    name: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    trial_days: u32,
    agents: u32,
}

#[derive(Debug, Serialize)]
struct Channel {
    name: &'static str,
}

impl Project {
    /// The project that an application is, under the id `id`. Nothing is sold here, so its trial never ends.
    pub(in super::super) fn new(id: String, application: &Application) -> Self {
        let own = Attributes::of(application);
        Self {
            id_again: id.clone(),
            id,
            name: application.name.clone(),
            status: if application.disabled_at.is_some() { 0 } else { 100 },
            created_by: own.created_by,
            active_operating_hours: false,
            profile: Plan { name: "Sandbox", kind: "free", trial_days: 14, agents: 0 },
            versions: 20_115,
            channels: [Channel { name: "chat21" }],
            ip_filter_enabled: own.ip_filter_enabled,
            ip_filter: own.ip_filter,
            ip_filter_deny_enabled: own.ip_filter_deny_enabled,
            ip_filter_deny: own.ip_filter_deny,
            banned_users: own.banned_users.into_iter().map(Value::from).collect(),
            trial_expired: false,
            trial_days_left: 14,
            is_active_subscription: false,
            times: Times::new(application.created_at, application.updated_at),
        }
    }
}

/// A membership; `P` is a project's id or the project itself.
#[derive(Debug, Serialize)]
pub(in super::super) struct ProjectUser<P> {
    #[serde(rename = "_id")]
    id: String,
    id_project: P,
    id_user: String,
    role: String,
    #[serde(rename = "roleType")]
    role_type: u32,
    status: &'static str,
    #[serde(rename = "isAuthenticated")]
    is_authenticated: bool,
    user_available: bool,
    number_assigned_requests: u32,
    permissions: [(); 0],
    tags: [(); 0],
    trashed: bool,
    #[serde(rename = "createdBy")]
    created_by: String,
    #[serde(flatten)]
    times: Times,
}

impl<P> ProjectUser<P> {
    /// The membership of an account.
    pub(in super::super) fn new(membership: &Membership, id_project: P) -> Self {
        let available = membership.attributes.get(NAME).and_then(|own| own.get(USER_AVAILABLE));
        Self {
            id: membership.id.short(),
            id_project,
            id_user: membership.identity.short(),
            role: membership.role.clone(),
            role_type: role_type(membership),
            status: "active",
            is_authenticated: true,
            user_available: available.and_then(Value::as_bool).unwrap_or(true),
            number_assigned_requests: 0,
            permissions: [],
            tags: [],
            trashed: false,
            created_by: membership.created_by.short(),
            times: Times::new(membership.created_at, membership.updated_at),
        }
    }
}

/// The field that says whether a member takes conversations.
pub(in super::super) const USER_AVAILABLE: &str = "user_available";

/// 1 for those who work in a project, 2 for those who visit it.
pub(in super::super) fn role_type(membership: &Membership) -> u32 {
    if LADDER.reaches(&membership.role, "teammate") { 1 } else { 2 }
}

/// An invitation that waits for an account.
#[derive(Debug, Serialize)]
pub(in super::super) struct Invitation {
    #[serde(rename = "_id")]
    id: String,
    email: String,
    role: String,
    id_project: String,
    #[serde(rename = "createdBy")]
    created_by: String,
    #[serde(flatten)]
    times: Times,
}

impl Invitation {
    pub(in super::super) fn new(invitation: &ringfence_core::membership::Invitation, id_project: String) -> Self {
        Self {
            id: invitation.id.short(),
            email: invitation.email.clone(),
            role: invitation.role.clone(),
            id_project,
            created_by: invitation.created_by.short(),
            times: Times::new(invitation.created_at, invitation.created_at),
        }
    }
}

/// An invitation that waits from now on.
#[derive(Debug, Serialize)]
pub(in super::super) struct Waiting {
    msg: &'static str,
    #[serde(rename = "pendingInvitation")]
    invitation: Invitation,
}

impl Waiting {
    pub(in super::super) const fn new(invitation: Invitation) -> Self {
        // With a space at the end, as ever.
        Self { msg: "User not found, save invite in pending ", invitation }
    }
}

/// An invitation that was waiting already.
#[derive(Debug, Serialize)]
pub(in super::super) struct WaitingAlready {
    /// Never true.
    success: bool,
    msg: &'static str,
    /// Another spelling, and a list.
    #[serde(rename = "pendinginvitation")]
    invitations: [Invitation; 1],
}

impl WaitingAlready {
    pub(in super::super) const fn new(invitation: Invitation) -> Self {
        Self { success: false, msg: "Pending Invitation already exist.", invitations: [invitation] }
    }
}
