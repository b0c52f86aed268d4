//! Tokens as somebody would make them who had our keys, or tampered with ours.

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ringfence_core::{
    authority::{Authenticated, Authority, PresentedCredential},
    jose::{Alg, SigningKeyPair},
    key::SigningKey,
    secret::RawToken,
    testing::{World, outcome},
    time::Clock as _,
};
use serde_json::{Map, Value};

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(segment: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(segment).unwrap()).unwrap()
}

/// A token in its three parts, to be changed.
#[derive(Clone)]
pub struct Parts {
    pub header: Value,
    pub claims: Value,
    pub signature: String,
}

impl Parts {
    pub fn of(token: &RawToken) -> Self {
        let [header, claims, signature] = token.expose().split('.').collect::<Vec<_>>()[..] else {
            panic!("a compact token has three parts");
        };
        Self { header: decode(header), claims: decode(claims), signature: signature.to_owned() }
    }

    pub fn header(mut self, name: &str, value: Value) -> Self {
        set(&mut self.header, name, value);
        self
    }

    pub fn claim(mut self, name: &str, value: Value) -> Self {
        set(&mut self.claims, name, value);
        self
    }

    pub fn kid(&self) -> &str {
        self.header["kid"].as_str().unwrap()
    }

    fn input(&self) -> String {
        format!("{}.{}", encode(self.header.to_string()), encode(self.claims.to_string()))
    }

    /// With the signature it had.
    pub fn unsigned(&self) -> RawToken {
        RawToken::new(format!("{}.{}", self.input(), self.signature))
    }

    /// With another signature.
    pub fn with_signature(&self, signature: &str) -> RawToken {
        RawToken::new(format!("{}.{signature}", self.input()))
    }

    /// With an HS256 signature under `secret`, whatever the header says.
    pub fn hmac(&self, secret: &[u8]) -> RawToken {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        self.with_signature(&encode(hmac::sign(&key, self.input().as_bytes())))
    }

    /// Signed by one of our keys: header and claims are kept, the algorithm is the key's.
    pub fn signed_by(&self, key: &SigningKeyPair) -> RawToken {
        let text = |name: &str| self.header[name].as_str();
        key.mint(text("kid"), text("typ").unwrap_or("JWT"), &self.claims).unwrap()
    }
}

fn set(object: &mut Value, name: &str, value: Value) {
    let members: &mut Map<_, _> = object.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(name);
    } else {
        members.insert(name.to_owned(), value);
    }
}

/// The key of ours that a token names, opened: what only the server itself can do.
pub async fn own_key(w: &World, kid: &str) -> SigningKeyPair {
    let name = kid.to_owned();
    let key: SigningKey = w.store.read(move |tx| Ok(tx.signing_key(&name)?)).await.unwrap().unwrap();
    let bytes = w.sealer.open(&key.private, &format!("signing_key:{kid}")).unwrap();
    SigningKeyPair::from_bytes(key.alg, &bytes).unwrap()
}

/// Somebody with an access token of each algorithm.
pub struct Ann {
    pub w: World,
    pub who: Vec<(Alg, Authenticated, RawToken)>,
}

impl Ann {
    pub async fn arrive(w: World) -> Self {
        let ann = w.member("ann").await;
        let mut who = Vec::new();
        for (face, alg) in [
            ("test", Alg::HS256),
            ("device", Alg::HS512),
            ("native", Alg::EdDSA),
            ("rsa", Alg::RS256),
            ("ec", Alg::ES256),
        ] {
            let session = w.sign_in_on(face, &ann).await;
            let token = w.token_on(face, &session).await;
            assert_eq!(outcome(&w.bearer(&token).await), "accepted");
            who.push((alg, session, token));
        }
        Self { w, who }
    }

    /// What the gate says to an access token.
    pub async fn gate(&self, token: &RawToken) -> &'static str {
        outcome(&self.w.bearer(token).await)
    }

    /// The token of this algorithm as it was issued.
    pub fn issued(&self, alg: Alg) -> &RawToken {
        &self.who.iter().find(|(own, ..)| *own == alg).unwrap().2
    }

    /// The token of this algorithm, to be changed. Writing it again changes the order of its members.
    pub fn token(&self, alg: Alg) -> Parts {
        Parts::of(self.issued(alg))
    }

    /// A genuine token of ours with other claims, signed by the key that signed it.
    pub async fn reminted(&self, parts: &Parts) -> RawToken {
        parts.signed_by(&own_key(&self.w, parts.kid()).await)
    }

    pub fn now(&self) -> i64 {
        self.w.clock.now().seconds()
    }
}

/// What an authority says to an access token.
pub async fn shown_to(at: &Authority, w: &World, token: &RawToken) -> &'static str {
    outcome(&at.authenticate(&w.ctx(), PresentedCredential::AccessToken(token.clone())).await)
}
