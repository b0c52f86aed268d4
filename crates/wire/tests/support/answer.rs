//! Answers as snapshots show them: the status and the whole body, with names for what is another text in each run.

use std::fmt;

use http::{HeaderMap, StatusCode};
use serde_json::Value;

/// An answer.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
    pub(super) names: Vec<(String, String)>,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// A text in the body, by JSON pointer.
    pub fn text(&self, pointer: &str) -> String {
        let found = self.json().pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        found.unwrap_or_else(|| panic!("{pointer} is no text in {}", self.body))
    }

    /// A header's text; empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status.as_u16(), shown(&self.body, &self.names))
    }
}

/// The text with names instead of what changes.
pub(super) fn shown(text: &str, names: &[(String, String)]) -> String {
    let mut text = text.to_owned();
    for (value, name) in names {
        text = text.replace(value, name);
    }
    let mut readable = String::new();
    let mut run = String::new();
    for char in text.chars().chain(['\0']) {
        if char.is_ascii_alphanumeric() || "._-".contains(char) {
            run.push(char);
            continue;
        }
        readable.push_str(kind(&run).unwrap_or(&run));
        run.clear();
        if char != '\0' {
            readable.push(char);
        }
    }
    readable
}

/// What a word is, if it is another one in each run.
fn kind(word: &str) -> Option<&'static str> {
    let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if word.starts_with("eyJ") && word.matches('.').count() == 2 {
        Some("{jwt}")
    } else if word.len() == 24 && hex(word) {
        Some("{id}")
    } else if word.len() == 36 && word.matches('-').count() == 4 && hex(&word.replace('-', "")) {
        Some("{uuid}")
    } else {
        ["rfv_", "rfr_", "rfk_", "rfg_"].iter().any(|kind| word.starts_with(kind)).then_some("{secret}")
    }
}
