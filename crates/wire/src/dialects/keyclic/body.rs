//! Bodies: one JSON object, under any JSON media type in any case and with any parameters. Members that nobody asked for are
//! let be, null is mostly nothing.

use axum::{body::Body, extract::FromRequest};
use http::{HeaderMap, Request, header};
use ringfence_core::error::{AuthError, Rule, Violation};
use serde_json::{Map, Value};

use super::error::Refusal;
use crate::{app::App, guard::MAX_BODY};

/// The members of a body, and what was found wrong with those that were asked for.
#[derive(Debug)]
pub(super) struct Members {
    members: Map<String, Value>,
    faults: Vec<Violation>,
}

impl FromRequest<App> for Members {
    type Rejection = Refusal;

    async fn from_request(request: Request<Body>, _app: &App) -> Result<Self, Refusal> {
        if !is_json(request.headers()) {
            return Err(AuthError::invalid("Content-Type", Rule::Malformed).into());
        }
        let bytes = axum::body::to_bytes(request.into_body(), MAX_BODY).await;
        let bytes = bytes.map_err(|_| AuthError::invalid("body", Rule::TooLong(MAX_BODY)))?;
        match serde_json::from_slice(&bytes) {
            // No field may hold NUL, for stores end text there.
            Ok(Value::Object(members)) if !bytes.contains(&0) && !members.values().any(has_nul) => {
                Ok(Self::new(members))
            }
            _ => Err(AuthError::invalid("body", Rule::Malformed).into()),
        }
    }
}

/// Whether the media type is JSON, or nothing was said about it.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(said) = headers.get(header::CONTENT_TYPE) else { return true };
    let media_type = said.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let media_type = media_type.to_ascii_lowercase();
    matches!(media_type.as_str(), "application/json" | "text/json") || media_type.ends_with("+json")
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

impl Members {
    pub(super) const fn new(members: Map<String, Value>) -> Self {
        Self { members, faults: Vec::new() }
    }

    /// Remembers what is wrong with a member.
    pub(super) fn fault(&mut self, field: &'static str, rule: Rule) {
        self.faults.push(Violation { field, rule });
    }

    /// A member as it came; null is none.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    /// Whether a member is there, be it null.
    pub(super) fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// A text that may be absent.
    pub(super) fn text(&mut self, name: &'static str) -> Option<String> {
        if let Value::String(text) = self.get(name)? {
            return Some(text.clone());
        }
        self.fault(name, Rule::Malformed);
        None
    }

    /// A text of so many characters that may be absent.
    pub(super) fn text_within(&mut self, name: &'static str, least: usize, most: usize) -> Option<String> {
        let text = self.text(name)?;
        match text.chars().count() {
            short if short < least => self.fault(name, Rule::TooShort(least)),
            long if long > most => self.fault(name, Rule::TooLong(most)),
            _ => return Some(text),
        }
        None
    }

    /// A text that must be there and say something; empty when it does not.
    pub(super) fn required(&mut self, name: &'static str) -> String {
        let before = self.faults.len();
        let text = self.text(name).unwrap_or_default();
        if text.is_empty() && self.faults.len() == before {
            self.fault(name, Rule::Required);
        }
        text
    }

    /// A truth value that may be absent; `name` is what faults call it.
    pub(super) fn flag(&mut self, from: &[&str], name: &'static str) -> Option<bool> {
        let (last, path) = from.split_last()?;
        let mut place = &self.members;
        for step in path {
            place = match place.get(*step) {
                None | Some(Value::Null) => return None,
                Some(Value::Object(inner)) => inner,
                Some(_) => {
                    self.fault(name, Rule::Malformed);
                    return None;
                }
            };
        }
        match place.get(*last) {
            None | Some(Value::Null) => None,
            Some(Value::Bool(flag)) => Some(*flag),
            Some(_) => {
                self.fault(name, Rule::Malformed);
                None
            }
        }
    }

    /// Refuses the body if anything was wrong with it, naming all of it.
    pub(super) fn check(self) -> Result<(), AuthError> {
        if self.faults.is_empty() { Ok(()) } else { Err(AuthError::Invalid(self.faults)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_media_type_counts() {
        let json = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, text.parse().unwrap());
            is_json(&headers)
        };
        for good in [
            "application/json",
            "application/json;charset=UTF-8",
            "Application/JSON ; charset=latin1",
            "application/merge-patch+json",
            "text/json",
        ] {
            assert!(json(good), "{good}");
        }
        for bad in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""] {
            assert!(!json(bad), "{bad}");
        }
        assert!(is_json(&HeaderMap::new()));
    }
}
