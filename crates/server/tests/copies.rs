//! Copies of a database, through the real program: backups taken under load and restored, and the move to PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

mod support;

use std::{
    net::SocketAddr,
    os::unix::process::ExitStatusExt as _,
    process::{Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use ringfence_core::time::{Clock as _, SystemClock, Timestamp};
use serde_json::{Value, json};
use support::{Folder, Server, http, http_as, pause};

const PASSWORD: &str = "pencils in the rain";
const APPLICATION: &str = "0123456789abcdef0123456789abcdef";
const API_KEY: &str = "KEY0190aaaabbbbccccddddeeeeffff";
/// How many accounts are made before the first copy and between two.
const SOME: u32 = 60;
const COPIES: usize = 2;

/// A database of the test server's own, dropped at the end.
struct Database(String);

impl Database {
    fn new(name: &str) -> Self {
        let name = format!("copies_{}_{name}", std::process::id());
        on_postgres(&server(), &format!("CREATE DATABASE {name}"));
        Self(name)
    }

    fn url(&self) -> String {
        let mut url = url::Url::parse(&server()).unwrap();
        url.set_path(&self.0);
        url.to_string()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        on_postgres(&server(), &format!("DROP DATABASE {} WITH (FORCE)", self.0));
    }
}

/// Where the test server is.
fn server() -> String {
    std::env::var("RINGFENCE_TEST_POSTGRES").expect(
        "RINGFENCE_TEST_POSTGRES is not set: run `cargo xtask test`, which starts a PostgreSQL server for the tests, or give \
         the URL of one",
    )
}

/// Runs a statement on the test server and returns the first number of its answer.
fn on_postgres(url: &str, sql: &str) -> Option<i64> {
    let run = async {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        let running = tokio::spawn(connection);
        let said = client.simple_query(sql).await.unwrap();
        drop(client);
        running.await.unwrap().unwrap();
        said.into_iter().find_map(|said| match said {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
            _ => None,
        })
    };
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run)
}

/// Settings with cheap hashes, which only `dev` takes, so that the tests are about storage.
fn settings(folder: &Folder, name: &str, database: &str) {
    let text = format!(
        "[server]\npublic_url = \"http://localhost:7080\"\n[database]\nurl = \"{database}\"\n\
         [secrets]\nmaster_key_file = \"ringfence.key\"\n[password]\nmemory_kib = 8\npasses = 1\n\
         [log]\nlevel = \"warn,ringfence=info\"\n"
    );
    folder.file(name, &text);
}

fn dev(folder: &Folder, config: &str) -> Server {
    folder.file(
        "provision.toml",
        &format!(
            "[[project]]\nname = \"default\"\n\
             [[project.application]]\nname = \"phone\"\npublishable_key = \"{APPLICATION}\"\n\
             [[project.api_key]]\nname = \"backend\"\nvalue = \"{API_KEY}\"\nscopes = [\"*\"]\n\
             [[project.identity]]\nemail = \"ann@example.org\"\npassword = \"{PASSWORD}\"\n"
        ),
    );
    folder.start(&["--config", config, "dev", "--apply", "provision.toml"])
}

/// An account whose making was acknowledged, and when.
struct Made {
    email: String,
    at: Timestamp,
}

/// Accounts made one after another on several connections until told to stop.
struct Load<'a> {
    to: SocketAddr,
    stop: AtomicBool,
    next: AtomicU32,
    made: &'a Mutex<Vec<Made>>,
}

impl Load<'_> {
    fn run(&self) {
        while !self.stop.load(Ordering::Relaxed) {
            let email = format!("number{}@example.org", self.next.fetch_add(1, Ordering::Relaxed));
            let body = json!({ "email": email, "password": PASSWORD, "firstname": "A", "lastname": "B" });
            let (status, answer) = http(self.to, "POST", "/tiledesk/auth/signup", Some(&body)).unwrap();
            assert!(status == 200 && answer.contains("\"success\":true"), "{answer}");
            self.made.lock().unwrap().push(Made { email, at: SystemClock.now() });
        }
    }

    /// Waits until so many more were made.
    fn wait_for(&self, more: u32) {
        let until = self.next.load(Ordering::Relaxed) + more;
        while self.next.load(Ordering::Relaxed) < until {
            pause(Duration::from_millis(5));
        }
    }
}

/// Takes copies while accounts are being made; returns the accounts and the stamp of each copy.
fn copied_under_load(server: &Server, mut copy: impl FnMut(usize) -> Timestamp) -> (Vec<Made>, Vec<Timestamp>) {
    let made = Mutex::new(Vec::new());
    let load = Load { to: server.main, stop: AtomicBool::new(false), next: AtomicU32::new(0), made: &made };
    let stamps = thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| load.run());
        }
        let stamps = (0..COPIES).map(|number| {
            load.wait_for(SOME);
            copy(number)
        });
        let stamps = stamps.collect();
        load.wait_for(SOME);
        load.stop.store(true, Ordering::Relaxed);
        stamps
    });
    (made.into_inner().unwrap(), stamps)
}

/// What was acknowledged before the stamp is there, each account whole, and the copy's audit chain with it.
fn check_restored(folder: &Folder, config: &str, made: &[Made], stamp: Timestamp) {
    folder.run(&["--config", config, "doctor"]).done();
    let server = folder.start(&["--config", config, "dev"]);
    let before: Vec<_> = made.iter().filter(|made| made.at < stamp).collect();
    assert!(before.len() >= 40, "there was load before the copy: {}", before.len());
    assert!(before.len() < made.len(), "and after it");
    let lost: Vec<_> = before.iter().filter(|made| !signs_in(&server, &made.email)).map(|made| &made.email).collect();
    assert!(lost.is_empty(), "{} of {} are not in the copy: {lost:?}", lost.len(), before.len());
}

fn signs_in(server: &Server, email: &str) -> bool {
    let body = json!({ "email": email, "password": PASSWORD });
    let (status, answer) = server.send("POST", "/tiledesk/auth/signin", Some(&body));
    status == 200 && answer["success"] == true
}

#[test]
fn a_backup_taken_under_load_has_all_that_was_acknowledged_before_its_stamp() {
    let folder = Folder::new();
    settings(&folder, "ringfence.toml", "sqlite:ringfence.db");
    let server = dev(&folder, "ringfence.toml");
    let (made, stamps) = copied_under_load(&server, |number| {
        let ran = folder.run(&["--json", "--config", "ringfence.toml", "backup", &format!("copy{number}.db")]);
        Timestamp::parse_rfc3339(ran.done().json()["as_of"].as_str().unwrap()).unwrap()
    });
    drop(server);
    for (number, stamp) in stamps.into_iter().enumerate() {
        settings(&folder, "restored.toml", &format!("sqlite:copy{number}.db"));
        check_restored(&folder, "restored.toml", &made, stamp);
    }
}

#[test]
fn a_dump_taken_under_load_has_all_that_was_acknowledged_before_it_was_begun() {
    let (folder, source) = (Folder::new(), Database::new("dumped"));
    settings(&folder, "ringfence.toml", &source.url());
    let server = dev(&folder, "ringfence.toml");
    let (made, stamps) = copied_under_load(&server, |number| {
        let stamp = SystemClock.now();
        let file = folder.path().join(format!("copy{number}.dump"));
        tool(Command::new("pg_dump").args(["--format=custom", "--file"]).arg(file).arg(source.url()));
        stamp
    });
    drop(server);
    for (number, stamp) in stamps.into_iter().enumerate() {
        let target = Database::new(&format!("restored{number}"));
        let file = folder.path().join(format!("copy{number}.dump"));
        tool(Command::new("pg_restore").args(["--exit-on-error", "--no-owner", "--dbname", &target.url()]).arg(file));
        settings(&folder, "restored.toml", &target.url());
        check_restored(&folder, "restored.toml", &made, stamp);
    }
}

fn tool(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// What somebody who was signed in before the move has.
struct Guest {
    access: String,
    refresh: String,
}

fn native(server: &Server, path: &str, body: &Value) -> Value {
    let (status, answer) = server.send("POST", path, Some(body));
    assert!((200..300).contains(&status), "{path}: {answer}");
    answer
}

fn guest(server: &Server) -> Guest {
    let answer = native(server, "/api/v1/guests", &json!({ "application": APPLICATION }));
    let text = |name: &str| answer[name].as_str().unwrap().to_owned();
    Guest { access: text("access_token"), refresh: text("refresh_token") }
}

fn status_of(server: &Server, bearer: &str, path: &str) -> u16 {
    http_as(Some(bearer), server.main, "GET", path, None).unwrap().0
}

/// Somebody who has a lock that each row of the table `session` waits for; gone when dropped.
struct Holder {
    _client: tokio_postgres::Client,
    _runtime: tokio::runtime::Runtime,
}

impl Holder {
    fn of_sessions(url: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (client, connection) = runtime.block_on(tokio_postgres::connect(url, tokio_postgres::NoTls)).unwrap();
        runtime.spawn(connection);
        let key = std::process::id();
        let hold = format!(
            "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN PERFORM pg_advisory_xact_lock({key}); RETURN NEW; END $$;
             CREATE TRIGGER wait BEFORE INSERT ON session FOR EACH ROW EXECUTE FUNCTION wait();
             SELECT pg_advisory_lock({key})"
        );
        runtime.block_on(client.batch_execute(&hold)).unwrap();
        Self { _client: client, _runtime: runtime }
    }
}

#[test]
fn a_move_killed_in_the_middle_leaves_nothing_and_the_next_one_moves_everything() {
    let (folder, target) = (Folder::new(), Database::new("moved"));
    settings(&folder, "before.toml", "sqlite:ringfence.db");
    settings(&folder, "after.toml", &target.url());
    let server = dev(&folder, "before.toml");
    let guests: Vec<_> = (0..20).map(|_| guest(&server)).collect();
    let make = || {
        let mut command = folder.command(&["--json", "--config", "before.toml", "move"]);
        command.env("RINGFENCE_MOVE_TO", target.url()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let refused = make().output().unwrap();
    assert_eq!(refused.status.code(), Some(1), "a server runs on it");
    assert!(String::from_utf8(refused.stderr).unwrap().contains("in use"));
    server.signal("-TERM");
    assert!(server.ended().0.success());

    folder.run(&["--config", "after.toml", "migrate"]).done();
    let holder = Holder::of_sessions(&target.url());
    let mut moving = make().spawn().unwrap();
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'";
    while on_postgres(&target.url(), waits) != Some(1) {
        pause(Duration::from_millis(20));
    }
    moving.kill().unwrap();
    assert_eq!(moving.wait().unwrap().signal(), Some(9));
    drop(holder);
    on_postgres(&target.url(), "DROP TRIGGER wait ON session");
    assert_eq!(on_postgres(&target.url(), "SELECT count(*) FROM identity"), Some(0));

    let output = make().output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    let rows = |table: &str| {
        report["tables"].as_array().unwrap().iter().find(|row| row["table"] == table).unwrap()["rows"].clone()
    };
    assert_eq!(rows("session"), 20);
    assert_eq!(rows("identity").as_i64(), on_postgres(&target.url(), "SELECT count(*) FROM identity"));
    assert_eq!(make().output().unwrap().status.code(), Some(1), "the target is not empty any more");

    everybody_finds_their_way(&folder, &guests);
}

/// The database of `after.toml` is whole, and everybody gets in with what they had.
fn everybody_finds_their_way(folder: &Folder, guests: &[Guest]) {
    let ran = folder.run(&["--config", "after.toml", "doctor"]).done();
    assert!(
        ran.out.contains("opens what the database has sealed") && ran.out.contains("audit chains whole"),
        "{}",
        ran.out
    );
    let server = folder.start(&["--config", "after.toml", "dev"]);
    native(
        &server,
        "/api/v1/sign-in",
        &json!({ "application": APPLICATION, "email": "ann@example.org", "password": PASSWORD }),
    );
    assert_eq!(status_of(&server, API_KEY, "/api/v1/admin/project"), 200);
    for guest in guests {
        assert_eq!(status_of(&server, &guest.access, "/api/v1/me"), 200);
        let renewed = native(&server, "/api/v1/refresh", &json!({ "refresh_token": guest.refresh }));
        assert_eq!(status_of(&server, renewed["access_token"].as_str().unwrap(), "/api/v1/me"), 200);
    }
}
