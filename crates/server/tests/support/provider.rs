//! An identity provider on loopback that does what a test wants of it, misbehaviour included.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::allow_attributes,
    reason = "each test file uses its part, and a test may fail anywhere"
)]

use std::{
    collections::HashMap,
    fmt::Write as _,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, LazyLock, Mutex, MutexGuard},
    thread,
};

use ringfence_core::jose::{Alg, RsaSize, SigningKeyPair};
use serde_json::{Value, json};

/// What the provider calls its application of ours, and the secret it gave with it.
pub const APP: &str = "app-1";
pub const APP_SECRET: &str = "fb-secret";

/// How it answers.
#[derive(Clone, Debug, Default)]
pub enum Mood {
    #[default]
    Well,
    Failing(u16),
    /// Takes the question and says nothing.
    Silent,
    Redirecting(String),
    Huge,
    Html,
    Cutting,
}

struct Key {
    kid: &'static str,
    pair: SigningKeyPair,
}

/// Made once for all tests, because making them is slow.
static KEYS: LazyLock<[Key; 3]> = LazyLock::new(|| {
    ["k1", "k2", "foreign"]
        .map(|kid| Key { kid, pair: SigningKeyPair::generate_rsa(Alg::RS256, RsaSize::Bits2048).unwrap() })
});

#[derive(Default)]
struct State {
    mood: Mood,
    published: Vec<&'static str>,
    cache_control: Option<String>,
    asked: Vec<String>,
    /// What the discovery document says in other words than usual.
    discovery: HashMap<&'static str, Value>,
    /// What `debug_token` says in other words than usual.
    debug: HashMap<&'static str, Value>,
    /// What is answered for a code, once.
    tokens: HashMap<String, Value>,
    /// Questions that wait for ever.
    held: Vec<TcpStream>,
}

/// The provider.
#[derive(Clone)]
pub struct Provider {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Provider {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let state = State { published: vec!["k1"], ..State::default() };
        let provider = Self { address: listener.local_addr().unwrap(), state: Arc::new(Mutex::new(state)) };
        let at_work = provider.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let at_work = at_work.clone();
                thread::spawn(move || at_work.serve(&stream));
            }
        });
        provider
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn is(&self, mood: Mood) {
        self.state().mood = mood;
    }

    /// Which keys it publishes from now on.
    pub fn publishes(&self, kids: &[&'static str]) {
        self.state().published = kids.to_vec();
    }

    pub fn says_cache_control(&self, text: &str) {
        self.state().cache_control = Some(text.to_owned());
    }

    pub fn says_of_itself(&self, name: &'static str, value: Value) {
        self.state().discovery.insert(name, value);
    }

    pub fn says_of_tokens(&self, name: &'static str, value: Value) {
        self.state().debug.insert(name, value);
    }

    pub fn gives_for_code(&self, code: &str, answer: Value) {
        self.state().tokens.insert(code.to_owned(), answer);
    }

    /// How often a path was asked for.
    pub fn asked(&self, path: &str) -> usize {
        self.state().asked.iter().filter(|asked| asked.split('?').next() == Some(path)).count()
    }

    /// Everything that it was asked, with queries and bodies.
    pub fn questions(&self) -> Vec<String> {
        self.state().asked.clone()
    }

    fn serve(&self, stream: &TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        loop {
            let mut line = String::new();
            if !reader.read_line(&mut line).is_ok_and(|read| read > 0) {
                return;
            }
            let mut length = 0;
            loop {
                let mut header = String::new();
                reader.read_line(&mut header).unwrap();
                if header == "\r\n" {
                    break;
                }
                if let Some(text) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = text.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let target = line.split(' ').nth(1).unwrap().to_owned();
            let body = String::from_utf8(body).unwrap();
            if !self.answer(stream, &target, &body) {
                return;
            }
        }
    }

    /// Whether the connection goes on.
    fn answer(&self, mut stream: &TcpStream, target: &str, body: &str) -> bool {
        let mut state = self.state();
        let question = if body.is_empty() { target.to_owned() } else { format!("{target} {body}") };
        state.asked.push(question);
        let cache_control = state.cache_control.clone();
        let mood = state.mood.clone();
        let (status, content) = match mood {
            Mood::Well => self.document(&mut state, target, body),
            Mood::Failing(status) => (status, json!({ "error": "out of order" })),
            Mood::Silent => {
                state.held.push(stream.try_clone().unwrap());
                return false;
            }
            Mood::Redirecting(_) => (302, Value::Null),
            Mood::Huge => (200, json!({ "keys": [], "padding": "x".repeat(1024 * 1024) })),
            Mood::Html | Mood::Cutting => (200, Value::Null),
        };
        drop(state);
        let text = match &mood {
            Mood::Html => "<!doctype html><title>Sign in to the hotel's network</title>".to_owned(),
            _ => content.to_string(),
        };
        let mut head =
            format!("HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n", text.len());
        if let Some(said) = cache_control {
            write!(head, "Cache-Control: {said}\r\n").unwrap();
        }
        if let Mood::Redirecting(to) = &mood {
            write!(head, "Location: {to}\r\n").unwrap();
        }
        let whole = format!("{head}\r\n{text}");
        let part = if matches!(mood, Mood::Cutting) { whole.len() - 2 } else { whole.len() };
        stream.write_all(&whole.as_bytes()[..part]).is_ok() && part == whole.len()
    }

    fn document(&self, state: &mut State, target: &str, body: &str) -> (u16, Value) {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let query: HashMap<_, _> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let word = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
        match path {
            "/certs" => (200, json!({ "keys": published(state) })),
            "/.well-known/openid-configuration" => (200, self.discovery(state)),
            "/debug_token" if word("access_token") != format!("{APP}|{APP_SECRET}") => {
                (400, json!({ "error": { "message": "bad application token" } }))
            }
            "/debug_token" => {
                let mut words = word("input_token").split(' ');
                let (app, user) = (words.next(), words.next());
                let mut data = json!({
                    "is_valid": user.is_some(), "app_id": app, "type": "USER", "user_id": user, "expires_at": 0
                });
                for (name, value) in &state.debug {
                    data[name] = value.clone();
                }
                (200, json!({ "data": data }))
            }
            "/me" => {
                let user = word("access_token").split(' ').nth(1).unwrap_or_default();
                (200, json!({ "id": user, "first_name": "Fay", "email": format!("{user}@example.org") }))
            }
            "/token" => {
                let form: HashMap<_, _> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
                match form.get("code").and_then(|code| state.tokens.remove(code)) {
                    Some(answer) => (200, answer),
                    None => (400, json!({ "error": "invalid_grant" })),
                }
            }
            _ => (404, json!({})),
        }
    }

    fn discovery(&self, state: &State) -> Value {
        let mut document = json!({
            "issuer": self.url(""),
            "jwks_uri": self.url("/certs"),
            "authorization_endpoint": self.url("/authorize"),
            "token_endpoint": self.url("/token"),
        });
        for (name, value) in &state.discovery {
            document[name] = value.clone();
        }
        document
    }
}

/// A token signed with one of the keys.
pub fn token(kid: &str, claims: &Value) -> String {
    let key = KEYS.iter().find(|key| key.kid == kid).unwrap();
    key.pair.mint(Some(kid), "JWT", claims).unwrap().expose().to_owned()
}

fn published(state: &State) -> Vec<Value> {
    let keys = KEYS.iter().filter(|key| state.published.contains(&key.kid));
    keys.map(|key| key.pair.public_jwk(key.kid).unwrap()).collect()
}
