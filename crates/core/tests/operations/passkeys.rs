//! Passkeys of administrators against an authenticator made here, which can be told to lie (ATTACKS N82).

use aws_lc_rs::{
    digest::{SHA256, digest},
    encoding::{AsDer as _, PublicKeyX509Der},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ringfence_core::{
    administrator::{PasskeyProof, PasskeyRegistration, RelyingParty, Role},
    authority::SecondFactor,
    error::AuthError,
    secret::{Password, RawToken},
    testing::{World, outcome},
};
use serde_json::json;

use super::administrators::{Staff, WORDS, half, operator, owner};
use crate::support::world;

fn party() -> RelyingParty {
    RelyingParty { id: "auth.test".to_owned(), origins: vec!["https://auth.test".to_owned()] }
}

/// What an authenticator and its browser say; a test changes one thing.
#[derive(Clone)]
struct Said {
    kind: &'static str,
    origin: &'static str,
    cross: bool,
    party: &'static str,
    flags: u8,
    count: u32,
}

const GET: Said = Said {
    kind: "webauthn.get",
    origin: "https://auth.test",
    cross: false,
    party: "auth.test",
    // Present and verified.
    flags: 0b101,
    count: 0,
};

struct Device {
    key: EcdsaKeyPair,
    id: &'static [u8],
}

impl Device {
    fn new(id: &'static [u8]) -> Self {
        Self { key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap(), id }
    }

    fn client_data(said: &Said, challenge: &str) -> Vec<u8> {
        let challenge = URL_SAFE_NO_PAD.encode(challenge);
        let data =
            json!({ "type": said.kind, "challenge": challenge, "origin": said.origin, "crossOrigin": said.cross });
        data.to_string().into_bytes()
    }

    fn data(said: &Said) -> Vec<u8> {
        let party = digest(&SHA256, said.party.as_bytes());
        [party.as_ref(), &[said.flags], &said.count.to_be_bytes()].concat()
    }

    fn registration(&self, challenge: &str, said: &Said) -> PasskeyRegistration {
        let length = u16::try_from(self.id.len()).unwrap().to_be_bytes();
        let attested = [&Self::data(said)[..], &[0; 16], &length, self.id].concat();
        let public: PublicKeyX509Der<'_> = self.key.public_key().as_der().unwrap();
        PasskeyRegistration {
            name: "laptop".to_owned(),
            client_data: Self::client_data(said, challenge),
            authenticator_data: attested,
            public_key: public.as_ref().to_vec(),
            alg: -7,
        }
    }

    fn proof(&self, challenge: &str, said: &Said) -> PasskeyProof {
        let (client_data, authenticator_data) = (Self::client_data(said, challenge), Self::data(said));
        let signed = [&authenticator_data[..], digest(&SHA256, &client_data).as_ref()].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed).unwrap().as_ref().to_vec();
        PasskeyProof { credential: self.id.to_vec(), client_data, authenticator_data, signature }
    }
}

async fn add(w: &World, staff: &Staff, device: &Device, said: &Said) -> Result<(), AuthError> {
    let confirmed = w.authority.confirm_administrator(&w.ctx(), &staff.console, Password::new(WORDS)).await.unwrap();
    let challenge = w.authority.passkey_challenge(&w.ctx(), Some(staff.console.session.id)).unwrap();
    let new = device.registration(&challenge, said);
    w.authority.add_passkey(&w.ctx(), &confirmed, &new, &party()).await
}

fn create() -> Said {
    // With a credential attested.
    Said { kind: "webauthn.create", flags: 0b0100_0101, ..GET }
}

async fn sign_in(w: &World, device: &Device, said: &Said) -> Result<RawToken, AuthError> {
    let challenge = w.authority.passkey_challenge(&w.ctx(), None).unwrap();
    w.authority.console_passkey(&w.ctx(), device.proof(&challenge, said), party()).await
}

#[tokio::test]
async fn a_passkey_signs_in_by_itself_and_stands_in_for_a_code() {
    let w = world().await;
    let (ann, device) = (owner(&w).await, Device::new(b"one"));
    add(&w, &ann, &device, &create()).await.unwrap();
    let token = sign_in(&w, &device, &GET).await.unwrap();
    assert_eq!(w.authority.console(&w.ctx(), &token).await.unwrap().session.amr, "hwk user");
    let half = half(&w, "ann").await;
    let challenge = w.authority.passkey_challenge(&w.ctx(), Some(half.session.id)).unwrap();
    let shown = SecondFactor::Passkey(device.proof(&challenge, &GET), party());
    w.authority.console_second(&w.ctx(), &half, shown).await.unwrap();
}

#[tokio::test]
async fn n82_what_a_passkey_says_must_be_what_was_asked() {
    let w = world().await;
    let (ann, device) = (owner(&w).await, Device::new(b"one"));
    add(&w, &ann, &device, &create()).await.unwrap();
    let lies = [
        ("origin", Said { origin: "https://evil.test", ..GET }),
        ("within another page", Said { cross: true, ..GET }),
        ("rpId", Said { party: "evil.test", ..GET }),
        ("ceremony", Said { kind: "webauthn.create", ..GET }),
        ("nobody present", Said { flags: 0b100, ..GET }),
        ("nobody verified", Said { flags: 0b001, ..GET }),
    ];
    for (what, said) in lies {
        assert_eq!(outcome(&sign_in(&w, &device, &said).await), "invalid_credentials", "{what}");
    }
    let thief = Device::new(b"one");
    assert_eq!(outcome(&sign_in(&w, &thief, &GET).await), "invalid_credentials", "another key");
    let stranger = Device::new(b"two");
    assert_eq!(outcome(&sign_in(&w, &stranger, &GET).await), "invalid_credentials", "nobody's");
    sign_in(&w, &device, &GET).await.unwrap();
}

#[tokio::test]
async fn n82_a_challenge_is_ours_for_this_session_and_good_once() {
    let w = world().await;
    let (ann, device) = (owner(&w).await, Device::new(b"one"));
    add(&w, &ann, &device, &create()).await.unwrap();
    let show =
        async |challenge: &str| w.authority.console_passkey(&w.ctx(), device.proof(challenge, &GET), party()).await;
    assert_eq!(outcome(&show("of my own").await), "invalid_credentials");
    let bound = w.authority.passkey_challenge(&w.ctx(), Some(ann.console.session.id)).unwrap();
    assert_eq!(outcome(&show(&bound).await), "invalid_credentials", "another session's");
    let late = w.authority.passkey_challenge(&w.ctx(), None).unwrap();
    let open = w.authority.passkey_challenge(&w.ctx(), None).unwrap();
    show(&open).await.unwrap();
    assert_eq!(outcome(&show(&open).await), "invalid_credentials", "twice");
    w.clock.advance(std::time::Duration::from_mins(5));
    assert_eq!(outcome(&show(&late).await), "invalid_credentials", "too late");
}

#[tokio::test]
async fn n82_a_counter_that_goes_back_or_stands_still_is_refused() {
    let w = world().await;
    let (ann, device) = (owner(&w).await, Device::new(b"one"));
    add(&w, &ann, &device, &Said { count: 7, ..create() }).await.unwrap();
    for (count, expected) in [
        (7, "invalid_credentials"),
        (6, "invalid_credentials"),
        (0, "invalid_credentials"),
        (8, "accepted"),
        (8, "invalid_credentials"),
    ] {
        assert_eq!(outcome(&sign_in(&w, &device, &Said { count, ..GET }).await), expected, "{count}");
    }
}

#[tokio::test]
async fn n82_the_passkey_of_another_administrator_is_no_second_factor() {
    let w = world().await;
    let (ann, device) = (owner(&w).await, Device::new(b"one"));
    add(&w, &ann, &device, &create()).await.unwrap();
    let made = w.authority.create_administrator(&w.ctx(), &operator(), "bob", Role::Owner).await.unwrap();
    let token = w.authority.begin_console(&w.ctx(), &made.link, None, Password::new(WORDS)).await.unwrap();
    let enrolling = w.authority.half_console(&w.ctx(), &token).await.unwrap();
    let own = Device::new(b"two");
    let challenge = w.authority.passkey_challenge(&w.ctx(), Some(enrolling.session.id)).unwrap();
    let new = own.registration(&challenge, &create());
    w.authority.enrol_passkey(&w.ctx(), &enrolling, &new, &party()).await.unwrap();
    let bob = half(&w, "bob").await;
    for (device, expected) in [(&device, "invalid_credentials"), (&own, "accepted")] {
        let challenge = w.authority.passkey_challenge(&w.ctx(), Some(bob.session.id)).unwrap();
        let shown = SecondFactor::Passkey(device.proof(&challenge, &GET), party());
        assert_eq!(outcome(&w.authority.console_second(&w.ctx(), &bob, shown).await), expected);
    }
}

#[tokio::test]
async fn n82_a_registration_must_be_what_was_asked_for_too() {
    let w = world().await;
    let (ann, device) = (owner(&w).await, Device::new(b"one"));
    let lies = [
        Said { origin: "https://evil.test", ..create() },
        Said { party: "evil.test", ..create() },
        Said { kind: "webauthn.get", ..create() },
        Said { flags: 0b0100_0001, ..create() },
        Said { flags: 0b101, ..create() },
        Said { flags: 0b0101_0101, ..create() },
    ];
    for said in lies {
        assert_eq!(outcome(&add(&w, &ann, &device, &said).await), "invalid");
    }
    add(&w, &ann, &device, &create()).await.unwrap();
    assert_eq!(outcome(&add(&w, &ann, &device, &create()).await), "conflict", "it is known");
}

#[tokio::test]
async fn the_last_passkey_stays_where_there_is_no_generator() {
    let w = world().await;
    let (ann, device) = (owner(&w).await, Device::new(b"one"));
    add(&w, &ann, &device, &create()).await.unwrap();
    let confirmed = w.authority.confirm_administrator(&w.ctx(), &ann.console, Password::new(WORDS)).await.unwrap();
    w.authority.remove_totp(&w.ctx(), &confirmed).await.unwrap();
    let (_, _, passkeys) = w.authority.own_factors(&ann.console).await.unwrap();
    let removed = w.authority.remove_passkey(&w.ctx(), &confirmed, passkeys[0].id).await;
    assert_eq!(outcome(&removed), "invalid");
}
