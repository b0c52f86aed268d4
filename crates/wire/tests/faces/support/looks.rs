//! How answers look in snapshots: whole, with names for what is another text in each run.

use ringfence_core::ids::IdentityId;
use serde_json::Value;

use super::Answer;

/// The status and the body as it is, but for the values that have a name.
pub fn verbatim(answer: &Answer) -> String {
    format!("{} {}", answer.status.as_u16(), answer.with_names(&answer.body))
}

/// The same with JSON on many lines.
pub fn indented(answer: &Answer) -> String {
    let body = serde_json::from_str::<Value>(&answer.body);
    let body = body.map_or_else(|_| answer.body.clone(), |body| format!("{body:#}"));
    format!("{} {}", answer.status.as_u16(), answer.with_names(&body))
}

/// The status and the body, with kinds instead of ids, tokens and secrets.
pub fn by_kind(answer: &Answer) -> String {
    format!("{} {}", answer.status.as_u16(), with_kinds(&answer.with_names(&answer.body), &mut kind))
}

/// Status, media type and body, with kinds instead of tokens and secrets, and numbers instead of ids.
pub fn numbered(answer: &Answer) -> String {
    let body = answer.with_names(&answer.body);
    format!("{} {} {}", answer.status.as_u16(), answer.header("content-type"), named(&body).trim())
}

/// The text with kinds instead of tokens and secrets, and numbers instead of ids; the same id has the same number.
pub fn named(text: &str) -> String {
    let mut seen = Vec::<String>::new();
    with_kinds(text, &mut |word| {
        let is_id = word.len() == 36 && word.parse::<IdentityId>().is_ok() && !word.starts_with("00000000");
        if !is_id {
            return kind_of_secret(word, |prefix| format!("{{{prefix}}}"));
        }
        let number = seen.iter().position(|known| known == word).unwrap_or_else(|| {
            seen.push(word.to_owned());
            seen.len() - 1
        });
        Some(format!("{{id{number}}}"))
    })
}

/// What a word is, if it is another one in each run.
fn kind(word: &str) -> Option<String> {
    let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if word.len() == 24 && hex(word) {
        Some("{id}".to_owned())
    } else if word.len() == 36 && word.matches('-').count() == 4 && hex(&word.replace('-', "")) {
        Some("{uuid}".to_owned())
    } else {
        kind_of_secret(word, |_| "{secret}".to_owned())
    }
}

/// What a token or secret is shown as.
fn kind_of_secret(word: &str, opaque: impl Fn(&str) -> String) -> Option<String> {
    if word.starts_with("eyJ") && word.matches('.').count() == 2 {
        return Some("{jwt}".to_owned());
    }
    let known = ["rfv_", "rfr_", "rfk_", "rfg_"].into_iter().find(|prefix| word.starts_with(prefix));
    known.map(opaque)
}

/// The text with something else for each word that `kind` knows.
fn with_kinds(text: &str, kind: &mut dyn FnMut(&str) -> Option<String>) -> String {
    let (mut shown, mut word) = (String::new(), String::new());
    for char in text.chars().chain(['\0']) {
        if char.is_ascii_alphanumeric() || "._-".contains(char) {
            word.push(char);
            continue;
        }
        shown.push_str(kind(&word).as_ref().unwrap_or(&word));
        word.clear();
        if char != '\0' {
            shown.push(char);
        }
    }
    shown
}
