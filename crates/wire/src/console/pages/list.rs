//! What lists have in common: a project to choose, and pages of it that begin where the last one ended.

use std::fmt::Display;

use serde::Deserialize;

use crate::console::visit::Chosen;

/// Rows of a page.
pub(super) const ROWS: usize = 50;
/// Rows to ask for: one more says that there is another page.
pub(super) const ASKED: u32 = 51;

/// What the address of a list says.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    /// The project.
    pub(super) project: Option<String>,
    /// The last row of the page before.
    pub(super) after: Option<String>,
}

impl Asked {
    /// The id after which the page begins; anything else begins at the beginning.
    pub(super) fn after<T: std::str::FromStr>(&self) -> Option<T> {
        self.after.as_ref()?.parse().ok()
    }
}

/// Takes the row too many away and gives the address of the next page, if there is one.
pub(super) fn next<T, K: Display>(
    rows: &mut Vec<T>,
    path: &str,
    chosen: &Chosen,
    more: &str,
    key: impl Fn(&T) -> K,
) -> Option<String> {
    let project = chosen.project.as_ref().map_or_else(String::new, |project| project.id.to_string());
    next_at(rows, &format!("{path}?project={project}{more}&"), key)
}

/// The same for a list at an address that ends where `after` is to begin.
pub(super) fn next_at<T, K: Display>(rows: &mut Vec<T>, address: &str, key: impl Fn(&T) -> K) -> Option<String> {
    if rows.len() <= ROWS {
        return None;
    }
    rows.truncate(ROWS);
    rows.last().map(|last| format!("{address}after={}", key(last)))
}
