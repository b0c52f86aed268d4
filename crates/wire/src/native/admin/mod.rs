//! What an API key may do in its project, by its scopes. What is of the whole installation (projects made, migrations, backups,
//! master keys) stays with the operator at the machine.

use serde_json::{Map, Value};

use super::resource::{Resources, routes};

mod api_keys;
mod applications;
mod audit;
mod connections;
mod endpoint_groups;
mod endpoints;
mod identities;
mod issuers;
mod keys;
mod project;
mod sessions;
mod targets;
mod webhooks;

/// The resources.
pub(super) fn resources<R: Resources>() -> R {
    R::default()
        .routes(routes!(project::show, project::change))
        .routes(routes!(targets::list, targets::create))
        .routes(routes!(targets::remove))
        .routes(routes!(applications::list, applications::create))
        .routes(routes!(applications::show, applications::change))
        .routes(routes!(issuers::list, issuers::create))
        .routes(routes!(issuers::revoke))
        .routes(routes!(identities::list, identities::create))
        .routes(routes!(identities::show, identities::change, identities::erase))
        .routes(routes!(identities::set_password))
        .routes(routes!(identities::unlock))
        .routes(routes!(sessions::of_identity, sessions::end_of_identity))
        .routes(routes!(sessions::list))
        .routes(routes!(connections::list))
        .routes(routes!(sessions::show, sessions::end))
        .routes(routes!(endpoint_groups::list, endpoint_groups::create))
        .routes(routes!(endpoint_groups::show, endpoint_groups::change, endpoint_groups::remove))
        .routes(routes!(endpoints::list, endpoints::create))
        .routes(routes!(endpoints::show, endpoints::change, endpoints::remove))
        .routes(routes!(api_keys::list, api_keys::create))
        .routes(routes!(api_keys::revoke))
        .routes(routes!(webhooks::list, webhooks::create))
        .routes(routes!(webhooks::change, webhooks::remove))
        .routes(routes!(webhooks::deliveries))
        .routes(routes!(webhooks::replay))
        .routes(routes!(keys::list))
        .routes(routes!(keys::rotate))
        .routes(routes!(audit::list))
        .routes(routes!(audit::verify))
}

/// Applies a merge patch (RFC 7396): null removes, objects merge, all else replaces.
fn merge(target: &mut Value, patch: Map<String, Value>) {
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(members) = target.as_object_mut() else { return };
    for (name, value) in patch {
        match value {
            Value::Null => drop(members.remove(&name)),
            Value::Object(inner) => merge(members.entry(name).or_insert(Value::Null), inner),
            other => drop(members.insert(name, other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_merge_patch_does_what_rfc_7396_shows() {
        let mut target =
            json!({ "title": "Goodbye!", "author": { "given": "John", "family": "Doe" }, "tags": ["a", "b"] });
        let Value::Object(patch) =
            json!({ "title": "Hello!", "author": { "family": null }, "tags": ["c"], "new": { "x": null } })
        else {
            unreachable!()
        };
        merge(&mut target, patch);
        assert_eq!(target, json!({ "title": "Hello!", "author": { "given": "John" }, "tags": ["c"], "new": {} }));
    }
}
