//! A last look at every line that leaves the process: tokens, query strings and passwords in URLs are cut out.
//!
//! Nothing that we log holds any by design; this is for what other crates put into their errors.

use std::borrow::Cow;

/// What our tokens and JWTs begin with.
const TOKENS: &[&str] = &["eyJ", "rfk_", "rfv_"];
/// The fewest characters after such a beginning that make a token.
const LEAST: usize = 12;

/// The text with every secret replaced by `…`.
pub fn scrub(text: &str) -> Cow<'_, str> {
    let suspicious = text.contains('?') || text.contains("://") || TOKENS.iter().any(|token| text.contains(token));
    if !suspicious {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        let (keep, skip) = secret_at(rest).unwrap_or((char.len_utf8(), 0));
        clean.push_str(&rest[..keep]);
        if skip > 0 {
            clean.push('…');
        }
        rest = &rest[keep + skip..];
    }
    Cow::Owned(clean)
}

/// How many bytes to keep and then to skip, if a secret begins here.
fn secret_at(text: &str) -> Option<(usize, usize)> {
    token(text).or_else(|| query(text)).or_else(|| password_in_url(text))
}

fn token(text: &str) -> Option<(usize, usize)> {
    let prefix = TOKENS.iter().find(|prefix| text.starts_with(**prefix))?.len();
    let body = length_while(&text[prefix..], |c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    (body >= LEAST).then_some((prefix, body))
}

/// `?name=value…` up to the end of the word.
fn query(text: &str) -> Option<(usize, usize)> {
    let query = text.strip_prefix('?')?;
    let body = length_while(query, |c| !c.is_whitespace() && !"\"'`)>,".contains(c));
    query[..body].contains('=').then_some((1, body))
}

/// The password of `scheme://user:password@host`.
fn password_in_url(text: &str) -> Option<(usize, usize)> {
    let authority = text.strip_prefix("://")?;
    let end = length_while(authority, |c| !c.is_whitespace() && !"/?#\"'`".contains(c));
    // The last @ ends the user information, for people who do not escape theirs.
    let (user, _) = authority[..end].rsplit_once('@')?;
    let (name, password) = user.split_once(':')?;
    (!password.is_empty()).then_some((3 + name.len() + 1, password.len()))
}

fn length_while(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n94_tokens_query_strings_and_passwords_are_cut_out() {
        for (text, clean) in [
            ("Authorization: JWT eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln next", "Authorization: JWT eyJ… next"),
            ("key rfk_AAAAAAAAAAAAAAAAAAAA-_ end", "key rfk_… end"),
            ("GET /rest/user?access_token=abc&x=1 200", "GET /rest/user?… 200"),
            (r#"{"uri":"/a?token=secret","n":1}"#, r#"{"uri":"/a?…","n":1}"#),
            ("postgres://me:pa:s@s@db:5432/x failed", "postgres://me:…@db:5432/x failed"),
            ("smtp://user@host", "smtp://user@host"),
            ("what? nothing=special", "what? nothing=special"),
            ("eyJ is how they begin", "eyJ is how they begin"),
        ] {
            assert_eq!(scrub(text), clean);
        }
    }
}
