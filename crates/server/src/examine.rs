//! What `ringfence doctor` finds, for the console of a server that runs.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ringfence_core::{
    authority::Authority,
    time::{BoxFuture, Timestamp},
};
use ringfence_wire::{Doctor, Finding};

use crate::{commands::doctor, config::Config};

/// What was found counts so long: a mail server is not to be asked at each look at a page.
const FRESH: Duration = Duration::from_mins(1);

type Found = Option<(Timestamp, Vec<Finding>)>;

/// Examines the server it is part of.
pub struct House {
    config: Config,
    authority: Arc<Authority>,
    found: Arc<Mutex<Found>>,
}

impl House {
    /// For a server of these settings.
    pub fn doctor(config: &Config, authority: &Arc<Authority>) -> Arc<dyn Doctor> {
        Arc::new(Self { config: config.clone(), authority: Arc::clone(authority), found: Arc::default() })
    }
}

impl fmt::Debug for House {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("House(…)")
    }
}

impl Doctor for House {
    fn examine(&self) -> BoxFuture<Vec<Finding>> {
        let now = self.authority.clock().now();
        let known = self.found.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((at, found)) = known.filter(|(at, _)| *at <= now && now.since(*at) < FRESH) {
            tracing::trace!(%at, "what was found is fresh");
            return Box::pin(std::future::ready(found));
        }
        let (config, authority, kept) = (self.config.clone(), Arc::clone(&self.authority), Arc::clone(&self.found));
        Box::pin(async move {
            let found = doctor::of_running(&config, &authority).await;
            *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, found.clone()));
            found
        })
    }
}
