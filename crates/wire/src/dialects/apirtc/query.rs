//! Parameters of queries and forms, in which nothing may be said twice.

use std::{collections::BTreeMap, fmt};

use axum::extract::{FromRequestParts, Query};
use http::{Uri, request::Parts};
use ringfence_core::error::{AuthError, Rule};

use super::error::Refusal;
use crate::app::App;

/// What a query or a form says.
#[derive(Default)]
pub(super) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// Reads the query of a request.
    pub(super) fn of(uri: &Uri) -> Result<Self, AuthError> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri).map_err(|_| malformed())?;
        Self::from_pairs(pairs)
    }

    /// Takes names with their values: each name once, so that nobody reads another value than was checked. NUL is no text,
    /// for stores end it there, and what was not UTF-8 is not, either.
    pub(super) fn from_pairs(pairs: Vec<(String, String)>) -> Result<Self, AuthError> {
        let mut found = BTreeMap::new();
        for (name, value) in pairs {
            if value.contains(['\0', char::REPLACEMENT_CHARACTER]) || found.insert(name, value).is_some() {
                return Err(malformed());
            }
        }
        Ok(Self(found))
    }

    /// Whether something is said in both.
    pub(super) fn shares_a_name_with(&self, other: &Self) -> bool {
        self.0.keys().any(|name| other.0.contains_key(name))
    }

    /// What is said under a name; empty is nothing.
    pub(super) fn one(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The same where it must be said.
    pub(super) fn required(&self, name: &'static str) -> Result<&str, AuthError> {
        self.one(name).ok_or_else(|| AuthError::invalid(name, Rule::Required))
    }
}

impl fmt::Debug for Parameters {
    /// Names only, for some values are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

fn malformed() -> AuthError {
    AuthError::invalid("query", Rule::Malformed)
}

impl FromRequestParts<App> for Parameters {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _app: &App) -> Result<Self, Refusal> {
        Ok(Self::of(&parts.uri)?)
    }
}
