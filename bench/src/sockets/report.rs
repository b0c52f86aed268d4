//! Rows of what was measured on many sockets.

use std::time::Duration;

use crate::{load::percentile, table};

/// What there is to say of so many sockets.
#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<Vec<String>>,
}

impl Report {
    /// One more result.
    pub(crate) fn row(&mut self, what: &str, sockets: usize, result: String, target: &str) {
        self.rows.push(vec![what.to_owned(), sockets.to_string(), result, target.to_owned()]);
    }

    /// Prints all.
    pub(crate) fn print(&self, title: &str) {
        table::print(title, &["what", "sockets", "result", "target"], &self.rows);
    }
}

pub(crate) fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

/// p50, p99 and the last.
pub(crate) fn spread(sorted: &[Duration]) -> String {
    let at = |share| millis(percentile(sorted, share));
    format!("{} / {} / {}", at(50), at(99), at(100))
}

pub(super) fn per_second(count: usize, time: Duration) -> String {
    format!("{:.0} a second", to_f64(count) / time.as_secs_f64())
}

pub(super) fn kib_each(kib: usize, count: usize) -> String {
    format!("{:.1} KiB", to_f64(kib) / to_f64(count))
}

pub(crate) fn to_f64(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
