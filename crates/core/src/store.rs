//! The port to storage: a transaction is a function.
//!
//! A unit of work is synchronous, gets a [`Tx`] and runs on a thread of the engine, so it cannot span a network call or a hash.
//! An answer that comes back from [`Store::write`] is durable.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::{
    administrator::AdministratorStore, application::ApplicationStore, audit::AuditStore, credential::CredentialStore,
    endpoint::EndpointStore, error::AuthError, idempotency::IdempotencyStore, identity::IdentityStore,
    issuer::IssuerStore, key::KeyStore, membership::MembershipStore, outbox::OutboxStore, picture::PictureStore,
    presence::PresenceStore, project::ProjectStore, refresh::RefreshStore, resume::ResumeStore, session::SessionStore,
    sip::SipStore, throttle::ThrottleStore, verification::VerificationStore, webhook::WebhookStore,
};

/// Everything a unit of work may do with the store.
pub trait Tx:
    ProjectStore
    + ApplicationStore
    + IdentityStore
    + CredentialStore
    + EndpointStore
    + IssuerStore
    + MembershipStore
    + SessionStore
    + RefreshStore
    + ResumeStore
    + ThrottleStore
    + VerificationStore
    + KeyStore
    + AuditStore
    + PresenceStore
    + PictureStore
    + SipStore
    + IdempotencyStore
    + OutboxStore
    + WebhookStore
    + AdministratorStore
{
}

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique or foreign key forbids it.
    #[error("a constraint of the store forbids it")]
    Conflict(#[source] crate::error::BoxError),
    /// The engine is stopped, overloaded or out of reach; nothing was changed.
    #[error("the store does not answer")]
    Busy(#[source] crate::error::BoxError),
    /// Anything else; nothing was changed.
    #[error("the store failed")]
    Backend(#[source] crate::error::BoxError),
}

/// Result of one store method.
pub type StoreResult<T> = Result<T, StoreError>;

impl From<StoreError> for AuthError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy(source) => Self::Unavailable { what: "the store", source },
            other @ (StoreError::Conflict(_) | StoreError::Backend(_)) => Self::Internal(Box::new(other)),
        }
    }
}

/// Whether a unit may be run again after what it did was rolled back. Those that may can share a transaction unprotected from
/// one another: should one fail, all of them are run again, each for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// Once only.
    Never,
    /// As often as it takes.
    Possible,
    /// As often as it takes, and it only adds rows whose keys nobody else has. So no two of them wait for one another, in
    /// whatever order they share transactions of an engine that has several at once.
    Adding,
}

/// One unit of work on its way through an engine.
///
/// The engine calls [`run`](Unit::run) once inside a transaction, then commits if it returned `true` and rolls back otherwise,
/// and at last calls [`finish`](Unit::finish), after the commit is durable.
pub trait Unit: Send {
    /// Does the work; `true` means keep it.
    fn run(&mut self, tx: &mut dyn Tx) -> bool;

    /// Whether it may be run again.
    fn again(&self) -> Again;

    /// Answers whoever waits. `outcome` is an error when the transaction could not begin or commit.
    fn finish(self: Box<Self>, outcome: StoreResult<()>);

    /// Whether nobody waits any more; an engine may skip a unit that has not run yet.
    fn abandoned(&self) -> bool;
}

/// A database engine: threads that own connections and take units of work from a bounded queue.
pub trait Engine: Send + Sync {
    /// Queues a unit that only reads; a write inside it is refused.
    fn submit_read(&self, unit: Box<dyn Unit>);

    /// Queues a unit that may write.
    fn submit_write(&self, unit: Box<dyn Unit>);
}

/// The store. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    engine: Arc<dyn Engine>,
}

impl Store {
    /// A store over this engine.
    pub fn new(engine: Arc<dyn Engine>) -> Self {
        Self { engine }
    }

    /// What it is over.
    #[cfg(feature = "testing")]
    pub(crate) fn engine(&self) -> &Arc<dyn Engine> {
        &self.engine
    }

    /// Runs `work` in a read-only transaction.
    pub async fn read<T, F>(&self, work: F) -> Result<T, AuthError>
    where
        T: Send + 'static,
        F: FnOnce(&mut dyn Tx) -> Result<T, AuthError> + Send + 'static,
    {
        let (job, answer) = Job::new(work);
        self.engine.submit_read(job);
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Runs `work` in a transaction and answers when it is durable; an error leaves nothing behind.
    pub async fn write<T, F>(&self, work: F) -> Result<T, AuthError>
    where
        T: Send + 'static,
        F: FnOnce(&mut dyn Tx) -> Result<T, AuthError> + Send + 'static,
    {
        let (job, answer) = Job::new(work);
        self.engine.submit_write(job);
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// The same for work that can be done more than once, of which only the last time counts: it costs the engine less.
    pub async fn write_again<T, F>(&self, again: Again, work: F) -> Result<T, AuthError>
    where
        T: Send + 'static,
        F: Fn(&mut dyn Tx) -> Result<T, AuthError> + Send + 'static,
    {
        let (waiting, answer) = oneshot::channel();
        self.engine.submit_write(Box::new(RepeatableJob { work, again, outcome: None, waiting }));
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }
}

fn stopped() -> AuthError {
    StoreError::Busy("the engine has stopped".into()).into()
}

/// A closure, its outcome and the one who waits for it.
struct Job<T, F> {
    work: Option<F>,
    outcome: Option<Result<T, AuthError>>,
    waiting: oneshot::Sender<Result<T, AuthError>>,
}

type Answer<T> = oneshot::Receiver<Result<T, AuthError>>;

impl<T, F> Job<T, F> {
    fn new(work: F) -> (Box<Self>, Answer<T>) {
        let (waiting, answer) = oneshot::channel();
        (Box::new(Self { work: Some(work), outcome: None, waiting }), answer)
    }
}

impl<T, F> Unit for Job<T, F>
where
    T: Send,
    F: FnOnce(&mut dyn Tx) -> Result<T, AuthError> + Send,
{
    fn run(&mut self, tx: &mut dyn Tx) -> bool {
        let Some(work) = self.work.take() else { return false };
        let outcome = work(tx);
        let keep = outcome.is_ok();
        self.outcome = Some(outcome);
        keep
    }

    fn again(&self) -> Again {
        Again::Never
    }

    fn finish(self: Box<Self>, outcome: StoreResult<()>) {
        answer(self.waiting, self.outcome, outcome);
    }

    fn abandoned(&self) -> bool {
        self.waiting.is_closed()
    }
}

/// Answers whoever waits for a unit of this outcome, whose transaction ended like that.
fn answer<T>(
    waiting: oneshot::Sender<Result<T, AuthError>>,
    outcome: Option<Result<T, AuthError>>,
    ended: StoreResult<()>,
) {
    let answer = match (ended, outcome) {
        // The unit's own refusal says more than the rollback that followed it.
        (_, Some(Err(refusal))) => Err(refusal),
        (Err(failure), _) => Err(failure.into()),
        (Ok(()), Some(done)) => done,
        (Ok(()), None) => Err(stopped()),
    };
    // Nobody waiting means the client went away; the work stands.
    drop(waiting.send(answer));
}

/// A [`Job`] that can be run again.
struct RepeatableJob<T, F> {
    work: F,
    again: Again,
    outcome: Option<Result<T, AuthError>>,
    waiting: oneshot::Sender<Result<T, AuthError>>,
}

impl<T, F> Unit for RepeatableJob<T, F>
where
    T: Send,
    F: Fn(&mut dyn Tx) -> Result<T, AuthError> + Send,
{
    fn run(&mut self, tx: &mut dyn Tx) -> bool {
        // Should it panic, what an earlier run said counts no more.
        self.outcome = None;
        let outcome = (self.work)(tx);
        let keep = outcome.is_ok();
        self.outcome = Some(outcome);
        keep
    }

    fn again(&self) -> Again {
        self.again
    }

    fn finish(self: Box<Self>, outcome: StoreResult<()>) {
        answer(self.waiting, self.outcome, outcome);
    }

    fn abandoned(&self) -> bool {
        self.waiting.is_closed()
    }
}
