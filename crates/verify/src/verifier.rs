//! The verifier: what a service holds.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
};

use crate::{
    claims::{Claims, Expected, Moment},
    feed,
    jose::Unverified,
    keys::{Asking, Keys},
    onward::Onward,
    ports::{Machine, Transport},
    refusal::Refusal,
    revoked::Revoked,
    set::Event,
    settings::{Settings, SettingsError},
    system::{Http, System},
    watch::{Bell, Connected, Ended},
};

/// The `typ` of access tokens (RFC 9068 2.1).
const TYPE: &str = "at+jwt";

/// Events that are put off at most.
const MOST_PUT_OFF: usize = 4096;

/// Checks tokens, without asking anybody, and tells of those that were revoked. Cheap to clone; all clones are one.
///
/// It needs a Tokio runtime. When the last clone is gone, the feed ends, and so do the connections that are still watched.
#[derive(Clone)]
pub struct Verifier {
    shared: Arc<Shared>,
    _tasks: Arc<Tasks>,
}

/// What there is to say about a verifier at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// Whether tokens are judged now. If not, all are refused as [`Refusal::Unconfirmed`].
    pub confirmed: bool,
    /// Whether the feed is open and has caught up.
    pub connected: bool,
    /// Revocations that are held.
    pub revocations: usize,
    /// Connections that are watched.
    pub connections: usize,
    /// Why the feed was interrupted, if it is.
    pub last_failure: Option<String>,
}

impl Verifier {
    /// Starts a verifier: it fetches the keys and reads the feed from now on.
    pub fn start(settings: Settings) -> Result<Self, SettingsError> {
        let http = Http::new().map_err(SettingsError::Http)?;
        Self::start_with(settings, Arc::new(System), Arc::new(http))
    }

    /// The same with other clocks and another way to ask.
    pub fn start_with(
        settings: Settings,
        machine: Arc<dyn Machine>,
        transport: Arc<dyn Transport>,
    ) -> Result<Self, SettingsError> {
        settings.check()?;
        let machine: Arc<dyn Machine> = Arc::new(Onward::new(machine));
        let shared = Arc::new(Shared {
            keys: Keys::new(settings.keys_url(), Arc::clone(&machine), Arc::clone(&transport)),
            state: RwLock::new(State::new(&settings)),
            live: watch::Sender::new(false),
            confirmations: Notify::new(),
            appointments: Notify::new(),
            settings,
            machine,
            transport,
        });
        let mut running = JoinSet::new();
        running.spawn(feed::follow(Arc::clone(&shared)));
        running.spawn(feed::keep_watch(Arc::clone(&shared)));
        running.spawn(feed::keep_house(Arc::clone(&shared)));
        running.spawn(feed::keep_appointments(Arc::clone(&shared)));
        let tasks = Tasks { _running: running, shared: Arc::clone(&shared) };
        Ok(Self { shared, _tasks: Arc::new(tasks) })
    }

    /// Resolves when the feed has been read up to now. Until then every token is refused as [`Refusal::Unconfirmed`].
    pub async fn ready(&self) {
        // The sender lives as long as we do.
        drop(self.shared.live.subscribe().wait_for(|live| *live).await);
    }

    /// Judges a token: form, key, signature, kind, issuer, audience, times, and whether it was revoked.
    ///
    /// It waits only if the token names a key that is not known: then the keys are fetched, once a minute at most.
    pub async fn verify(&self, token: &str) -> Result<Claims, Refusal> {
        let shared = &*self.shared;
        let unverified = Unverified::parse(token)?;
        if unverified.typ.as_deref() != Some(TYPE) {
            return Err(Refusal::Type);
        }
        let kid = unverified.kid.as_deref().ok_or(Refusal::Key)?;
        let found = shared.keys.find(kid, Asking::Token).await;
        let all = unverified.claims(found.ok_or(Refusal::Key)?.as_ref())?;
        let Settings { issuer, audiences, longest_token, .. } = &shared.settings;
        let now = shared.machine.now();
        let claims = Claims::judge(all, &Expected { issuer, audiences, longest: *longest_token, now })?;
        self.still_valid(&claims)?;
        Ok(claims)
    }

    /// Judges claims of before anew: whether their time is over, they were revoked, or that cannot be said.
    pub fn still_valid(&self, claims: &Claims) -> Result<(), Refusal> {
        self.shared.read().judge(claims, &self.shared)
    }

    /// Watches on behalf of a connection that is open on a token. When it gets a new token, watch that and drop the old watch.
    pub fn watch(&self, claims: &Claims) -> Result<Watch, Refusal> {
        let mut state = self.shared.write();
        // Under the same lock, or a revocation could slip in between.
        state.judge(claims, &self.shared)?;
        let (number, bell) = state.connected.enter(claims.names, claims.issued_at);
        Ok(Watch { number, bell, claims: claims.clone(), shared: Arc::clone(&self.shared) })
    }

    /// How it is.
    pub fn status(&self) -> Status {
        let state = self.shared.read();
        Status {
            confirmed: state.is_confirmed(&self.shared),
            connected: *self.shared.live.borrow(),
            revocations: state.revoked.len(),
            connections: state.connected.len(),
            last_failure: state.last_failure.clone(),
        }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("settings", &self.shared.settings).finish_non_exhaustive()
    }
}

/// Watches on behalf of one connection until it is dropped.
pub struct Watch {
    number: u64,
    bell: Arc<Bell>,
    claims: Claims,
    shared: Arc<Shared>,
}

impl Watch {
    /// Resolves when the connection has to end. May be called again after it was given up.
    pub async fn ended(&self) -> Ended {
        let reason = tokio::select! {
            biased;
            reason = self.bell.heard() => reason,
            () = feed::sleep_to(self.shared.machine.as_ref(), self.claims.expires_at) => Refusal::Expired,
        };
        Ended { subject: self.claims.subject().to_owned(), session: self.claims.session().to_owned(), reason }
    }

    /// What the connection's token says.
    pub const fn claims(&self) -> &Claims {
        &self.claims
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.write().connected.leave(self.number);
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("claims", &self.claims).finish_non_exhaustive()
    }
}

/// What the tasks and the verifier share.
pub struct Shared {
    pub settings: Settings,
    pub machine: Arc<dyn Machine>,
    pub transport: Arc<dyn Transport>,
    pub keys: Arc<Keys>,
    /// Whether the feed is open and has caught up.
    pub live: watch::Sender<bool>,
    /// Rung when the server was heard after a silence that had everything refused.
    pub confirmations: Notify,
    /// Rung when an event is put off.
    pub appointments: Notify,
    state: RwLock<State>,
}

/// What was revoked, who is connected, and when that was last known to be all.
pub struct State {
    revoked: Revoked,
    connected: Connected,
    /// Events that tokens are not refused for yet.
    put_off: Vec<Event>,
    /// When the server was last heard with nothing left to read: by the steady clock and by the wall's.
    confirmed: Option<(Duration, Duration)>,
    pub last_failure: Option<String>,
}

impl Shared {
    pub fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn new(settings: &Settings) -> Self {
        let revoked = Revoked::new(settings.capacity, settings.longest_token);
        let (connected, put_off) = (Connected::default(), Vec::new());
        Self { revoked, connected, put_off, confirmed: None, last_failure: None }
    }

    fn judge(&self, claims: &Claims, shared: &Shared) -> Result<(), Refusal> {
        if shared.machine.now() >= claims.expires_at {
            return Err(Refusal::Expired);
        }
        // What is known to be revoked is so whether or not there is more to know.
        if let Some(reason) = self.revoked.refuses(claims.names, claims.issued_at) {
            return Err(reason);
        }
        if self.is_confirmed(shared) { Ok(()) } else { Err(Refusal::Unconfirmed) }
    }

    /// Whether everything was known recently enough, by both clocks: the steady one stands still while the machine sleeps.
    fn is_confirmed(&self, shared: &Shared) -> bool {
        let within = |now: Duration, then: Duration| now.saturating_sub(then) < shared.settings.max_staleness;
        let both = |(steady, wall)| within(shared.machine.steady(), steady) && within(shared.machine.now(), wall);
        self.confirmed.is_some_and(both)
    }

    /// How long it may go on like this; nothing if it may not.
    pub fn confirmed_for(&self, shared: &Shared) -> Duration {
        let end = self.confirmed.map(|(steady, _)| steady + shared.settings.max_staleness).unwrap_or_default();
        end.saturating_sub(shared.machine.steady())
    }

    /// The server was heard at these moments, and there was nothing left to read.
    pub fn confirm(&mut self, heard: (Duration, Duration)) {
        self.confirmed = Some(heard);
        self.last_failure = None;
    }

    /// Takes in an event and tells the connections that it concerns, when its time has come.
    pub fn hear(&mut self, event: &Event, shared: &Shared) {
        // Refusing too early has a remedy, a new token; memory without end has none.
        if event.from <= shared.machine.now() || self.put_off.len() >= MOST_PUT_OFF {
            return self.take(event, shared);
        }
        self.put_off.push(*event);
        shared.appointments.notify_one();
    }

    /// When the next event that was put off counts.
    pub fn next_put_off(&self) -> Option<Moment> {
        self.put_off.iter().map(|event| event.from).min()
    }

    /// Takes in the events that were put off until now.
    pub fn take_put_off(&mut self, shared: &Shared) {
        let now = shared.machine.now();
        for event in self.put_off.extract_if(.., |event| event.from <= now).collect::<Vec<_>>() {
            self.take(&event, shared);
        }
    }

    fn take(&mut self, event: &Event, shared: &Shared) {
        let concerns_all = self.revoked.add(event, shared.machine.now());
        let judge = |names, issued_at| self.revoked.refuses(names, issued_at);
        if concerns_all {
            self.connected.tell_all(judge);
        } else {
            self.connected.tell(event.whom, judge);
        }
    }

    /// If nothing is known any more, tells everybody.
    pub fn give_up(&self, shared: &Shared) -> bool {
        let over = self.confirmed_for(shared).is_zero();
        if over {
            self.end_all();
        }
        over
    }

    fn end_all(&self) {
        self.connected.tell_all(|_, _| Some(Refusal::Unconfirmed));
    }

    /// Forgets what concerns no token any more.
    pub fn sweep(&mut self, shared: &Shared) {
        self.revoked.sweep(shared.machine.now());
    }
}

/// The tasks, which end with the last verifier.
struct Tasks {
    _running: JoinSet<()>,
    shared: Arc<Shared>,
}

impl Drop for Tasks {
    fn drop(&mut self) {
        // Nobody listens for them any more, so they cannot stay.
        self.shared.write().end_all();
    }
}
