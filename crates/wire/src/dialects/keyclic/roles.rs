//! Roles: names as its clients spell them, and everybody's own.

use ringfence_core::{authority::RoleNeeded, membership::RoleLadder};
use serde_json::{Value, json};

/// The role of those who invite and see others.
pub(super) const ADMIN: &str = "ORGANIZATION:ADMIN";
/// Everybody's.
const USER: &str = "ROLE_USER";

/// From least to most.
static LADDER: RoleLadder = RoleLadder(&[
    "ORGANIZATION:MEMBER",
    "ORGANIZATION:READ_ONLY",
    "ORGANIZATION:EXPORT",
    "ORGANIZATION:ANALYTICS",
    "ORGANIZATION:OPERATOR",
    "ORGANIZATION:AGENT",
    ADMIN,
]);

/// What administration needs.
pub(super) const ADMINISTRATOR: RoleNeeded = RoleNeeded { ladder: &LADDER, least: ADMIN };

/// All roles of somebody, `ROLE_USER` last.
pub(super) fn with_everybodys(roles: impl IntoIterator<Item = String>) -> Vec<String> {
    roles.into_iter().filter(|role| role != USER).chain([USER.to_owned()]).collect()
}

/// Every role that a membership can have.
pub(super) fn available() -> Vec<&'static str> {
    LADDER.0.to_vec()
}

/// The role of an invitation that names none.
pub(super) fn least() -> &'static str {
    LADDER.0[0]
}

/// A role as an object. Its id is fixed: the place on the ladder; roles of other faces share the last one.
pub(super) fn object(role: &str) -> Value {
    let place = LADDER.0.iter().position(|step| *step == role).map_or(0xff, |place| place + 1);
    json!({
        "type": "Role",
        "id": format!("00000000-0000-8000-8000-0000000000{place:02x}"),
        "name": role,
        "description": null,
        "permissions": [],
    })
}
