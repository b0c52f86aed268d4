//! Claims (RFC 7519 4), read by type: a claim of the wrong type is a refusal, never an absent claim.

use std::{fmt, time::Duration};

use serde_json::{Map, Value};

use super::json;
use crate::{
    error::{AuthError, TokenFault},
    time::Timestamp,
};

/// The largest NumericDate read: up to here every JSON parser counts whole seconds alike.
const MAX_SECONDS: f64 = 9_007_199_254_740_992.0;

/// The claims of a token.
#[derive(Clone, PartialEq)]
pub struct Claims(Map<String, Value>);

impl Claims {
    /// Reads a payload: one JSON object, no member twice, no NUL in any text.
    ///
    /// NUL is refused everywhere because stores and C libraries end text there.
    pub(super) fn parse(payload: &[u8]) -> Result<Self, TokenFault> {
        let members = json::object(payload).map_err(|error| fault_of(&error))?;
        // JSON spells NUL only as an escape.
        if payload.contains(&b'\\') && members.iter().any(member_has_nul) {
            return Err(TokenFault::Malformed);
        }
        Ok(Self(members))
    }

    /// A text claim; [`TokenFault::Claims`] if it is there and no text.
    pub fn string(&self, name: &str) -> Result<Option<&str>, TokenFault> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(TokenFault::Claims),
        }
    }

    /// A time claim: a NumericDate (RFC 7519 2) from 0 to 2^53 seconds; [`TokenFault::Claims`] for anything else.
    pub fn time(&self, name: &str) -> Result<Option<Timestamp>, TokenFault> {
        self.get(name).map(|value| numeric_date(value).ok_or(TokenFault::Claims)).transpose()
    }

    /// The `aud` claim, a text or a list of texts (RFC 7519 4.1.3); empty if there is none.
    pub fn audience(&self) -> Result<Vec<&str>, TokenFault> {
        match self.get("aud") {
            None => Ok(Vec::new()),
            Some(Value::String(one)) => Ok(vec![one]),
            Some(Value::Array(several)) => {
                several.iter().map(|value| value.as_str().ok_or(TokenFault::Claims)).collect()
            }
            Some(_) => Err(TokenFault::Claims),
        }
    }

    /// A claim as it came.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// All claims as they came.
    pub fn into_map(self) -> Map<String, Value> {
        self.0
    }

    /// The claims about time.
    pub fn times(&self) -> Result<Times, TokenFault> {
        Ok(Times { exp: self.time("exp")?, nbf: self.time("nbf")?, iat: self.time("iat")? })
    }

    /// Checks `exp`, `nbf` and `iat`: see [`Times::check`].
    pub fn check_times(&self, validity: &Validity) -> Result<(), AuthError> {
        self.times()?.check(validity)
    }
}

/// When a token says that it counts.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// From here on it does not.
    pub exp: Option<Timestamp>,
    nbf: Option<Timestamp>,
    iat: Option<Timestamp>,
}

impl Times {
    /// Checks `exp`, `nbf` and `iat` (RFC 7519 4.1.4 to 4.1.6).
    ///
    /// [`AuthError::TokenExpired`] from the very moment of `exp` plus leeway on, whatever else is wrong with the times;
    /// then [`TokenFault::NotYet`], then [`TokenFault::Lifetime`].
    pub fn check(&self, validity: &Validity) -> Result<(), AuthError> {
        let (Self { exp, nbf, iat }, now) = (*self, validity.now);
        if exp.is_none() && validity.require_exp {
            return Err(TokenFault::Claims.into());
        }
        if exp.is_some_and(|exp| now >= exp + validity.leeway_exp) {
            return Err(AuthError::TokenExpired);
        }
        if [nbf, iat].into_iter().flatten().any(|start| start > now + validity.leeway_nbf) {
            return Err(TokenFault::NotYet.into());
        }
        if let Some(most) = validity.max_lifetime {
            let start = iat.unwrap_or(now);
            if exp.is_none_or(|exp| exp.since(start) > most) {
                return Err(TokenFault::Lifetime.into());
            }
        }
        Ok(())
    }
}

/// Names only: values are personal data.
impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claims")?;
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// When a token counts.
#[derive(Clone, Copy, Debug)]
pub struct Validity {
    /// The present moment.
    pub now: Timestamp,
    /// How long after `exp` the token still counts.
    pub leeway_exp: Duration,
    /// How far `nbf` and `iat` may lie ahead.
    pub leeway_nbf: Duration,
    /// Whether a token without `exp` is refused.
    pub require_exp: bool,
    /// How far `exp` may lie after `iat` (after now, if there is no `iat`); a token without `exp` outlives any maximum.
    pub max_lifetime: Option<Duration>,
}

impl Validity {
    /// The strict rule: `exp` required and exact, 60 seconds of leeway for clocks ahead of ours, any lifetime.
    pub const fn at(now: Timestamp) -> Self {
        Self {
            now,
            leeway_exp: Duration::ZERO,
            leeway_nbf: Duration::from_mins(1),
            require_exp: true,
            max_lifetime: None,
        }
    }
}

fn numeric_date(value: &Value) -> Option<Timestamp> {
    let Value::Number(number) = value else { return None };
    let seconds = number.as_f64().filter(|seconds| *seconds <= MAX_SECONDS)?;
    // Refuses negative numbers and what is not finite.
    Duration::try_from_secs_f64(seconds).ok().map(|since_epoch| Timestamp::default() + since_epoch)
}

/// `1e400` is well-formed JSON and no usable number: the claim is at fault, not the form.
fn fault_of(error: &serde_json::Error) -> TokenFault {
    // The library tells the two apart in its text only.
    if error.to_string().starts_with("number out of range") { TokenFault::Claims } else { TokenFault::Malformed }
}

fn member_has_nul((name, value): (&String, &Value)) -> bool {
    name.contains('\0') || has_nul(value)
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(members) => members.iter().any(member_has_nul),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(text: &str) -> Claims {
        Claims::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn readers_tell_absent_from_wrong() {
        let claims = claims(r#"{"sub":"ann","n":1,"z":null}"#);
        assert_eq!(claims.string("sub"), Ok(Some("ann")));
        assert_eq!(claims.string("iss"), Ok(None));
        assert_eq!(claims.string("n"), Err(TokenFault::Claims));
        assert_eq!(claims.string("z"), Err(TokenFault::Claims));
    }

    #[test]
    fn a_time_is_a_number_of_seconds() {
        let millis =
            |text: &str| claims(&format!(r#"{{"exp":{text}}}"#)).time("exp").map(|at| at.map(Timestamp::millis));
        assert_eq!(millis("1300819380"), Ok(Some(1_300_819_380_000)));
        assert_eq!(millis("1300819380.25"), Ok(Some(1_300_819_380_250)));
        assert_eq!(millis("1.3e9"), Ok(Some(1_300_000_000_000)));
        assert_eq!(millis("9007199254740992"), Ok(Some(9_007_199_254_740_992_000)));
    }

    #[test]
    fn an_audience_is_a_text_or_texts() {
        assert_eq!(claims("{}").audience(), Ok(vec![]));
        assert_eq!(claims(r#"{"aud":"a"}"#).audience(), Ok(vec!["a"]));
        assert_eq!(claims(r#"{"aud":["a","b"]}"#).audience(), Ok(vec!["a", "b"]));
        for text in [r#"{"aud":1}"#, r#"{"aud":null}"#, r#"{"aud":{"a":1}}"#, r#"{"aud":["a",1]}"#] {
            assert_eq!(claims(text).audience(), Err(TokenFault::Claims), "{text}");
        }
    }

    #[test]
    fn debug_shows_no_values() {
        assert_eq!(format!("{:?}", claims(r#"{"email":"ann@example.org"}"#)), r#"Claims{"email"}"#);
    }
}
