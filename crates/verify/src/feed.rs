//! Following the feed: open it, read what was missed, listen, and open it anew when it falls silent.

use std::{convert::Infallible, future::Future, sync::Arc, time::Duration};

use crate::{
    claims::Moment,
    jose::Unverified,
    keys::{Asking, ROUND},
    ports::{Answer, BoxError, Machine, Request},
    refusal::Refusal,
    set::{self, Event},
    sse::Reader,
    verifier::Shared,
};

/// Time for the beginning of an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The waits between attempts: doubled each time, half of each by chance.
const WAITS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));
/// The longest wait that the server may ask for.
const MOST_ASKED: Duration = Duration::from_secs(30);
/// How often old revocations are looked for.
const SWEEP: Duration = Duration::from_mins(1);

/// Why a stream was left.
#[derive(Debug, thiserror::Error)]
enum Left {
    /// The server does not know our place any more: begin anew.
    #[error("the server asked to begin anew")]
    Reset,
    /// It asks to wait so long.
    #[error("the feed was answered with {status}")]
    Refused { status: u16, wait: Option<Duration> },
    #[error("the server said nothing for {0:?}")]
    Silent(Duration),
    #[error("the server closed the feed")]
    Closed,
    /// What it says cannot be believed, so it is as good as silent.
    #[error("the feed is not the project's: {0}")]
    Unbelievable(String),
    #[error("{0}")]
    Broken(String),
}

impl From<BoxError> for Left {
    fn from(error: BoxError) -> Self {
        Self::Broken(error.to_string())
    }
}

/// Follows the feed for ever.
pub async fn follow(shared: Arc<Shared>) {
    let mut cursor = None;
    let mut failures = 0;
    loop {
        let left = stream(&shared, &mut cursor).await;
        if shared.live.send_replace(false) {
            failures = 0;
        }
        let asked = match left {
            Left::Refused { wait, .. } => wait,
            Left::Reset => {
                cursor = None;
                None
            }
            _ => None,
        };
        shared.write().last_failure = Some(left.to_string());
        let most = (WAITS.0 * 2_u32.pow(failures)).min(WAITS.1);
        failures = (failures + 1).min(8);
        let wait = most.mul_f64(0.5 + shared.machine.chance() / 2.0);
        shared.machine.sleep(asked.map_or(wait, |asked| asked.min(MOST_ASKED).max(wait))).await;
    }
}

/// Opens the feed and reads it until it ends, keeping `cursor` at the last message that counts.
async fn stream(shared: &Shared, cursor: &mut Option<String>) -> Left {
    match open(shared, cursor.clone()).await {
        Ok(answer) => {
            let Err(left) = read(shared, cursor, answer).await;
            left
        }
        Err(left) => left,
    }
}

async fn open(shared: &Shared, cursor: Option<String>) -> Result<Answer, Left> {
    let machine = shared.machine.as_ref();
    let since = machine.now().saturating_sub(shared.settings.longest_token);
    let request = Request {
        url: shared.settings.feed_url(since),
        bearer: Some(shared.settings.key.clone()),
        last_event_id: cursor,
    };
    let answer = within(machine, PATIENCE, shared.transport.get(request)).await?;
    match answer.status {
        200 => Ok(answer),
        status => Err(Left::Refused { status, wait: answer.retry_after }),
    }
}

/// Reads for ever, or until there is a reason to leave.
async fn read(shared: &Shared, cursor: &mut Option<String>, mut answer: Answer) -> Result<Infallible, Left> {
    let machine = shared.machine.as_ref();
    let silence = shared.settings.silence;
    let mut reader = Reader::default();
    let mut caught_up = false;
    loop {
        let piece = tokio::select! {
            piece = answer.body.next() => piece?.ok_or(Left::Closed)?,
            () = machine.sleep(silence) => return Err(Left::Silent(silence)),
        };
        // Before it is judged: what took long to judge was still said by then.
        let heard = (machine.steady(), machine.now());
        for message in reader.take(&piece).map_err(|garbled| Left::Unbelievable(garbled.to_string()))? {
            match message.event.as_str() {
                "ready" => caught_up = true,
                "reset" => return Err(Left::Reset),
                // An event that we cannot verify may be any revocation: do not go on as if it were none.
                _ => take(shared, &message.data).await.map_err(Left::Unbelievable)?,
            }
            if let Some(id) = message.id.filter(|id| !id.is_empty()) {
                *cursor = Some(id);
            }
        }
        // A piece of a message says that there is more to know.
        if caught_up && reader.is_between() {
            shared.write().confirm(heard);
            shared.confirmations.notify_one();
            shared.live.send_if_modified(|live| !std::mem::replace(live, true));
        }
    }
}

/// Takes in what a security event token says.
async fn take(shared: &Shared, token: &str) -> Result<(), String> {
    let events = verify(shared, token).await.map_err(|refusal| refusal.to_string())?;
    for event in events {
        shared.write().hear(&event, shared);
    }
    Ok(())
}

async fn verify(shared: &Shared, token: &str) -> Result<Vec<Event>, Refusal> {
    let unverified = Unverified::parse(token)?;
    if unverified.typ.as_deref() != Some(set::TYPE) {
        return Err(Refusal::Type);
    }
    let kid = unverified.kid.as_deref().ok_or(Refusal::Key)?;
    let key = shared.keys.find(kid, Asking::Feed).await;
    let claims = unverified.claims(key.ok_or(Refusal::Key)?.as_ref())?;
    Event::read(&claims, &shared.settings.issuer)
}

/// Ends all connections whenever nothing was heard for too long.
pub async fn keep_watch(shared: Arc<Shared>) {
    loop {
        // Taken before looking, so that what comes in between is not missed.
        let confirmed = shared.confirmations.notified();
        // Under the lock of those who enter, so that nobody slips in.
        let gave_up = shared.write().give_up(&shared);
        if gave_up {
            confirmed.await;
        } else {
            let left = shared.read().confirmed_for(&shared);
            shared.machine.sleep(left).await;
        }
    }
}

/// Fetches the keys now and then, and forgets old revocations.
pub async fn keep_house(shared: Arc<Shared>) {
    let mut rounds = 0_u32;
    loop {
        let due = rounds.is_multiple_of(u32::try_from(ROUND.as_secs() / SWEEP.as_secs()).unwrap_or(1));
        // What was known stays; and a feed that is cut as well has everything refused.
        if due && shared.keys.fetch().await.is_err() {
            shared.machine.sleep(WAITS.1).await;
            continue;
        }
        shared.machine.sleep(SWEEP).await;
        shared.write().sweep(&shared);
        rounds = rounds.wrapping_add(1);
    }
}

/// Waits for an answer for so long.
pub async fn within<T>(
    machine: &dyn Machine,
    patience: Duration,
    answer: impl Future<Output = Result<T, BoxError>>,
) -> Result<T, BoxError> {
    tokio::select! {
        answer = answer => answer,
        () = machine.sleep(patience) => Err(format!("no answer within {patience:?}").into()),
    }
}

/// Takes in events that were put off, when their time has come.
pub async fn keep_appointments(shared: Arc<Shared>) {
    loop {
        let next = shared.read().next_put_off();
        let Some(due) = next else {
            shared.appointments.notified().await;
            continue;
        };
        tokio::select! {
            () = shared.appointments.notified() => {}
            () = sleep_to(shared.machine.as_ref(), due) => shared.write().take_put_off(&shared),
        }
    }
}

/// Waits for a moment of the wall clock, looking at it now and then, because it may be set.
pub async fn sleep_to(machine: &dyn Machine, end: Moment) {
    loop {
        let left = end.saturating_sub(machine.now());
        if left.is_zero() {
            return;
        }
        machine.sleep(left.min(SWEEP)).await;
    }
}
