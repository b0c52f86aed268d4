//! Reading bodies: every member that breaks a rule is reported, unknown members are ignored, null is as good as absent.

use axum::{body::Bytes, extract::FromRequest};
use http::Request;
use ringfence_core::time::Timestamp;
use serde_json::{Map, Value};

use super::error::{Code, Fault, Refusal};
use crate::app::App;

/// The members of a body, and what is wrong with those that were read.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) members: Map<String, Value>,
    faults: Vec<Fault>,
}

impl FromRequest<App> for Fields {
    type Rejection = Refusal;

    /// Reads JSON whatever the type says; no body is an empty object.
    async fn from_request(request: Request<axum::body::Body>, app: &App) -> Result<Self, Refusal> {
        let bytes = Bytes::from_request(request, app).await.map_err(|_| Refusal::unread())?;
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(members)) => Ok(Self { members, faults: Vec::new() }),
            _ => Err(Refusal::malformed()),
        }
    }
}

/// What a member must be.
#[derive(Debug)]
pub(super) enum Kind {
    /// True or false.
    Flag,
    /// A text of at most 255 characters.
    Text,
    /// An address of the web, or nothing.
    Url,
    /// A UUID.
    Uuid,
    /// A whole number of this range.
    Number(i64, i64),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// At most 100 texts.
    Texts,
    /// An object of these members.
    Members(&'static [Field]),
}

/// A member by name.
pub(super) type Field = (&'static str, Kind);

impl Fields {
    /// Reports a member.
    pub(super) fn fault(&mut self, code: Code, pointer: &str, detail: &str) {
        self.faults.push(Fault::of_field(code, pointer, format!("{} {detail}.", &pointer[1..])));
    }

    /// Ends reading: nothing was wrong, or everything that was.
    pub(super) fn finish(self) -> Result<(), Refusal> {
        if self.faults.is_empty() { Ok(()) } else { Err(Refusal::of_fields(self.faults)) }
    }

    /// A text that must be there.
    pub(super) fn required(&mut self, name: &'static str) -> String {
        let text = self.text(name);
        let absent = self.members.get(name).is_none_or(|value| value.is_null() || value == "");
        if absent {
            self.fault(Code::Missing, &format!("/{name}"), "is required");
        }
        text.unwrap_or_default()
    }

    /// A text that may be there.
    pub(super) fn text(&mut self, name: &'static str) -> Option<String> {
        match self.read(name, &Kind::Text)? {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// A flag that may be there.
    pub(super) fn flag(&mut self, name: &'static str) -> Option<bool> {
        self.read(name, &Kind::Flag)?.as_bool()
    }

    /// A moment that may be there: ISO 8601, in UTC where it does not say.
    pub(super) fn moment(&mut self, name: &'static str) -> Option<Timestamp> {
        let text = self.text(name)?;
        let moment = [text.clone(), format!("{text}Z"), format!("{text}T00:00:00Z")];
        let moment = moment.iter().find_map(|text| Timestamp::parse_rfc3339(text));
        if moment.is_none() {
            self.fault(Code::Bad, &format!("/{name}"), "is not a date of ISO 8601");
        }
        moment
    }

    /// Those of `known` that are there, as they came. Null stays null where `keep_null` says so.
    pub(super) fn settings(&mut self, known: &'static [Field], keep_null: bool) -> Map<String, Value> {
        let members = std::mem::take(&mut self.members);
        let read = self.object(&members, known, "", keep_null);
        self.members = members;
        read
    }

    fn object(
        &mut self,
        members: &Map<String, Value>,
        known: &'static [Field],
        above: &str,
        keep_null: bool,
    ) -> Map<String, Value> {
        let mut read = Map::new();
        for (name, kind) in known {
            let Some(value) = members.get(*name) else { continue };
            let pointer = format!("{above}/{name}");
            let value = match (value, kind) {
                (Value::Null, _) if keep_null => Value::Null,
                (Value::Null, _) => continue,
                (Value::Object(inner), Kind::Members(known)) => {
                    Value::Object(self.object(inner, known, &pointer, keep_null))
                }
                (value, kind) => match self.checked(value, kind, &pointer) {
                    Some(value) => value,
                    None => continue,
                },
            };
            read.insert((*name).to_owned(), value);
        }
        read
    }

    fn read(&mut self, name: &str, kind: &Kind) -> Option<Value> {
        let value = self.members.get(name)?.clone();
        if value.is_null() { None } else { self.checked(&value, kind, &format!("/{name}")) }
    }

    fn checked(&mut self, value: &Value, kind: &Kind, pointer: &str) -> Option<Value> {
        match kind.complaint(value) {
            None => Some(value.clone()),
            Some(complaint) => {
                self.fault(Code::Bad, pointer, &complaint);
                None
            }
        }
    }
}

const LONGEST_TEXT: usize = 255;
const LONGEST_URL: usize = 2048;
const MOST_TEXTS: usize = 100;

impl Kind {
    /// What is wrong with a value, if anything. Values are not repeated: they may be secrets.
    fn complaint(&self, value: &Value) -> Option<String> {
        let fine = match (self, value) {
            (Self::Flag, Value::Bool(_)) => true,
            (Self::Text, Value::String(text)) => is_plain(text, LONGEST_TEXT),
            (Self::Url, Value::String(text)) => text.is_empty() || is_url(text),
            (Self::Uuid, Value::String(text)) => is_uuid(text),
            (Self::Number(least, most), Value::Number(number)) => {
                number.as_i64().is_some_and(|number| (*least..=*most).contains(&number))
            }
            (Self::OneOf(words), Value::String(text)) => words.contains(&text.as_str()),
            (Self::Texts, Value::Array(items)) => {
                let plain = |item: &Value| item.as_str().is_some_and(|text| is_plain(text, LONGEST_TEXT));
                items.len() <= MOST_TEXTS && items.iter().all(plain)
            }
            _ => false,
        };
        (!fine).then(|| match self {
            Self::Flag => "must be true or false".to_owned(),
            Self::Text => format!("must be a text of at most {LONGEST_TEXT} characters"),
            Self::Url => "must be a URL with a scheme".to_owned(),
            Self::Uuid => "must be a UUID".to_owned(),
            Self::Number(least, most) => format!("must be a whole number from {least} to {most}"),
            Self::OneOf(words) => format!("must be one of {}", words.join(", ")),
            Self::Texts => format!("must be a list of at most {MOST_TEXTS} texts"),
            Self::Members(_) => "must be an object".to_owned(),
        })
    }
}

/// A text without control characters, which neither names nor lines of a log should have.
fn is_plain(text: &str, longest: usize) -> bool {
    text.chars().count() <= longest && !text.chars().any(char::is_control)
}

/// Stored and shown only, never called.
fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        && is_plain(text, LONGEST_URL)
        && !text.contains(char::is_whitespace)
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
