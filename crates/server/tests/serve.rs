//! `serve` and `dev`, through the real program: start, health, stop, and what they refuse.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

mod support;

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    time::Duration,
};

use serde_json::{Value, json};
use support::{Folder, Server, pause};

#[test]
fn serve_needs_no_file_and_answers_health_and_metrics_on_its_own_listener() {
    let folder = Folder::new();
    let server = folder.start(&["serve"]);
    assert_eq!(server.ask("/healthz"), (200, json!({ "status": "ok" }).to_string()));
    assert_eq!(server.ask("/readyz").0, 200);
    assert!(server.ask("/metrics").1.contains("ringfence_info"));
    for path in ["/metrics", "/healthz", "/readyz"] {
        assert_eq!(server.send("GET", path, None).0, 404);
    }
    #[cfg(unix)]
    for name in ["ringfence.key", "ringfence.db"] {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o007, 0, "{name}");
    }
}

#[test]
#[cfg(unix)]
fn n94_the_first_owner_s_link_is_in_a_file_of_the_server_s_own_and_not_in_its_output() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    let (file, printed) = (folder.path().join("first-administrator-link"), folder.path().join("printed"));
    let mut links = Vec::new();
    for _ in 0..2 {
        let program = env!("CARGO_BIN_EXE_ringfence");
        let words = ["-c", "exec \"$0\" \"$@\" >printed", program, "serve"];
        let server = Server::start(folder.command_of(Path::new("sh"), &words)).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let link = fs::read_to_string(&file).unwrap();
        let path = &link[link.find("/console/begin/").unwrap()..].trim_end();
        assert_eq!(server.send("GET", path, None).0, 200);
        let said = fs::read_to_string(&printed).unwrap();
        assert!(said.contains(file.to_str().unwrap()) && !said.contains("/console/begin/"), "{said}");
        server.signal("-TERM");
        let (_, log) = server.ended();
        assert!(!log.contains("/console/begin/"), "{log}");
        links.push(link);
    }
    assert_ne!(links[0], links[1], "the one of the start before does not count any more");
}

#[test]
fn it_stops_when_asked_after_what_has_begun() {
    for signal in ["-TERM", "-INT"] {
        let server = Folder::new();
        let server = server.start(&["serve"]);
        // A request whose head is not complete yet.
        let mut begun = TcpStream::connect(server.main).unwrap();
        write!(begun, "GET /.well-known/jwks.json HTTP/1.1\r\nHost: x\r\n").unwrap();
        pause(Duration::from_millis(100));
        let main = server.main;
        server.signal(signal);
        pause(Duration::from_millis(100));
        write!(begun, "\r\n").unwrap();
        let mut answer = String::new();
        begun.read_to_string(&mut answer).unwrap();
        let (status, log) = server.ended();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(TcpStream::connect(main).is_err());
        assert!(status.success(), "{log}");
        assert!(log.contains("stopped"), "{log}");
    }
}

#[test]
fn a_database_sealed_with_another_master_key_is_not_served() {
    let folder = Folder::new();
    let server = folder.start(&["serve"]);
    server.signal("-TERM");
    assert!(server.ended().0.success());
    let key = folder.path().join("ringfence.key");
    fs::rename(&key, folder.path().join("away")).unwrap();
    let said = start(&folder, &["serve"]).expect_err("its key is away");
    assert!(said.contains("its master key is not there"), "{said}");
    assert!(!key.exists(), "no new key hides that the right one is missing");
    let other = Folder::new();
    other.run(&["migrate"]).done();
    other.run(&["project", "list"]).done();
    fs::copy(other.path().join("ringfence.key"), &key).unwrap();
    let said = start(&folder, &["serve"]).expect_err("it is another's key");
    assert!(said.contains("sealed with another master key"), "{said}");
}

fn start(folder: &Folder, arguments: &[&str]) -> Result<Server, String> {
    Server::start(folder.command(arguments))
}

#[test]
fn a_wrong_configuration_is_named_before_anything_is_made() {
    let folder = Folder::new();
    folder.file("ringfence.toml", "[server]\nlisten = \"127.0.0.1:0\"\nlisen = 1\n");
    let said = start(&folder, &["serve", "--config", "ringfence.toml"]).expect_err("a typo");
    assert!(said.contains("ringfence.toml") && said.contains("lisen"), "{said}");
    let said = Server::start({
        let mut command = folder.command(&["serve"]);
        command.env("RINGFENCE__SERVR__LISTEN", "127.0.0.1:0");
        command
    });
    assert!(said.expect_err("a typo").contains("RINGFENCE__SERVR__LISTEN"));
    for text in ["[mail]\nurl = \"mailbox:\"", "[secrets]\nmaster_key_file = \"ringfence-dev.key\""] {
        folder.file("dev.toml", text);
        let said = start(&folder, &["serve", "--config", "dev.toml"]).expect_err("of dev");
        assert!(said.contains("ringfence dev"), "{said}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing but the two files");
}

#[test]
fn the_command_line_works_beside_a_running_server() {
    let folder = Folder::new();
    let server = folder.start(&["serve"]);
    folder.run(&["project", "create", "default"]).done();
    folder.run(&["identity", "create", "--email", "ann@example.org", "--generate"]).done();
    folder.run(&["backup", "copy.db"]).done();
    assert_eq!(server.ask("/readyz").0, 200);
}

#[test]
fn serve_applies_a_file_before_it_listens() {
    let folder = Folder::new();
    folder.file("provision.toml", "[[project]]\nname = \"default\"\n");
    let _server = folder.start(&["serve", "--apply", "provision.toml"]);
    assert_eq!(folder.run(&["--json", "project", "list"]).done().json()[0]["name"], "default");
    folder.file("wrong.toml", "[[project]]\nlabel = \"default\"\n");
    let said = start(&folder, &["serve", "--apply", "wrong.toml"]).expect_err("a typo");
    assert!(said.contains("wrong.toml") && said.contains("label"), "{said}");
}

#[test]
fn dev_listens_on_loopback_only_and_prints_the_same_examples_again() {
    let folder = Folder::new();
    let ran = folder.run(&["dev", "--listen", "0.0.0.0:0"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("loopback"), "{}", ran.err);
    let banners = [0, 1].map(|_| dev_banner(&folder));
    assert_eq!(banners[0]["examples"], banners[1]["examples"]);
    assert_eq!(banners[0]["examples"]["member"]["email"], "agent@example.org");
    fs::remove_file(folder.path().join("ringfence-dev.toml")).unwrap();
    let fresh = dev_banner(&folder);
    assert_ne!(fresh["examples"]["member"], banners[0]["examples"]["member"]);
}

/// Starts `dev`, reads what it prints and stops it.
fn dev_banner(folder: &Folder) -> Value {
    let mut dev = folder.command(&["--json", "dev", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    let mut child = dev.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    let (mut text, mut byte) = (Vec::new(), [0]);
    let banner = loop {
        assert_eq!(out.read(&mut byte).unwrap(), 1, "{}", String::from_utf8_lossy(&text));
        text.push(byte[0]);
        if let Ok(banner) = serde_json::from_slice(&text) {
            break banner;
        }
    };
    child.kill().unwrap();
    child.wait().unwrap();
    banner
}

#[test]
fn n95_a_slow_head_is_cut_off_and_a_long_one_refused() {
    let folder = Folder::new();
    let server = folder.start(&["serve"]);
    let mut slow = TcpStream::connect(server.main).unwrap();
    slow.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(slow, "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ").unwrap();
    let mut long = TcpStream::connect(server.main).unwrap();
    write!(long, "GET / HTTP/1.1\r\nHost: x\r\n").unwrap();
    let mut answer = String::new();
    for number in 0..10_000 {
        if write!(long, "X-{number}: 1\r\n").is_err() {
            break;
        }
    }
    drop(write!(long, "\r\n"));
    drop(long.read_to_string(&mut answer));
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    // Closed after ten seconds, with or without a word.
    let mut said = String::new();
    slow.read_to_string(&mut said).expect("closed before our own patience ends");
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "{said}");
    assert_eq!(server.ask("/healthz").0, 200);
}
