//! N75: how long an answer takes does not tell whether an address is known. At the level of HTTP, with hashes of the real cost.
//!
//! Known and unknown addresses are asked about in turn, and the medians of both are compared: whatever slows the machine down
//! meets both. A difference of the code stays however often one asks, one of the machine goes; so a round that finds one is
//! followed by another, and only a difference that [`ROUNDS`] rounds have found is one.
//!
//! Alone in its process, whose cores it measures with.
#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]
#![expect(dead_code, unused_imports, reason = "it uses its own part of what the other faces have, too")]

use std::time::{Duration, Instant};

use http::StatusCode;
use ringfence_core::{
    identity::Identifier, password::HasherConfig, project::ProjectPolicy, throttle::ThrottleKey, verification::Purpose,
};
use serde_json::{Value, json};
use server::{PASSWORD, Server};

#[path = "faces/keyclic/server.rs"]
mod server;
#[path = "faces/support/mod.rs"]
mod support;

/// How far the medians may lie apart.
const BOUND: f64 = 0.05;
/// Known and unknown addresses in a round.
const PAIRS: usize = 50;
/// Rounds before a difference is believed: 1,000 runs.
const ROUNDS: usize = 10;

/// Durations of answers about known and about unknown addresses.
#[derive(Default)]
struct Runs([Vec<Duration>; 2]);

impl Runs {
    fn add(&mut self, known: bool, took: Duration) {
        self.0[usize::from(known)].push(took);
    }

    /// How far the medians lie apart, as a part of the larger.
    fn difference(&self) -> f64 {
        let [unknown, known] = [&self.0[0], &self.0[1]].map(|runs| {
            let mut sorted = runs.clone();
            sorted.sort_unstable();
            sorted[sorted.len() / 2].as_secs_f64()
        });
        (known - unknown).abs() / known.max(unknown)
    }
}

/// Asks until the medians agree or there is no doubt that they do not.
async fn agree(t: &Server, path: &str, password: &str, statuses: [StatusCode; 2]) {
    let mut runs = Runs::default();
    for round in 0..ROUNDS {
        for pair in 0..PAIRS {
            // In turns, so that neither always comes after the other.
            for known in [pair % 2 == 0, pair % 2 != 0] {
                let email = if known { "ann@example.org".to_owned() } else { format!("zoe{round}-{pair}@example.org") };
                let body = json!({ "login": email, "email": email, "password": password });
                let (answer, took) = timed(t, path, &body).await;
                assert_eq!(answer, statuses[usize::from(known)], "{path} for {email}");
                runs.add(known, took);
                forget(t, &email).await;
            }
        }
        // One round is too few to find two alike.
        if round > 0 && runs.difference() <= BOUND {
            return;
        }
    }
    panic!("{path}: the medians lie {:.1} % apart after {} runs", runs.difference() * 100.0, 2 * ROUNDS * PAIRS);
}

#[expect(clippy::disallowed_methods, reason = "a measurement")]
async fn timed(t: &Server, path: &str, body: &Value) -> (StatusCode, Duration) {
    let asking = t.ask("POST", path).json(body);
    let since = Instant::now();
    let answer = asking.send().await;
    (answer.status, since.elapsed())
}

/// Has nothing count of what was tried, or whoever is asked about twice would be told to wait.
async fn forget(t: &Server, email: &str) {
    let (project, address) = (t.project.id, Identifier::email(email));
    let keys = [
        ThrottleKey::identifier(project, &address),
        ThrottleKey::address([192, 0, 2, 1].into()),
        ThrottleKey::mail(project, Purpose::PasswordReset, &address),
    ];
    let reset = move |tx: &mut dyn ringfence_core::store::Tx| {
        for key in &keys {
            tx.reset_throttle(key)?;
        }
        Ok(())
    };
    t.world.store.write(reset).await.unwrap();
}

#[tokio::test]
async fn n75_known_and_unknown_addresses_take_the_same_time() {
    let t = Server::start_hashing(ProjectPolicy::default(), &[], HasherConfig::default()).await;
    t.person("ann").await;
    agree(&t, "/security/login", "a wrong guess", [StatusCode::UNAUTHORIZED; 2]).await;
    agree(&t, "/security/password/change-request", "", [StatusCode::NO_CONTENT; 2]).await;
    // Here the original's clients need to hear that an address is taken (sheet §3).
    agree(&t, "/security/register", PASSWORD, [StatusCode::CREATED, StatusCode::BAD_REQUEST]).await;
}

#[test]
fn n75_a_hash_that_only_known_addresses_cost_would_be_found() {
    let mut runs = Runs::default();
    for run in 0..1000_u64 {
        // Noise of a quarter of a hash, the same for both, and a tenth of one more.
        let noise = run * 7919 % 1000 * 4;
        runs.add(run % 2 == 0, Duration::from_micros(16_000 + noise + if run % 2 == 0 { 1_600 } else { 0 }));
    }
    assert!(runs.difference() > BOUND, "{}", runs.difference());
}
