//! The languages of pages, and which of them a reader gets.

use std::fmt;

use http::{HeaderMap, HeaderValue, Uri, header};

use crate::extract::languages;

/// A language that pages speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    French,
    Italian,
    German,
    Spanish,
}

/// Since when a reader has their language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// This request chose it, and the next ones shall know.
    Now,
    /// A cookie or the browser says so, or nobody.
    Earlier,
}

const COOKIE: &str = "lang";

impl Language {
    /// All of them.
    pub(crate) const EACH: [Self; 5] = [Self::English, Self::French, Self::Italian, Self::German, Self::Spanish];

    /// Its code in ISO 639-1.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
            Self::Italian => "it",
            Self::German => "de",
            Self::Spanish => "es",
        }
    }

    /// What its speakers call it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::French => "Français",
            Self::Italian => "Italiano",
            Self::German => "Deutsch",
            Self::Spanish => "Español",
        }
    }

    /// By the primary subtag of a tag (BCP 47).
    fn by_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next()?;
        Self::EACH.into_iter().find(|language| language.code().eq_ignore_ascii_case(primary))
    }

    /// What has the browser remember it. Nothing depends on it, so it needs no guard.
    pub(super) fn cookie(self, secure: bool) -> HeaderValue {
        macro_rules! cookie {
            ($($language:ident $code:literal)*) => {
                match (self, secure) {
                    $((Self::$language, false) => concat!("lang=", $code, "; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly"),
                      (Self::$language, true) =>
                          concat!("lang=", $code, "; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly; Secure"),)*
                }
            };
        }
        HeaderValue::from_static(cookie!(English "en" French "fr" Italian "it" German "de" Spanish "es"))
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The language of a reader: what `?lang=` chooses, what was chosen before, what the browser likes best of ours, or English.
pub(super) fn of(uri: &Uri, headers: &HeaderMap) -> (Language, Choice) {
    let exact = |code: &str| Language::EACH.into_iter().find(|language| language.code() == code);
    let asked = uri.query().into_iter().flat_map(|query| query.split('&'));
    if let Some(language) = asked.filter_map(|part| part.strip_prefix("lang=")).find_map(exact) {
        return (language, Choice::Now);
    }
    let kept = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let kept = kept.flat_map(|line| line.split(';')).filter_map(|part| part.trim().split_once('='));
    let kept = kept.filter(|(name, _)| *name == COOKIE).find_map(|(_, code)| exact(code));
    let language = kept.or_else(|| languages(headers).iter().find_map(|tag| Language::by_tag(tag)));
    (language.unwrap_or(Language::English), Choice::Earlier)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(path: &str, headers: &[(&'static str, &str)]) -> (Language, Choice) {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        of(&path.parse().unwrap(), &headers)
    }

    #[test]
    fn a_reader_gets_what_they_chose_or_what_their_browser_likes() {
        use Language::{English, French, German, Italian, Spanish};
        let likes = ("accept-language", "nl, it-CH;q=0.7, de;q=0.8");
        let before = ("cookie", "a=b; lang=es");
        assert_eq!(chosen("/", &[]), (English, Choice::Earlier));
        assert_eq!(chosen("/", &[likes]), (German, Choice::Earlier));
        assert_eq!(chosen("/", &[("accept-language", "IT")]), (Italian, Choice::Earlier));
        assert_eq!(chosen("/", &[likes, before]), (Spanish, Choice::Earlier));
        assert_eq!(chosen("/?a=b&lang=fr", &[likes, before]), (French, Choice::Now));
        assert_eq!(chosen("/?lang=xx", &[("cookie", "lang=zz")]), (English, Choice::Earlier));
    }
}
