//! The OpenAPI 3.1 description: what the handlers say of themselves, and what holds for all of them, said once.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Map, Value, json};

use super::{once, resource::Described, resources};

/// The description as the server serves it.
pub(super) const FILE: &str = include_str!("../../../../docs/openapi.json");

/// The description of everything below `/api/v1`, made from the handlers: what the file must be.
pub fn description() -> Value {
    let mut whole = serde_json::to_value(resources::<Described>().into_openapi()).unwrap_or_default();
    whole["openapi"] = "3.1.0".into();
    whole["info"] = json!({
        "title": "Ringfence",
        "version": "1",
        "description": "Sign-up, sign-in, sessions and administration of a project. Refusals are problem details (RFC 9457).",
        "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
    });
    whole["servers"] = json!([{ "url": "/" }]);
    whole["components"]["securitySchemes"] = json!({
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "An access token, or an API key that has the scope named beside the operation.",
        },
    });
    whole["components"]["responses"] = statuses();
    if let Some(paths) = whole["paths"].as_object_mut() {
        let old = std::mem::take(paths);
        paths.extend(old.into_iter().map(|(path, item)| (format!("/api/v1{path}"), described(&path, item))));
    }
    whole
}

/// The paths, as routes, of operations that make something.
pub(super) fn creations() -> BTreeSet<String> {
    /// What there is to know, so that nothing else of the file takes memory.
    #[derive(Deserialize)]
    struct Whole {
        paths: BTreeMap<String, Item>,
    }
    #[derive(Deserialize)]
    struct Item {
        post: Option<Post>,
    }
    #[derive(Deserialize)]
    struct Post {
        responses: Responses,
    }
    #[derive(Deserialize)]
    struct Responses {
        #[serde(rename = "201")]
        created: Option<IgnoredAny>,
    }
    let paths = serde_json::from_str(FILE).map_or_else(|_| BTreeMap::new(), |whole: Whole| whole.paths);
    let makes = |item: &Item| item.post.as_ref().is_some_and(|post| post.responses.created.is_some());
    paths.into_iter().filter(|(_, item)| makes(item)).map(|(path, _)| path).collect()
}

fn described(path: &str, mut item: Value) -> Value {
    for (method, operation) in item.as_object_mut().into_iter().flatten() {
        operation["operationId"] = operation_id(method, path).into();
        let secured = operation["security"].is_array();
        let body = operation["requestBody"].is_object();
        let makes = operation["responses"]["201"].is_object();
        if makes {
            let parameters =
                operation.as_object_mut().map(|operation| operation.entry("parameters").or_insert(json!([])));
            if let Some(parameters) = parameters.and_then(Value::as_array_mut) {
                parameters.push(key_parameter());
            }
        }
        let mut refusals = vec!["400", "403", "404", "429", "500", "501", "503"];
        refusals.extend(secured.then_some("401").into_iter().chain((!secured).then_some("401")));
        if body {
            refusals.extend(["409", "413", "415", "422"]);
        } else {
            refusals.extend(["409"]);
        }
        if let Some(responses) = operation["responses"].as_object_mut() {
            for status in refusals {
                let reference = json!({ "$ref": format!("#/components/responses/{status}") });
                responses.entry(status).or_insert(reference);
            }
        }
    }
    item
}

/// `get /me/sessions/{session}` is `get_me_sessions_session`.
fn operation_id(method: &str, path: &str) -> String {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    [method].into_iter().chain(words).collect::<Vec<_>>().join("_")
}

fn key_parameter() -> Value {
    json!({
        "name": once::KEY,
        "in": "header",
        "required": false,
        "description": "16 to 128 printable characters, best a UUID. The same request with the same key is done once in 24 hours.",
        "schema": { "type": "string", "minLength": 16, "maxLength": 128, "pattern": "^[!-~]+$" },
    })
}

fn statuses() -> Value {
    let refusal = |text: &str| {
        let schema = json!({ "$ref": "#/components/schemas/Details" });
        json!({ "description": text, "content": { "application/problem+json": { "schema": schema } } })
    };
    let all = [
        ("400", "The request cannot be read"),
        ("401", "No credential, or one that does not count"),
        ("403", "Known, and not permitted"),
        ("404", "There is no such thing, or it belongs to somebody else"),
        ("409", "It exists already, or the same request is being done"),
        ("413", "The body is larger than 1 MiB"),
        ("415", "The body has another media type, or is compressed"),
        ("422", "The input breaks rules"),
        ("429", "Too many failures; see Retry-After"),
        ("500", "A defect"),
        ("501", "Not offered here"),
        ("503", "Something does not answer; see Retry-After"),
    ];
    Value::Object(all.into_iter().map(|(status, text)| (status.to_owned(), refusal(text))).collect::<Map<_, _>>())
}
