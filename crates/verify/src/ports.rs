//! What the verifier needs of the world: time, chance, and a way to ask. There is a system's own of each; tests bring theirs.

use std::{error::Error, fmt, future::Future, pin::Pin, time::Duration};

use crate::claims::Moment;

/// A future that a trait object can return.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why something could not be fetched.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Clocks and chance.
pub trait Machine: Send + Sync {
    /// The wall clock: by it tokens end.
    fn now(&self) -> Moment;

    /// A clock that nobody sets: by it silence is measured.
    fn steady(&self) -> Duration;

    /// Resolves after a time.
    fn sleep(&self, span: Duration) -> BoxFuture<'static, ()>;

    /// A number in [0, 1), another one each time.
    fn chance(&self) -> f64;
}

/// A question to the server.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// Where.
    pub url: String,
    /// The API key, for the feed.
    pub bearer: Option<String>,
    /// After which message to go on, for the feed.
    pub last_event_id: Option<String>,
}

/// Without the key.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Request");
        shown.field("url", &self.url).field("last_event_id", &self.last_event_id).finish_non_exhaustive()
    }
}

/// The beginning of an answer.
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// What `Retry-After` says.
    pub retry_after: Option<Duration>,
    /// The rest.
    pub body: Box<dyn Body>,
}

/// An answer that comes piece by piece.
pub trait Body: Send {
    /// The next piece, `None` at the end.
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Vec<u8>>, BoxError>>;
}

/// Asks the server. Redirects are not followed.
pub trait Transport: Send + Sync {
    /// Sends a GET request.
    fn get(&self, request: Request) -> BoxFuture<'_, Result<Answer, BoxError>>;
}
