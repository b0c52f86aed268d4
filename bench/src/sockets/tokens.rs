//! Credentials of the Telnyx dialect and tokens for them.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use ringfence_core::time::Timestamp;
use serde_json::{Value, json};

use crate::{
    load::{now, wall},
    process::Program,
    scratch::API_KEY,
};

/// A credential.
pub(super) struct Credential {
    pub(super) id: String,
}

/// Who may make them.
pub(super) fn bearer() -> String {
    format!("Bearer {API_KEY}")
}

impl Credential {
    /// A new one, which ends so long after the epoch.
    pub(super) fn make(server: &Program, ends: Option<Duration>) -> anyhow::Result<Self> {
        let post = |path: &str, body: &Value| server.post(path, &bearer(), &body.to_string());
        let connection = post("/telnyx/v2/credential_connections", &json!({ "connection_name": "bench" }))?;
        let mut body = json!({ "connection_id": connection["data"]["id"] });
        if let Some(ends) = ends {
            let ends = Timestamp::from_seconds(i64::try_from(ends.as_secs())?);
            body["expires_at"] = ends.rfc3339().into();
        }
        let made = post("/telnyx/v2/telephony_credentials", &body)?;
        Ok(Self { id: made["data"]["id"].as_str().context("a credential has an id")?.to_owned() })
    }

    /// A token for it.
    pub(super) fn token(&self, server: &Program) -> anyhow::Result<Arc<str>> {
        let path = format!("/telnyx/v2/telephony_credentials/{}/token", self.id);
        Ok(server.ask("POST", &path, &bearer(), "")?.into())
    }
}

/// So many tokens which all end at the same second, and when that is.
pub(super) fn crowd(server: &Program, sockets: usize, life: Duration) -> anyhow::Result<(Vec<Arc<str>>, Instant)> {
    let ends = Duration::from_secs(wall()?.as_secs()) + life;
    let ends_at = now() + ends.saturating_sub(wall()?);
    // A tag holds no more than so many credentials; a credential any number of tokens.
    let owners = (0..100).map(|_| Credential::make(server, Some(ends))).collect::<Result<Vec<_>, _>>()?;
    let tokens = owners.iter().cycle().take(sockets).map(|owner| owner.token(server));
    Ok((tokens.collect::<Result<_, _>>()?, ends_at))
}
