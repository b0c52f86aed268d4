//! Closed-loop load by `wrk` (a Debian package that the test command installs).

use std::{fs, net::SocketAddr, path::Path, process::Command, time::Duration};

use anyhow::{Context as _, bail};

/// The same request again and again.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) authorization: String,
    pub(crate) body: String,
    /// Whether the body is a form and not JSON.
    pub(crate) form: bool,
}

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
    let quote = serde_json::Value::from;
    fs::write(
        &script,
        format!(
            "wrk.method = {}\nwrk.body = {}\nwrk.headers[\"Content-Type\"] = {}\nwrk.headers[\"Authorization\"] = {}\n",
            quote(request.method),
            quote(request.body.as_str()),
            quote(if request.form { "application/x-www-form-urlencoded" } else { "application/json" }),
            quote(request.authorization.as_str()),
        ),
    )?;
    let output = Command::new("wrk")
        .args(["--latency", "-t1", &format!("-c{connections}"), &format!("-d{}s", time.as_secs()), "-s"])
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
