//! The scenarios of the foundation, interleaved with their floors.

use std::{path::Path, process::Command, time::Duration};

use anyhow::Context as _;

use crate::{
    process::{Program, free_address},
    raw,
    scratch::{self, APPLICATION, EMAIL, PASSWORD},
    table::{self, Spread},
    wrk::{self, Request},
};

const CONNECTIONS: usize = 64;

/// One operation over HTTP.
struct Scenario {
    name: &'static str,
    request: Request,
}

/// What one slice of a scenario and of the floor with the same request showed.
#[derive(Clone, Copy)]
struct Measured {
    rate: f64,
    micros: f64,
    p99: f64,
    floor_rate: f64,
    floor_micros: f64,
}

/// Runs everything and prints the tables.
pub(crate) fn run(server: &Path, rounds: usize, time: Duration) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let ours = scratch::serve(server, folder.path())?;
    let floor_address = free_address()?;
    let mut floor = Command::new(std::env::current_exe()?);
    floor.args(["floor", "--listen", &floor_address.to_string()]);
    let floor = Program::start(&mut floor, floor_address, &folder.path().join("floor.log"))?;

    let scenarios = scenarios(&ours)?;
    let mut measured: Vec<Vec<Measured>> = scenarios.iter().map(|_| Vec::new()).collect();
    let (mut commits, mut hashes, mut mints, mut verifies) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        for (scenario, results) in scenarios.iter().zip(&mut measured) {
            results.push(slice(folder.path(), &ours, &floor, scenario, time)?);
        }
        commits.push(raw::group_commit(folder.path(), time)?);
        hashes.push(raw::argon2(time)?);
        let (mint, verify) = raw::tokens(Duration::from_millis(500))?;
        mints.push(mint.micros);
        verifies.push(verify.micros);
    }
    report(&scenarios, &measured);
    report_floors(&commits, &hashes, mints, verifies);
    report_password(&scenarios, &measured, &hashes);
    Ok(())
}

fn scenarios(ours: &Program) -> anyhow::Result<Vec<Scenario>> {
    let guest_body = format!("{{\"id_project\":\"{APPLICATION}\",\"firstname\":\"Visitor\"}}");
    let guest = ours.post("/tiledesk/auth/signinAnonymously", "", &guest_body)?;
    let token = guest["token"].as_str().context("a guest gets a token")?.to_owned();
    let password_body = serde_json::json!({ "email": EMAIL, "password": PASSWORD }).to_string();
    let request = |method, path: &str, authorization: &str, body: &str| Request {
        method,
        path: format!("/tiledesk{path}"),
        authorization: authorization.to_owned(),
        body: body.to_owned(),
    };
    Ok(vec![
        Scenario { name: "verify HS256", request: request("GET", "/testauth/noentitycheck", &token, "") },
        Scenario {
            name: "verify and mint HS256",
            request: request("POST", "/chat21/native/auth/createCustomToken", &token, "{}"),
        },
        Scenario {
            name: "guest sign-in",
            request: request("POST", "/auth/signinAnonymously", "none none", &guest_body),
        },
        Scenario { name: "password sign-in", request: request("POST", "/auth/signin", "none none", &password_body) },
    ])
}

fn slice(
    folder: &Path,
    ours: &Program,
    floor: &Program,
    scenario: &Scenario,
    time: Duration,
) -> anyhow::Result<Measured> {
    let one = |program: &Program| -> anyhow::Result<(wrk::Slice, f64)> {
        let before = program.cpu()?;
        let slice = wrk::drive(folder, program.address, &scenario.request, CONNECTIONS, time)?;
        let used = program.cpu()?.saturating_sub(before);
        let micros = used.as_secs_f64() * 1e6 / slice.requests(time);
        Ok((slice, micros))
    };
    let (floor_slice, floor_micros) = one(floor)?;
    let (slice, micros) = one(ours)?;
    Ok(Measured {
        rate: slice.rate,
        micros,
        p99: slice.p99.as_secs_f64() * 1e3,
        floor_rate: floor_slice.rate,
        floor_micros,
    })
}

fn report(scenarios: &[Scenario], measured: &[Vec<Measured>]) {
    let rows: Vec<_> = scenarios
        .iter()
        .zip(measured)
        .map(|(scenario, rounds)| {
            let of = |figure: fn(&Measured) -> f64| Spread::of(rounds.iter().map(figure).collect());
            let ratio = of(|round| round.rate / round.floor_rate);
            vec![
                scenario.name.to_owned(),
                format!("{:.0}", of(|round| round.rate).median),
                format!("{:.2} ({:.2}–{:.2})", ratio.median, ratio.least, ratio.most),
                format!("{:.1}", of(|round| round.micros).median),
                format!("{:.1}", of(|round| round.floor_micros).median),
                format!("{:.1}", of(|round| round.micros - round.floor_micros).median),
                format!("{:.1}", of(|round| round.p99).median),
            ]
        })
        .collect();
    let header =
        ["over HTTP, 64 connections", "per second", "of no-op (min–max)", "CPU µs", "no-op µs", "more µs", "p99 ms"];
    table::print("Operations beside axum answering the same request with nothing", &header, &rows);
}

fn report_floors(commits: &[raw::Rate], hashes: &[raw::Rate], mints: Vec<f64>, verifies: Vec<f64>) {
    let rate = |rates: &[raw::Rate]| Spread::of(rates.iter().map(|rate| rate.per_second).collect()).median;
    let micros = |rates: &[raw::Rate]| Spread::of(rates.iter().map(|rate| rate.micros).collect()).median;
    let one_per = |micros: f64| format!("{:.0}", 1e6 / micros);
    let (mint, verify) = (Spread::of(mints).median, Spread::of(verifies).median);
    let row = |name: &str, rate: String, micros: f64| vec![name.to_owned(), rate, format!("{micros:.1}")];
    let rows = [
        row("a guest's rows in SQLite, 64 to a durable commit", format!("{:.0}", rate(commits)), micros(commits)),
        row("Argon2id, memory reused, all cores", format!("{:.1}", rate(hashes)), micros(hashes)),
        row("mint HS256, one core", one_per(mint), mint),
        row("verify HS256, one core", one_per(verify), verify),
    ];
    table::print("The machine's own limits in the same run", &["work", "per second", "µs each"], &rows);
}

/// The password scenario is bound by hashing, not by HTTP.
fn report_password(scenarios: &[Scenario], measured: &[Vec<Measured>], hashes: &[raw::Rate]) {
    let Some((_, rounds)) = scenarios.iter().zip(measured).find(|(scenario, _)| scenario.name == "password sign-in")
    else {
        return;
    };
    let ratios = rounds.iter().zip(hashes).map(|(round, bare)| round.rate / bare.per_second).collect();
    let ratio = Spread::of(ratios);
    let row =
        vec!["password sign-in".to_owned(), format!("{:.2} ({:.2}–{:.2})", ratio.median, ratio.least, ratio.most)];
    table::print("Password sign-in beside bare hashing", &["", "of bare Argon2id (min–max)"], &[row]);
}
