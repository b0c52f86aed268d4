//! The description, for programs and as a page for people.

use askama::Template;
use axum::{
    Router,
    response::{IntoResponse as _, Response},
    routing::get,
};
use http::header;
use serde_json::Value;

use super::describe::FILE;
use crate::{app::App, looks::Look};

/// Where both are, below `/api/v1`.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/", get(show)).route("/openapi.json", get(file))
}

async fn file() -> Response {
    let headers = [(header::CACHE_CONTROL, "public, max-age=300"), (header::CONTENT_TYPE, "application/json")];
    (headers, FILE).into_response()
}

#[derive(Template)]
#[template(path = "api.html")]
struct ApiPage<'a> {
    look: &'a Look,
    groups: Vec<(String, Vec<Operation>)>,
    schemas: Vec<(String, Vec<Member>)>,
}

/// An operation as the page shows it.
struct Operation {
    method: String,
    path: String,
    summary: String,
    needs: String,
    takes: Option<String>,
    gives: Vec<(String, String)>,
}

/// A member of a schema.
struct Member {
    name: String,
    kind: String,
    text: String,
}

async fn show(look: Look) -> Response {
    // Read for each who looks, which is seldom: held, it would be a megabyte for nobody.
    let whole = serde_json::from_str(FILE).unwrap_or_default();
    look.show(&ApiPage { look: &look, groups: groups(&whole), schemas: schemas(&whole) })
}

fn groups(whole: &Value) -> Vec<(String, Vec<Operation>)> {
    let mut groups: Vec<(String, Vec<Operation>)> = Vec::new();
    for (path, item) in whole["paths"].as_object().into_iter().flatten() {
        for (method, described) in item.as_object().into_iter().flatten() {
            let tag = text(&described["tags"][0]);
            let operation = operation(method, path, described);
            match groups.iter_mut().find(|(name, _)| *name == tag) {
                Some((_, operations)) => operations.push(operation),
                None => groups.push((tag, vec![operation])),
            }
        }
    }
    groups
}

fn operation(method: &str, path: &str, described: &Value) -> Operation {
    let scopes = described["security"][0]["bearer"].as_array();
    let needs = match scopes.map(|scopes| scopes.iter().map(text).collect::<Vec<_>>()) {
        None => "nothing".to_owned(),
        Some(scopes) if scopes.is_empty() => "an access token".to_owned(),
        Some(scopes) => format!("an API key with {}", scopes.join(", ")),
    };
    let body = described["requestBody"]["content"].as_object().into_iter().flatten().next();
    let gives = described["responses"].as_object().into_iter().flatten();
    let gives = gives.filter(|(status, _)| status.starts_with('2'));
    Operation {
        method: method.to_ascii_uppercase(),
        path: path.to_owned(),
        summary: text(&described["summary"]),
        needs,
        takes: body.map(|(_, content)| named(&content["schema"])),
        gives: gives.map(|(status, answer)| (status.clone(), text(&answer["description"]))).collect(),
    }
}

fn schemas(whole: &Value) -> Vec<(String, Vec<Member>)> {
    let all = whole["components"]["schemas"].as_object().into_iter().flatten();
    all.map(|(name, schema)| {
        let members = schema["properties"].as_object().into_iter().flatten();
        let members = members.map(|(name, schema)| Member {
            name: name.clone(),
            kind: named(schema),
            text: text(&schema["description"]),
        });
        (name.clone(), members.collect())
    })
    .collect()
}

/// What a schema is called: its own name, or its JSON type.
fn named(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        return reference.rsplit('/').next().unwrap_or_default().to_owned();
    }
    if let Some(either) = schema["oneOf"].as_array() {
        return either.iter().map(named).collect::<Vec<_>>().join(" or ");
    }
    match &schema["type"] {
        Value::Array(types) => types.iter().map(text).collect::<Vec<_>>().join(" or "),
        Value::String(kind) if kind == "array" => format!("list of {}", named(&schema["items"])),
        kind => text(kind),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
