//! The way to other nodes by a NATS server: one subject, on which everybody speaks and listens.
//!
//! Nothing is kept there. Whoever may publish on the subject can have sockets closed, so a server that others use, too, needs a
//! user of its own for Ringfence.

use anyhow::{Context as _, Result};
use async_nats::{Client, ConnectOptions, Event};
use async_trait::async_trait;
use futures_util::StreamExt as _;
use ringfence_store::{BusError, Hearing, Link, Way};
use rustls::ClientConfig;
use tokio::{sync::watch, task::JoinHandle};
use url::{Url, form_urlencoded};

use crate::{config::Bus, federation_http::outgoing::tls};

/// A NATS server and a subject on it.
pub struct NatsWay {
    /// Without user and password.
    server: Url,
    login: Option<(String, String)>,
    subject: String,
    /// For servers that want TLS.
    tls: Option<ClientConfig>,
}

impl NatsWay {
    /// The way that the settings name.
    pub fn to(bus: &Bus) -> Result<Self> {
        let mut server = Url::parse(bus.url.as_deref().unwrap_or_default()).context("bus.url")?;
        let login = server.password().map(|password| (server.username().to_owned(), password.to_owned()));
        // Neither is repeated by whatever prints the address.
        if server.set_username("").is_err() || server.set_password(None).is_err() {
            anyhow::bail!("bus.url: expected nats://USER:PASSWORD@HOST:PORT");
        }
        let over_tls = server.scheme() == "tls";
        let tls = over_tls.then(|| tls(bus.ca_file.as_deref()).context("bus.ca_file")).transpose()?;
        Ok(Self { server, login, subject: format!("{}.announced", bus.subject), tls })
    }
}

/// Percent signs and what follows them as the characters that they stand for.
fn plain(text: &str) -> String {
    // A form's value knows plus signs beside that.
    let form = format!("v={}", text.replace('+', "%2B"));
    form_urlencoded::parse(form.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

fn refused(error: impl Into<ringfence_core::error::BoxError>) -> BusError {
    BusError::Server(error.into())
}

#[async_trait]
impl Way for NatsWay {
    async fn open(&self, hearing: Hearing) -> Result<Box<dyn Link>, BusError> {
        let (over, lost) = watch::channel(false);
        let noticed = move |event| {
            let ended = matches!(event, Event::Disconnected | Event::Closed | Event::LameDuckMode);
            let missed = matches!(event, Event::SlowConsumer(_));
            if ended || missed {
                over.send_replace(true);
            }
            std::future::ready(())
        };
        let mut options = ConnectOptions::new().name("ringfence").event_callback(noticed);
        if let Some((user, password)) = &self.login {
            options = options.user_and_password(plain(user), plain(password));
        }
        if let Some(tls) = &self.tls {
            options = options.require_tls(true).tls_client_config(tls.clone());
        }
        let client = options.connect(self.server.as_str()).await.map_err(refused)?;
        let mut messages = client.subscribe(self.subject.clone()).await.map_err(refused)?;
        let hears = tokio::spawn(async move {
            while let Some(message) = messages.next().await {
                // What is no text is no message of ours either: a gap.
                hearing.take_in(std::str::from_utf8(&message.payload).unwrap_or_default());
            }
        });
        Ok(Box::new(NatsLink { client, subject: self.subject.clone(), hears, lost }))
    }
}

/// A connection. The client would replace it by itself, and nobody would know what was missed: a lost one is given up.
struct NatsLink {
    client: Client,
    subject: String,
    hears: JoinHandle<()>,
    lost: watch::Receiver<bool>,
}

#[async_trait]
impl Link for NatsLink {
    async fn send(&mut self, message: String) -> Result<(), BusError> {
        if *self.lost.borrow() {
            return Err(BusError::Lost);
        }
        self.client.publish(self.subject.clone(), message.into()).await.map_err(refused)
    }

    async fn lost(&mut self) {
        drop(self.lost.wait_for(|lost| *lost).await);
    }
}

impl Drop for NatsLink {
    fn drop(&mut self) {
        self.hears.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_are_taken_out_of_the_address() {
        let bus = Bus { url: Some("nats://ann:p%40ss+1@nats.test:4222".to_owned()), ..Bus::default() };
        let way = NatsWay::to(&bus).unwrap();
        assert_eq!((way.server.as_str(), way.subject.as_str()), ("nats://nats.test:4222", "ringfence.announced"));
        let (user, password) = way.login.unwrap();
        assert_eq!((plain(&user).as_str(), plain(&password).as_str()), ("ann", "p@ss+1"));
    }
}
