//! Log lines to standard error, scrubbed, and metrics for `/metrics`.

use std::{
    io::{self, Write},
    sync::Arc,
};

use anyhow::{Context as _, Result};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

use crate::{
    config::{Log, LogFormat},
    scrub::scrub,
};

/// Buckets of durations in seconds: from a look-up in memory to a time-out.
const SECONDS: &[f64] =
    &[0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Starts logging. A second call in one process is an error.
pub fn start_log(settings: &Log) -> Result<()> {
    let filter = EnvFilter::try_new(&settings.level).context("log.level")?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(Scrubbed);
    let started = match settings.format {
        LogFormat::Text => builder.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(false).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("logging cannot start: {error}"))
}

/// Writes to standard error what is left after [`scrub`].
struct Scrubbed;

/// One event: the subscriber writes each with one call.
struct Line;

impl MakeWriter<'_> for Scrubbed {
    type Writer = Line;

    fn make_writer(&self) -> Line {
        Line
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        // Nobody reading our log is no reason to fail, nor to try again.
        drop(io::stderr().lock().write_all(scrub(&text).as_bytes()));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where counters are kept and printed from.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Starts counting. A second call in one process is an error.
    pub fn start() -> Result<Self> {
        let handle = PrometheusBuilder::new()
            .set_buckets(SECONDS)
            .context("buckets")?
            .install_recorder()
            .context("metrics cannot start")?;
        metrics::gauge!("ringfence_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        Ok(Self(handle))
    }

    /// The text of `/metrics`.
    pub fn text(&self) -> Arc<dyn Fn() -> String + Send + Sync> {
        let handle = self.0.clone();
        Arc::new(move || handle.render())
    }

    /// Makes room: what was observed since the last time is added up.
    pub fn tidy(&self) {
        self.0.run_upkeep();
    }
}
