//! N96: kill -9 while tables are made, while keys are changed, and while sessions are renewed.

use std::{
    net::SocketAddr,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use crate::{
    scene::{DEV, folder, guest, me, now, random_part_of, refresh, text},
    support::{Folder, pause},
};

const ROUNDS: u32 = 12;

/// Starts a command and kills it after a random part of what it usually takes; whether it was still at work.
fn killed_somewhere(folder: &Folder, words: &[&str], usual: Duration) -> bool {
    let mut command: Command = folder.command(words);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    pause(random_part_of(usual));
    let at_work = child.try_wait().unwrap().is_none();
    drop(child.kill());
    child.wait().unwrap();
    at_work
}

/// How long a command takes that nobody disturbs.
fn usual(folder: &Folder, words: &[&str]) -> Duration {
    let begun = now();
    folder.run(words).done();
    begun.elapsed()
}

#[test]
fn n96_a_migration_that_was_killed_is_finished_by_the_next() {
    let whole = usual(&Folder::new(), &["migrate"]);
    let mut at_work = 0;
    for _ in 0..ROUNDS {
        let folder = Folder::new();
        at_work += u32::from(killed_somewhere(&folder, &["migrate"], whole));
        folder.run(&["migrate"]).done();
        folder.run(&["project", "create", "default"]).done();
        folder.run(&["identity", "create", "--email", "ann@example.org", "--generate"]).done();
        assert_eq!(folder.run(&["--json", "identity", "list"]).done().json().as_array().unwrap().len(), 1);
    }
    eprintln!("{at_work} of {ROUNDS} migrations were killed at work");
    assert!(at_work > 0);
}

#[test]
fn n96_keys_that_were_being_changed_when_the_power_went_still_open_everything() {
    let folder = Folder::with_project();
    folder.run(&["application", "create", "widget", "--publishable-key", "0123456789abcdef0123456789abcdef"]).done();
    let rotate = usual(&folder, &["key", "rotate", "--master"]);
    let rewrap = usual(&folder, &["key", "rewrap"]);
    let mut at_work = 0;
    for _ in 0..ROUNDS {
        at_work += u32::from(killed_somewhere(&folder, &["key", "rotate"], rotate));
        at_work += u32::from(killed_somewhere(&folder, &["key", "rotate", "--master"], rotate));
        at_work += u32::from(killed_somewhere(&folder, &["key", "rewrap"], rewrap));
        let checked = folder.run(&["doctor"]);
        assert!(!checked.out.contains("FAIL"), "{}{}", checked.out, checked.err);
    }
    folder.run(&["key", "rewrap"]).done();
    // What signs is sealed, too.
    let server = folder.start(&["serve"]);
    let (status, came) = guest(server.main).unwrap();
    assert!(status < 300, "{came}");
    assert_eq!(me(&server, &text(&came, "access_token")).0, 200);
    eprintln!("{at_work} of {} commands were killed at work", 3 * ROUNDS);
    assert!(at_work > 0);
}

/// Renews until told to stop or the server is gone; the newest refresh token that it was given.
fn renews(to: SocketAddr, mut newest: String, over: &AtomicBool) -> String {
    while !over.load(Ordering::Relaxed) {
        match refresh(to, &newest) {
            Ok((200, answer)) => newest = text(&answer, "refresh_token"),
            Ok((503, _)) | Err(_) => break,
            Ok(other) => panic!("{other:?}"),
        }
    }
    newest
}

#[test]
fn n96_sessions_that_were_being_renewed_go_on_once_after_a_kill() {
    let folder = folder("sqlite:ringfence.db", "");
    let mut server = folder.start(&DEV);
    let mut newest: Vec<_> = (0..24).map(|_| text(&guest(server.main).unwrap().1, "refresh_token")).collect();
    for round in 0..ROUNDS / 2 {
        let over = Arc::new(AtomicBool::new(false));
        let clients: Vec<_> = newest
            .into_iter()
            .map(|token| {
                let (to, over) = (server.main, Arc::clone(&over));
                thread::spawn(move || renews(to, token, &over))
            })
            .collect();
        pause(Duration::from_millis(50) + random_part_of(Duration::from_millis(300)));
        server.kill();
        over.store(true, Ordering::Relaxed);
        newest = clients.into_iter().map(|client| client.join().unwrap()).collect();
        server = folder.start(&DEV);
        // The newest that a client has is the present one or the one before: either way it goes on, and both ask for the same.
        for token in &mut newest {
            let (first, second) = (refresh(server.main, token).unwrap(), refresh(server.main, token).unwrap());
            assert_eq!(first.0, 200, "round {round}: a session was lost: {}", first.1);
            assert_eq!(first.1["refresh_token"], second.1["refresh_token"], "round {round}: two successors");
            *token = text(&first.1, "refresh_token");
        }
    }
}
