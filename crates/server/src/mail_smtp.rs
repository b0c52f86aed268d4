//! Mail over SMTP, and what takes its place: the mailbox of `dev`, or nothing.

use std::{fs, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use async_trait::async_trait;
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{Mailbox as Address, MultiPart},
    transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters},
};
use ringfence_core::{
    error::BoxError,
    mail::{Mail, Mailer},
    time::SharedClock,
};
use ringfence_wire::Mailbox;
use url::{Host, Url};

use crate::{config, letters::Letter};

/// How long a mail server may take to answer.
const TIMEOUT: Duration = Duration::from_secs(20);
/// The port of message submission (RFC 6409).
const SUBMISSION: u16 = 587;

/// Hands mail to a server.
pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Address,
}

impl SmtpMailer {
    /// A mailer of these settings; nothing is connected yet.
    ///
    /// `smtps:` is TLS from the start. `smtp:` is upgraded by STARTTLS or not used at all, but for a server on this very
    /// machine, whose mail does not leave it; with `ca_file` it is upgraded even then.
    pub fn new(settings: &config::Mail, url: &str) -> Result<Self> {
        let parsed = Url::parse(url).context("mail.url")?;
        let host = parsed.host_str().context("mail.url names no host")?;
        let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let mut tls = TlsParameters::builder(name);
        if let Some(file) = &settings.ca_file {
            let pem = fs::read(file).with_context(|| format!("mail.ca_file: cannot read {}", file.display()))?;
            let authority = Certificate::from_pem(&pem);
            let authority = authority.with_context(|| format!("mail.ca_file: no certificate in {}", file.display()))?;
            tls = tls.certificate_store(CertificateStore::None).add_root_certificate(authority);
        }
        let tls = tls.build_rustls().context("TLS for mail cannot be set up")?;
        let tls = match parsed.scheme() {
            "smtps" => Tls::Wrapper(tls),
            _ if is_loopback(&parsed) && settings.ca_file.is_none() => Tls::None,
            _ => Tls::Required(tls),
        };
        let mut transport =
            AsyncSmtpTransport::<Tokio1Executor>::from_url(url).context("mail.url")?.tls(tls).timeout(Some(TIMEOUT));
        if parsed.scheme() == "smtp" && parsed.port().is_none() {
            transport = transport.port(SUBMISSION);
        }
        let from = settings.from.parse().context("mail.from")?;
        Ok(Self { transport: transport.build(), from })
    }

    /// Sends one letter.
    pub async fn send(&self, to: &str, letter: Letter) -> Result<()> {
        // Parsed, not pasted: an address cannot bring headers or recipients along.
        let to: Address = to.parse().context("the recipient is not an address")?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(letter.subject)
            .multipart(MultiPart::alternative_plain_html(letter.text, letter.html))
            .context("the message cannot be put together")?;
        self.transport.send(message).await.context("the mail server did not take the message")?;
        Ok(())
    }

    /// Connects and signs in, without sending anything.
    pub async fn check(&self) -> Result<()> {
        let answered = self.transport.test_connection().await.context("the mail server cannot be used")?;
        ensure!(answered, "the mail server did not answer as one");
        Ok(())
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        // The hosts of other than web schemes are not parsed into addresses.
        Some(Host::Domain(name)) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        None => false,
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn deliver(&self, mail: &Mail) -> Result<(), BoxError> {
        Ok(self.send(&mail.to, Letter::of(mail)).await?)
    }
}

/// Keeps mail in memory, where `/dev/mailbox` shows it.
pub struct DevMailer {
    pub mailbox: Arc<Mailbox>,
    pub clock: SharedClock,
}

#[async_trait]
impl Mailer for DevMailer {
    async fn deliver(&self, mail: &Mail) -> Result<(), BoxError> {
        let Letter { subject, text, html } = Letter::of(mail);
        let (at, to) = (self.clock.now(), mail.to.clone());
        self.mailbox.deliver(ringfence_wire::Letter { at, to, subject, text, html });
        Ok(())
    }
}

/// Drops mail and says so: none is configured.
pub struct NoMailer;

#[async_trait]
impl Mailer for NoMailer {
    async fn deliver(&self, mail: &Mail) -> Result<(), BoxError> {
        tracing::error!(code = "mail_unconfigured", message = ?mail.message, "mail was dropped: set mail.url");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_may_take_mail_without_tls() {
        for (url, loopback) in [
            ("smtp://127.0.0.1:25", true),
            ("smtp://localhost", true),
            ("smtp://[::1]:2525", true),
            ("smtp://mail.example.org", false),
            ("smtp://localhost.example.org", false),
            ("smtp://10.0.0.1", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), loopback, "{url}");
        }
    }

    #[tokio::test]
    async fn a_recipient_cannot_bring_headers_along() {
        let settings = config::Mail::default();
        let mailer = SmtpMailer::new(&settings, "smtp://127.0.0.1:1").unwrap();
        for to in ["a@b.co\r\nBcc: c@d.co", "a@b.co, c@d.co", "a@b.co>\nX: y", ""] {
            let error = mailer.send(to, Letter::test()).await.expect_err(to);
            assert_eq!(error.to_string(), "the recipient is not an address");
        }
    }
}
