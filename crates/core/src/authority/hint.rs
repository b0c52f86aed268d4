//! Announcements between processes that share a store and no bus: one leaves a hint, the others look for it.
//!
//! A hint says that something was announced, not what: whoever finds a new one treats it as a gap.

use async_trait::async_trait;

use super::Authority;
use crate::{
    entropy::{SharedEntropy, random},
    error::AuthError,
    event::{Bus, Listener, LocalBus, SecurityEvent},
    store::Store,
};

/// The fact that changes with each hint.
const HINT: &str = "announced";

/// The bus of a command that runs beside a server: it has no listeners of its own.
pub struct HintBus {
    store: Store,
    entropy: SharedEntropy,
}

impl HintBus {
    /// Leaves hints in this store.
    pub const fn new(store: Store, entropy: SharedEntropy) -> Self {
        Self { store, entropy }
    }
}

#[async_trait]
impl Bus for HintBus {
    async fn publish(&self, _events: &[SecurityEvent]) {
        let hint = format!("{:016x}", u64::from_be_bytes(random(self.entropy.as_ref())));
        let left = self.store.write(move |tx| Ok(tx.set_installation_fact(HINT, &hint)?)).await;
        if let Err(cause) = left {
            tracing::warn!(code = cause.code(), "a running server was not told and will find out by its re-check");
        }
    }

    fn subscribe(&self) -> Listener {
        LocalBus::default().subscribe()
    }
}

impl Authority {
    /// The last hint that another process left.
    pub async fn hint(&self) -> Result<Option<String>, AuthError> {
        self.store.read(|tx| Ok(tx.installation_fact(HINT)?)).await
    }
}
