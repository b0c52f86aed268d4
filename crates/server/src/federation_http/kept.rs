//! Documents of providers, kept as long as they say. Whoever needs one that is not there asks for all who wait for it; each
//! document has its own queue, so a slow provider holds up nobody but those who need it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use reqwest::{StatusCode, Url};
use ringfence_core::{
    error::{AuthError, BoxError},
    time::Timestamp,
};
use serde_json::Value;
use tokio::sync::OwnedMutexGuard;

use super::outgoing::{Answer, Outgoing, Reach};

/// How long a document is kept that does not say.
const KEPT: Duration = Duration::from_hours(1);
/// The longest, whatever it says.
const LONGEST: Duration = Duration::from_hours(24);
/// The shortest, whatever it says; and the least time between two questions because something was missing (ATTACKS N18).
const FLOOR: Duration = Duration::from_mins(1);
/// After a failure the next question waits a second, and twice as long after each further one, up to [`FLOOR`].
const MOST_DOUBLINGS: u32 = 6;

const PROVIDER: &str = "the identity provider";

/// Documents of one kind, by where they are and how far one may reach for them.
pub struct Kept<T> {
    outgoing: Arc<Outgoing>,
    read: fn(&Value) -> Result<T, BoxError>,
    slots: Mutex<Slots<T>>,
}

type Slots<T> = HashMap<(Url, Reach), Arc<Slot<T>>>;

struct Slot<T> {
    state: Mutex<State<T>>,
    /// Held while asking.
    asking: Arc<tokio::sync::Mutex<()>>,
}

struct State<T> {
    document: Option<Arc<T>>,
    /// When the document is to be asked for anew.
    until: Timestamp,
    /// When it was last asked for because something was missing.
    renewed_at: Option<Timestamp>,
    /// Failures in a row.
    failures: u32,
    /// Nobody asks before this.
    retry_at: Timestamp,
    /// How often it was asked for.
    asked: u64,
}

impl<T: Send + Sync + 'static> Kept<T> {
    pub fn new(outgoing: Arc<Outgoing>, read: fn(&Value) -> Result<T, BoxError>) -> Self {
        Self { outgoing, read, slots: Mutex::default() }
    }

    /// The document, asked for if there is none or its time is over.
    pub async fn get(&self, url: &Url, reach: Reach, now: Timestamp) -> Result<Arc<T>, AuthError> {
        let slot = self.slot(url, reach);
        let asked = match slot.state().usable(now) {
            Ok(found) => return found,
            Err(asked) => asked,
        };
        let turn = Arc::clone(&slot.asking).lock_owned().await;
        if let Some(outcome) = slot.outcome_since(asked, now) {
            return outcome;
        }
        self.ask(slot, turn, url, reach, now).await
    }

    /// A newer document than `seen`, in which something was missing. `None` if there is none: then it is the question that is
    /// wrong, and it is asked at most once a minute.
    pub async fn newer(
        &self,
        url: &Url,
        reach: Reach,
        now: Timestamp,
        seen: &Arc<T>,
    ) -> Result<Option<Arc<T>>, AuthError> {
        let slot = self.slot(url, reach);
        let turn = Arc::clone(&slot.asking).lock_owned().await;
        {
            let mut state = slot.state();
            if let Some(document) = state.document.as_ref().filter(|document| !Arc::ptr_eq(document, seen)) {
                return Ok(Some(Arc::clone(document)));
            }
            if state.renewed_at.is_some_and(|at| now.since(at) < FLOOR) {
                // While it could not be asked, nobody knows what is missing.
                return if state.failures > 0 { Err(down("it did not answer a moment ago")) } else { Ok(None) };
            }
            state.renewed_at = Some(now);
        }
        self.ask(slot, turn, url, reach, now).await.map(Some)
    }

    fn slot(&self, url: &Url, reach: Reach) -> Arc<Slot<T>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry((url.clone(), reach)).or_default())
    }

    /// Asks, in a task of its own: whoever goes away while waiting must not leave the others without an answer, or with the
    /// floor begun and nothing asked.
    async fn ask(
        &self,
        slot: Arc<Slot<T>>,
        turn: OwnedMutexGuard<()>,
        url: &Url,
        reach: Reach,
        now: Timestamp,
    ) -> Result<Arc<T>, AuthError> {
        let (outgoing, read, url) = (Arc::clone(&self.outgoing), self.read, url.clone());
        let asking = tokio::spawn(async move {
            let answer = outgoing.get(PROVIDER, url, reach).await;
            let outcome = slot.settle(answer.and_then(|answer| document(&answer, read)), now);
            drop(turn);
            outcome
        });
        asking.await.map_err(AuthError::internal)?
    }
}

fn document<T>(answer: &Answer, read: fn(&Value) -> Result<T, BoxError>) -> Result<(T, Duration), AuthError> {
    if answer.status != StatusCode::OK {
        return Err(down(format!("a document was answered with {}", answer.status)));
    }
    let document = read(&answer.body).map_err(down)?;
    Ok((document, answer.max_age.unwrap_or(KEPT).clamp(FLOOR, LONGEST)))
}

fn down(source: impl Into<BoxError>) -> AuthError {
    AuthError::Unavailable { what: PROVIDER, source: source.into() }
}

impl<T> Slot<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what was answered.
    fn settle(&self, found: Result<(T, Duration), AuthError>, now: Timestamp) -> Result<Arc<T>, AuthError> {
        let mut state = self.state();
        state.asked += 1;
        match found {
            Ok((document, keep)) => {
                let document = Arc::new(document);
                state.document = Some(Arc::clone(&document));
                state.until = now + keep;
                state.failures = 0;
                Ok(document)
            }
            Err(refusal) => {
                let wait = Duration::from_secs(1 << state.failures.min(MOST_DOUBLINGS)).min(FLOOR);
                state.failures = state.failures.saturating_add(1);
                state.retry_at = now + wait;
                Err(refusal)
            }
        }
    }

    /// What came of it, if somebody asked while we waited for our turn.
    fn outcome_since(&self, asked: u64, now: Timestamp) -> Option<Result<Arc<T>, AuthError>> {
        let state = self.state();
        match state.usable(now) {
            Ok(outcome) => Some(outcome),
            Err(since) if since != asked => Some(match &state.document {
                Some(document) if state.failures == 0 => Ok(Arc::clone(document)),
                _ => Err(down("it did not answer whoever asked first")),
            }),
            Err(_) => None,
        }
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        let state = State {
            document: None,
            until: Timestamp::default(),
            renewed_at: None,
            failures: 0,
            retry_at: Timestamp::default(),
            asked: 0,
        };
        Self { state: Mutex::new(state), asking: Arc::default() }
    }
}

impl<T> State<T> {
    /// The document, or that there is none for now; else how often it was asked for so far.
    fn usable(&self, now: Timestamp) -> Result<Result<Arc<T>, AuthError>, u64> {
        match &self.document {
            Some(document) if now < self.until => Ok(Ok(Arc::clone(document))),
            _ if now < self.retry_at => Ok(Err(down("it did not answer a moment ago"))),
            _ => Err(self.asked),
        }
    }
}
