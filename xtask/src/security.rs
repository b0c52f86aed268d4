//! docs/security.md: which test stands for which attack and which requirement, read off the tests themselves.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    process::Command,
};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Deserialize;

use crate::process::capture;

const ROWS: &str = "docs/security.toml";
const TABLE: &str = "docs/security.md";

/// How to go about the table.
#[derive(Args)]
pub struct Options {
    /// Only see that it is fresh.
    #[arg(long)]
    check: bool,
}

/// What the tests are to show.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rows {
    attack: Vec<Attack>,
    asvs: Vec<Requirement>,
}

/// A row of the catalogue of attacks.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attack {
    id: String,
    what: String,
    /// Why there is no test, or not for all of it.
    waits: Option<String>,
}

/// A requirement of OWASP ASVS 5.0.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Requirement {
    id: String,
    what: String,
    /// The attacks that show it.
    #[serde(default)]
    attacks: Vec<String>,
    /// Why none does.
    waits: Option<String>,
}

/// A test: the file it stands in and its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Test {
    file: String,
    name: String,
}

/// The tests of each attack.
type Carried = BTreeMap<String, BTreeSet<Test>>;

/// Writes the table, or sees that it is fresh. Either way a row with neither test nor reason is an error.
pub fn run(options: &Options) -> Result<()> {
    let text = fs::read_to_string(ROWS).with_context(|| format!("cannot read {ROWS}"))?;
    let rows: Rows = toml::from_str(&text).with_context(|| format!("in {ROWS}"))?;
    let carried = all_tests()?;
    let table = table(&rows, &carried);
    let findings = findings(&rows, &carried);
    println!("{} rows, {} of them with tests", rows.attack.len(), carried.len());
    if !options.check {
        fs::write(TABLE, &table).with_context(|| format!("cannot write {TABLE}"))?;
    }
    ensure!(findings.is_empty(), "{}", findings.join("\n"));
    let kept = fs::read_to_string(TABLE).with_context(|| format!("cannot read {TABLE}"))?;
    ensure!(kept == table, "{TABLE} is stale: run `cargo xtask security`");
    Ok(())
}

/// The same as a step of the tests.
pub fn check() -> Result<()> {
    run(&Options { check: true })
}

/// Looks through every file that may hold a test.
fn all_tests() -> Result<Carried> {
    let mut list = Command::new("git");
    list.args(["ls-files", "--cached", "--others", "--exclude-standard", "--", "crates", "clients", "fuzz"]);
    let mut carried = Carried::new();
    for path in capture(&mut list)?.lines() {
        let find = match path.rsplit('.').next() {
            Some("rs") => in_rust,
            Some("mjs" | "js" | "ts" | "py") => in_script,
            _ => continue,
        };
        if !fs::exists(path)? {
            continue;
        }
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
        for (number, name) in find(path, &text) {
            carried.entry(number).or_default().insert(Test { file: path.to_owned(), name });
        }
    }
    Ok(carried)
}

/// Numbers and tests of a Rust file: by the test's name, by comments before it, by comments in it.
fn in_rust(path: &str, text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let (mut is_test, mut said, mut within) = (false, BTreeSet::new(), None::<(String, String)>);
    for line in text.lines() {
        let (code, indent) = (line.trim_start(), line.len() - line.trim_start().len());
        if let Some((name, end)) = &within {
            if let Some(comment) = code.strip_prefix("//") {
                found.extend(numbers(comment).map(|number| (number, name.clone())));
            }
            if line == end {
                within = None;
            }
            continue;
        }
        if code.starts_with("#[") {
            is_test |= code.contains("test]") || code.contains("test(");
        } else if let Some(comment) = code.strip_prefix("///").or_else(|| code.strip_prefix("// ")) {
            said.extend(numbers(comment));
        } else if let Some(name) = function(code) {
            let numbered: Vec<_> = numbers_of_name(name).collect();
            // The cases of a contract are functions that a list makes tests of.
            if is_test || (path.contains("/tests/") && !numbered.is_empty()) {
                found.extend(numbered.into_iter().chain(said).map(|number| (number, name.to_owned())));
                within = Some((name.to_owned(), format!("{}}}", " ".repeat(indent))));
            }
            (is_test, said) = (false, BTreeSet::new());
        } else {
            (is_test, said) = (false, BTreeSet::new());
        }
    }
    found
}

/// The name of the function that a line begins.
fn function(code: &str) -> Option<&str> {
    let code = code.strip_prefix("pub(crate) ").or_else(|| code.strip_prefix("pub ")).unwrap_or(code);
    let rest = code.strip_prefix("async ").unwrap_or(code).strip_prefix("fn ")?;
    rest.split(['(', '<']).next()
}

/// `N43` in a sentence.
fn numbers(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|char: char| !char.is_ascii_alphanumeric());
    words.filter(|word| is_number(word.strip_prefix('N'))).map(str::to_owned)
}

/// `n43_n44_…` of a test's name.
fn numbers_of_name(name: &str) -> impl Iterator<Item = String> {
    name.split('_').take_while(|word| is_number(word.strip_prefix('n'))).map(str::to_uppercase)
}

fn is_number(digits: Option<&str>) -> bool {
    digits.is_some_and(|digits| matches!(digits.len(), 2 | 3) && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Checks of a script that drives a client: quoted, and beginning with the number.
fn in_script(_: &str, text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for line in text.lines() {
        let quoted = ['\'', '"', '`'].into_iter().find_map(|quote| {
            let rest = line.split_once(&format!("{quote}n"))?.1;
            let said = rest.split(quote).next()?;
            let (number, name) = said.split_once(": ")?;
            let plain = number.split([',', ' ']).filter(|word| !word.is_empty());
            let numbers: Vec<_> = plain.map(|word| word.trim_start_matches('n').to_owned()).collect();
            numbers.iter().all(|digits| is_number(Some(digits))).then(|| (numbers, name.to_owned()))
        });
        if let Some((numbers, name)) = quoted {
            found.extend(numbers.into_iter().map(|digits| (format!("N{digits}"), name.clone())));
        }
    }
    found
}

/// What keeps the table from being true.
fn findings(rows: &Rows, carried: &Carried) -> Vec<String> {
    let mut findings = Vec::new();
    for Attack { id, waits, .. } in &rows.attack {
        if waits.is_none() && !carried.contains_key(id) {
            findings.push(format!("{id}: no test"));
        }
    }
    let known: BTreeSet<_> = rows.attack.iter().map(|attack| &attack.id).collect();
    let unknown = carried.keys().filter(|number| !known.contains(number));
    findings.extend(unknown.map(|number| format!("{number}: tests say it, {ROWS} does not have it")));
    for Requirement { id, attacks, waits, .. } in &rows.asvs {
        if attacks.is_empty() == waits.is_none() {
            findings.push(format!("ASVS {id}: either attacks or the reason why it waits"));
        }
        let bare = attacks.iter().filter(|number| !carried.contains_key(*number));
        findings.extend(bare.map(|number| format!("ASVS {id}: {number} has no test")));
    }
    findings
}

fn table(rows: &Rows, carried: &Carried) -> String {
    let mut text = String::from(
        "# What is attacked, and by which test\n\n\
         Written by `cargo xtask security` from `docs/security.toml` and the tests; the tests of the project fail while it is stale. A\n\
         row is green when its tests are, and all of them run in `cargo xtask test`. Files are below `crates/`, `clients/` and `fuzz/`.\n\n\
         ## Attacks\n\n| row | what is refused | state | tests |\n| --- | --- | --- | --- |\n",
    );
    for Attack { id, what, waits } in &rows.attack {
        let (state, tests) = match (carried.get(id), waits) {
            (None, Some(reason)) => (format!("does not apply yet: {reason}"), "–".to_owned()),
            (Some(tests), Some(reason)) => (format!("in part: {reason}"), listed(id, tests)),
            (Some(tests), None) => ("green".to_owned(), listed(id, tests)),
            (None, None) => ("**no test**".to_owned(), "–".to_owned()),
        };
        writeln!(text, "| {id} | {what} | {state} | {tests} |").expect("a text takes text");
    }
    text.push_str(
        "\n## Requirements of OWASP ASVS 5.0\n\nThose that the promise of level 2 and the level-3 items of it name. A row is green when its attacks are.\n\n\
         | id | what it asks | state | shown by |\n| --- | --- | --- | --- |\n",
    );
    for Requirement { id, what, attacks, waits } in &rows.asvs {
        let state = waits.as_ref().map_or_else(|| "green".to_owned(), |reason| format!("does not apply yet: {reason}"));
        let count: usize = attacks.iter().filter_map(|number| carried.get(number)).map(BTreeSet::len).sum();
        let shown =
            if attacks.is_empty() { "–".to_owned() } else { format!("{} ({count} tests)", attacks.join(", ")) };
        writeln!(text, "| {id} | {what} | {state} | {shown} |").expect("a text takes text");
    }
    text
}

/// The tests of a row by file, without the numbers that their names begin with.
fn listed(id: &str, tests: &BTreeSet<Test>) -> String {
    let mut by_file = BTreeMap::<&str, Vec<String>>::new();
    for Test { file, name } in tests {
        let words = name.split('_').skip_while(|word| is_number(word.strip_prefix('n')));
        let sentence = words.collect::<Vec<_>>().join(" ").replace('|', "/");
        by_file.entry(file).or_default().push(sentence);
    }
    debug_assert!(!by_file.is_empty(), "{id} has tests");
    let file = |path: &str| {
        let short = path.trim_start_matches("crates/");
        format!("[{short}](../{path})")
    };
    by_file.iter().map(|(path, names)| format!("{}: {}", file(path), names.join("; "))).collect::<Vec<_>>().join("<br>")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(String, String)> {
        in_rust("crates/x/tests/y.rs", text)
    }

    fn pair(number: &str, name: &str) -> (String, String) {
        (number.to_owned(), name.to_owned())
    }

    #[test]
    fn a_test_is_found_by_its_name_and_by_comments_before_and_in_it() {
        let text =
            "/// As N66 has it.\n#[test]\nfn n01_n02_a() {\n    // And (ATTACKS N94).\n    b();\n}\n\nfn n05_b() {}\n";
        let name = "n01_n02_a";
        let expected =
            [pair("N01", name), pair("N02", name), pair("N66", name), pair("N94", name), pair("N05", "n05_b")];
        assert_eq!(found(text), expected);
    }

    #[test]
    fn what_is_no_test_carries_nothing() {
        assert!(in_rust("crates/x/src/y.rs", "/// ATTACKS N43.\npub fn n43_like() {\n}\n").is_empty());
        assert!(found("// N43\nconst A: u8 = 1;\n#[test]\nfn a() {\n}\n").is_empty());
    }

    #[test]
    fn checks_of_scripts_begin_with_their_numbers() {
        let text =
            "await check('n61: shown again', f);\nsays(`n62, n63: ${what} is refused`);\nconst name = 'note: x';\n";
        let expected =
            [pair("N61", "shown again"), pair("N62", "${what} is refused"), pair("N63", "${what} is refused")];
        assert_eq!(in_script("a.mjs", text), expected);
    }

    #[test]
    fn a_row_has_a_test_or_a_reason() {
        let rows: Rows = toml::from_str(
            "[[attack]]\nid = \"N01\"\nwhat = \"a\"\n[[attack]]\nid = \"N02\"\nwhat = \"b\"\nwaits = \"c\"\n[[asvs]]\nid = \"1\"\nwhat = \"d\"\n",
        )
        .unwrap();
        let test = Test { file: "f".to_owned(), name: "n02_x".to_owned() };
        let carried = Carried::from([("N02".to_owned(), BTreeSet::from([test]))]);
        let expected = ["N01: no test", "ASVS 1: either attacks or the reason why it waits"];
        assert_eq!(findings(&rows, &carried), expected);
    }
}
