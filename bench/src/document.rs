//! `docs/performance.md`: what was printed, kept for those who read and do not measure.

use std::{
    fs,
    path::Path,
    sync::{Mutex, PoisonError},
};

use anyhow::Context as _;

static KEPT: Mutex<String> = Mutex::new(String::new());

const BEGIN: &str = "<!-- figures: written by `cargo xtask bench all` -->\n";
const END: &str = "<!-- end of figures -->";
const HEADING: &str = "\n### ";

/// Keeps a piece of Markdown.
pub(crate) fn keep(text: &str) {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).push_str(text);
}

/// Keeps a table.
pub(crate) fn keep_table(title: &str, header: &[&str], rows: &[Vec<String>]) {
    let line = |cells: Vec<&str>| format!("| {} |\n", cells.join(" | "));
    let mut text = format!("{HEADING}{title}\n\n{}{}", line(header.to_vec()), line(vec!["---"; header.len()]));
    for row in rows {
        text.push_str(&line(row.iter().map(String::as_str).collect()));
    }
    keep(&text);
}

/// Puts everything that was kept between the marks of the document.
pub(crate) fn write(document: &Path) -> anyhow::Result<()> {
    change(document, |_, kept| kept.to_owned())
}

/// Puts the sections that were kept in place of those with the same headings; a new one becomes the last.
pub(crate) fn write_sections(document: &Path) -> anyhow::Result<()> {
    change(document, replaced)
}

fn change(document: &Path, new: impl FnOnce(&str, &str) -> String) -> anyhow::Result<()> {
    let text = fs::read_to_string(document).with_context(|| format!("cannot read {}", document.display()))?;
    let (before, rest) = text.split_once(BEGIN).context("the document has no place for figures")?;
    let (present, after) = rest.split_once(END).context("the place for figures has no end")?;
    let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let new = new(present.trim_end(), &kept);
    fs::write(document, format!("{before}{BEGIN}{}\n\n{END}{after}", new.trim_end()))?;
    Ok(())
}

/// The figures that are there, with the kept sections in them. What was kept before the first heading belongs to none.
fn replaced(present: &str, kept: &str) -> String {
    let mut sections: Vec<String> = sections(present);
    for new in sections_of(kept) {
        match sections.iter_mut().find(|section| heading(section) == heading(&new)) {
            Some(section) => *section = new,
            None => sections.push(new),
        }
    }
    sections.concat()
}

/// What comes before the first heading, and then one piece for each.
fn sections(text: &str) -> Vec<String> {
    let mut pieces = text.split(HEADING);
    let first = pieces.next().unwrap_or_default().to_owned();
    std::iter::once(first).chain(pieces.map(|piece| format!("{HEADING}{}\n", piece.trim_end()))).collect()
}

fn sections_of(text: &str) -> impl Iterator<Item = String> {
    sections(text).into_iter().skip(1)
}

fn heading(section: &str) -> Option<&str> {
    section.strip_prefix(HEADING)?.lines().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_takes_the_place_of_the_one_with_its_heading_and_a_new_one_comes_last() {
        let present = "\nMeasured.\n\n### One\n\n| 1 |\n\n### Two\n\n| 2 |\n";
        let kept = "loose\n\n### Three\n\n| 3 |\n\n### One\n\n| 11 |\n";
        let expected = "\nMeasured.\n\n### One\n\n| 11 |\n\n### Two\n\n| 2 |\n\n### Three\n\n| 3 |\n";
        assert_eq!(replaced(present, kept), expected);
    }
}
