//! The system's own clocks, chance and HTTP.

use std::{
    sync::LazyLock,
    time::{Duration, Instant, SystemTime},
};

use reqwest::{Client, header, redirect};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};

use crate::{
    claims::Moment,
    ports::{Answer, Body, BoxError, BoxFuture, Machine, Request, Transport},
};

/// Time to connect.
const CONNECT: Duration = Duration::from_secs(5);

/// The machine that this runs on.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

#[expect(clippy::disallowed_methods, reason = "the one place that reads the clocks and sleeps")]
impl Machine for System {
    fn now(&self) -> Moment {
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
    }

    fn steady(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(span))
    }

    fn chance(&self) -> f64 {
        let mut bytes = [0; 4];
        if ::aws_lc_rs::rand::fill(&mut bytes).is_err() {
            // Then all come back at the same time, which is no reason not to come back.
            return 0.0;
        }
        f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
    }
}

/// HTTP over TLS with the roots that the operating system trusts.
pub struct Http(Client);

impl Http {
    /// A client of its own.
    pub fn new() -> Result<Self, BoxError> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let tls = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            // The key of the feed goes where it was configured to go and nowhere else.
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT)
            .user_agent(concat!("ringfence-verify/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self(client))
    }
}

impl Transport for Http {
    fn get(&self, request: Request) -> BoxFuture<'_, Result<Answer, BoxError>> {
        let mut sent = self.0.get(request.url).header(header::CACHE_CONTROL, "no-cache");
        if let Some(key) = request.bearer {
            sent = sent.bearer_auth(key);
        }
        if let Some(id) = request.last_event_id {
            sent = sent.header("last-event-id", id);
        }
        Box::pin(async {
            let answer = sent.send().await.map_err(reqwest::Error::without_url)?;
            let retry_after = answer.headers().get(header::RETRY_AFTER);
            let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok()).map(Duration::from_secs);
            Ok(Answer { status: answer.status().as_u16(), retry_after, body: Box::new(Pieces(answer)) })
        })
    }
}

struct Pieces(reqwest::Response);

impl Body for Pieces {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Vec<u8>>, BoxError>> {
        Box::pin(async { Ok(self.0.chunk().await.map_err(reqwest::Error::without_url)?.map(|piece| piece.to_vec())) })
    }
}
