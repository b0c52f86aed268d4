//! How commands show what there is: JSON with times as RFC 3339, and never a secret.

use ringfence_core::{
    application::{Alias, Application},
    credential::Credential,
    endpoint::Endpoint,
    identity::{HeldIdentifier, Identity},
    key::SigningKey,
    project::Project,
    session::Session,
    time::Timestamp,
};
use serde_json::{Map, Value, json};

/// Members whose names say that their value is secret.
const SECRET: &str = "secret";

fn at(moment: Timestamp) -> Value {
    Value::String(moment.rfc3339())
}

fn at_if(moment: Option<Timestamp>) -> Value {
    moment.map_or(Value::Null, at)
}

/// A project with its policy.
pub fn project(project: &Project) -> Value {
    let mut policy = serde_json::to_value(&project.policy).unwrap_or_default();
    hide_secrets(&mut policy);
    json!({
        "id": project.id,
        "name": project.name,
        "policy": policy,
        "disabled_at": at_if(project.disabled_at),
        "created_at": at(project.created_at),
        "updated_at": at(project.updated_at),
    })
}

/// An application; `aliases` when they were asked for.
pub fn application(application: &Application, aliases: Option<&[Alias]>) -> Value {
    let mut view = json!({
        "id": application.id,
        "short_id": application.id.short(),
        "project_id": application.project,
        "name": application.name,
        "settings": application.settings,
        "disabled_at": at_if(application.disabled_at),
        "created_at": at(application.created_at),
        "updated_at": at(application.updated_at),
    });
    if let Some(aliases) = aliases {
        view["aliases"] = aliases.iter().map(|alias| json!({ "scheme": alias.scheme, "value": alias.value })).collect();
    }
    view
}

/// An API key without its value, which nobody has but its owner.
pub fn api_key(key: &Credential) -> Value {
    json!({
        "id": key.id,
        "name": key.label,
        "scopes": key.scopes,
        "application_id": key.application,
        "created_at": at(key.created_at),
        "expires_at": at_if(key.expires_at),
        "revoked_at": at_if(key.revoked_at),
    })
}

/// An identity; `identifiers` when they were asked for.
pub fn identity(identity: &Identity, identifiers: Option<&[HeldIdentifier]>) -> Value {
    let mut view = json!({
        "id": identity.id,
        "short_id": identity.id.short(),
        "project_id": identity.project,
        "application_id": identity.application,
        "kind": identity.kind,
        "profile": identity.profile,
        "attributes": identity.attributes,
        "suspended_at": at_if(identity.standing.suspended_at),
        "locked_at": at_if(identity.standing.locked_at),
        "erased_at": at_if(identity.standing.erased_at),
        "created_at": at(identity.created_at),
        "updated_at": at(identity.updated_at),
    });
    if let Some(identifiers) = identifiers {
        let held = identifiers.iter().map(|held| {
            json!({
                "scheme": held.identifier.scheme(),
                "value": held.identifier.value(),
                "verified_at": at_if(held.verified_at),
            })
        });
        view["identifiers"] = held.collect();
    }
    view
}

/// A group of endpoints, as its account shows it.
pub fn endpoint_group(account: &Endpoint) -> Value {
    let group = &account.group;
    json!({
        "number": group.number.to_string(),
        "id": group.id,
        "project_id": group.project,
        "name": group.name,
        "user_name": account.user_name,
        "account_id": group.account,
        "attributes": group.attributes,
        "outbound_profile": group.outbound_profile,
        "disabled_at": at_if(group.disabled_at),
        "created_at": at(group.created_at),
        "updated_at": at(group.updated_at),
    })
}

/// An endpoint without its secret.
pub fn endpoint(endpoint: &Endpoint, identity: &Identity, now: Timestamp) -> Value {
    json!({
        "id": endpoint.id,
        "project_id": endpoint.group.project,
        "group_number": endpoint.group.number.to_string(),
        "user_name": endpoint.user_name,
        "name": endpoint.name,
        "tag": endpoint.tag,
        "expires_at": at_if(endpoint.expires_at),
        "expired_at": at_if(endpoint.expires_at.filter(|end| *end <= now)),
        "disabled_at": at_if(endpoint.group.disabled_at),
        "suspended_at": at_if(identity.standing.suspended_at),
        "locked_at": at_if(identity.standing.locked_at),
        "erased_at": at_if(identity.standing.erased_at),
        "created_at": at(endpoint.created_at),
        "updated_at": at(endpoint.updated_at),
    })
}

/// A session.
pub fn session(session: &Session) -> Value {
    json!({
        "id": session.id,
        "identity_id": session.identity,
        "application_id": session.application,
        "dialect": session.dialect,
        "amr": session.amr,
        "scopes": session.scopes,
        "auth_time": at(session.auth_time),
        "expires_at": at(session.expires_at),
        "revoked_at": at_if(session.revoked_at),
    })
}

/// The public side of a signing key.
pub fn signing_key(key: &SigningKey) -> Value {
    json!({
        "kid": key.kid,
        "set": key.set,
        "alg": key.alg.to_string(),
        "created_at": at(key.created_at),
        "retired_at": at_if(key.retired_at),
        "expires_at": at_if(key.expires_at),
    })
}

/// One word on whether something is in use.
pub fn state(view: &Value) -> String {
    for (member, word) in [
        ("erased_at", "erased"),
        ("expired_at", "expired"),
        ("suspended_at", "suspended"),
        ("locked_at", "locked"),
        ("disabled_at", "disabled"),
        ("revoked_at", "revoked"),
        ("retired_at", "retired"),
    ] {
        if view[member].is_string() {
            return word.to_owned();
        }
    }
    "active".to_owned()
}

fn hide_secrets(value: &mut Value) {
    match value {
        Value::Object(members) => hide_in(members),
        Value::Array(items) => items.iter_mut().for_each(hide_secrets),
        _ => {}
    }
}

fn hide_in(members: &mut Map<String, Value>) {
    for (name, value) in members {
        if name.contains(SECRET) {
            *value = Value::String("…".to_owned());
        } else {
            hide_secrets(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_a_policy_are_not_shown() {
        for secret in [json!("hush"), json!({ "sealed": "v1.x.y" })] {
            let mut policy = json!({ "federation": { "facebook": { "app_id": "1", "app_secret": secret } } });
            hide_secrets(&mut policy);
            assert_eq!(policy, json!({ "federation": { "facebook": { "app_id": "1", "app_secret": "…" } } }));
        }
    }

    #[test]
    fn the_gravest_state_is_told() {
        let view = json!({ "suspended_at": "x", "erased_at": "y" });
        assert_eq!(state(&view), "erased");
        assert_eq!(state(&json!({ "revoked_at": null })), "active");
    }
}
