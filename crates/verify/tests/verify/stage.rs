//! A server that says what the test wants, clocks that the test moves, and a verifier between them.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ringfence_verify::{
    Claims, Refusal, Settings, Verifier,
    ports::{Answer, Body, BoxError, BoxFuture, Machine, Request, Transport},
};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

pub const ISSUER: &str = "https://auth.example.org/projects/p1";
pub const APPLICATION: &str = "app1";
pub const KID: &str = "k1";
/// When tests begin, in seconds.
pub const START: u64 = 1_800_000_000;

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

pub fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// An Ed25519 key of the project.
pub struct Signer {
    pub kid: &'static str,
    pair: Ed25519KeyPair,
}

impl Signer {
    pub fn new(kid: &'static str, seed: u8) -> Self {
        Self { kid, pair: Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap() }
    }

    pub fn jwk(&self) -> Value {
        let x = encode(self.pair.public_key());
        json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": self.kid, "x": x})
    }

    /// A token of exactly these bytes.
    pub fn sign(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        let input = format!("{}.{}", encode(header), encode(payload));
        format!("{input}.{}", encode(self.pair.sign(input.as_bytes())))
    }

    /// A token of this kind.
    pub fn mint(&self, typ: &str, claims: &Value) -> String {
        let header = json!({"typ": typ, "alg": "EdDSA", "kid": self.kid});
        self.sign(header.to_string(), claims.to_string())
    }
}

/// Clocks that stand still.
#[derive(Default)]
pub struct ManualMachine(Mutex<Clocks>);

#[derive(Default)]
struct Clocks {
    steady: Duration,
    /// How far the wall clock was set forward, and back.
    forward: Duration,
    back: Duration,
    sleeping: Vec<(Duration, oneshot::Sender<()>)>,
}

impl ManualMachine {
    fn pass(&self, span: Duration) {
        let mut clocks = self.0.lock().unwrap();
        clocks.steady += span;
        let now = clocks.steady;
        let (due, waiting) = std::mem::take(&mut clocks.sleeping).into_iter().partition(|(at, _)| *at <= now);
        clocks.sleeping = waiting;
        let due: Vec<_> = due;
        for (_, wake) in due {
            // Who waited may have gone.
            wake.send(()).unwrap_or_default();
        }
    }

    /// Sets the wall clock forward.
    pub fn set_forward(&self, span: Duration) {
        self.0.lock().unwrap().forward += span;
    }

    /// Sets it back.
    pub fn set_back(&self, span: Duration) {
        self.0.lock().unwrap().back += span;
    }
}

impl Machine for ManualMachine {
    fn now(&self) -> Duration {
        let clocks = self.0.lock().unwrap();
        (seconds(START) + clocks.steady + clocks.forward).saturating_sub(clocks.back)
    }

    fn steady(&self) -> Duration {
        self.0.lock().unwrap().steady
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
        let (wake, woken) = oneshot::channel();
        let mut clocks = self.0.lock().unwrap();
        let at = clocks.steady + span;
        clocks.sleeping.push((at, wake));
        Box::pin(async { drop(woken.await) })
    }

    fn chance(&self) -> f64 {
        0.5
    }
}

type Pieces = mpsc::UnboundedSender<Result<Vec<u8>, BoxError>>;

/// A server in memory.
#[derive(Default)]
pub struct Server {
    script: Mutex<Script>,
}

struct Script {
    keys: Value,
    asked: Vec<Request>,
    refusals: VecDeque<(u16, Option<Duration>)>,
    down: bool,
    feed: Option<Pieces>,
}

impl Default for Script {
    fn default() -> Self {
        Self { keys: json!({"keys": []}), asked: Vec::new(), refusals: VecDeque::new(), down: false, feed: None }
    }
}

impl Transport for Server {
    fn get(&self, request: Request) -> BoxFuture<'_, Result<Answer, BoxError>> {
        let mut script = self.script.lock().unwrap();
        script.asked.push(request.clone());
        let answer = if script.down {
            Err("connection refused".into())
        } else if request.url.ends_with("/jwks.json") {
            let (sender, pieces) = mpsc::unbounded_channel();
            sender.send(Ok(script.keys.to_string().into_bytes())).unwrap();
            Ok(Answer { status: 200, retry_after: None, body: Box::new(Rest(pieces)) })
        } else if let Some((status, retry_after)) = script.refusals.pop_front() {
            let (_, pieces) = mpsc::unbounded_channel();
            Ok(Answer { status, retry_after, body: Box::new(Rest(pieces)) })
        } else {
            let (sender, pieces) = mpsc::unbounded_channel();
            script.feed = Some(sender);
            Ok(Answer { status: 200, retry_after: None, body: Box::new(Rest(pieces)) })
        };
        Box::pin(async { answer })
    }
}

struct Rest(mpsc::UnboundedReceiver<Result<Vec<u8>, BoxError>>);

impl Body for Rest {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Vec<u8>>, BoxError>> {
        Box::pin(async { self.0.recv().await.transpose() })
    }
}

/// Everything together.
pub struct Stage {
    pub machine: Arc<ManualMachine>,
    pub server: Arc<Server>,
    pub signer: Signer,
    pub verifier: Verifier,
}

/// The usual settings.
pub fn settings() -> Settings {
    Settings::new(ISSUER, APPLICATION, "rfk_secret")
}

impl Stage {
    /// A verifier that has just been started and has heard nothing.
    pub async fn begin(settings: Settings) -> Self {
        let (machine, server) = (Arc::<ManualMachine>::default(), Arc::<Server>::default());
        let signer = Signer::new(KID, 7);
        server.script.lock().unwrap().keys = json!({"keys": [signer.jwk()]});
        let verifier = Verifier::start_with(settings, machine.clone(), server.clone()).unwrap();
        let stage = Self { machine, server, signer, verifier };
        stage.settle().await;
        stage
    }

    /// A verifier that knows all there is to know, which is nothing.
    pub async fn ready() -> Self {
        Self::ready_with(settings()).await
    }

    pub async fn ready_with(settings: Settings) -> Self {
        let stage = Self::begin(settings).await;
        stage.say("id: 0\nevent: ready\ndata: {}\n\n").await;
        stage
    }

    /// Lets everything run that can.
    pub async fn settle(&self) {
        // One thread and nothing outside of it: this many turns are enough for all that was set off.
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }

    /// Lets time pass, second by second.
    pub async fn pass(&self, span: Duration) {
        for _ in 0..span.as_millis() / 250 {
            self.machine.pass(Duration::from_millis(250));
            self.settle().await;
        }
    }

    /// The same with the server's signs of life.
    pub async fn pass_alive(&self, span: Duration) {
        for _ in 0..span.as_secs() / 5 {
            self.pass(seconds(5)).await;
            self.say(": alive\n\n").await;
        }
    }

    /// The server says something on the feed.
    pub async fn say(&self, text: &str) {
        let sent = self.server.script.lock().unwrap().feed.as_ref().map(|feed| feed.send(Ok(text.as_bytes().to_vec())));
        assert!(sent.is_some_and(|sent| sent.is_ok()), "nobody reads the feed");
        self.settle().await;
    }

    /// The server tells of an event.
    pub async fn tell(&self, id: &str, kind: &str, subject: Value, detail: Value) {
        self.say(&self.message(id, kind, &subject, detail)).await;
    }

    pub fn message(&self, id: &str, kind: &str, subject: &Value, detail: Value) -> String {
        let token = self.event(kind, subject, detail);
        format!("id: {id}\nevent: {kind}\ndata: {token}\n\n")
    }

    pub fn event(&self, kind: &str, subject: &Value, detail: Value) -> String {
        let kind = format!("https://schemas.openid.net/secevent/caep/event-type/{kind}");
        let now = self.machine.now().as_secs();
        let mut detail = detail;
        if detail.get("event_timestamp").is_none() {
            detail["event_timestamp"] = now.into();
        }
        self.signer.mint(
            "secevent+jwt",
            &json!({"iss": ISSUER, "jti": "e", "iat": now, "sub_id": subject, "events": {kind: detail}}),
        )
    }

    /// The connection of the feed ends.
    pub async fn hang_up(&self) {
        self.server.script.lock().unwrap().feed = None;
        self.settle().await;
    }

    /// Nothing is answered any more, or everything again.
    pub fn set_down(&self, down: bool) {
        self.server.script.lock().unwrap().down = down;
    }

    pub fn refuse_feed(&self, status: u16, retry_after: Option<Duration>) {
        self.server.script.lock().unwrap().refusals.push_back((status, retry_after));
    }

    pub fn publish(&self, keys: &[Value]) {
        self.server.script.lock().unwrap().keys = json!({"keys": keys});
    }

    /// Whether the feed is being read.
    pub fn is_read(&self) -> bool {
        self.server.script.lock().unwrap().feed.as_ref().is_some_and(|feed| !feed.is_closed())
    }

    /// What was asked for, and forgets it.
    pub fn asked(&self, part: &str) -> Vec<Request> {
        let asked = std::mem::take(&mut self.server.script.lock().unwrap().asked);
        asked.into_iter().filter(|request| request.url.contains(part)).collect()
    }

    /// The claims of a good token of now.
    pub fn claims(&self, session: &str, subject: &str) -> Value {
        let now = self.machine.now().as_secs();
        json!({
            "iss": ISSUER, "aud": APPLICATION, "client_id": APPLICATION, "sub": subject, "sid": session, "jti": "t1",
            "kind": "member", "amr": ["pwd"], "iat": now, "exp": now + 86_400,
        })
    }

    /// A good token of now.
    pub fn token(&self, session: &str, subject: &str) -> String {
        self.signer.mint("at+jwt", &self.claims(session, subject))
    }

    pub async fn verify(&self, token: &str) -> Result<Claims, Refusal> {
        self.verifier.verify(token).await
    }

    /// Why a token is refused, if it is.
    pub async fn refusal(&self, token: &str) -> Option<Refusal> {
        self.verify(token).await.err()
    }
}

/// A session with its user, as the server names them (RFC 9493 3.3).
pub fn session(sid: &str, sub: &str) -> Value {
    json!({"format": "complex", "session": {"format": "opaque", "id": sid}, "user": {"format": "iss_sub", "iss": ISSUER, "sub": sub}})
}

/// A user.
pub fn user(sub: &str) -> Value {
    json!({"format": "complex", "user": {"format": "iss_sub", "iss": ISSUER, "sub": sub}})
}
