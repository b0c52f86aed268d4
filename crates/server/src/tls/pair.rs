//! A certificate with its key: two files, and what can be said of them.

use std::{fs, path::PathBuf, sync::Arc};

use anyhow::{Context as _, Result, anyhow, ensure};
use aws_lc_rs::digest::{Context as Digesting, SHA256};
use ringfence_core::time::Timestamp;
use rustls::{
    client::verify_server_name,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
    server::ParsedCertificate,
    sign::CertifiedKey,
};
use x509_cert::{Certificate, der::Decode as _};

use crate::{assemble, config};

/// Where they are.
#[derive(Clone)]
pub struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

/// What stood in the files at one moment.
pub struct Read {
    certificate: Vec<u8>,
    key: Vec<u8>,
    files: Files,
}

/// Which content it was.
pub type Fingerprint = [u8; 32];

/// A certificate that belongs to its key.
pub struct Pair {
    pub certified: Arc<CertifiedKey>,
    pub facts: Facts,
}

impl Files {
    /// Those of the configuration.
    pub fn of(settings: &config::Tls) -> Self {
        Self { certificate: settings.certificate.clone(), key: settings.key.clone() }
    }

    /// Reads both.
    pub fn read(&self) -> Result<Read> {
        let bytes = |path: &PathBuf| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
        Ok(Read { certificate: bytes(&self.certificate)?, key: bytes(&self.key)?, files: self.clone() })
    }
}

impl Read {
    /// Which content it is.
    pub fn fingerprint(&self) -> Fingerprint {
        let mut digest = Digesting::new(&SHA256);
        digest.update(&(self.certificate.len() as u64).to_be_bytes());
        digest.update(&self.certificate);
        digest.update(&self.key);
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(digest.finish().as_ref());
        fingerprint
    }

    /// The chain and the key in it, if they are whole and belong together.
    pub fn pair(&self) -> Result<Pair> {
        let Files { certificate, key } = &self.files;
        let (certificate, key) = (certificate.display(), key.display());
        let chain = CertificateDer::pem_slice_iter(&self.certificate)
            .collect::<Result<Vec<_>, _>>()
            .with_context(|| format!("{certificate} is no PEM file of certificates"))?;
        ensure!(!chain.is_empty(), "{certificate} holds no certificate");
        let private = PrivateKeyDer::from_pem_slice(&self.key)
            // The cause could show a piece of what it found.
            .map_err(|_| anyhow!("{key} holds no private key in PEM"))?;
        let facts = Facts::of(&chain[0]).with_context(|| format!("{certificate} cannot be understood"))?;
        let certified = CertifiedKey::from_der(chain, private, &default_provider())
            .with_context(|| format!("{key} is not the key of the first certificate in {certificate}"))?;
        Ok(Pair { certified: Arc::new(certified), facts })
    }
}

/// What the certificate says of itself.
pub struct Facts {
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    der: CertificateDer<'static>,
}

impl Facts {
    fn of(der: &CertificateDer<'static>) -> Result<Self> {
        let validity = Certificate::from_der(der).map_err(|cause| anyhow!("{cause}"))?.tbs_certificate.validity;
        let moment = |time: x509_cert::time::Time| {
            Timestamp::from_seconds(i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX))
        };
        Ok(Self { not_before: moment(validity.not_before), not_after: moment(validity.not_after), der: der.clone() })
    }

    /// Whether clients that call us so accept it.
    pub fn names(&self, host: &str) -> bool {
        let Ok(name) = ServerName::try_from(host) else { return false };
        ParsedCertificate::try_from(&self.der).is_ok_and(|parsed| verify_server_name(&parsed, &name).is_ok())
    }

    /// Says when clients do not accept it now. It is served all the same: no other would be better.
    pub fn warn(&self) {
        let now = assemble::clock().now();
        if now < self.not_before || now >= self.not_after {
            let (from, until) = (self.not_before, self.not_after);
            tracing::warn!(code = "tls_certificate_dates", %from, %until, "clients refuse the certificate by its dates");
        }
    }
}
