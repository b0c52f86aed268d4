//! What an access token of the native API says (RFC 9068), read by type and judged by time.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use serde_json::Value;

use crate::{
    jose::{Members, text},
    refusal::Refusal,
    revoked::Name,
};

/// A moment, as time since the Unix epoch.
pub type Moment = Duration;

/// How far clocks of servers may lie apart: for `nbf` and `iat`, and for how long revocations are kept beyond their use.
pub const LEEWAY: Duration = Duration::from_mins(1);

/// Up to here every reader of JSON counts whole seconds alike.
const MAX_SECONDS: f64 = 9_007_199_254_740_992.0;

/// The claims of a token that was good when it was verified.
#[derive(Clone, PartialEq)]
pub struct Claims {
    subject: String,
    session: String,
    pub(crate) issued_at: Moment,
    pub(crate) expires_at: Moment,
    /// What the revocations know its session and its subject by.
    pub(crate) names: Names,
    all: Members,
}

/// Session and subject, as the revocations know them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Names {
    pub session: Name,
    pub subject: Name,
}

/// What claims are held to.
pub struct Expected<'a> {
    pub issuer: &'a str,
    pub audiences: &'a [String],
    pub longest: Duration,
    pub now: Moment,
}

impl Claims {
    /// Reads and judges claims whose signature was verified.
    pub(crate) fn judge(all: Members, expected: &Expected<'_>) -> Result<Self, Refusal> {
        if text(&all, "iss")? != Some(expected.issuer) {
            return Err(Refusal::Issuer);
        }
        if !is_for(&all, expected.audiences)? {
            return Err(Refusal::Audience);
        }
        let [exp, iat, nbf] = ["exp", "iat", "nbf"].map(|name| time(&all, name));
        let (expires_at, issued_at) = (exp?.ok_or(Refusal::Claims)?, iat?.ok_or(Refusal::Claims)?);
        // First, so that an old token is called the same whatever else is wrong with its times.
        if expected.now >= expires_at {
            return Err(Refusal::Expired);
        }
        if issued_at.max(nbf?.unwrap_or_default()) > expected.now + LEEWAY {
            return Err(Refusal::NotYet);
        }
        if expires_at.saturating_sub(issued_at) > expected.longest {
            return Err(Refusal::Lifetime);
        }
        let required = |name| text(&all, name)?.filter(|text| !text.is_empty()).ok_or(Refusal::Claims);
        let (subject, session) = (required("sub")?.to_owned(), required("sid")?.to_owned());
        let names = Names { session: Name::of(&session), subject: Name::of(&subject) };
        Ok(Self { subject, session, issued_at, expires_at, names, all })
    }

    /// Whose token it is: the id of the identity (`sub`).
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The session that it belongs to (`sid`).
    pub fn session(&self) -> &str {
        &self.session
    }

    /// When its time is over (`exp`).
    pub fn expires_at(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.expires_at
    }

    /// A claim as it came: `kind`, `amr`, `auth_time`, `client_id` …
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.all.get(name)
    }
}

/// Ids only: other claims may be personal.
impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Claims");
        shown.field("sub", &self.subject).field("sid", &self.session).finish_non_exhaustive()
    }
}

/// Whether `aud` is one of ours. A list with a stranger in it is not: who else takes the token could show it to us.
fn is_for(all: &Members, audiences: &[String]) -> Result<bool, Refusal> {
    let is_ours = |one: &Value| {
        let name = one.as_str().ok_or(Refusal::Claims)?;
        Ok(audiences.iter().any(|ours| ours == name))
    };
    match all.get("aud") {
        None => Ok(false),
        Some(Value::Array(several)) => {
            let ours = several.iter().map(is_ours).collect::<Result<Vec<_>, _>>()?;
            Ok(!ours.is_empty() && ours.into_iter().all(|ours| ours))
        }
        Some(one) => is_ours(one),
    }
}

/// A NumericDate (RFC 7519 2) from 0 to 2^53 seconds; a refusal for anything else.
pub fn time(all: &Members, name: &str) -> Result<Option<Moment>, Refusal> {
    let Some(value) = all.get(name) else { return Ok(None) };
    let Value::Number(number) = value else { return Err(Refusal::Claims) };
    let seconds = number.as_f64().filter(|seconds| *seconds <= MAX_SECONDS).ok_or(Refusal::Claims)?;
    // Refuses negative numbers and what is not finite.
    Duration::try_from_secs_f64(seconds).map(Some).map_err(|_| Refusal::Claims)
}
