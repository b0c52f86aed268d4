//! The query of a request, read once and strictly.

use axum::extract::Query;
use http::Uri;

use super::error::Refusal;

/// Names and values in order.
#[derive(Debug, Default)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Those of a request; what is no query has none.
    pub(super) fn of(uri: &Uri) -> Self {
        Self(Query::try_from_uri(uri).map(|Query(pairs)| pairs).unwrap_or_default())
    }

    /// The one value of a name. Twice is refused: readers disagree about which one counts.
    pub(super) fn one(&self, name: &str) -> Result<Option<&str>, Refusal> {
        let mut values = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            _ => Err(Refusal::shown_twice()),
        }
    }

    /// A number of a name, or what it is when nobody says it, at most `most`.
    pub(super) fn number(&self, name: &'static str, usual: u32, most: u32) -> Result<u32, Refusal> {
        let Some(text) = self.one(name)? else { return Ok(usual) };
        let number = text.parse::<u32>().ok();
        let wrong = || Refusal::parameter(name, ringfence_core::error::Rule::Malformed, Some(text));
        number.map(|number| number.min(most)).ok_or_else(wrong)
    }
}
