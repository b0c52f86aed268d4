//! Moving many identities from SQLite to PostgreSQL: how long it takes, and that everybody gets in afterwards.
//!
//! A server makes one member, some guests and an API key as it always does. Then the member's rows are multiplied in the
//! database, with the same password hash for all. After the move a sample of the members signs in with the password, and every
//! guest with what they were given before.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::{
    process::{Program, free_address},
    scratch::{EMAIL, NATIVE_KEY, PASSWORD},
    table,
};

/// Guests with real tokens.
const GUESTS: usize = 200;
/// Members who sign in afterwards.
const SAMPLE: u32 = 200;
/// Tokens name it, so it must not change with the port.
const PUBLIC_URL: &str = "http://localhost:7080";

/// What to do.
pub(crate) struct Plan<'a> {
    /// The binary.
    pub(crate) server: &'a Path,
    /// The URL of an empty PostgreSQL database.
    pub(crate) to: &'a str,
    /// Members in all.
    pub(crate) identities: u32,
}

/// What somebody was given before the move.
struct Guest {
    access: String,
    refresh: String,
}

/// Runs it, prints what became of it, and fails unless everybody gets in.
pub(crate) fn run(plan: &Plan<'_>) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let place = Place { folder: folder.path(), server: plan.server };
    let (file, begun) = (folder.path().join("ringfence.db"), now());
    let from = format!("sqlite:{}", file.display());
    let (guests, key) = place.people(&from)?;
    let made = multiply(&file, plan.identities)?;
    let filled = begun.elapsed();

    let begun = now();
    let mut child = place.command(&from).args(["--json", "move", "--to", plan.to]).stdout(Stdio::piped()).spawn()?;
    let mut peak = 0;
    while child.try_wait()?.is_none() {
        peak = peak.max(peak_of(child.id()).unwrap_or(0));
        thread::park_timeout(Duration::from_millis(50));
    }
    let took = begun.elapsed();
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "the move ended with {}", output.status);
    let report: Value = serde_json::from_slice(&output.stdout)?;
    let rows = report["rows"].as_u64().context("the move says how many rows")?;
    ensure!(rows >= made, "{rows} rows were moved of {made} at least");

    place.check(plan, &guests, &key)?;
    let row = |what: &str, figure: String| vec![what.to_owned(), figure];
    let figures = [
        row("identities", plan.identities.to_string()),
        row("rows, with their credentials, sessions and the rest", rows.to_string()),
        row("the file before", format!("{} MiB", fs::metadata(&file)?.len() >> 20)),
        row("filled in", format!("{:.0} s", filled.as_secs_f64())),
        row("moved and compared in", format!("{:.0} s", took.as_secs_f64())),
        row("rows a second", (u128::from(rows) * 1000 / took.as_millis().max(1)).to_string()),
        row("peak memory of the command", format!("{} MiB", peak >> 10)),
        row("members who signed in afterwards", format!("{SAMPLE} of {SAMPLE}")),
        row("guests whose access and refresh tokens still worked", format!("{GUESTS} of {GUESTS}")),
    ];
    table::print("Moving from SQLite to PostgreSQL", &["what", "result"], &figures);
    Ok(())
}

/// Where the server works.
struct Place<'a> {
    folder: &'a Path,
    server: &'a Path,
}

impl Place<'_> {
    fn command(&self, database: &str) -> Command {
        let mut command = Command::new(self.server);
        command.current_dir(self.folder).stdin(Stdio::null());
        command.env("RINGFENCE__DATABASE__URL", database).env("RINGFENCE__SERVER__PUBLIC_URL", PUBLIC_URL);
        command
    }

    fn serve(&self, database: &str) -> anyhow::Result<Program> {
        let (listen, admin): (SocketAddr, SocketAddr) = (free_address()?, free_address()?);
        let mut command = self.command(database);
        command.arg("serve").args(["--listen", &listen.to_string(), "--admin-listen", &admin.to_string()]);
        Program::start(&mut command, listen, &self.folder.join("server.log"))
    }

    fn run(&self, database: &str, arguments: &[&str]) -> anyhow::Result<Value> {
        let output = self.command(database).arg("--json").args(arguments).output()?;
        ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// Makes a member with a session, guests and a key.
    fn people(&self, database: &str) -> anyhow::Result<(Vec<Guest>, String)> {
        let file = self.file("projects.toml", &format!(
            "[[project]]\nname = \"default\"\n[[project.application]]\nname = \"bench\"\npublishable_key = \"{NATIVE_KEY}\"\n\
             [[project.identity]]\nemail = \"{EMAIL}\"\npassword = \"{PASSWORD}\"\n"
        ))?;
        self.run(database, &["migrate"])?;
        // Makes the master key; only a server does.
        drop(self.serve(database)?);
        self.run(database, &["apply", &file.to_string_lossy()])?;
        let key = self.run(database, &["api-key", "create", "--scope", "identities:read", "bench"])?;
        let server = self.serve(database)?;
        sign_in(&server, EMAIL)?;
        let guest = || {
            let answer = server.post("/api/v1/guests", "", &json!({ "application": NATIVE_KEY }).to_string())?;
            Ok(Guest { access: text(&answer, "access_token")?, refresh: text(&answer, "refresh_token")? })
        };
        let guests = (0..GUESTS).map(|_| guest()).collect::<anyhow::Result<_>>()?;
        Ok((guests, text(&key, "value")?))
    }

    fn file(&self, name: &str, content: &str) -> anyhow::Result<PathBuf> {
        let path = self.folder.join(name);
        fs::write(&path, content)?;
        Ok(path)
    }

    /// Lets everybody in on the other side.
    fn check(&self, plan: &Plan<'_>, guests: &[Guest], key: &str) -> anyhow::Result<()> {
        let findings = self.run(plan.to, &["doctor"])?;
        ensure!(findings["healthy"] == true, "the doctor: {findings}");
        let server = self.serve(plan.to)?;
        for number in 0..SAMPLE.min(plan.identities) {
            // Spread over all, the first and the last included.
            let member = 1 + u64::from(number) * u64::from(plan.identities - 1) / u64::from((SAMPLE - 1).max(1));
            sign_in(&server, &format!("member{member}@example.org"))?;
        }
        server.ask("GET", "/api/v1/admin/identities", &format!("Bearer {key}"), "")?;
        for guest in guests {
            server.ask("GET", "/api/v1/me", &format!("Bearer {}", guest.access), "")?;
            let renewed = server.post("/api/v1/refresh", "", &json!({ "refresh_token": guest.refresh }).to_string())?;
            server.ask("GET", "/api/v1/me", &format!("Bearer {}", text(&renewed, "access_token")?), "")?;
        }
        Ok(())
    }
}

fn sign_in(server: &Program, email: &str) -> anyhow::Result<()> {
    let body = json!({ "application": NATIVE_KEY, "email": email, "password": PASSWORD }).to_string();
    server.post("/api/v1/sign-in", "", &body).with_context(|| format!("{email} signs in")).map(drop)
}

fn text(answer: &Value, name: &str) -> anyhow::Result<String> {
    Ok(answer[name].as_str().with_context(|| format!("an answer has {name}"))?.to_owned())
}

/// Gives everybody a copy of the member's rows, under ids of their own; returns how many rows were made.
pub(crate) fn multiply(file: &Path, identities: u32) -> anyhow::Result<u64> {
    // SQLite's own functions; `i` counts.
    let id = |kind: u8| format!("printf('019aa914-46a7-7000-80{kind:02}-%012x', i)");
    let digest = |column: &str| format!("substr({column}, 1, 30) || printf('%013d', i)");
    let (identity, credential, session) = (id(0), id(1), id(2));
    let copies = [
        ("identity", "id = $2", vec![("id", identity.clone())]),
        (
            "identifier",
            "identity_id = $2",
            vec![("value", "printf('member%d@example.org', i)".to_owned()), ("identity_id", identity.clone())],
        ),
        ("credential", "identity_id = $2", vec![("id", credential), ("identity_id", identity.clone())]),
        ("session", "identity_id = $2", vec![("id", session.clone()), ("identity_id", identity)]),
        (
            "refresh_family",
            "session_id = (SELECT id FROM session WHERE identity_id = $2)",
            vec![("name", digest("name")), ("session_id", session), ("newest", digest("newest"))],
        ),
    ];
    let database = Connection::open(file)?;
    database
        .execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -200000; PRAGMA foreign_keys = OFF; BEGIN")?;
    let member: String =
        database.query_one("SELECT identity_id FROM identifier WHERE value = $1", [EMAIL], |row| row.get(0))?;
    let mut made = 0;
    for (table, whose, own) in copies {
        let mut names = database.prepare("SELECT name FROM pragma_table_info($1)")?;
        let names: Vec<String> = names.query_map([table], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let value = |name: &String| {
            own.iter().find(|(column, _)| column == name).map_or_else(|| name.clone(), |(_, value)| value.clone())
        };
        let values: Vec<_> = names.iter().map(value).collect();
        let sql = format!(
            "WITH RECURSIVE number(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < $1)
             INSERT INTO {table} ({}) SELECT {} FROM number, (SELECT * FROM {table} WHERE {whose})",
            names.join(", "),
            values.join(", "),
        );
        made += u64::try_from(database.execute(&sql, (identities, &member))?)?;
    }
    database.execute_batch("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)")?;
    ensure!(made == u64::from(identities) * 5, "five rows for each identity, {made} in all");
    Ok(made)
}

/// Kibibytes that a process had in memory at most, with the files that it maps.
fn peak_of(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find(|line| line.starts_with("VmHWM"))?.split_whitespace().nth(1)?.parse().ok()
}

#[expect(clippy::disallowed_methods, reason = "a measuring program lives in real time")]
fn now() -> Instant {
    Instant::now()
}
