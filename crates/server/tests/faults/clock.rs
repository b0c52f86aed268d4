//! N97: a clock that jumps an hour either way, as one does that was wrong and is set. The program sees libfaketime's clock; its
//! timers go on as they are.

use std::{fs, path::PathBuf, process::Command};

use crate::{
    scene::{DEV, folder, me, refresh, sign_in, sign_up, text, wait_until},
    support::{Folder, Server},
};

/// Where Debian keeps it on this kind of machine.
fn library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").unwrap().flatten();
    let mut found = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    found.find(|path| path.is_file()).expect("libfaketime is not installed: `cargo xtask test` installs it")
}

fn set_clock(folder: &Folder, offset: &str) {
    // In one step, for the program reads it whenever it asks for the time.
    let new = folder.file("clock.new", offset);
    fs::rename(new, folder.path().join("clock")).unwrap();
}

fn start(folder: &Folder) -> Server {
    let mut command: Command = folder.command(&DEV);
    command.env("LD_PRELOAD", library()).env("FAKETIME_TIMESTAMP_FILE", folder.path().join("clock"));
    command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    Server::start(command).unwrap_or_else(|said| panic!("{said}"))
}

/// The code of a refusal, or nothing.
fn code(answer: &(u16, serde_json::Value)) -> &str {
    if answer.0 < 300 { "" } else { answer.1["code"].as_str().unwrap_or("?") }
}

#[test]
fn n97_no_token_outlives_its_end_when_the_clock_jumps_and_nothing_stops() {
    let folder = folder("sqlite:ringfence.db", "");
    set_clock(&folder, "+0h");
    let server = start(&folder);
    let (_, first) = sign_up(server.main, "ann").unwrap();
    let token = text(&first, "access_token");
    assert_eq!(code(&me(&server, &token)), "");

    // An hour on: the token, which lives for 15 minutes, is over; the session is not.
    set_clock(&folder, "+1h");
    assert_eq!(code(&me(&server, &token)), "token_expired");
    let (status, second) = refresh(server.main, &text(&first, "refresh_token")).unwrap();
    assert_eq!(status, 200, "{second}");
    let ahead = text(&second, "access_token");
    assert_eq!(code(&me(&server, &ahead)), "");

    // And back: what was made in an hour from now is not good yet, or it would live for five quarters of an hour.
    set_clock(&folder, "+0h");
    assert_eq!(code(&me(&server, &ahead)), "token_not_yet");
    let (status, again) = sign_in(server.main, "ann").unwrap();
    assert_eq!(status, 200, "{again}");
    let present = text(&again, "access_token");
    assert_eq!(code(&me(&server, &present)), "");

    // An hour before the first of it all, keys of signing included.
    set_clock(&folder, "-1h");
    assert_eq!(code(&me(&server, &present)), "token_not_yet");
    let (status, before) = sign_in(server.main, "ann").unwrap();
    assert_eq!(status, 200, "{before}");
    let past = text(&before, "access_token");
    assert_eq!(code(&me(&server, &past)), "");
    let (status, bob) = sign_up(server.main, "bob").unwrap();
    assert!(status < 300, "{bob}");

    set_clock(&folder, "+0h");
    assert_eq!(code(&me(&server, &past)), "token_expired");
    wait_until("what counts now counts", || code(&me(&server, &present)).is_empty());
    assert_eq!(server.ask("/readyz").0, 200);
    server.signal("-TERM");
    let (status, log) = server.ended();
    assert!(status.success() && !log.contains("panicked"), "{log}");
}
