//! A running server with every face on, and requests to it as clients of any of them make them.

use std::{
    fmt::Write as _,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ringfence_core::{entropy::OsEntropy, secret::TokenKind};
use serde_json::Value;

use crate::support::{Folder, Server};

/// What pages name the application by.
pub const APPLICATION: &str = "0123456789abcdef0123456789abcdef";
/// What Tiledesk's clients name it by.
pub const TILEDESK: &str = "5c81593adf767b0017d1aa68";
/// Everybody's password, and a part of it is nowhere else.
pub const PASSWORD: &str = "Marmalade-9137-on-violins";
/// The secret that back ends sign assertions with.
pub const ISSUER_SECRET: &str = "q7Vx2mT9-Zr4nKc8L-wB6yHd3PfJ5sGu1AeXo0IvUMN";

/// The server, everything it was told, and everything it refused.
pub struct House {
    pub folder: Folder,
    pub server: Server,
    pub api_key: String,
    requests: AtomicU32,
    /// Whole answers of 400 and above.
    pub refusals: Mutex<Vec<String>>,
}

/// An answer: head and body.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// A text in the body, by JSON pointer.
    pub fn text(&self, pointer: &str) -> String {
        let found = self.json().pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        found.unwrap_or_else(|| panic!("{pointer} is no text in {} {}", self.status, self.body))
    }

    pub fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl House {
    /// `dev` with hashes that cost nothing.
    pub fn with_cheap_hashes(people: &[&str], level: &str) -> Self {
        Self::start("memory_kib = 8\npasses = 1\n", people, &["--log-level", level, "dev"])
    }

    /// `serve` with hashes of the real cost.
    pub fn with_real_hashes(people: &[&str]) -> Self {
        Self::start("", people, &["--log-level", "warn,ringfence=info", "serve"])
    }

    fn start(passwords: &str, people: &[&str], words: &[&str]) -> Self {
        let folder = Folder::new();
        let dialects = ["apirtc", "keyclic", "opentact", "telnyx", "tiledesk"]
            .map(|name| format!("[dialects.{name}]\nenabled = true\n"))
            .concat();
        // Each request comes from an address of its own, or limits would hide what is behind them.
        let config = format!(
            "[database]\nurl = \"sqlite:ringfence.db\"\n[secrets]\nmaster_key_file = \"ringfence.key\"\n[server]\ntrusted_proxies = [\"127.0.0.1/32\"]\n[password]\n{passwords}{dialects}[turn]\nurls = [\"turn:relay.test\"]\n"
        );
        folder.file("ringfence.toml", &config);
        let api_key = TokenKind::ApiKey.mint(&OsEntropy).expose().to_owned();
        let issuers = ["apirtc", "tiledesk", "native"].map(|profile| {
            format!("[[project.application.trusted_issuer]]\nprofile = \"{profile}\"\nsecret = \"{ISSUER_SECRET}\"\n")
        });
        let people = people
            .iter()
            .map(|name| format!("[[project.identity]]\nemail = \"{name}@example.org\"\npassword = \"{PASSWORD}\"\n"));
        let provision = format!(
            "[[project]]\nname = \"default\"\ncompat = {{ token_in_query = true, digest_over_http = true }}\n\
             turn = {{ guests = true }}\n[[project.application]]\nname = \"widget\"\npublishable_key = \"{APPLICATION}\"\n\
             aliases = {{ tiledesk = \"{TILEDESK}\", keyclic = [\"com.keyclic.app\"] }}\n{}[[project.api_key]]\nname = \"backend\"\n\
             value = \"{api_key}\"\nscopes = [\"*\"]\n{}",
            issuers.concat(),
            people.collect::<String>(),
        );
        folder.file("provision.toml", &provision);
        let (options, command) = words.split_at(words.len() - 1);
        let words = [options, &["--config", "ringfence.toml"], command, &["--apply", "provision.toml"]].concat();
        let server = folder.start(&words);
        Self { folder, server, api_key, requests: AtomicU32::new(0), refusals: Mutex::default() }
    }

    /// A request with these headers and this body.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let answer = self.ask_quietly(method, path, headers, body);
        if answer.status >= 400 {
            self.refusals.lock().unwrap().push(format!("{method} {path}: {}", answer.body));
        }
        answer
    }

    fn ask_quietly(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let number = self.requests.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\nX-Forwarded-For: \
             198.{}.{}.{}\r\n",
            self.server.main,
            body.len(),
            number[1],
            number[2],
            number[3]
        );
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        let whole = exchange(self.server.main, &format!("{head}\r\n{body}"));
        let (head, body) = whole.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{method} {path}: {whole}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, body: body.to_owned() }
    }

    /// JSON posted, put or patched.
    pub fn json(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let headers = [headers, &[("Content-Type", "application/json")]].concat();
        self.ask(method, path, &headers, &body.to_string())
    }

    /// A form posted.
    pub fn form(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let headers = [headers, &[("Content-Type", "application/x-www-form-urlencoded")]].concat();
        self.ask("POST", path, &headers, body)
    }

    /// Shows something in `Authorization`.
    pub fn show(&self, method: &str, path: &str, authorization: &str) -> Answer {
        self.ask(method, path, &[("Authorization", authorization)], "")
    }

    /// A command beside the server.
    pub fn run(&self, words: &[&str]) {
        self.folder.run(&[&["--config", "ringfence.toml"], words].concat()).done();
    }

    /// The value of a counter; 0 before it first counted.
    pub fn counter(&self, name: &str) -> u64 {
        let metrics = self.server.ask("/metrics").1;
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0, |value| value.parse().unwrap())
    }
}

/// What is answered to these bytes before the connection ends.
fn exchange(to: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// `Basic` credentials.
pub fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}
