//! The project's public keys: fetched at first, looked at again from time to time, and when a token names an unknown one.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use tokio::sync::Mutex;

use crate::{
    feed::within,
    jose::Key,
    ports::{BoxError, Machine, Request, Transport},
};

/// Unknown names have the keys fetched at most so often (ATTACKS N18).
const PAUSE: Duration = Duration::from_mins(1);
/// So often they are fetched anyway, so that one that was withdrawn is forgotten.
pub const ROUND: Duration = Duration::from_mins(5);
/// Time for an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The largest key set read, in bytes.
const MAX_SET: usize = 256 * 1024;

/// The keys by their names.
pub struct Keys {
    url: String,
    machine: Arc<dyn Machine>,
    transport: Arc<dyn Transport>,
    known: RwLock<HashMap<String, Arc<Key>>>,
    /// When an unknown name last had them fetched: one for tokens, whoever brings them, and one for the feed, so that strangers
    /// cannot use up what the feed needs.
    asked: [Mutex<Option<Duration>>; 2],
}

/// Who does not know a key.
#[derive(Clone, Copy, Debug)]
pub enum Asking {
    Token,
    Feed,
}

impl Keys {
    pub fn new(url: String, machine: Arc<dyn Machine>, transport: Arc<dyn Transport>) -> Arc<Self> {
        Arc::new(Self { url, machine, transport, known: RwLock::default(), asked: <[Mutex<_>; 2]>::default() })
    }

    /// The key of a name. An unknown one has the keys fetched, once a minute at most; all who ask meanwhile wait for the one
    /// answer.
    pub async fn find(self: &Arc<Self>, kid: &str, asking: Asking) -> Option<Arc<Key>> {
        if let Some(key) = self.known(kid) {
            return Some(key);
        }
        let mut asked = self.asked[asking as usize].lock().await;
        if let Some(key) = self.known(kid) {
            return Some(key);
        }
        let now = self.machine.steady();
        if asked.is_some_and(|asked| now < asked + PAUSE) {
            return None;
        }
        *asked = Some(now);
        // In a task of its own: whoever hangs up meanwhile must not use up the minute for nothing.
        let keys = Arc::clone(self);
        // Whoever has no answer knows no key.
        drop(tokio::spawn(async move { keys.fetch().await }).await);
        self.known(kid)
    }

    fn known(&self, kid: &str) -> Option<Arc<Key>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(kid).cloned()
    }

    /// Fetches the keys; what was known stays when that fails.
    pub async fn fetch(&self) -> Result<(), BoxError> {
        let request = Request { url: self.url.clone(), ..Request::default() };
        let bytes = within(self.machine.as_ref(), PATIENCE, async {
            let mut answer = self.transport.get(request).await?;
            if answer.status != 200 {
                return Err(format!("the keys were answered with {}", answer.status).into());
            }
            let mut bytes = Vec::new();
            while let Some(piece) = answer.body.next().await? {
                bytes.extend_from_slice(&piece);
                if bytes.len() > MAX_SET {
                    return Err("the key set is too long".into());
                }
            }
            Ok(bytes)
        })
        .await?;
        let keys = Key::read_set(&bytes).ok_or("not a key set")?;
        let keys = keys.into_iter().map(|(kid, key)| (kid, Arc::new(key))).collect();
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }
}
