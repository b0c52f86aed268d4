//! Real, unmodified client libraries against the real binary, on both engines.
//!
//! A client is a folder in `clients/` with `package.json`, `package-lock.json` and `run.mjs`. After `npm ci` its `node run.mjs`
//! is run once on each engine, in that folder. It starts the server itself, stops it, and exits 0 when all is well; its last
//! printed line is the summary shown here. What the scripts have in common is in `clients/shared/`. A client is given:
//!
//! * `RINGFENCE_BIN`: the server's path,
//! * `RINGFENCE_DATABASE`: the URL of an empty database of its own,
//! * `RINGFENCE_LISTEN` and `RINGFENCE_ADMIN_LISTEN`: two free addresses, as `127.0.0.1:PORT`,
//! * `RINGFENCE_SCRATCH`: an empty folder that is removed afterwards, for the server to work in.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    slice,
    sync::{Mutex, PoisonError},
    thread,
};

use anyhow::{Context, Result, anyhow, bail};

use crate::{
    postgres::Postgres,
    process::{capture, free_addresses, path, target, watch},
    server,
    test::Shared,
};

/// How many clients are run at a time: most of their time is waiting for what must not happen.
const LANES: usize = 2;

/// Runs every client, or those that were asked for, on every engine.
pub fn check(shared: &Shared) -> Result<()> {
    let mut clients = clients()?;
    if let Some(unknown) = shared.clients.iter().find(|name| clients.iter().all(|client| !client.ends_with(name))) {
        bail!("no client is called {unknown}");
    }
    clients.retain(|client| shared.clients.is_empty() || shared.clients.iter().any(|name| client.ends_with(name)));
    println!("{} clients, {LANES} at a time", clients.len());
    for client in &clients {
        install(client)?;
    }
    let postgres = shared.postgres()?;
    let waiting = Mutex::new(clients.iter());
    let lane = || -> Result<()> {
        while let Some(client) = next(&waiting) {
            // A lane that fails leaves nothing for the others to begin.
            on_both_engines(client, postgres).inspect_err(|_| while next(&waiting).is_some() {})?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let lanes: Vec<_> = (0..LANES).map(|_| scope.spawn(lane)).collect();
        lanes.into_iter().try_for_each(|lane| lane.join().map_err(|_| anyhow!("a lane panicked"))?)
    })
}

fn next<'a>(waiting: &Mutex<slice::Iter<'a, PathBuf>>) -> Option<&'a PathBuf> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner).next()
}

fn on_both_engines(client: &Path, postgres: &Postgres) -> Result<()> {
    let name = client.file_name().unwrap_or_default().to_string_lossy();
    run(client, "sqlite", |scratch| Ok(format!("sqlite:{}", scratch.join("ringfence.db").display())))?;
    run(client, "postgresql", |_| postgres.create(&format!("client_{name}")))
}

fn clients() -> Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = fs::read_dir("clients")
        .into_iter()
        .flatten()
        .map(|entry| Ok(entry?.path()))
        .filter(|path| path.as_ref().map_or(true, |path| path.join("package.json").exists()))
        .collect::<Result<_>>()?;
    found.retain(|path| path.join("run.mjs").exists());
    found.sort();
    Ok(found)
}

/// Installs exactly what the lock file says; scripts of packages are not run.
fn install(client: &Path) -> Result<()> {
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]);
    npm.current_dir(client).env("npm_config_cache", target()?.join("npm-cache"));
    npm.env("npm_config_update_notifier", "false");
    capture(&mut npm).map(drop)
}

fn run(client: &Path, engine: &str, database: impl FnOnce(&Path) -> Result<String>) -> Result<()> {
    let scratch = tempfile::Builder::new().prefix("client-").tempdir_in(target()?)?;
    let [listen, admin] = free_addresses()?;
    // `timeout` ends its whole process group: the server does not outlive a client that hangs.
    let mut node = Command::new("timeout");
    node.args(["--kill-after=5", "300", "node", "run.mjs"]).current_dir(client);
    node.env("PATH", path()).env("RINGFENCE_BIN", server::program()?).env("RINGFENCE_SCRATCH", scratch.path());
    node.env("RINGFENCE_DATABASE", database(scratch.path())?);
    node.env("RINGFENCE_LISTEN", listen.to_string()).env("RINGFENCE_ADMIN_LISTEN", admin.to_string());
    let since = watch();
    let output = capture(&mut node).with_context(|| format!("{} on {engine}", client.display()))?;
    let summary = output.trim_end().lines().next_back().unwrap_or("printed nothing");
    println!("{} on {engine}: {summary} ({:.1} s)", client.display(), since.elapsed().as_secs_f64());
    Ok(())
}
