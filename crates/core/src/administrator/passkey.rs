//! Passkeys (WebAuthn level 3): what an authenticator signed is checked against what was asked.
//!
//! No attestation is asked for, so a registration proves nothing beyond what its bearer says, and the public key is taken as the
//! browser hands it over (WebAuthn 5.2.1.1) instead of being read out of CBOR. Verification is by the number of steps that
//! sections 7.1 and 7.2 demand; why no library does it stands in docs/adr/0024.

use aws_lc_rs::{
    digest,
    signature::{self, ParsedPublicKey, VerificationAlgorithm},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use subtle::ConstantTimeEq as _;

use crate::{
    ids::{AdministratorId, PasskeyId},
    jose::{Alg, VerifyingKey, key_bits},
    time::Timestamp,
};

/// What the browser says it was asked to do (WebAuthn 5.8.1).
#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(rename = "crossOrigin", default)]
    cross_origin: bool,
    #[serde(rename = "topOrigin")]
    top_origin: Option<String>,
}

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const HAS_CREDENTIAL: u8 = 1 << 6;
/// The longest credential id (WebAuthn 7.1, step 25).
const LONGEST_ID: usize = 1023;

/// A passkey as stored.
#[derive(Clone, Debug)]
pub struct Passkey {
    /// Its id here.
    pub id: PasskeyId,
    /// Whose it is.
    pub administrator: AdministratorId,
    /// What its owner calls it.
    pub name: String,
    /// Its id at the authenticator, base64url.
    pub credential: String,
    /// Its public key: a DER `SubjectPublicKeyInfo`, base64url.
    pub public_key: String,
    /// Its algorithm (COSE).
    pub alg: i64,
    /// The authenticator's counter of signatures; 0 where it counts none.
    pub sign_count: u32,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was last used.
    pub used_at: Option<Timestamp>,
}

/// Who asks for passkeys: from configuration, never from a request's headers.
#[derive(Clone, Debug)]
pub struct RelyingParty {
    /// Its id: a host.
    pub id: String,
    /// The origins of its pages.
    pub origins: Vec<String>,
}

/// What a browser hands over for a new passkey.
#[derive(Debug)]
pub struct PasskeyRegistration {
    /// What its owner calls it.
    pub name: String,
    /// `clientDataJSON`.
    pub client_data: Vec<u8>,
    /// The authenticator data.
    pub authenticator_data: Vec<u8>,
    /// A DER `SubjectPublicKeyInfo`.
    pub public_key: Vec<u8>,
    /// The COSE algorithm.
    pub alg: i64,
}

/// What a browser hands over to prove that its user has a passkey.
#[derive(Debug)]
pub struct PasskeyProof {
    /// Which passkey.
    pub credential: Vec<u8>,
    /// `clientDataJSON`.
    pub client_data: Vec<u8>,
    /// The authenticator data.
    pub authenticator_data: Vec<u8>,
    /// The signature.
    pub signature: Vec<u8>,
}

/// Why a passkey was not taken: for the log, never for whoever shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyFault {
    /// Not of the shape that WebAuthn gives.
    #[error("malformed")]
    Malformed,
    /// Made for another ceremony.
    #[error("another ceremony")]
    Ceremony,
    /// Made for a challenge that is not open.
    #[error("another challenge")]
    Challenge,
    /// Made on a page that is not ours, or inside one.
    #[error("another origin")]
    Origin,
    /// Made for another relying party.
    #[error("another relying party")]
    RelyingParty,
    /// Nobody was there, or nobody knows who.
    #[error("no user verification")]
    Unverified,
    /// A key that we do not take.
    #[error("another kind of key")]
    Key,
    /// The signature is not the key's.
    #[error("wrong signature")]
    Signature,
    /// The counter went back: there may be a copy of the authenticator.
    #[error("the counter went back")]
    Counter,
    /// Nobody's, or somebody else's.
    #[error("not this administrator's")]
    Stranger,
}

impl PasskeyRegistration {
    /// The challenge it answers.
    pub fn challenge(&self) -> Result<String, PasskeyFault> {
        challenge_of(&self.client_data)
    }

    /// Checks it (WebAuthn 7.1) and gives the credential's id and its counter.
    pub fn check(&self, party: &RelyingParty) -> Result<(String, u32), PasskeyFault> {
        check_client_data(&self.client_data, "webauthn.create", party)?;
        let data = AuthenticatorData::read(&self.authenticator_data, party)?;
        verifying_key(&self.public_key, self.alg)?;
        let credential = data.credential.ok_or(PasskeyFault::Malformed)?;
        Ok((URL_SAFE_NO_PAD.encode(credential), data.sign_count))
    }
}

impl PasskeyProof {
    /// The challenge it answers.
    pub fn challenge(&self) -> Result<String, PasskeyFault> {
        challenge_of(&self.client_data)
    }

    /// The credential's id as stored.
    pub fn credential(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.credential)
    }

    /// Checks it against the passkey that it names (WebAuthn 7.2) and gives the new counter.
    pub fn check(&self, passkey: &Passkey, party: &RelyingParty) -> Result<u32, PasskeyFault> {
        check_client_data(&self.client_data, "webauthn.get", party)?;
        let data = AuthenticatorData::read(&self.authenticator_data, party)?;
        let key = URL_SAFE_NO_PAD.decode(&passkey.public_key).map_err(|_| PasskeyFault::Key)?;
        let key = verifying_key(&key, passkey.alg)?;
        let client = digest::digest(&digest::SHA256, &self.client_data);
        let signed = [&self.authenticator_data[..], client.as_ref()].concat();
        key.verify_sig(&signed, &self.signature).map_err(|_| PasskeyFault::Signature)?;
        let counts = data.sign_count != 0 || passkey.sign_count != 0;
        if counts && data.sign_count <= passkey.sign_count {
            return Err(PasskeyFault::Counter);
        }
        Ok(data.sign_count)
    }
}

/// A challenge of ours is text, which the browser gives back in base64url.
fn challenge_of(client_data: &[u8]) -> Result<String, PasskeyFault> {
    let client: ClientData = serde_json::from_slice(client_data).map_err(|_| PasskeyFault::Malformed)?;
    let bytes = URL_SAFE_NO_PAD.decode(client.challenge).map_err(|_| PasskeyFault::Challenge)?;
    String::from_utf8(bytes).map_err(|_| PasskeyFault::Challenge)
}

fn check_client_data(client_data: &[u8], kind: &str, party: &RelyingParty) -> Result<(), PasskeyFault> {
    let client: ClientData = serde_json::from_slice(client_data).map_err(|_| PasskeyFault::Malformed)?;
    if client.kind != kind {
        return Err(PasskeyFault::Ceremony);
    }
    if !party.origins.contains(&client.origin) || client.cross_origin || client.top_origin.is_some() {
        return Err(PasskeyFault::Origin);
    }
    Ok(())
}

/// What an authenticator says (WebAuthn 6.1).
struct AuthenticatorData<'a> {
    sign_count: u32,
    credential: Option<&'a [u8]>,
}

impl<'a> AuthenticatorData<'a> {
    fn read(bytes: &'a [u8], party: &RelyingParty) -> Result<Self, PasskeyFault> {
        let (party_hash, rest) = bytes.split_first_chunk::<32>().ok_or(PasskeyFault::Malformed)?;
        let (&[flags], rest) = rest.split_first_chunk::<1>().ok_or(PasskeyFault::Malformed)?;
        let (count, rest) = rest.split_first_chunk::<4>().ok_or(PasskeyFault::Malformed)?;
        let expected = digest::digest(&digest::SHA256, party.id.as_bytes());
        if !bool::from(expected.as_ref().ct_eq(&party_hash[..])) {
            return Err(PasskeyFault::RelyingParty);
        }
        // A passkey is both factors at once, so whoever holds it must have been recognised.
        if flags & USER_PRESENT == 0 || flags & USER_VERIFIED == 0 {
            return Err(PasskeyFault::Unverified);
        }
        if flags & BACKED_UP != 0 && flags & BACKUP_ELIGIBLE == 0 {
            return Err(PasskeyFault::Malformed);
        }
        let credential = if flags & HAS_CREDENTIAL == 0 { None } else { Some(credential_id(rest)?) };
        Ok(Self { sign_count: u32::from_be_bytes(*count), credential })
    }
}

/// The id within the attested credential data (WebAuthn 6.5.1): after the 16 bytes of the authenticator's model.
fn credential_id(attested: &[u8]) -> Result<&[u8], PasskeyFault> {
    let (_, rest) = attested.split_first_chunk::<16>().ok_or(PasskeyFault::Malformed)?;
    let (length, rest) = rest.split_first_chunk::<2>().ok_or(PasskeyFault::Malformed)?;
    let length = usize::from(u16::from_be_bytes(*length));
    if length == 0 || length > LONGEST_ID {
        return Err(PasskeyFault::Malformed);
    }
    rest.get(..length).ok_or(PasskeyFault::Malformed)
}

/// The key of one of the three algorithms that are asked for (RFC 9053): ES256, EdDSA, RS256.
fn verifying_key(spki: &[u8], cose: i64) -> Result<ParsedPublicKey, PasskeyFault> {
    let (alg, verify): (Alg, &'static dyn VerificationAlgorithm) = match cose {
        // Unlike JOSE, WebAuthn has ECDSA signatures in DER.
        -7 => (Alg::ES256, &signature::ECDSA_P256_SHA256_ASN1),
        -8 => (Alg::EdDSA, &signature::ED25519),
        -257 => (Alg::RS256, &signature::RSA_PKCS1_2048_8192_SHA256),
        _ => return Err(PasskeyFault::Key),
    };
    // Weak and foreign keys are known there.
    VerifyingKey::from_spki(spki, alg).map_err(|_| PasskeyFault::Key)?;
    let bits = key_bits(spki).ok_or(PasskeyFault::Key)?;
    ParsedPublicKey::new(verify, bits).map_err(|_| PasskeyFault::Key)
}
