//! The OpenAPI description: fresh, and true of every code and status.

use std::{collections::BTreeSet, fs, path::Path};

use ringfence_core::{
    caller::Scope,
    error::{AuthError, Noun, Rule, TokenFault},
    time::Timestamp,
};
use ringfence_wire::{CODES, api_description};
use serde_json::{Value, json};

use super::world::World;

/// An operation as it is described.
#[derive(Clone, Debug)]
pub struct Operation {
    pub method: String,
    pub path: String,
    /// What its bearer needs; none when it needs no bearer.
    pub scopes: Option<Vec<String>>,
    described: Value,
}

impl Operation {
    /// A body with each member that must be there.
    pub fn body(&self) -> Value {
        let whole = api_description();
        let content = self.described["requestBody"]["content"].as_object().into_iter().flatten().next();
        let Some(reference) = content.and_then(|(_, content)| content["schema"]["$ref"].as_str()) else {
            return json!({});
        };
        let name = reference.rsplit('/').next().unwrap();
        if name == "NewPassword" {
            return json!({ "password": "seven quiet lanterns" });
        }
        let required = whole["components"]["schemas"][name]["required"].clone();
        let members =
            required.as_array().into_iter().flatten().map(|name| (name.as_str().unwrap().to_owned(), json!("x")));
        Value::Object(members.collect())
    }
}

/// Every operation that is described.
pub fn operations() -> Vec<Operation> {
    let whole = api_description();
    let mut all = Vec::new();
    for (path, item) in whole["paths"].as_object().unwrap() {
        for (method, described) in item.as_object().unwrap() {
            let scopes = described["security"][0]["bearer"].as_array();
            let scopes = scopes.map(|scopes| scopes.iter().map(|scope| scope.as_str().unwrap().to_owned()).collect());
            let method = method.to_ascii_uppercase();
            all.push(Operation { method, path: path.clone(), scopes, described: described.clone() });
        }
    }
    all
}

fn document(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)
}

/// `cargo xtask openapi` sets this to have the file written instead.
const WRITE: &str = "RINGFENCE_WRITE_OPENAPI";

#[test]
fn the_description_in_the_documents_is_fresh() {
    let text = serde_json::to_string_pretty(&api_description()).unwrap() + "\n";
    if std::env::var_os(WRITE).is_some() {
        fs::write(document("openapi.json"), &text).unwrap();
    }
    let kept = fs::read_to_string(document("openapi.json")).unwrap();
    assert!(kept == text, "docs/openapi.json is stale: run `cargo xtask openapi`");
}

#[test]
fn the_description_is_whole() {
    let whole = api_description();
    assert_eq!(whole["openapi"], "3.1.0");
    let mut ids = BTreeSet::new();
    for operation in operations() {
        let described = &operation.described;
        assert!(ids.insert(described["operationId"].as_str().unwrap().to_owned()), "{operation:?}");
        assert!(!described["summary"].as_str().unwrap_or_default().is_empty(), "{operation:?}");
        assert!(described["tags"][0].is_string(), "{operation:?}");
        for scope in operation.scopes.iter().flatten() {
            assert!(Scope::parse(scope).is_some(), "{scope}");
        }
        assert!(described["responses"].as_object().unwrap().keys().any(|status| status.starts_with('2')));
        for part in operation.path.split('/').filter_map(|part| part.strip_prefix('{')) {
            let name = part.trim_end_matches('}');
            let parameters = described["parameters"].as_array().unwrap();
            assert!(
                parameters.iter().any(|parameter| parameter["name"] == name && parameter["in"] == "path"),
                "{operation:?}"
            );
        }
    }
    // Every reference leads somewhere.
    let text = whole.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(whole.pointer(pointer).is_some(), "{pointer}");
    }
}

#[tokio::test]
async fn the_description_is_served_and_shown() {
    let w = World::start().await;
    let served = w.ask("GET", "/openapi.json").send().await;
    assert_eq!(served.json(), api_description());
    let page = w.ask("GET", "").send().await;
    assert_eq!((page.status.as_u16(), page.header("content-type")), (200, "text/html; charset=utf-8"));
    for operation in operations() {
        assert!(page.body.contains(&format!("{} {}", operation.method, operation.path)), "{operation:?}");
    }
    assert!(!page.body.contains("<script") && page.body.contains("width=device-width"));
}

/// One of each refusal. The match has no rest: a new one does not compile until it stands here.
fn refusals() -> Vec<AuthError> {
    let each = |error: &AuthError| match error {
        AuthError::InvalidCredentials
        | AuthError::TokenInvalid(_)
        | AuthError::TokenExpired
        | AuthError::SessionRevoked
        | AuthError::VerificationInvalid
        | AuthError::IdentitySuspended
        | AuthError::Disabled(_)
        | AuthError::Throttled { .. }
        | AuthError::StepUpRequired { .. }
        | AuthError::ApplicationMismatch
        | AuthError::Forbidden { .. }
        | AuthError::NotFound(_)
        | AuthError::Conflict(_)
        | AuthError::Invalid(_)
        | AuthError::NotSupported(_)
        | AuthError::Unavailable { .. }
        | AuthError::Internal(_) => 17,
    };
    let all = vec![
        AuthError::InvalidCredentials,
        AuthError::TokenInvalid(TokenFault::Type),
        AuthError::TokenExpired,
        AuthError::SessionRevoked,
        AuthError::VerificationInvalid,
        AuthError::IdentitySuspended,
        AuthError::Disabled(Noun::Project),
        AuthError::Throttled { retry_at: Timestamp::default() },
        AuthError::StepUpRequired { acr: "recent" },
        AuthError::ApplicationMismatch,
        AuthError::Forbidden { needs: Scope::All },
        AuthError::NotFound(Noun::Project),
        AuthError::Conflict(Noun::Project),
        AuthError::Invalid(vec![]),
        AuthError::NotSupported("x"),
        AuthError::Unavailable { what: "x", source: "x".into() },
        AuthError::internal("x"),
    ];
    assert_eq!(all.len(), each(&all[0]));
    all
}

fn faults() -> [TokenFault; 11] {
    use TokenFault::{Algorithm, Audience, Claims, Issuer, Key, Lifetime, Malformed, NotYet, Signature, Type, Unknown};
    let each = |fault: TokenFault| match fault {
        Malformed | Algorithm | Key | Signature | Issuer | Audience | Type | Claims | NotYet | Lifetime | Unknown => {
            fault
        }
    };
    [Malformed, Algorithm, Key, Signature, Issuer, Audience, Type, Claims, NotYet, Lifetime, Unknown].map(each)
}

fn rules() -> [Rule; 9] {
    use Rule::{Common, KeyRejected, KeyTooWeak, Malformed, Required, TooLong, TooMany, TooShort, Unchanged};
    let each = |rule: Rule| match rule {
        Required | Malformed | TooShort(_) | TooLong(_) | Common | TooMany(_) | Unchanged | KeyTooWeak
        | KeyRejected => rule,
    };
    [Required, Malformed, TooShort(1), TooLong(1), Common, TooMany(1), Unchanged, KeyTooWeak, KeyRejected].map(each)
}

#[tokio::test]
async fn every_code_has_a_page_and_a_row() {
    let known: BTreeSet<_> = CODES.iter().map(|code| code.name).collect();
    assert_eq!(known.len(), CODES.len(), "no code stands there twice");
    let used = refusals().iter().map(AuthError::code).collect::<Vec<_>>();
    let used = used.into_iter().chain(faults().map(TokenFault::code)).chain(rules().map(Rule::code));
    for code in used {
        assert!(known.contains(code), "{code} is not explained");
    }
    let text = fs::read_to_string(document("status-codes.md")).unwrap();
    let rows: BTreeSet<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .flat_map(|line| {
            line.split('|').next().unwrap().split(", ").map(|code| code.trim().trim_matches('`').to_owned())
        })
        .collect();
    let listed: BTreeSet<_> = known.iter().map(|code| (*code).to_owned()).collect();
    assert_eq!(rows, listed, "docs/status-codes.md and the table of the code differ");
    let w = World::start().await;
    for code in CODES {
        let page = w.server.ask_root("GET", &format!("/problems/{}", code.name)).send().await;
        assert_eq!(page.status, 200, "{}", code.name);
        assert!(page.body.contains(code.name), "{}", code.name);
    }
    assert_eq!(w.server.ask_root("GET", "/problems/nonsense").send().await.status, 404);
}
