//! A disk that is full, and one that cannot be written to: a file system of its own, in memory, that only the program sees.

use std::{
    net::SocketAddr,
    process::{Command, Stdio},
};

use crate::{
    scene::{DEV, folder, guest, me, sign_in, sign_up, text, wait_until},
    support::{Folder, Server, http},
};

const DATABASE: &str = "sqlite:disk/ringfence.db";
/// Small, and large enough for a new database with its log.
const SIZE: &str = "size=12m";

/// The program with `disk` below its folder being a file system of its own, after `prepare` in the shell.
fn on_a_disk(folder: &Folder, prepare: &str, words: &[&str]) -> Command {
    std::fs::create_dir_all(folder.path().join("disk")).unwrap();
    let mut command = Command::new("unshare");
    let script = format!("mount -t tmpfs -o {SIZE} none disk && {prepare} exec \"$0\" \"$@\"");
    command.args(["--map-root-user", "--mount", "--", "sh", "-c", &script, env!("CARGO_BIN_EXE_ringfence")]);
    command.args(words).current_dir(folder.path()).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command.stdin(Stdio::null());
    command
}

/// Runs in the shell where the program runs.
fn beside(server: &Server, folder: &Folder, script: &str) {
    let id = server.id().to_string();
    let mut command = Command::new("nsenter");
    command.args(["--target", &id, "--user", "--mount", "--preserve-credentials", "--", "sh", "-c"]);
    let script = format!("cd '{}' && {script}", folder.path().display());
    let output = command.arg(&script).output().unwrap();
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Signs people up one after the other until one is refused; who was let in, and the refusal.
fn until_refused(to: SocketAddr) -> (Vec<String>, (u16, serde_json::Value)) {
    let mut acknowledged = Vec::new();
    for number in 0..20_000 {
        let name = format!("late{number}");
        match sign_up(to, &name).unwrap() {
            (200 | 201, _) => acknowledged.push(name),
            refused => return (acknowledged, refused),
        }
    }
    panic!("the disk never was full");
}

#[test]
fn a_full_disk_refuses_what_would_be_written_and_loses_nothing() {
    let folder = folder(DATABASE, "");
    let server = Server::start(on_a_disk(&folder, "", &DEV)).unwrap();
    let (_, early) = sign_up(server.main, "early").unwrap();
    let token = text(&early, "access_token");
    assert_eq!(me(&server, &token).0, 200);

    // Whatever is left, and a little less, so that a log that has room goes on for a while.
    beside(&server, &folder, "dd if=/dev/zero of=disk/ballast bs=4096 2>/dev/null; truncate -s -65536 disk/ballast");
    let (acknowledged, refusal) = until_refused(server.main);
    assert_eq!((refusal.0, refusal.1["code"].as_str()), (503, Some("unavailable")), "{refusal:?}");
    // What needs less room goes on for a little longer.
    let refused = (0..20_000).map(|_| guest(server.main).unwrap()).find(|answer| answer.0 >= 300).unwrap();
    assert_eq!((refused.0, refused.1["code"].as_str()), (503, Some("unavailable")), "{refused:?}");
    // Who is in stays in, and resource servers find the keys.
    assert_eq!(me(&server, &token).0, 200);
    assert_eq!(http(server.main, "GET", "/.well-known/jwks.json", None).unwrap().0, 200);
    assert_eq!(server.ask("/healthz").0, 200);

    beside(&server, &folder, "rm disk/ballast");
    wait_until("somebody is signed up again", || sign_up(server.main, "after").is_ok_and(|(status, _)| status < 300));
    for name in acknowledged.iter().map(String::as_str).chain(["early", "after"]) {
        assert_eq!(sign_in(server.main, name).unwrap().0, 200, "{name} was acknowledged and is lost");
    }
    assert_eq!(me(&server, &token).0, 200);
    server.signal("-TERM");
    let (status, log) = server.ended();
    assert!(status.success() && log.contains("full"), "the log does not say why: {log}");
    eprintln!("{} people were signed up on a disk without room", acknowledged.len());
}

#[test]
fn a_disk_that_cannot_be_written_to_is_named_before_anybody_is_served() {
    let folder = Folder::new();
    folder.file("ringfence.toml", &format!("[database]\nurl = \"{DATABASE}\"\n"));
    let migrate = "\"$0\" --config ringfence.toml migrate > /dev/null && mount -o remount,ro disk &&";
    let words = ["--config", "ringfence.toml", "serve"];
    let said = Server::start(on_a_disk(&folder, migrate, &words)).expect_err("it cannot write");
    assert!(said.contains("disk/ringfence.db cannot be opened") && said.contains("unable to open"), "{said}");
    // A new database there is refused as plainly.
    let said = Server::start(on_a_disk(&folder, "mount -o remount,ro disk &&", &words)).expect_err("it cannot write");
    assert!(said.contains("disk/ringfence.db cannot be opened"), "{said}");
}
