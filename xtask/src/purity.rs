//! What may stand where, checked on the text of every file: the rules of the workspace that no compiler enforces.

use std::{fs, process::Command};

use anyhow::{Context, Result, ensure};

use crate::process::capture;

/// Crates that the domain does without.
const NOT_IN_CORE: &[&str] =
    &["axum", "clap", "http", "lettre", "postgres", "reqwest", "rusqlite", "tokio-postgres", "tokio-tungstenite"];
/// Names of other systems, which only their dialect's folder knows.
const DIALECTS: &[&str] = &["apirtc", "telnyx", "opentact", "tiledesk", "keyclic"];
/// How statements begin.
const SQL: &[&str] = &["SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "CREATE TABLE ", "DROP TABLE "];
/// Unfinished work; in two halves, or this file would be a finding of its own.
const UNFINISHED: &[&str] = &[concat!("todo", "!("), concat!("unimplemented", "!("), concat!("#[", "ignore")];
/// What nodes remember is kept true by announcing each change, so these are written in few places (docs/adr/0030-memory.md).
const ANNOUNCED: &[(&str, &[&str])] = &[
    (".insert_membership(", &["authority/roles.rs", "testing/world.rs"]),
    (".update_membership(", &["authority/roles.rs"]),
    (".delete_memberships_of(", &["authority/roles.rs"]),
    (".relabel_credential(", &["authority/own_keys.rs"]),
    (".revoke_credential(", &["authority/own_keys.rs", "authority/credentials.rs"]),
    (".revoke_credentials_of(", &["authority/identities.rs"]),
];
/// How long a source file may be, and a file of tests.
const LINES: (usize, usize) = (500, 800);

/// Checks every file that git knows or would add.
pub fn check() -> Result<()> {
    let mut list = Command::new("git");
    list.args(["ls-files", "--cached", "--others", "--exclude-standard", "--", "*.rs", "crates/*/Cargo.toml"]);
    let list = capture(&mut list)?;
    let mut findings = Vec::new();
    for path in list.lines().filter(|path| fs::exists(path).unwrap_or(true)) {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
        findings.extend(inspect(path, &text));
    }
    ensure!(findings.is_empty(), "{}", findings.join("\n"));
    println!("{} files", list.lines().count());
    Ok(())
}

fn inspect(path: &str, text: &str) -> Vec<String> {
    if path.ends_with("Cargo.toml") {
        return if path.starts_with("crates/core/") { manifest_of_core(path, text) } else { Vec::new() };
    }
    let mut findings = Vec::new();
    let (of_source, of_tests) = LINES;
    let limit = if path.contains("/tests/") { of_tests } else { of_source };
    if text.lines().count() > limit {
        findings.push(format!("{path}: longer than {limit} lines"));
    }
    let in_source = path.starts_with("crates/") && path.contains("/src/");
    for (line, number) in text.lines().zip(1..) {
        let mut find = |what: &str| findings.push(format!("{path}:{number}: {what}"));
        if UNFINISHED.iter().any(|mark| line.contains(mark)) {
            find("unfinished or ignored");
        }
        if path.starts_with("crates/core/src/") && DIALECTS.iter().any(|name| line.to_lowercase().contains(name)) {
            find("the core knows no dialect");
        }
        let written = ANNOUNCED.iter().filter(|(call, _)| line.contains(call) && in_source);
        for (call, places) in written.filter(|(_, places)| !places.iter().any(|place| path.ends_with(place))) {
            find(&format!("`{call}…)` stands in {} only", places.join(" and ")));
        }
        if may_not_hold_sql(path) && SQL.iter().any(|start| line.contains(start)) {
            find("SQL stands in crates/store only");
        }
    }
    findings
}

fn may_not_hold_sql(path: &str) -> bool {
    path.starts_with("crates/") && path.contains("/src/") && !path.starts_with("crates/store/")
}

fn manifest_of_core(path: &str, text: &str) -> Vec<String> {
    let name = |line: &'_ str| line.split(['.', '=', ' ']).next().map(String::from);
    let named = text.lines().filter_map(name);
    named
        .filter(|name| NOT_IN_CORE.contains(&name.as_str()))
        .map(|name| format!("{path}: the core does without {name}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_core_names_no_dialect_and_no_driver() {
        let findings = inspect("crates/core/src/issuer.rs", "//! Like Telnyx does.\n");
        assert_eq!(findings, ["crates/core/src/issuer.rs:1: the core knows no dialect"]);
        let findings = inspect("crates/core/Cargo.toml", "[dependencies]\nhttp = \"1\"\nhttparse = \"1\"\n");
        assert_eq!(findings, ["crates/core/Cargo.toml: the core does without http"]);
        assert!(inspect("crates/wire/src/dialects/telnyx/mod.rs", "//! Telnyx.\n").is_empty());
    }

    #[test]
    fn sql_stands_in_the_store_only() {
        let line = "const FIND: &str = \"SELECT id FROM identity\";\n";
        assert_eq!(inspect("crates/server/src/main.rs", line).len(), 1);
        assert!(inspect("crates/store/src/identity.rs", line).is_empty());
    }

    #[test]
    fn what_nodes_remember_is_written_where_it_is_announced() {
        let line = concat!("    tx.update_membership", "(&place)?;\n");
        assert_eq!(inspect("crates/core/src/authority/homes.rs", line).len(), 1);
        assert!(inspect("crates/core/src/authority/roles.rs", line).is_empty());
        assert!(inspect("crates/core/tests/operations/memberships.rs", line).is_empty());
    }

    #[test]
    fn a_file_is_short_and_finished() {
        assert_eq!(inspect("crates/wire/src/app.rs", &"\n".repeat(501)).len(), 1);
        assert!(inspect("crates/wire/tests/native.rs", &"\n".repeat(501)).is_empty());
        assert_eq!(inspect("crates/wire/tests/native.rs", concat!("    #[", "ignore]\n")).len(), 1);
    }
}
