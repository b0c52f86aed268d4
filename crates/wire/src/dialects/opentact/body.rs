//! Bodies: one JSON object. Members that nobody asked for are let be; what is wrong with the others is told all at once.

use axum::{body::Body, extract::FromRequest};
use http::{HeaderMap, Request, header};
use ringfence_core::{
    error::{AuthError, Rule},
    secret::Password,
};
use serde_json::{Map, Value};

use super::error::{Refusal, fault};
use crate::{app::App, guard::MAX_BODY};

/// The members of a body, and what was found wrong with those that were asked for.
#[derive(Debug)]
pub(super) struct Members {
    members: Map<String, Value>,
    faults: Map<String, Value>,
}

impl FromRequest<App> for Members {
    type Rejection = Refusal;

    async fn from_request(request: Request<Body>, _app: &App) -> Result<Self, Refusal> {
        if !is_json(request.headers()) {
            return Err(AuthError::invalid("body", Rule::Malformed).into());
        }
        let bytes = axum::body::to_bytes(request.into_body(), MAX_BODY).await;
        let bytes = bytes.map_err(|_| AuthError::invalid("body", Rule::TooLong(MAX_BODY)))?;
        match serde_json::from_slice(&bytes) {
            // No text may hold NUL, for stores end text there.
            Ok(Value::Object(members)) if !members.values().any(has_nul) => Ok(Self { members, faults: Map::new() }),
            _ => Err(AuthError::invalid("body", Rule::Malformed).into()),
        }
    }
}

/// Whether the media type is JSON, or nothing was said about it.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(said) = headers.get(header::CONTENT_TYPE) else { return true };
    let media_type = said.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/json")
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(members) => members.values().any(has_nul),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

impl Members {
    /// Remembers what is wrong with a member, with what was sent.
    pub(super) fn fault(&mut self, name: &str, rule: Rule) {
        let value = self.get(name).cloned().unwrap_or(Value::Null);
        self.faults.insert(format!("body.{name}"), fault(rule, &value));
    }

    /// A member as it came; null is none.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    /// Whether a member is there, be it null.
    pub(super) fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// A text of so many characters that may be absent.
    pub(super) fn text_within(&mut self, name: &str, least: usize, most: usize) -> Option<String> {
        let Value::String(text) = self.get(name)?.clone() else {
            self.fault(name, Rule::Malformed);
            return None;
        };
        match text.chars().count() {
            short if short < least => self.fault(name, Rule::TooShort(least)),
            long if long > most => self.fault(name, Rule::TooLong(most)),
            _ => return Some(text),
        }
        None
    }

    /// A text that must be there; empty when something is wrong with it.
    pub(super) fn required(&mut self, name: &str, least: usize, most: usize) -> String {
        if self.get(name).is_none() {
            self.fault(name, Rule::Required);
        }
        self.text_within(name, least, most).unwrap_or_default()
    }

    /// A password that may be absent. It is not told again what was sent.
    pub(super) fn password(&mut self, name: &str) -> Option<Password> {
        let shown = self.members.remove(name).filter(|value| !value.is_null())?;
        let Value::String(text) = shown else {
            self.fault(name, Rule::Malformed);
            return None;
        };
        match text.chars().count() {
            0..3 => self.fault(name, Rule::TooShort(3)),
            3..=255 => return Some(Password::new(text)),
            _ => self.fault(name, Rule::TooLong(255)),
        }
        None
    }

    /// A password that must be there.
    pub(super) fn required_password(&mut self, name: &str) -> Password {
        if self.get(name).is_none() {
            self.fault(name, Rule::Required);
        }
        self.password(name).unwrap_or_else(|| Password::new(""))
    }

    /// A whole number from `least` on that may be absent.
    pub(super) fn number(&mut self, name: &str, least: u64) -> Option<u64> {
        let number = self.get(name)?.as_u64().filter(|number| *number >= least);
        if number.is_none() {
            self.fault(name, Rule::Malformed);
        }
        number
    }

    /// A truth value that may be absent.
    pub(super) fn flag(&mut self, name: &str) -> Option<bool> {
        let flag = self.get(name)?.as_bool();
        if flag.is_none() {
            self.fault(name, Rule::Malformed);
        }
        flag
    }

    /// The members of an object that may be absent.
    pub(super) fn object(&mut self, name: &str) -> Map<String, Value> {
        match self.get(name).cloned() {
            None => Map::new(),
            Some(Value::Object(inner)) => inner,
            Some(_) => {
                self.fault(name, Rule::Malformed);
                Map::new()
            }
        }
    }

    /// Refuses the body if anything was wrong with it, naming all of it.
    pub(super) fn check(self) -> Result<(), Refusal> {
        if self.faults.is_empty() { Ok(()) } else { Err(Refusal::fields(self.faults)) }
    }
}
