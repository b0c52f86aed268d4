//! Identity providers over HTTPS: the adapters behind the domain's port.
//!
//! Hosts come from a project's configuration alone, never from a token. No redirect is followed, no private address is
//! connected to unless the configuration says so, and what takes longer than a few seconds is down.

mod address;
mod facebook;
mod keys;
mod oidc;
mod outgoing;

use std::sync::Arc;

use ringfence_core::federation::Providers;

use self::{facebook::Facebook, keys::KeySets, oidc::OpenId, outgoing::Outgoing};

/// Every provider there is.
pub fn providers() -> Providers {
    let outgoing = Arc::new(Outgoing::default());
    let keys = Arc::new(KeySets::new(Arc::clone(&outgoing)));
    Providers::default()
        .with("facebook", Arc::new(Facebook::new(outgoing, Arc::clone(&keys))))
        .with("oidc", Arc::new(OpenId::new(keys)))
}
