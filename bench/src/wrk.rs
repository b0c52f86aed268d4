//! Closed-loop load by `wrk` (a Debian package that the test command installs).

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use anyhow::{Context as _, bail};

/// Stands in a body for a number that no other request has.
pub(crate) const NUMBER: &str = "#number#";
/// Numbers of two slices differ.
static SCRIPTS: AtomicU32 = AtomicU32::new(0);

/// The same request again and again.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Request {
    /// A request with a body of JSON, which may be empty.
    pub(crate) fn new(method: &'static str, path: &str, body: &str) -> Self {
        Self { method, path: path.to_owned(), headers: Vec::new(), body: body.to_owned() }
            .with(TYPE, "application/json")
    }

    /// A request with a form.
    pub(crate) fn form(path: &str, body: &str) -> Self {
        Self::new("POST", path, body).with(TYPE, "application/x-www-form-urlencoded")
    }

    /// The same with one header more, in place of any of that name.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(present, _)| *present != name);
        self.headers.push((name, value.to_owned()));
        self
    }

    /// The same as somebody who shows a token.
    pub(crate) fn bearer(self, token: &str) -> Self {
        self.with("Authorization", &format!("Bearer {token}"))
    }

    /// What `wrk` is told.
    fn script(&self) -> String {
        let quote = serde_json::Value::from;
        let mut script =
            vec![format!("wrk.method = {}", quote(self.method)), format!("wrk.body = {}", quote(self.body.as_str()))];
        let headers = self.headers.iter();
        script.extend(headers.map(|(name, value)| format!("wrk.headers[\"{name}\"] = {}", quote(value.as_str()))));
        if self.body.contains(NUMBER) {
            let slice = SCRIPTS.fetch_add(1, Ordering::Relaxed);
            let body = format!("(body:gsub(\"{NUMBER}\", \"{slice}-\" .. next))");
            script.push("local body, next = wrk.body, 0".to_owned());
            script.push(format!("function request() next = next + 1; return wrk.format(nil, nil, nil, {body}) end"));
        }
        script.join("\n")
    }
}

const TYPE: &str = "Content-Type";

/// What a slice showed.
pub(crate) struct Slice {
    /// Requests answered per second.
    pub(crate) rate: f64,
    /// Time within which 99 of 100 were answered.
    pub(crate) p99: Duration,
}

impl Slice {
    /// How many requests were answered in `time`.
    pub(crate) fn requests(&self, time: Duration) -> f64 {
        self.rate * time.as_secs_f64()
    }
}

/// Drives `address` with `connections` for `time`. One answer that is no success voids the slice.
pub(crate) fn drive(
    folder: &Path,
    address: SocketAddr,
    request: &Request,
    connections: usize,
    time: Duration,
) -> anyhow::Result<Slice> {
    let script = folder.join("request.lua");
    fs::write(&script, request.script())?;
    let output = Command::new("wrk")
        .args([
            "--latency",
            "--timeout",
            "30s",
            "-t1",
            &format!("-c{connections}"),
            &format!("-d{}s", time.as_secs()),
            "-s",
        ])
        .arg(&script)
        .arg(format!("http://{address}{}", request.path))
        .output()
        .context("cannot run wrk: install Debian's package of that name")?;
    let text = String::from_utf8_lossy(&output.stdout);
    if text.contains("Non-2xx") || text.contains("Socket errors") {
        bail!("void slice of {} {}: {text}", request.method, request.path);
    }
    let field = |name: &str| {
        text.lines()
            .find_map(|line| line.trim().strip_prefix(name))
            .map(str::trim)
            .with_context(|| format!("no {name} in {text}"))
    };
    Ok(Slice { rate: field("Requests/sec:")?.parse()?, p99: span(field("99%")?)? })
}

fn span(text: &str) -> anyhow::Result<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: f64 = digits.parse()?;
    Ok(Duration::from_secs_f64(match &text[digits.len()..] {
        "us" => number / 1e6,
        "ms" => number / 1e3,
        "s" => number,
        "m" => number * 60.0,
        unit => bail!("unknown unit {unit}"),
    }))
}
