//! Pages of the console over many people: how long the server takes for each.
//!
//! A server makes one project with one member as it always does; then rows are multiplied in the database. Whoever looks is an
//! administrator whose session was put there, too: signing in is not what is measured.

use std::{
    collections::BTreeSet,
    io::{Read as _, Write as _},
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context as _, ensure};
use ringfence_core::{
    entropy::OsEntropy,
    ids::{AdministratorId, ConsoleSessionId},
    secret::{RawToken, TokenKind},
    time::{Clock as _, SystemClock},
};
use rusqlite::Connection;

use crate::{
    process::{Program, connect, free_address},
    relocate::multiply,
    scratch::{EMAIL, NATIVE_KEY, PASSWORD},
    table::{self, Spread},
};

/// Looks at each page.
const LOOKS: usize = 15;

/// What to do.
pub(crate) struct Plan<'a> {
    /// The binary.
    pub(crate) server: &'a Path,
    /// Users in all.
    pub(crate) users: u32,
    /// Applications in all.
    pub(crate) applications: u32,
}

/// Runs it and prints the time of each page, the slowest first.
pub(crate) fn run(plan: &Plan<'_>) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("ringfence.db");
    prepare(plan.server, folder.path())?;
    multiply(&file, plan.users)?;
    let token = furnish(&file, plan.applications)?;
    let server = serve(plan.server, folder.path())?;
    let mut rows = Vec::new();
    for path in pages(&server, &token)? {
        let mut times = Vec::with_capacity(LOOKS);
        for _ in 0..LOOKS {
            let begun = now();
            look(&server, &token, &path)?;
            times.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        rows.push((path, Spread::of(times)));
    }
    rows.sort_by(|one, other| other.1.median.total_cmp(&one.1.median));
    let shown: Vec<_> = rows
        .iter()
        .map(|(path, time)| vec![path.clone(), format!("{:.1} ms", time.median), format!("{:.1} ms", time.most)])
        .collect();
    let title = format!("The console over {} users and {} applications", plan.users, plan.applications);
    table::print(&title, &["page", "median", "slowest"], &shown);
    let (path, time) = rows.first().context("there are pages")?;
    table::print("Slowest page", &["page", "median"], &[vec![path.clone(), format!("{:.1} ms", time.median)]]);
    Ok(())
}

fn command(server: &Path, folder: &Path) -> Command {
    let mut command = Command::new(server);
    let database = format!("sqlite:{}", folder.join("ringfence.db").display());
    command.current_dir(folder).env("RINGFENCE__DATABASE__URL", database).stdin(Stdio::null());
    command
}

fn serve(server: &Path, folder: &Path) -> anyhow::Result<Program> {
    let (listen, admin): (SocketAddr, SocketAddr) = (free_address()?, free_address()?);
    let mut command = command(server, folder);
    command.arg("serve").args(["--listen", &listen.to_string(), "--admin-listen", &admin.to_string()]);
    Program::start(&mut command, listen, &folder.join("server.log"))
}

/// One member who is signed in, in a database with its keys.
fn prepare(server: &Path, folder: &Path) -> anyhow::Result<()> {
    let file = folder.join("projects.toml");
    std::fs::write(
        &file,
        format!(
            "[[project]]\nname = \"default\"\n[[project.application]]\nname = \"bench\"\npublishable_key = \"{NATIVE_KEY}\"\n\
             [[project.identity]]\nemail = \"{EMAIL}\"\npassword = \"{PASSWORD}\"\n"
        ),
    )?;
    drop(serve(server, folder)?);
    let applied = command(server, folder).arg("apply").arg(&file).output()?;
    ensure!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
    let running = serve(server, folder)?;
    let body = serde_json::json!({ "application": NATIVE_KEY, "email": EMAIL, "password": PASSWORD });
    running.post("/api/v1/sign-in", "", &body.to_string())?;
    Ok(())
}

/// Applications, and an administrator whose session it gives.
fn furnish(file: &Path, applications: u32) -> anyhow::Result<RawToken> {
    let database = Connection::open(file)?;
    database.execute(
        "WITH RECURSIVE number(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < $1)
         INSERT INTO application (id, project_id, name, settings, created_at, updated_at)
         SELECT printf('019aa914-46a7-7000-8003-%012x', i), project_id, printf('application %d', i), settings, created_at,
             updated_at
         FROM number, (SELECT * FROM application LIMIT 1)",
        [applications],
    )?;
    let (now, token) = (SystemClock.now(), TokenKind::Console.mint(&OsEntropy));
    let administrator = AdministratorId::mint(now, &OsEntropy).to_string();
    database.execute(
        "INSERT INTO administrator (id, name, role, version, created_at) VALUES ($1, 'bench', 'owner', 1, $2)",
        (&administrator, now.millis()),
    )?;
    database.execute(
        "INSERT INTO console_session (id, token, administrator_id, stage, amr, began_at, seen_at, expires_at)
         VALUES ($1, $2, $3, 'full', 'bench', $4, $4, $5)",
        (
            ConsoleSessionId::mint(now, &OsEntropy).to_string(),
            token.digest().as_str(),
            &administrator,
            now.millis(),
            now.millis() + 3_600_000,
        ),
    )?;
    Ok(token)
}

/// Every page that the navigation leads to, with a later page of its list and a search.
fn pages(server: &Program, token: &RawToken) -> anyhow::Result<Vec<String>> {
    let home = look(server, token, "/console")?;
    let mut pages: BTreeSet<String> = links(&home, "/console").collect();
    for path in pages.clone() {
        let page = look(server, token, &path)?;
        pages.extend(
            links(&page, &format!("{path}?")).filter(|link| link.contains("after=") || link.contains("before=")),
        );
    }
    pages.insert("/console/users?kind=guest".to_owned());
    pages.insert("/console/users?q=member7@example.org".to_owned());
    Ok(pages.into_iter().collect())
}

/// What a page links to that begins so.
fn links<'a>(page: &'a str, begin: &'a str) -> impl Iterator<Item = String> + 'a {
    let links = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    links.filter(move |link| link.starts_with(begin)).map(|link| link.replace("&#38;", "&").replace("&amp;", "&"))
}

/// A page, whole.
fn look(server: &Program, token: &RawToken, path: &str) -> anyhow::Result<String> {
    let mut stream = connect(server.address, server.trust.as_ref())?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nCookie: __Host-ringfence-console={}\r\n\r\n",
        server.address,
        token.expose()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    ensure!(answer.starts_with("HTTP/1.1 200"), "{path}: {}", answer.lines().next().unwrap_or_default());
    Ok(answer)
}

#[expect(clippy::disallowed_methods, reason = "a measuring program lives in real time")]
fn now() -> Instant {
    Instant::now()
}
