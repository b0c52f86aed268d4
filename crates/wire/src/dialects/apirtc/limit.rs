//! Ten requests a minute for each user of the REST calls (sheet, section 2); the library's own calls are not counted.
//!
//! A courtesy towards clients that count on the header, kept in memory by each node. Guessing is the gate's to slow down.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use ringfence_core::{
    authority::Authenticated, error::AuthError, identity::Identifier, secret::TokenDigest, time::Timestamp,
};

use crate::app::App;

const WINDOW: Duration = Duration::from_mins(1);
const MOST: u32 = 10;
/// Users that are counted at a time.
const USERS: usize = 100_000;

/// How much each user has asked in the present minute.
#[derive(Debug, Default)]
pub(super) struct Limiter(Mutex<HashMap<String, Minute>>);

#[derive(Debug)]
struct Minute {
    ends: Timestamp,
    requests: u32,
}

impl Limiter {
    /// Counts a request of whoever signs in by this address.
    pub(super) fn count_address(&self, address: &Identifier, now: Timestamp) -> Result<(), AuthError> {
        // Names can be long, so their digests are kept.
        self.count(TokenDigest::of(address.value().as_bytes()).as_str().to_owned(), now)
    }

    /// Counts a request of whoever holds a token: under their address if they have one, for it is one count.
    pub(super) async fn count_user(&self, app: &App, who: &Authenticated, now: Timestamp) -> Result<(), AuthError> {
        let held = app.authority.identifiers(who.identity.id).await?;
        match held.iter().map(|held| &held.identifier).find(|found| found.scheme() == Identifier::EMAIL) {
            Some(address) => self.count_address(address, now),
            None => self.count(who.identity.id.to_string(), now),
        }
    }

    fn count(&self, user: String, now: Timestamp) -> Result<(), AuthError> {
        let mut minutes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if minutes.len() >= USERS && !minutes.contains_key(&user) {
            minutes.retain(|_, minute| minute.ends > now);
            if minutes.len() >= USERS {
                return Err(AuthError::Throttled { retry_at: now + WINDOW });
            }
        }
        let minute = minutes.entry(user).or_insert(Minute { ends: now + WINDOW, requests: 0 });
        if minute.ends <= now {
            *minute = Minute { ends: now + WINDOW, requests: 0 };
        }
        if minute.requests >= MOST {
            return Err(AuthError::Throttled { retry_at: minute.ends });
        }
        minute.requests += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_request_of_a_minute_waits_for_its_end() {
        let (limiter, start) = (Limiter::default(), Timestamp::from_seconds(1_000));
        let ann = Identifier::email("ann@example.org");
        for _ in 0..10 {
            limiter.count_address(&ann, start + Duration::from_secs(20)).unwrap();
        }
        let refused = limiter.count_address(&Identifier::email(" Ann@Example.org"), start + Duration::from_secs(50));
        let Err(AuthError::Throttled { retry_at }) = refused else { panic!("{refused:?}") };
        assert_eq!(retry_at, start + Duration::from_secs(80));
        limiter.count_address(&Identifier::email("ben@example.org"), start + Duration::from_secs(50)).unwrap();
        limiter.count_address(&ann, start + Duration::from_secs(80)).unwrap();
    }
}
