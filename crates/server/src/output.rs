//! The one place that prints. What was asked for goes to standard output, complaints to standard error.

use std::io::{self, Write as _};

use serde_json::Value;

/// How answers look.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    json: bool,
}

impl Output {
    /// Human text, or JSON.
    pub const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether programs read it.
    pub const fn is_json(self) -> bool {
        self.json
    }

    /// Prints an answer in its JSON or its human form.
    pub fn show(self, value: &Value, text: impl FnOnce() -> String) -> io::Result<()> {
        if self.json { line(&format!("{value:#}")) } else { line(&text()) }
    }
}

/// Prints text as it is, ending its last line if it does not.
pub fn line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.is_empty() && !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// Prints a complaint; nothing can be done if nobody reads it.
pub fn complain(text: &str) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}

/// Lines of aligned columns under their headings.
pub fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = headings.iter().map(|heading| heading.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: Vec<&str>| {
        let padded: Vec<_> = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(headings.to_vec())];
    lines.extend(rows.iter().map(|row| line(row.iter().map(String::as_str).collect())));
    lines.join("\n")
}

/// `name: value` lines of a JSON object, aligned; nested values as JSON.
pub fn fields(value: &Value) -> String {
    let Value::Object(members) = value else { return plain(value) };
    let width = members.keys().map(|name| name.chars().count()).max().unwrap_or(0);
    let shown = members.iter().filter(|(_, value)| !value.is_null());
    shown.map(|(name, value)| format!("{name:width$}  {}", plain(value))).collect::<Vec<_>>().join("\n")
}

/// A value as people read it: text without quotes, lists with commas.
pub fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(|item| !item.is_object()) => {
            items.iter().map(plain).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [vec!["a".to_owned(), "long name".to_owned()], vec!["bcd".to_owned(), "x".to_owned()]];
        assert_eq!(table(&["id", "name"], &rows), "id   name\na    long name\nbcd  x");
    }

    #[test]
    fn fields_leave_out_what_is_not_there() {
        let value = json!({ "id": "1", "scopes": ["*", "x"], "ended": null });
        assert_eq!(fields(&value), "id      1\nscopes  *, x");
    }
}
