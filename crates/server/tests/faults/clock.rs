//! N97: a clock that jumps an hour either way, as one does that was wrong and is set. The program sees libfaketime's clock; its
//! timers go on as they are.

use std::{fs, path::PathBuf, process::Command};

use crate::{
    scene::{DEV, folder, me, refresh, sign_in, sign_up, text},
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

    // Back again, and an hour before it all: for the program time goes on, so nothing that is over comes back or lives longer.
    for offset in ["+0h", "-1h"] {
        set_clock(&folder, offset);
        assert_eq!(code(&me(&server, &token)), "token_expired", "at {offset}");
        assert_eq!(code(&me(&server, &ahead)), "", "at {offset}");
        let (status, again) = sign_in(server.main, "ann").unwrap();
        assert_eq!(status, 200, "{again}");
        assert_eq!(code(&me(&server, &text(&again, "access_token"))), "", "at {offset}");
    }
    assert!(sign_up(server.main, "bob").unwrap().0 < 300);
    assert_eq!(server.ask("/readyz").0, 200);
    server.signal("-TERM");
    let (status, log) = server.ended();
    assert!(status.success() && !log.contains("panicked"), "{log}");

    // A start takes the clock as it is: what was made an hour ahead of it is not good yet, or it would live for longer than it may.
    set_clock(&folder, "+0h");
    let server = start(&folder);
    assert_eq!(code(&me(&server, &ahead)), "token_not_yet");
    let (status, present) = sign_in(server.main, "ann").unwrap();
    assert_eq!(status, 200, "{present}");
    assert_eq!(code(&me(&server, &text(&present, "access_token"))), "");
}
