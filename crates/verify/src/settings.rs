//! What a verifier is told once.

use std::{fmt, time::Duration};

/// Whose tokens to accept, and how long to go without hearing of revocations. Begin with [`Settings::new`].
#[derive(Clone)]
pub struct Settings {
    /// The issuer: `{public_url}/projects/{id}`, the `iss` of the tokens.
    pub issuer: String,
    /// The ids of the applications whose tokens are accepted (`aud`).
    pub audiences: Vec<String>,
    /// A secret API key of the project with the scope `events:read`.
    pub key: String,
    /// Where the server is reached, if not at its public URL: an address inside your network.
    pub server: Option<String>,
    /// The longest life of an access token. Tokens that live longer are refused, because revocations are kept for so long.
    pub longest_token: Duration,
    /// The worst case: so long after a revocation a token of it is still accepted when the feed is cut.
    ///
    /// It counts from when the server was last heard. Then every token is refused and every connection ended, until the feed is
    /// back and has caught up.
    pub max_staleness: Duration,
    /// After a silence of this length the feed is taken for cut and opened anew. The server speaks every 5 seconds.
    pub silence: Duration,
    /// How many revocations there is room for. If more come within the life of a token, all older tokens are refused.
    pub capacity: usize,
}

/// Why a verifier was not started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The issuer is no `https://…/projects/{id}` (or `http://`, for tests and private networks).
    #[error("the issuer is not {{public_url}}/projects/{{id}}")]
    Issuer,
    /// No audience, or an empty one: any application's tokens would do.
    #[error("no audience is named")]
    Audience,
    /// The key is empty or cannot stand in a header.
    #[error("the key is not an API key")]
    Key,
    /// Shorter than the server's pauses, or not in the order `silence` ≤ `max_staleness`.
    #[error("silence must be longer than 5 seconds and no longer than max_staleness")]
    Times,
    /// No room at all.
    #[error("there is no room for revocations")]
    Capacity,
    /// TLS could not be set up.
    #[error("HTTP cannot be used")]
    Http(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The server's pauses between signs of life.
const PAUSE: Duration = Duration::from_secs(5);

impl Settings {
    /// The most memory that revocations take, in bytes.
    pub const fn most_memory(&self) -> usize {
        self.capacity.saturating_mul(crate::revoked::BYTES)
    }

    /// The usual settings for an issuer, one application and a key.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>, key: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            audiences: vec![audience.into()],
            key: key.into(),
            server: None,
            longest_token: Duration::from_hours(24),
            max_staleness: Duration::from_secs(30),
            silence: Duration::from_secs(15),
            capacity: 1_000_000,
        }
    }

    /// Refuses what would not protect.
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        let public = self.public_url().ok_or(SettingsError::Issuer)?;
        let server = self.server.as_deref().unwrap_or(public);
        let is_url = |url: &str| {
            url.strip_prefix("https://").or(url.strip_prefix("http://")).is_some_and(|rest| !rest.is_empty())
        };
        if !is_url(public) || !is_url(server) {
            return Err(SettingsError::Issuer);
        }
        if self.audiences.is_empty() || self.audiences.iter().any(String::is_empty) {
            return Err(SettingsError::Audience);
        }
        if self.key.is_empty() || !self.key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(SettingsError::Key);
        }
        if self.silence <= PAUSE || self.silence > self.max_staleness {
            return Err(SettingsError::Times);
        }
        if self.capacity == 0 {
            return Err(SettingsError::Capacity);
        }
        Ok(())
    }

    fn public_url(&self) -> Option<&str> {
        let (url, project) = self.issuer.rsplit_once("/projects/")?;
        (!project.is_empty() && !project.contains('/')).then_some(url)
    }

    fn base(&self) -> &str {
        self.server.as_deref().or(self.public_url()).unwrap_or_default().trim_end_matches('/')
    }

    /// Where the project's keys are.
    pub(crate) fn keys_url(&self) -> String {
        let project = self.issuer.rsplit('/').next().unwrap_or_default();
        format!("{}/projects/{project}/jwks.json", self.base())
    }

    /// Where its events are, from a moment on.
    pub(crate) fn feed_url(&self, since: Duration) -> String {
        let since = i64::try_from(since.as_millis()).ok().and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
        format!("{}/api/v1/events?since={:.3}", self.base(), since.unwrap_or_default())
    }
}

/// Without the key.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Settings");
        shown.field("issuer", &self.issuer).field("audiences", &self.audiences).field("server", &self.server);
        shown.field("max_staleness", &self.max_staleness).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings::new("https://auth.example.org/projects/p1", "app", "rfk_secret")
    }

    #[test]
    fn everything_is_found_from_the_issuer() {
        let at = Duration::from_millis(1_763_773_269_671);
        assert_eq!(settings().keys_url(), "https://auth.example.org/projects/p1/jwks.json");
        assert_eq!(settings().feed_url(at), "https://auth.example.org/api/v1/events?since=2025-11-22T01:01:09.671Z");
        let inside = Settings { server: Some("http://10.0.0.7:7080/".to_owned()), ..settings() };
        assert_eq!(inside.keys_url(), "http://10.0.0.7:7080/projects/p1/jwks.json");
        assert!(!format!("{inside:?}").contains("rfk_secret"));
    }

    #[test]
    fn what_would_not_protect_is_refused() {
        assert!(settings().check().is_ok());
        let spoilt: [fn(&mut Settings); 12] = [
            |s| s.issuer = "https://auth.example.org".to_owned(),
            |s| s.issuer = "https://auth.example.org/projects/".to_owned(),
            |s| s.issuer = "https://auth.example.org/projects/p1/".to_owned(),
            |s| s.issuer = "auth.example.org/projects/p1".to_owned(),
            |s| s.server = Some("ftp://auth.example.org".to_owned()),
            |s| s.audiences = vec![],
            |s| s.audiences.push(String::new()),
            |s| s.key = String::new(),
            |s| s.key = "a\r\nb".to_owned(),
            |s| s.silence = Duration::from_secs(5),
            |s| s.max_staleness = Duration::from_secs(14),
            |s| s.capacity = 0,
        ];
        for (number, spoil) in spoilt.into_iter().enumerate() {
            let mut settings = settings();
            spoil(&mut settings);
            assert!(settings.check().is_err(), "{number}");
        }
    }
}
