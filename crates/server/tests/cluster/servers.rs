//! Servers that a test has for itself, so that it can stop them: PostgreSQL and NATS. They end with the test's process.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::Value;
use tempfile::TempDir;

use crate::nodes::wait_until;

/// Runs its arguments until its standard input ends, which it does with the process that holds the other end.
const KEEPER: &str = r#"signal=$1; shift; "$@" & server=$!; cat >/dev/null; kill "$signal" "$server"; wait "$server""#;

/// A program that is stopped when its keeper's standard input ends.
fn keep(signal: &str, program: &Path, arguments: &[&str], as_user: &[&str], log: &Path) -> Child {
    let mut shell = Command::new("sh");
    shell.args(["-c", KEEPER, "keeper", signal]).args(as_user).arg(program).args(arguments);
    let log = fs::File::create(log).unwrap();
    // Debian keeps servers where only root's path leads.
    let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap());
    shell
        .env("PATH", path)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap()
}

/// A PostgreSQL server.
pub struct Database {
    folder: TempDir,
    port: u16,
    keeper: Option<Child>,
}

impl Database {
    pub fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("ringfence-cluster").tempdir_in("/tmp").unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut database = Self { folder, port, keeper: None };
        let folder = database.folder.path().to_str().unwrap();
        if !as_owner().is_empty() {
            assert!(Command::new("chown").args(["postgres:", folder]).status().unwrap().success());
        }
        let data = format!("--pgdata={folder}/data");
        let mut made = owned(&programs().join("initdb"));
        made.args([&data, "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]);
        let made = made.current_dir("/").output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        database.go_on();
        database
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Stops it like a power cut: nothing is written out, nobody is told.
    pub fn stop(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            keeper.wait().unwrap();
        }
    }

    /// Starts it (again) and waits until it answers.
    pub fn go_on(&mut self) {
        let (folder, port) = (self.folder.path().to_str().unwrap().to_owned(), self.port.to_string());
        let data = format!("{folder}/data");
        let settings = ["-D", &data, "-h", "127.0.0.1", "-p", &port, "-c", "unix_socket_directories="];
        let log =
            std::env::temp_dir().join(format!("{}.log", self.folder.path().file_name().unwrap().to_str().unwrap()));
        self.keeper = Some(keep("-QUIT", &programs().join("postgres"), &settings, as_owner(), &log));
        let mut ready = owned(&programs().join("pg_isready"));
        ready.args(["-q", "-h", "127.0.0.1", "-p", &port]).current_dir("/");
        wait_until("the database answers", || ready.status().unwrap().success());
        drop(fs::remove_file(log));
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The words that run a command as somebody whom PostgreSQL serves: it refuses root.
fn as_owner() -> &'static [&'static str] {
    let me = Command::new("id").arg("-u").output().unwrap().stdout;
    if me == b"0\n" { &["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] } else { &[] }
}

fn owned(program: &Path) -> Command {
    match as_owner() {
        [] => Command::new(program),
        [first, rest @ ..] => {
            let mut command = Command::new(first);
            command.args(rest).arg(program);
            command
        }
    }
}

/// Debian keeps the server's programs off the path.
fn programs() -> PathBuf {
    let versions =
        fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    let newest = versions.filter(|bin| bin.join("initdb").exists()).max();
    newest.unwrap_or_else(|| {
        let told = Command::new("pg_config").arg("--bindir").output().expect("a PostgreSQL server is installed");
        PathBuf::from(String::from_utf8(told.stdout).unwrap().trim())
    })
}

/// A NATS server.
pub struct Nats {
    // Ends with it, and so does the server.
    keeper: Child,
    pub url: String,
    _folder: TempDir,
}

impl Nats {
    pub fn start() -> Self {
        Self::start_with(tempfile::tempdir().unwrap(), &[])
    }

    /// One that speaks TLS alone, and whom to trust for it.
    pub fn start_with_tls() -> (Self, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let own = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let trusted = PathBuf::from(file("ca.pem", &authority.pem()));
        let (own, key) = (file("cert.pem", &own.pem()), file("key.pem", &key.serialize_pem()));
        let mut server = Self::start_with(folder, &["--tls", "--tlscert", &own, "--tlskey", &key]);
        server.url = format!("tls://{}", server.url.split_once("://").unwrap().1);
        (server, trusted)
    }

    fn start_with(folder: TempDir, more: &[&str]) -> Self {
        let path = folder.path().to_str().unwrap();
        let arguments =
            ["-a", "127.0.0.1", "-p", "-1", "--user", "ringfence", "--pass", "s3cret", "--ports_file_dir", path];
        let arguments = [&arguments[..], more].concat();
        let keeper = keep("-KILL", Path::new("nats-server"), &arguments, &[], &folder.path().join("log"));
        let mut url = None;
        wait_until("NATS listens", || {
            let ports = fs::read_dir(path)
                .unwrap()
                .flatten()
                .find(|entry| entry.path().extension().is_some_and(|it| it == "ports"));
            let ports = ports.and_then(|ports| serde_json::from_slice::<Value>(&fs::read(ports.path()).unwrap()).ok());
            url = ports.and_then(|ports| {
                let (scheme, place) = ports["nats"][0].as_str()?.split_once("://")?;
                Some(format!("{scheme}://ringfence:s3cret@{place}"))
            });
            url.is_some()
        });
        Self { keeper, url: url.unwrap(), _folder: folder }
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        drop(self.keeper.wait());
    }
}
