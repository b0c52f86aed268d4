//! N75: what an answer costs and how long it takes does not tell whether an address is known.
//!
//! First the work, which no other process can disturb: the program counts its computations of Argon2, and known and unknown
//! addresses must cost the same number at every face. Then the time, of as many runs as settle it: known and unknown addresses
//! in turn, compared by the sum of ranks (Mann and Whitney), which a few runs that were held up do not move. A difference is
//! believed when it is both beyond chance and above a twentieth, three times over with new runs: one of the code comes back each
//! time, one of the machine does not.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::house::{APPLICATION, House, basic};

/// Runs of each side in a trial.
const RUNS: usize = 170;
/// Trials before a difference is believed; all together 1,020 runs.
const TRIALS: usize = 3;
/// How many standard deviations from chance: one trial in a hundred thousand.
const BEYOND_CHANCE: f64 = 4.4;
/// How far the medians may lie apart.
const BOUND: f64 = 0.05;

/// A question about an address, and its name.
type Question = (&'static str, fn(&House, &str) -> u16);

const WITH_PASSWORDS: [Question; 6] = [
    ("native", |house, email| {
        let body = json!({ "application": APPLICATION, "email": email, "password": "a wrong guess" });
        house.json("POST", "/api/v1/sign-in", &[], &body).status
    }),
    ("tiledesk", |house, email| {
        let body = json!({ "email": email, "password": "a wrong guess" });
        house.json("POST", "/tiledesk/auth/signin", &[], &body).status
    }),
    ("tiledesk, Basic", |house, email| house.show("GET", "/tiledesk/testauth", &basic(email, "a wrong guess")).status),
    ("keyclic", |house, email| {
        let body = json!({ "login": email, "password": "a wrong guess" });
        house.json("POST", "/keyclic/security/login", &[], &body).status
    }),
    ("opentact", |house, email| house.show("GET", "/opentact/rest/auth", &basic(email, "a wrong guess")).status),
    ("apirtc", |house, email| {
        let form = format!("username={}&password=a+wrong+guess", email.replace('@', "%40"));
        house.form("/apirtc/api/v3/authenticate", &[], &form).status
    }),
];

const FORGOTTEN: [Question; 4] = [
    ("native", |house, email| {
        let body = json!({ "application": APPLICATION, "email": email });
        house.json("POST", "/api/v1/verifications/password-reset", &[], &body).status
    }),
    ("tiledesk", |house, email| {
        house.json("PUT", "/tiledesk/auth/requestresetpsw", &[], &json!({ "email": email })).status
    }),
    ("keyclic", |house, email| {
        house.json("POST", "/keyclic/security/password/change-request", &[], &json!({ "email": email })).status
    }),
    ("opentact", |house, email| {
        house
            .ask("GET", &format!("/opentact/rest/user/password_reset?email={}", email.replace('@', "%40")), &[], "")
            .status
    }),
];

#[test]
fn n75_known_and_unknown_addresses_cost_the_same_computations_at_every_face() {
    let house = House::with_cheap_hashes(&["ann"], "warn,ringfence=info");
    let cost = |question: fn(&House, &str) -> u16, email: &str| {
        let before = house.counter("ringfence_argon2_runs_total");
        let status = question(&house, email);
        (status, house.counter("ringfence_argon2_runs_total") - before)
    };
    for (name, question) in WITH_PASSWORDS {
        // The right one takes back what the wrong ones count.
        let known = cost(question, "ann@example.org");
        let again =
            json!({ "application": APPLICATION, "email": "ann@example.org", "password": crate::house::PASSWORD });
        assert_eq!(house.json("POST", "/api/v1/sign-in", &[], &again).status, 200, "after {name}");
        let unknown = cost(question, &format!("{}@example.org", name.replace([' ', ','], "")));
        assert_eq!(known, unknown, "{name}: status and computations for known and unknown");
        assert_eq!(known.1, 1, "{name}");
    }
    for (name, question) in FORGOTTEN {
        let (known, unknown) = (cost(question, "ann@example.org"), cost(question, "zoe@example.org"));
        assert_eq!(known, unknown, "{name}: a reset for known and unknown");
    }
}

/// The median of runs, in seconds.
fn median(runs: &[Duration]) -> f64 {
    let mut sorted = runs.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() / 2].as_secs_f64()
}

/// How many standard deviations the ranks of `a` among both lie from what chance gives (Mann and Whitney 1947).
fn deviations(a: &[Duration], b: &[Duration]) -> f64 {
    let mut all: Vec<(Duration, bool)> =
        a.iter().map(|run| (*run, true)).chain(b.iter().map(|run| (*run, false))).collect();
    all.sort_unstable();
    let ranks: f64 = (1_u32..).zip(&all).filter(|(_, (_, of_a))| *of_a).map(|(rank, _)| f64::from(rank)).sum();
    let count = |runs: &[Duration]| f64::from(u32::try_from(runs.len()).unwrap());
    let (m, n) = (count(a), count(b));
    let (mean, variance) = (m * (m + n + 1.0) / 2.0, m * n * (m + n + 1.0) / 12.0);
    (ranks - mean) / variance.sqrt()
}

/// Whether known and unknown differ beyond chance and by more than the bound.
fn differ(known: &[Duration], unknown: &[Duration]) -> bool {
    let (slow, fast) = (median(known).max(median(unknown)), median(known).min(median(unknown)));
    deviations(known, unknown).abs() > BEYOND_CHANCE && (slow - fast) / slow > BOUND
}

#[expect(clippy::disallowed_methods, reason = "a measurement")]
fn timed(question: impl FnOnce() -> u16) -> (u16, Duration) {
    let since = Instant::now();
    (question(), since.elapsed())
}

#[test]
fn n75_known_and_unknown_addresses_take_the_same_time_at_the_running_program() {
    // An address is asked about a few times only, or it would have to wait.
    let names: Vec<String> = (0..RUNS).map(|number| format!("person{number}")).collect();
    let house = House::with_real_hashes(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let mut seen = Vec::new();
    for trial in 0..TRIALS {
        let (_, question) = WITH_PASSWORDS[0];
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for (number, name) in names.iter().enumerate() {
            // In turns, so that neither always comes after the other.
            for is_known in [number % 2 == 0, number % 2 != 0] {
                let email =
                    if is_known { format!("{name}@example.org") } else { format!("{name}-{trial}@example.net") };
                let (status, took) = timed(|| question(&house, &email));
                assert!(status == 401 || status == 403, "{status} for {email}");
                if is_known { known.push(took) } else { unknown.push(took) }
            }
        }
        seen.push(format!(
            "{:.1} ms and {:.1} ms, {:+.1} deviations",
            median(&known) * 1e3,
            median(&unknown) * 1e3,
            deviations(&known, &unknown)
        ));
        if !differ(&known, &unknown) {
            eprintln!("known and unknown: {}", seen.join("; "));
            return;
        }
    }
    panic!("known and unknown addresses differ: {}", seen.join("; "));
}

#[test]
fn n75_a_tenth_of_a_hash_would_be_found_and_noise_would_not() {
    // Runs of 16 ms with noise of up to a quarter, as on a busy machine; every tenth is held up for long.
    let runs = |seed: u64, more: u64| -> Vec<Duration> {
        (0..RUNS as u64)
            .map(|run| {
                let noise = (run * 7919 + seed * 104_729) % 4000;
                Duration::from_micros(16_000 + more + noise + if run % 10 == seed % 10 { 200_000 } else { 0 })
            })
            .collect()
    };
    assert!(differ(&runs(1, 1_600), &runs(2, 0)));
    assert!((3..40).all(|seed| !differ(&runs(1, 0), &runs(seed, 0))));
}
