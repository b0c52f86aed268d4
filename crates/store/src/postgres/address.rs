//! Where a PostgreSQL server is and how to reach it.
//!
//! `sslmode=require`, `verify-ca` and `verify-full` all mean TLS with a checked chain and a checked name; libpq's `require`
//! checks neither, and then protects from nobody who can stand in the middle. `sslrootcert=FILE` names the roots to trust,
//! otherwise those of the operating system count. Without `sslmode`, a server on this machine is spoken to in the clear and
//! any other by TLS.

use std::{future::poll_fn, net::IpAddr, path::Path, sync::Arc, time::Duration};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinHandle,
};
use tokio_postgres::{
    AsyncMessage, Client, Config, Connection, NoTls,
    config::{Host, SslMode},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{OpenError, Options};

/// How to connect.
pub struct Address {
    config: Config,
    tls: Option<MakeRustlsConnect>,
    statement_timeout: Duration,
}

impl Address {
    /// Reads a URL.
    pub fn parse(url: &str, options: &Options) -> Result<Self, OpenError> {
        let (plain, tls) = take_tls_settings(url);
        let mut config: Config = plain.parse().map_err(|error| url_error(&error))?;
        if config.get_application_name().is_none() {
            config.application_name("ringfence");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(5));
        }
        config.tcp_user_timeout(options.statement_timeout * 2);
        let encrypt = match tls.mode {
            Some("disable") => false,
            Some("require" | "verify-ca" | "verify-full") => true,
            None | Some("allow" | "prefer") => !config.get_hosts().iter().all(is_local),
            Some(_) => return Err(OpenError::PostgresUrl("unknown sslmode".to_owned())),
        };
        config.ssl_mode(if encrypt { SslMode::Require } else { SslMode::Disable });
        let tls = encrypt.then(|| client_config(tls.root).map(MakeRustlsConnect::new)).transpose()?;
        Ok(Self { config, tls, statement_timeout: options.statement_timeout })
    }

    /// The longest that one statement may take.
    pub fn statement_timeout(&self) -> Duration {
        self.statement_timeout
    }

    /// The same with a word at the end of the name that the server lists its connections by.
    pub fn called(mut self, word: &str) -> Self {
        let name = format!("{} {word}", self.config.get_application_name().unwrap_or_default());
        self.config.application_name(name);
        self
    }

    /// Connects, and has `heard` take in the payloads of notifications for as long as the connection lasts; the task ends
    /// with it.
    pub async fn connect_hearing(
        &self,
        heard: impl FnMut(&str) + Send + 'static,
    ) -> Result<(Client, JoinHandle<()>), tokio_postgres::Error> {
        Ok(match &self.tls {
            None => {
                let (client, connection) = self.config.connect(NoTls).await?;
                (client, tokio::spawn(hear(connection, heard)))
            }
            Some(tls) => {
                let (client, connection) = self.config.connect(tls.clone()).await?;
                (client, tokio::spawn(hear(connection, heard)))
            }
        })
    }

    /// Connects and leaves the connection to the runtime it is called on.
    pub async fn connect(&self) -> Result<Client, tokio_postgres::Error> {
        // A connection that ends says so to the next statement, so its own last word is not needed.
        match &self.tls {
            None => {
                let (client, connection) = self.config.connect(NoTls).await?;
                tokio::spawn(async { drop(connection.await) });
                Ok(client)
            }
            Some(tls) => {
                let (client, connection) = self.config.connect(tls.clone()).await?;
                tokio::spawn(async { drop(connection.await) });
                Ok(client)
            }
        }
    }
}

/// Drives a connection and takes in what comes unasked.
async fn hear<S, T>(mut connection: Connection<S, T>, mut heard: impl FnMut(&str))
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        if let AsyncMessage::Notification(notification) = message {
            heard(notification.payload());
        }
    }
}

fn url_error(error: &tokio_postgres::Error) -> OpenError {
    // Names the parameter, not its value.
    OpenError::PostgresUrl(std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string))
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback()),
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct TlsSettings<'a> {
    mode: Option<&'a str>,
    root: Option<&'a Path>,
}

/// Takes out the parameters that the driver does not know or knows otherwise.
fn take_tls_settings(url: &str) -> (String, TlsSettings<'_>) {
    let Some((base, query)) = url.split_once('?') else { return (url.to_owned(), TlsSettings::default()) };
    let (mut settings, mut rest) = (TlsSettings::default(), Vec::new());
    for parameter in query.split('&') {
        match parameter.split_once('=') {
            Some(("sslmode", mode)) => settings.mode = Some(mode),
            Some(("sslrootcert", "system")) => settings.root = None,
            Some(("sslrootcert", file)) => settings.root = Some(Path::new(file)),
            Some(_) | None => rest.push(parameter),
        }
    }
    (format!("{base}?{}", rest.join("&")), settings)
}

fn client_config(root: Option<&Path>) -> Result<ClientConfig, OpenError> {
    let mut roots = RootCertStore::empty();
    match root {
        Some(file) => {
            for certificate in CertificateDer::pem_file_iter(file).map_err(tls_error)? {
                roots.add(certificate.map_err(tls_error)?).map_err(tls_error)?;
            }
        }
        // One unreadable certificate among the system's is no reason to trust none.
        None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
    }
    if roots.is_empty() {
        return Err(OpenError::Tls("there is no root certificate to trust".into()));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(tls_error)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

fn tls_error(error: impl std::error::Error + Send + Sync + 'static) -> OpenError {
    OpenError::Tls(Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encrypts(url: &str) -> bool {
        Address::parse(url, &Options::default()).unwrap().tls.is_some()
    }

    #[test]
    fn a_server_elsewhere_is_spoken_to_by_tls_unless_the_url_says_otherwise() {
        assert!(!encrypts("postgres://u@localhost/d") && !encrypts("postgres://u@127.0.0.1/d"));
        assert!(!encrypts("postgres://u@%2Frun%2Fpostgresql/d"));
        assert!(encrypts("postgres://u@db.example.org/d") && encrypts("postgres://u@localhost/d?sslmode=verify-full"));
        assert!(!encrypts("postgres://u@db.example.org/d?sslmode=disable"));
    }

    #[test]
    fn other_parameters_stay() {
        let (url, settings) =
            take_tls_settings("postgres://u@h/d?options=-c%20x%3D1&sslmode=require&sslrootcert=ca.pem");
        assert_eq!(url, "postgres://u@h/d?options=-c%20x%3D1");
        assert_eq!(settings, TlsSettings { mode: Some("require"), root: Some(Path::new("ca.pem")) });
    }

    #[test]
    fn a_url_error_shows_no_password() {
        let refused = Address::parse("postgres://u:hunter22@h/d?sslmode=maybe", &Options::default()).err().unwrap();
        assert!(!refused.to_string().contains("hunter22"), "{refused}");
    }
}
