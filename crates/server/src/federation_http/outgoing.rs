//! Asking a provider: one question, a small JSON answer, a few seconds.

use std::{
    collections::HashMap,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use reqwest::{
    Client, RequestBuilder, StatusCode, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{self, HeaderMap, HeaderValue},
    redirect,
};
use ringfence_core::error::{AuthError, BoxError};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use serde_json::Value;
use tokio::sync::{OnceCell, Semaphore};
use url::Host;

pub use super::address::Reach;

const TIMEOUT: Duration = Duration::from_secs(4);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The largest answer; key sets are the largest there are.
const MAX_ANSWER: usize = 256 * 1024;
/// How many questions one host is asked at the same time; further ones wait, and all have the same few seconds.
const AT_ONCE: usize = 32;

/// Clients, made when the first project asks.
pub struct Outgoing {
    clients: OnceCell<Clients>,
    lines: Mutex<HashMap<String, Arc<Semaphore>>>,
    timeout: Duration,
}

/// One for each reach.
struct Clients {
    public: Client,
    private: Client,
}

/// What a provider answered.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub body: Value,
    /// For how long it may be kept.
    pub max_age: Option<Duration>,
}

impl Clients {
    fn new() -> Result<Self> {
        let builder = |reach: Reach| -> Result<reqwest::ClientBuilder> {
            Ok(Client::builder()
                .tls_backend_preconfigured(tls(None)?)
                .redirect(redirect::Policy::none())
                .no_proxy()
                .connect_timeout(CONNECT_TIMEOUT)
                .dns_resolver(Arc::new(Only(reach)))
                .user_agent("ringfence"))
        };
        Ok(Self {
            public: builder(Reach::Public)?.https_only(true).build()?,
            private: builder(Reach::Private)?.build()?,
        })
    }
}

impl Default for Outgoing {
    fn default() -> Self {
        Self::with_timeout(TIMEOUT)
    }
}

impl Outgoing {
    /// With another patience than usual.
    pub fn with_timeout(timeout: Duration) -> Self {
        Self { clients: OnceCell::new(), lines: Mutex::default(), timeout }
    }

    /// Asks; anything but an answer in JSON means that `what` is down.
    pub async fn get(&self, what: &'static str, url: Url, reach: Reach) -> Result<Answer, AuthError> {
        self.ask(what, url, reach, Client::get).await
    }

    /// Posts a form with credentials of our own.
    pub async fn post(
        &self,
        what: &'static str,
        url: Url,
        reach: Reach,
        authorization: String,
        form: String,
    ) -> Result<Answer, AuthError> {
        let mut authorization = HeaderValue::from_str(&authorization).map_err(AuthError::internal)?;
        authorization.set_sensitive(true);
        let request = |client: &Client, url: Url| {
            let request = client.post(url).header(header::AUTHORIZATION, authorization);
            request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(form)
        };
        self.ask(what, url, reach, request).await
    }

    async fn ask(
        &self,
        what: &'static str,
        url: Url,
        reach: Reach,
        request: impl FnOnce(&Client, Url) -> RequestBuilder,
    ) -> Result<Answer, AuthError> {
        let down = |source: BoxError| AuthError::Unavailable { what, source };
        if !is_within(&url, reach) {
            return Err(AuthError::internal("a provider's URL is out of reach"));
        }
        let client = self.client(reach).await.map_err(AuthError::internal)?;
        let line = self.line(&url);
        let whole = async {
            let _turn = line.acquire().await?;
            send(request(client, url)).await
        };
        tokio::time::timeout(self.timeout, whole).await.map_err(|late| down(late.into()))?.map_err(down)
    }

    /// Posts what nobody answers but by a status, which is returned; or, in a word, why there is none.
    pub async fn tell(&self, url: Url, reach: Reach, headers: HeaderMap, body: String) -> Result<u16, &'static str> {
        if !is_within(&url, reach) {
            return Err("out_of_reach");
        }
        let client = self.client(reach).await.map_err(|_| "no_tls")?;
        let request = client.post(url).headers(headers).body(body);
        match tokio::time::timeout(self.timeout, request.send()).await {
            Err(_) => Err("timeout"),
            Ok(Err(_)) => Err("no_answer"),
            // What it says beside the status is not read.
            Ok(Ok(response)) => Ok(response.status().as_u16()),
        }
    }

    async fn client(&self, reach: Reach) -> Result<&Client> {
        let clients = self.clients.get_or_try_init(async || Clients::new()).await?;
        Ok(match reach {
            Reach::Public => &clients.public,
            Reach::Private => &clients.private,
        })
    }

    /// The queue of the host of `url`. Hosts are configured, so there are few.
    fn line(&self, url: &Url) -> Arc<Semaphore> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let origin = url.origin().ascii_serialization();
        Arc::clone(lines.entry(origin).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE))))
    }
}

async fn send(request: RequestBuilder) -> Result<Answer, BoxError> {
    // The URL may hold a token, so it is in no message.
    let mut response = request.send().await.map_err(reqwest::Error::without_url)?;
    let (status, max_age) = (response.status(), max_age(&response));
    if status.is_server_error() || status.is_redirection() || status == StatusCode::TOO_MANY_REQUESTS {
        return Err(format!("answered {status}").into());
    }
    let mut bytes = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(reqwest::Error::without_url)? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > MAX_ANSWER {
            return Err("the answer is too long".into());
        }
    }
    let body = serde_json::from_slice(&bytes).map_err(|_| "the answer is not JSON")?;
    Ok(Answer { status, body, max_age })
}

/// Whether a URL may be asked at all. The resolver is not asked about addresses, so they are judged here.
pub fn is_within(url: &Url, reach: Reach) -> bool {
    let scheme = match url.scheme() {
        "https" => true,
        "http" => reach == Reach::Private,
        _ => false,
    };
    let plain = url.username().is_empty() && url.password().is_none();
    scheme
        && plain
        && match url.host() {
            Some(Host::Ipv4(address)) => reach.allows(address.into()),
            Some(Host::Ipv6(address)) => reach.allows(address.into()),
            Some(Host::Domain(_)) => true,
            None => false,
        }
}

/// Whether the host of a URL has addresses now of which none is within reach. What is connected to later is judged again, so a
/// name that nobody knows yet does no harm.
pub async fn leads_astray(url: &Url, reach: Reach) -> bool {
    let Some(Host::Domain(name)) = url.host() else { return !is_within(url, reach) };
    let found = tokio::time::timeout(CONNECT_TIMEOUT, tokio::net::lookup_host((name, 0))).await;
    match found {
        Ok(Ok(mut found)) => !found.any(|address| reach.allows(address.ip())),
        Ok(Err(_)) | Err(_) => false,
    }
}

/// How much of the time that an answer may be kept is left (RFC 9111 4.2).
fn max_age(response: &reqwest::Response) -> Option<Duration> {
    let header = |name| response.headers().get(name)?.to_str().ok();
    let said = header("cache-control")?.to_ascii_lowercase();
    let mut parts = said.split(',').map(str::trim);
    if parts.clone().any(|part| matches!(part, "no-store" | "no-cache")) {
        return Some(Duration::ZERO);
    }
    let seconds: u64 = parts.find_map(|part| part.strip_prefix("max-age="))?.trim_matches('"').parse().ok()?;
    let age = header("age").and_then(|age| age.trim().parse().ok()).unwrap_or(0);
    Some(Duration::from_secs(seconds.saturating_sub(age)))
}

/// Trusts the certificates in a file, in PEM, and nobody else; without one, whom the operating system trusts.
pub fn tls(file: Option<&Path>) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = file {
        let read = || format!("cannot read {}", file.display());
        for certificate in CertificateDer::pem_file_iter(file).with_context(read)? {
            roots.add(certificate.with_context(read)?).with_context(read)?;
        }
        ensure!(!roots.is_empty(), "no certificate in {}", file.display());
    } else {
        for certificate in rustls_native_certs::load_native_certs().certs {
            // One that is unreadable helps nobody; the others still do.
            drop(roots.add(certificate));
        }
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(config.context("TLS")?.with_root_certificates(roots).with_no_client_auth())
}

/// Names within reach only: the addresses that are connected to are those that were judged, so a name cannot change its mind
/// in between.
struct Only(Reach);

impl Resolve for Only {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|address| reach.allows(address.ip())).collect();
            if allowed.is_empty() {
                return Err("the name has no address within reach".into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}
