//! `docs/performance.md`: what was printed, kept for those who read and do not measure.

use std::{
    fs,
    path::Path,
    sync::{Mutex, PoisonError},
};

use anyhow::Context as _;

static KEPT: Mutex<String> = Mutex::new(String::new());

const BEGIN: &str = "<!-- figures: written by `cargo xtask bench all` -->";
const END: &str = "<!-- end of figures -->";

/// Keeps a piece of Markdown.
pub(crate) fn keep(text: &str) {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).push_str(text);
}

/// Keeps a table.
pub(crate) fn keep_table(title: &str, header: &[&str], rows: &[Vec<String>]) {
    let line = |cells: Vec<&str>| format!("| {} |\n", cells.join(" | "));
    let mut text = format!("\n### {title}\n\n{}{}", line(header.to_vec()), line(vec!["---"; header.len()]));
    for row in rows {
        text.push_str(&line(row.iter().map(String::as_str).collect()));
    }
    keep(&text);
}

/// Puts everything that was kept between the marks of the document.
pub(crate) fn write(document: &Path) -> anyhow::Result<()> {
    let text = fs::read_to_string(document).with_context(|| format!("cannot read {}", document.display()))?;
    let (before, rest) = text.split_once(BEGIN).context("the document has no place for figures")?;
    let (_, after) = rest.split_once(END).context("the place for figures has no end")?;
    let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    fs::write(document, format!("{before}{BEGIN}\n{kept}\n{END}{after}"))?;
    Ok(())
}
