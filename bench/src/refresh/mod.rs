//! Refreshing over networks that lose answers, beside a second tab: nobody is signed out, and a thief is.
//!
//! Sessions of guests are renewed again and again over real connections. Of each hundred renewals five have their answer
//! dropped, so that the client asks again with the token it has, and five are raced by a second tab with the same token.
//! At the end every session must still be let in. Then a token that was stolen two generations ago is shown of each: it is
//! refused, and takes its session with it.

use std::{
    path::Path,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, anyhow, ensure};

use crate::{scratch, table};

mod chance;
mod client;

use chance::Chance;
use client::{Client, Pair};

/// Connections at once.
const ABREAST: usize = 16;
/// Sessions of one connection.
const EACH: usize = 32;
/// Of a hundred.
const DROPPED: u64 = 5;
const RACED: u64 = 5;

/// What to do.
pub(crate) struct Plan<'a> {
    /// The release binary.
    pub(crate) server: &'a Path,
    /// The URL of an empty database; a file of SQLite when absent.
    pub(crate) database: Option<&'a str>,
    /// Renewals in all.
    pub(crate) refreshes: usize,
    /// Where chance begins.
    pub(crate) seed: u64,
}

/// What became of it.
#[derive(Clone, Copy, Default)]
struct Tally {
    refreshes: usize,
    dropped: usize,
    raced: usize,
    sessions: usize,
    lost: usize,
    thefts: usize,
    burned: usize,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.refreshes += other.refreshes;
        self.dropped += other.dropped;
        self.raced += other.raced;
        self.sessions += other.sessions;
        self.lost += other.lost;
        self.thefts += other.thefts;
        self.burned += other.burned;
    }
}

/// Runs it, prints what became of it, and fails unless that is right.
pub(crate) fn run(plan: &Plan<'_>) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = format!("sqlite:{}", folder.path().join("bench.db").display());
    let server = scratch::serve_on(plan.server, folder.path(), plan.database.unwrap_or(&file))?;
    let (total, begun) = (Mutex::new(Tally::default()), now());
    thread::scope(|scope| {
        let workers: Vec<_> = (0..ABREAST)
            .map(|number| {
                let (total, server) = (&total, &server);
                let share = plan.refreshes / ABREAST + usize::from(number < plan.refreshes % ABREAST);
                let chance = Chance::of(plan.seed, number);
                scope.spawn(move || -> anyhow::Result<()> {
                    let tally = Worker { client: Client::of(server.address), chance }.work(share)?;
                    total.lock().map_err(|_| anyhow!("a worker panicked"))?.add(tally);
                    Ok(())
                })
            })
            .collect();
        workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| anyhow!("a worker panicked"))?)
    })?;
    let total = total.into_inner().map_err(|_| anyhow!("a worker panicked"))?;
    report(&total, begun.elapsed(), plan.database.is_some());
    ensure!(total.refreshes == plan.refreshes, "{} of {} refreshes", total.refreshes, plan.refreshes);
    ensure!(total.lost == 0, "{} sessions were lost", total.lost);
    ensure!(total.burned == total.thefts && total.thefts > 0, "{} of {} thefts burned", total.burned, total.thefts);
    Ok(())
}

/// One connection and its sessions.
struct Worker {
    client: Client,
    chance: Chance,
}

/// What a tab holds, and a thief.
struct Session {
    newest: Pair,
    before: Option<Pair>,
    stolen: Option<Pair>,
}

impl Worker {
    fn work(&mut self, refreshes: usize) -> anyhow::Result<Tally> {
        let mut tally = Tally { sessions: EACH, ..Tally::default() };
        let mut sessions = (0..EACH)
            .map(|_| Ok(Session { newest: self.client.guest()?, before: None, stolen: None }))
            .collect::<anyhow::Result<Vec<_>>>()?;
        for number in 0..refreshes {
            let session = &mut sessions[number % EACH];
            let next = self.refresh(&session.newest, &mut tally)?;
            ensure!(next != session.newest, "a renewal gives new tokens");
            session.stolen = session.before.replace(std::mem::replace(&mut session.newest, next));
            tally.refreshes += 1;
        }
        for session in &sessions {
            tally.lost += usize::from(self.client.me(&session.newest)? != 200);
        }
        for session in &sessions {
            if let Some(stolen) = &session.stolen {
                tally.thefts += 1;
                tally.burned += usize::from(self.steal(session, stolen)?);
            }
        }
        Ok(tally)
    }

    /// One renewal, its answer lost or raced as chance has it.
    fn refresh(&mut self, pair: &Pair, tally: &mut Tally) -> anyhow::Result<Pair> {
        let drawn = self.chance.percent();
        if drawn < DROPPED {
            tally.dropped += 1;
            // The connection ends at some moment between the request and its answer.
            let patience = Duration::from_micros(self.chance.below(4_000));
            self.client.refresh_unheard(pair, patience)?;
        } else if drawn < DROPPED + RACED {
            tally.raced += 1;
            let (address, token) = (self.client.address(), pair.clone());
            let other = thread::spawn(move || Client::of(address).refresh(&token));
            let own = self.client.refresh(pair)?;
            let other = other.join().map_err(|_| anyhow!("the second tab panicked"))??;
            let own = own.map_err(|code| anyhow!("the first tab was refused: {code}"))?;
            let other = other.map_err(|code| anyhow!("the second tab was refused: {code}"))?;
            ensure!(own == other, "both tabs get the same tokens");
            return Ok(own);
        }
        self.client.refresh(pair)?.map_err(|code| anyhow!("refused: {code}"))
    }

    /// Whether showing a stolen token ends everything that the session has.
    fn steal(&mut self, session: &Session, stolen: &Pair) -> anyhow::Result<bool> {
        let thief = self.client.refresh(stolen)?;
        let owner = self.client.refresh(&session.newest)?;
        let refused =
            [&thief, &owner].iter().all(|answer| answer.as_ref().is_err_and(|code| code == "session_revoked"));
        Ok(refused && self.client.me(&session.newest)? == 401)
    }
}

fn report(total: &Tally, took: Duration, postgres: bool) {
    let row = |what: &str, figure: String| vec![what.to_owned(), figure];
    let per_second = f64::from(u32::try_from(total.refreshes).unwrap_or(u32::MAX)) / took.as_secs_f64();
    let rows = [
        row("refreshes", total.refreshes.to_string()),
        row("… whose answer was dropped", total.dropped.to_string()),
        row("… raced by a second tab", total.raced.to_string()),
        row("sessions", total.sessions.to_string()),
        row("… lost", total.lost.to_string()),
        row("tokens stolen two generations ago and shown", total.thefts.to_string()),
        row("… that burned their family", total.burned.to_string()),
        row("refreshes a second", format!("{per_second:.0}")),
    ];
    let engine = if postgres { "PostgreSQL" } else { "SQLite" };
    table::print(&format!("Refreshing with losses on {engine}"), &["what", "result"], &rows);
}

#[expect(clippy::disallowed_methods, reason = "a measuring program lives in real time")]
fn now() -> Instant {
    Instant::now()
}

/// What is asked for, or what the server said instead.
fn member<'a>(answer: &'a serde_json::Value, name: &str) -> anyhow::Result<&'a str> {
    answer[name].as_str().with_context(|| format!("an answer has {name}: {answer}"))
}
