//! The fields of a request and what is wrong with them, all of it at once.

use ringfence_core::{identity::is_email, secret::Password};
use serde::Serialize;
use serde_json::{Map, Value};

use super::error::Refusal;

/// The fields of a body.
#[derive(Debug)]
pub(super) struct Fields(Map<String, Value>);

/// One field that is not as it must be.
#[derive(Debug, Serialize)]
pub(super) struct FieldError {
    /// What was sent; absent when nothing was, and for secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<Value>,
    pub(super) msg: String,
    pub(super) param: &'static str,
    pub(super) location: &'static str,
}

impl FieldError {
    const INVALID: &str = "Invalid value";

    /// What a rule of ours says about a field.
    pub(super) fn rule(param: &'static str, msg: String) -> Self {
        Self { value: None, msg, param, location: "body" }
    }
}

impl Fields {
    pub(super) const fn new(members: Map<String, Value>) -> Self {
        Self(members)
    }

    /// A field that says something: not absent and not null.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Whether a field counts as yes in JavaScript.
    pub(super) fn is_truthy(&self, name: &str) -> bool {
        self.get(name).is_some_and(is_truthy)
    }

    /// Starts to check fields.
    pub(super) const fn check(&self) -> Check<'_> {
        Check { fields: self, errors: Vec::new() }
    }
}

pub(super) fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_f64().is_some_and(|number| number != 0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// Reads fields and collects what is wrong; what it returns counts only after [`Check::done`].
pub(super) struct Check<'a> {
    fields: &'a Fields,
    errors: Vec<FieldError>,
}

impl Check<'_> {
    /// An e-mail address.
    pub(super) fn email(&mut self, param: &'static str) -> String {
        match self.fields.get(param) {
            Some(Value::String(text)) if is_email(text) => text.clone(),
            _ => self.invalid(param),
        }
    }

    /// A text that is not empty.
    pub(super) fn text(&mut self, param: &'static str) -> String {
        self.optional(param).unwrap_or_else(|| self.invalid(param))
    }

    /// A text that is not empty, if it is there. Numbers are taken as text, as its own store does.
    pub(super) fn optional(&mut self, param: &'static str) -> Option<String> {
        match self.fields.get(param)? {
            Value::String(text) => (!text.is_empty()).then(|| text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Null => None,
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => Some(self.invalid(param)),
        }
    }

    /// A change of a text: `None` when it is not mentioned, `Some(None)` when it is cleared.
    #[expect(clippy::option_option, reason = "as in `ProfileChange`: not mentioned, cleared, or said")]
    pub(super) fn change(&mut self, param: &'static str) -> Option<Option<String>> {
        self.fields.0.contains_key(param).then(|| self.optional(param))
    }

    /// A password, which is never trimmed, converted or shown again.
    pub(super) fn password(&mut self, param: &'static str) -> Password {
        match self.fields.get(param) {
            Some(Value::String(text)) if !text.is_empty() => Password::new(text.clone()),
            _ => {
                self.errors.push(FieldError::rule(param, FieldError::INVALID.to_owned()));
                Password::new(String::new())
            }
        }
    }

    /// Notes that a field is not as it must be.
    pub(super) fn invalid(&mut self, param: &'static str) -> String {
        // The same field may have been looked at twice.
        if self.errors.iter().all(|error| error.param != param) {
            let value = self.fields.0.get(param).cloned();
            self.errors.push(FieldError { value, ..FieldError::rule(param, FieldError::INVALID.to_owned()) });
        }
        String::new()
    }

    /// Ends the check: the refusal names every field that is wrong.
    pub(super) fn done(self) -> Result<(), Refusal> {
        if self.errors.is_empty() { Ok(()) } else { Err(Refusal::fields(&self.errors)) }
    }
}
