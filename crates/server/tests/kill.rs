//! N96: accounts that were acknowledged are there after a kill at any moment, on both engines.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

mod support;

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher as _, Hasher as _},
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use support::{Folder, Server, http, pause};

const ROUNDS: u32 = 20;
const SIGN_UPS: u32 = 200;
const PASSWORD: &str = "pencils in the rain";

/// What a batch of sign-ups came to.
struct Batch {
    acknowledged: Vec<String>,
    took: Duration,
}

#[test]
fn n96_no_acknowledged_account_is_lost_by_a_kill_on_sqlite() {
    kill_again_and_again("sqlite:accounts.db");
}

#[test]
fn n96_no_acknowledged_account_is_lost_by_a_kill_on_postgresql() {
    let server = std::env::var("RINGFENCE_TEST_POSTGRES").expect(
        "RINGFENCE_TEST_POSTGRES is not set: run `cargo xtask test`, which starts a PostgreSQL server for the tests, or give \
         the URL of one",
    );
    let name = format!("kill_{}", std::process::id());
    on_postgres(&server, &format!("CREATE SCHEMA {name}"));
    let mark = if server.contains('?') { '&' } else { '?' };
    kill_again_and_again(&format!("{server}{mark}options=-c%20search_path%3D{name}"));
    on_postgres(&server, &format!("DROP SCHEMA {name} CASCADE"));
}

/// Runs a statement on the test server.
fn on_postgres(url: &str, sql: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        let running = tokio::spawn(connection);
        client.batch_execute(sql).await.unwrap();
        drop(client);
        running.await.unwrap().unwrap();
    });
}

fn kill_again_and_again(database: &str) {
    let folder = Folder::new();
    // Cheap hashes, which only `dev` takes, so that the rounds are about storage.
    folder.file(
        "ringfence.toml",
        &format!("[database]\nurl = \"{database}\"\n[password]\nmemory_kib = 8\npasses = 1\n[log]\nlevel = \"warn,ringfence=info\"\n"),
    );
    folder.file("provision.toml", "[[project]]\nname = \"default\"\n");
    let start = || folder.start(&["--config", "ringfence.toml", "dev", "--apply", "provision.toml"]);
    let mut server = start();
    // One batch that nobody disturbs shows how long they take.
    let whole = sign_up_all(server.main, 0);
    assert_eq!(whole.acknowledged.len(), SIGN_UPS as usize);
    let (mut acknowledged, mut interrupted) = (0, 0);
    for round in 1..=ROUNDS {
        let moment = random_part_of(whole.took);
        let address = server.main;
        let batch = thread::spawn(move || sign_up_all(address, round));
        pause(moment);
        server.kill();
        let batch = batch.join().unwrap();
        server = start();
        let lost: Vec<_> = batch.acknowledged.iter().filter(|email| !signs_in(&server, email)).collect();
        assert!(lost.is_empty(), "round {round}, killed after {moment:?}: acknowledged and lost: {lost:?}");
        acknowledged += batch.acknowledged.len();
        interrupted += u32::from((1..SIGN_UPS as usize).contains(&batch.acknowledged.len()));
    }
    assert!(whole.acknowledged.iter().all(|email| signs_in(&server, email)));
    eprintln!(
        "{acknowledged} accounts acknowledged in {ROUNDS} rounds, {interrupted} of them interrupted in the middle"
    );
    assert!(interrupted > 0, "no round was interrupted in the middle: {acknowledged} acknowledged");
}

/// Signs up many at once, each on a connection of its own, until all were answered or the server is gone.
fn sign_up_all(to: SocketAddr, round: u32) -> Batch {
    let begun = now();
    let clients: Vec<_> = (0..SIGN_UPS)
        .map(|number| {
            thread::spawn(move || {
                let email = format!("round{round}-number{number}@example.org");
                let body = json!({ "email": email, "password": PASSWORD, "firstname": "A", "lastname": "B" });
                let (status, answer) = http(to, "POST", "/tiledesk/auth/signup", Some(&body)).ok()?;
                let done = status == 200 && answer.contains("\"success\":true");
                done.then_some(email)
            })
        })
        .collect();
    let acknowledged = clients.into_iter().filter_map(|client| client.join().unwrap()).collect();
    Batch { acknowledged, took: now().duration_since(begun) }
}

fn signs_in(server: &Server, email: &str) -> bool {
    let (status, answer) =
        server.send("POST", "/tiledesk/auth/signin", Some(&json!({ "email": email, "password": PASSWORD })));
    status == 200 && answer["success"] == true
}

#[expect(clippy::disallowed_methods, reason = "the real time that another process takes")]
fn now() -> Instant {
    Instant::now()
}

/// A random part of `whole`: each hasher of the standard library has keys of its own.
fn random_part_of(whole: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish() % 1000;
    whole * u32::try_from(random).unwrap() / 1000
}
