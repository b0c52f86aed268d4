//! Asking a provider: one GET, a small JSON answer, a few seconds.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use reqwest::{
    Client, StatusCode, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect,
};
use ringfence_core::error::{AuthError, BoxError};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use serde_json::Value;
use tokio::sync::OnceCell;
use url::Host;

use super::address::is_public;

const TIMEOUT: Duration = Duration::from_secs(5);
/// The largest answer; key sets are the largest there are.
const MAX_ANSWER: usize = 256 * 1024;

/// Whom a project lets us connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Only the world, over HTTPS.
    Public,
    /// Also private networks and this machine, also in the clear: for providers of one's own and for tests.
    Anywhere,
}

/// Clients, made when the first project asks.
#[derive(Default)]
pub struct Outgoing(OnceCell<Clients>);

/// One for each reach.
struct Clients {
    public: Client,
    anywhere: Client,
}

/// What a provider answered.
pub struct Answer {
    pub status: StatusCode,
    pub body: Value,
    /// For how long it may be kept.
    pub max_age: Option<Duration>,
}

impl Clients {
    fn new() -> Result<Self> {
        let builder = || -> Result<reqwest::ClientBuilder> {
            Ok(Client::builder()
                .tls_backend_preconfigured(tls()?)
                .redirect(redirect::Policy::none())
                .no_proxy()
                .timeout(TIMEOUT)
                .user_agent("ringfence"))
        };
        Ok(Self {
            public: builder()?.https_only(true).dns_resolver(Arc::new(PublicOnly)).build()?,
            anywhere: builder()?.build()?,
        })
    }
}

impl Outgoing {
    /// Asks; anything but an answer in JSON means that `what` is down.
    pub async fn get(&self, what: &'static str, url: Url, reach: Reach) -> Result<Answer, AuthError> {
        let down = |source: BoxError| AuthError::Unavailable { what, source };
        let clients = self.0.get_or_try_init(async || Clients::new()).await.map_err(AuthError::internal)?;
        let client = match reach {
            Reach::Anywhere => &clients.anywhere,
            Reach::Public if is_literal_and_private(&url) => {
                return Err(AuthError::internal("a provider's URL names a private address"));
            }
            Reach::Public => &clients.public,
        };
        // The URL may hold a token, so it is in no message.
        let mut response = client.get(url).send().await.map_err(|cause| down(cause.without_url().into()))?;
        let (status, max_age) = (response.status(), max_age(&response));
        if status.is_server_error() || status.is_redirection() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(down(format!("answered {status}").into()));
        }
        let mut bytes = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|cause| down(cause.without_url().into()))? {
            bytes.extend_from_slice(&piece);
            if bytes.len() > MAX_ANSWER {
                return Err(down("the answer is too long".into()));
            }
        }
        let body = serde_json::from_slice(&bytes).map_err(|_| down("the answer is not JSON".into()))?;
        Ok(Answer { status, body, max_age })
    }
}

/// The resolver is not asked about addresses.
fn is_literal_and_private(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => !is_public(address.into()),
        Some(Host::Ipv6(address)) => !is_public(address.into()),
        Some(Host::Domain(_)) => false,
        None => true,
    }
}

fn max_age(response: &reqwest::Response) -> Option<Duration> {
    let said = response.headers().get("cache-control")?.to_str().ok()?;
    let seconds = said.split(',').find_map(|part| part.trim().strip_prefix("max-age="))?;
    seconds.parse().ok().map(Duration::from_secs)
}

/// Trusts whom the operating system trusts.
fn tls() -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in rustls_native_certs::load_native_certs().certs {
        // One that is unreadable helps nobody; the others still do.
        drop(roots.add(certificate));
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(config.context("TLS")?.with_root_certificates(roots).with_no_client_auth())
}

/// Names of the world only: what resolves to a special address resolves to nothing.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err("the name has no public address".into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}
