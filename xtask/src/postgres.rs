//! A private PostgreSQL on a free loopback port, gone without a trace when we end.
//!
//! A small shell, the keeper, owns the server and its folder. It waits for the end of its standard input, which comes when
//! this process ends in whatever way, then stops the server and removes the folder. So Ctrl-C and `kill -9` leave nothing.

use std::{
    fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::{
    debian,
    process::{capture, free_addresses, target, wait_until},
};

/// What the keeper runs. ICU sorts unlike bytes do, as most servers in use: an order that code relies on must be its own.
const KEEPER: &str = r#"
folder=$1 bin=$2 port=$3
shift 3 # what is left, if anything, changes the user
"$@" "$bin/initdb" --pgdata="$folder/data" --username=postgres --auth=trust --encoding=UTF8 \
    --locale=C.UTF-8 --locale-provider=icu --icu-locale=und >"$folder/log" 2>&1 && {
    "$@" "$bin/postgres" -D "$folder/data" -h 127.0.0.1 -p "$port" -N 200 \
        -c fsync=on -c unix_socket_directories= >>"$folder/log" 2>&1 &
    server=$!
}
cat >/dev/null
[ -z "$server" ] || { kill -QUIT "$server"; wait "$server"; }
rm -rf "$folder"
"#;

/// A running server; dropping it stops it.
pub struct Postgres {
    keeper: Child,
    programs: PathBuf,
    port: u16,
}

impl Postgres {
    /// Starts a server with an empty database called `postgres` and waits until it answers.
    pub fn start() -> Result<Self> {
        let programs = programs()?;
        let (folder, user) = home()?;
        let [address] = free_addresses()?;
        let mut shell = Command::new("sh");
        shell.args(["-c", KEEPER, "keeper"]).arg(folder.path()).arg(&programs).arg(address.port().to_string());
        shell.args(user).current_dir("/").env("LC_ALL", "C.UTF-8").process_group(0).stdin(Stdio::piped());
        let keeper = shell.spawn().context("cannot start sh")?;
        let server = Self { keeper, programs, port: address.port() };
        let folder = folder.keep();
        wait_until("the start of PostgreSQL", Duration::from_mins(1), Duration::from_millis(20), || answers(&folder))?;
        Ok(server)
    }

    /// Where clients find `database`.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Makes an empty database and says where clients find it.
    pub fn create(&self, database: &str) -> Result<String> {
        let mut createdb = Command::new(self.programs.join("createdb"));
        createdb.args(["-h", "127.0.0.1", "-U", "postgres", "-p"]).arg(self.port.to_string()).arg(database);
        capture(&mut createdb)?;
        Ok(self.url(database))
    }

    /// The process that started it.
    pub fn id(&self) -> u32 {
        self.keeper.id()
    }

    /// One of the server's own programs.
    pub fn program(&self, name: &str) -> Command {
        Command::new(self.programs.join(name))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// Runs a server until Ctrl-C.
pub fn run_in_foreground() -> Result<()> {
    let mut server = Postgres::start()?;
    println!("{}", server.url("postgres"));
    println!("Ctrl-C stops it and removes its data; tests use it with RINGFENCE_TEST_POSTGRES set to this address");
    // `wait` would close the keeper's input.
    let input = server.keeper.stdin.take();
    let status = server.keeper.wait()?;
    drop(input);
    bail!("PostgreSQL ended by itself: {status}")
}

/// Whether the server has said that it is ready; an error repeats why it never will be.
fn answers(folder: &Path) -> Result<bool> {
    let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
    if log.contains("FATAL:") || log.contains("initdb: error:") {
        bail!("PostgreSQL does not start:\n{log}");
    }
    // The file's last line is its state; `pg_ctl` waits for the same word.
    let state = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap_or_default();
    Ok(state.lines().any(|line| line.trim_end() == "ready"))
}

/// The folder of the newest server's programs. Debian keeps them off the path.
pub fn programs() -> Result<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin")))
        })
        .filter(|(_, bin)| bin.join("initdb").exists() && bin.join("postgres").exists())
        .collect();
    versions.sort();
    if let Some((_, bin)) = versions.pop() {
        return Ok(bin);
    }
    let bin = PathBuf::from(capture(Command::new("pg_config").arg("--bindir"))?.trim());
    if !bin.join("initdb").exists() {
        bail!("no PostgreSQL server is installed");
    }
    Ok(bin)
}

/// An empty folder for the server, and the words that run a command as its owner.
///
/// PostgreSQL refuses to run as root: then the owner is `postgres`, and the folder is where that user can reach it.
fn home() -> Result<(TempDir, Vec<String>)> {
    let target = target()?;
    if !debian::is_root()? {
        return Ok((folder_in(&target)?, Vec::new()));
    }
    let user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"];
    for parent in [target, std::env::temp_dir()] {
        let folder = folder_in(&parent)?;
        capture(Command::new("chown").arg("postgres").arg(folder.path()))?;
        let mut probe = Command::new(user[0]);
        probe.args(&user[1..]).args(["test", "-w"]).arg(folder.path());
        if capture(&mut probe).is_ok() {
            return Ok((folder, user.map(String::from).to_vec()));
        }
    }
    bail!("the user postgres can write neither below the target folder nor below the temporary one")
}

fn folder_in(parent: &Path) -> Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("pg-").tempdir_in(parent);
    folder.with_context(|| format!("cannot make a folder in {}", parent.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_answers_and_leaves_nothing_behind() {
        crate::enter_project().unwrap();
        let server = Postgres::start().unwrap();
        let url = server.create("other").unwrap();
        let psql = server.programs.join("psql");
        let rows = capture(Command::new(psql).args([url.as_str(), "-Atc", "SHOW fsync"])).unwrap();
        assert_eq!(rows.trim(), "on");
        let port = server.port;
        drop(server);
        assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
    }
}
