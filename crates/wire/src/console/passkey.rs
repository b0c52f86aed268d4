//! Passkeys on the wire: who asks for them, and what a page's hidden fields bring back.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ringfence_core::administrator::{PasskeyProof, PasskeyRegistration, RelyingParty};
use serde::Deserialize;
use url::{Host, Url};

use super::fault::Fault;

/// Who asks for passkeys and whose pages forms come from: the configured address, never a header (ATTACKS N43). Where that is
/// this machine, as in `dev`, its names count alike; a passkey needs a name (WebAuthn 5.1.2), so it is `localhost`.
pub(super) fn party(public_url: &str) -> RelyingParty {
    let Ok(url) = Url::parse(public_url) else { return RelyingParty { id: String::new(), origins: Vec::new() } };
    let local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let own = url.origin().ascii_serialization();
    if !local {
        return RelyingParty { id: url.host_str().unwrap_or_default().to_owned(), origins: vec![own] };
    }
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    let names = ["localhost", "127.0.0.1", "[::1]"].map(|name| format!("{}://{name}{port}", url.scheme()));
    RelyingParty { id: "localhost".to_owned(), origins: names.into() }
}

/// The fields of a form that a new passkey comes by.
#[derive(Deserialize)]
pub(super) struct NewPasskey {
    #[serde(default)]
    pub(super) name: String,
    pub(super) client_data: String,
    pub(super) authenticator_data: String,
    pub(super) public_key: String,
    pub(super) alg: i64,
}

/// The fields of a form that proves a passkey.
#[derive(Deserialize)]
pub(super) struct ShownPasskey {
    credential: String,
    pub(super) client_data: String,
    pub(super) authenticator_data: String,
    signature: String,
}

impl TryFrom<NewPasskey> for PasskeyRegistration {
    type Error = Fault;

    fn try_from(form: NewPasskey) -> Result<Self, Fault> {
        Ok(Self {
            name: form.name,
            client_data: bytes(&form.client_data)?,
            authenticator_data: bytes(&form.authenticator_data)?,
            public_key: bytes(&form.public_key)?,
            alg: form.alg,
        })
    }
}

impl TryFrom<ShownPasskey> for PasskeyProof {
    type Error = Fault;

    fn try_from(form: ShownPasskey) -> Result<Self, Fault> {
        Ok(Self {
            credential: bytes(&form.credential)?,
            client_data: bytes(&form.client_data)?,
            authenticator_data: bytes(&form.authenticator_data)?,
            signature: bytes(&form.signature)?,
        })
    }
}

fn bytes(text: &str) -> Result<Vec<u8>, Fault> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Fault::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n43_the_party_is_what_is_configured() {
        let party = |url: &str| {
            let RelyingParty { id, origins } = party(url);
            format!("{id} {}", origins.join(" "))
        };
        assert_eq!(party("https://auth.example.org"), "auth.example.org https://auth.example.org");
        assert_eq!(party("https://auth.example.org:8443"), "auth.example.org https://auth.example.org:8443");
        let local = "localhost http://localhost:7080 http://127.0.0.1:7080 http://[::1]:7080";
        assert_eq!(party("http://127.0.0.1:7080"), local);
        assert_eq!(party("http://localhost:7080"), local);
        assert_eq!(party("http://192.0.2.1"), "192.0.2.1 http://192.0.2.1");
    }
}
