//! Identity providers over HTTPS: the adapters behind the domain's port.
//!
//! Hosts come from a project's configuration alone, never from a token. No redirect is followed, no private address is
//! connected to unless the configuration says so, and what takes longer than a few seconds is down.

mod address;
mod code_flow;
mod facebook;
mod google;
mod kept;
mod keys;
mod oidc;
pub mod outgoing;
mod settings;

use std::sync::Arc;

use anyhow::{Result, bail};
use ringfence_core::federation::Providers;
use serde::Deserialize as _;
use serde_json::Value;

pub use self::outgoing::{Outgoing, Reach, is_within, leads_astray};
use self::{facebook::Facebook, google::Google, keys::KeySets, oidc::OpenId};

const GOOGLE: &str = "google";
const FACEBOOK: &str = "facebook";

/// Every provider there is: two by name, and whoever speaks OIDC by any other.
pub fn providers() -> Providers {
    providers_over(Outgoing::default())
}

fn providers_over(outgoing: Outgoing) -> Providers {
    let outgoing = Arc::new(outgoing);
    let keys = Arc::new(KeySets::new(Arc::clone(&outgoing)));
    Providers::default()
        .with(GOOGLE, Arc::new(Google::new(Arc::clone(&outgoing), Arc::clone(&keys))))
        .with(FACEBOOK, Arc::new(Facebook::new(Arc::clone(&outgoing), Arc::clone(&keys))))
        .with_others(Arc::new(OpenId::new(outgoing, keys)))
}

/// Completes what an operator says of a provider, and refuses what could never work.
pub fn settle(name: &str, settings: &mut Value) -> Result<()> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
    if name.is_empty() || name.len() > 32 || !name.bytes().all(plain) {
        bail!("a provider's name is made of small letters, digits, _ and -");
    }
    settings::admit_this_machine(settings);
    match name {
        GOOGLE => google::Settings::deserialize(&*settings)?.check(),
        FACEBOOK => facebook::Settings::deserialize(&*settings)?.check(),
        _ => oidc::Settings::deserialize(&*settings)?.check(),
    }
}

#[cfg(test)]
mod tests;
