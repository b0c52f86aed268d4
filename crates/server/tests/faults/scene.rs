//! What the tests of faults share: a folder with settings, people who sign up, and the real time.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher as _, Hasher as _},
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{Folder, Server, http, http_as, pause};

pub const APPLICATION: &str = "0123456789abcdef0123456789abcdef";
pub const PASSWORD: &str = "pencils in the rain";

/// A folder with a project, and hashes that cost nothing where `dev` runs; `more` are further settings.
pub fn folder(database: &str, more: &str) -> Folder {
    let folder = Folder::new();
    let config = format!(
        "[database]\nurl = \"{database}\"\n[password]\nmemory_kib = 8\npasses = 1\n[log]\nlevel = \"warn,ringfence=info\"\n{more}"
    );
    folder.file("ringfence.toml", &config);
    let provision = format!(
        "[[project]]\nname = \"default\"\ntokens = {{ access = \"15m\", refresh = \"30d\" }}\n[[project.application]]\nname = \
         \"widget\"\npublishable_key = \"{APPLICATION}\"\n"
    );
    folder.file("provision.toml", &provision);
    folder
}

/// What the program is told in such a folder.
pub const DEV: [&str; 5] = ["--config", "ringfence.toml", "dev", "--apply", "provision.toml"];

fn person(name: &str) -> Value {
    json!({ "application": APPLICATION, "email": format!("{name}@example.org"), "password": PASSWORD })
}

pub fn sign_up(to: SocketAddr, name: &str) -> std::io::Result<(u16, Value)> {
    ask(to, "/api/v1/sign-up", &person(name))
}

pub fn sign_in(to: SocketAddr, name: &str) -> std::io::Result<(u16, Value)> {
    ask(to, "/api/v1/sign-in", &person(name))
}

pub fn refresh(to: SocketAddr, token: &str) -> std::io::Result<(u16, Value)> {
    ask(to, "/api/v1/refresh", &json!({ "refresh_token": token }))
}

pub fn guest(to: SocketAddr) -> std::io::Result<(u16, Value)> {
    ask(to, "/api/v1/guests", &json!({ "application": APPLICATION }))
}

fn ask(to: SocketAddr, path: &str, body: &Value) -> std::io::Result<(u16, Value)> {
    let (status, text) = http(to, "POST", path, Some(body))?;
    Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
}

/// What the holder of an access token is told about itself.
pub fn me(server: &Server, token: &str) -> (u16, Value) {
    let (status, text) = http_as(Some(token), server.main, "GET", "/api/v1/me", None).unwrap();
    (status, serde_json::from_str(&text).unwrap_or_default())
}

pub fn text(answer: &Value, name: &str) -> String {
    answer[name].as_str().unwrap_or_else(|| panic!("{name} is no text in {answer}")).to_owned()
}

#[expect(clippy::disallowed_methods, reason = "the real time that another process takes")]
pub fn now() -> Instant {
    Instant::now()
}

/// Asks until it is so, for half a minute at most.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(30), "waited in vain until {what}");
        pause(Duration::from_millis(50));
    }
}

/// A random part of `whole`: each hasher of the standard library has keys of its own.
pub fn random_part_of(whole: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish() % 1000;
    whole * u32::try_from(random).unwrap() / 1000
}

/// Resident memory of a process in MiB.
pub fn memory(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

/// Open descriptors of a process.
pub fn descriptors(id: u32) -> usize {
    std::fs::read_dir(format!("/proc/{id}/fd")).unwrap().count()
}
