//! What the server does by itself: sweep what has ended, rewrap secrets. The audit log is kept in `audit_chain`.

use std::{sync::Arc, time::Duration};

use super::{
    Authority, administrators::seed_context, assertions::issuer_context, keys::context, turn::TURN_SECRETS,
    webhooks::rewrap_webhooks,
};
use crate::{
    caller::InstallationPermit,
    context::Ctx,
    endpoint::Endpoint,
    entropy::Entropy,
    error::AuthError,
    seal::{Sealed, Sealer},
    sip::SipUsersOf,
    store::{Store, Tx},
    time::Timestamp,
};

/// Ended rows stay this long for whoever asks why.
const KEPT_AFTER_END: Duration = Duration::from_hours(24 * 7);
/// Rows per transaction, so that a sweep never holds the writer for long: others wait for one step at most.
pub const SWEEP_STEP: u32 = 200;
/// The fact that tells which master key sealed the database: a known text under it.
const MASTER_KEY: &str = "master_key";
const PROBE: &[u8] = b"ringfence";

/// What a sweep removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Sessions.
    pub sessions: u64,
    /// Verifications.
    pub verifications: u64,
    /// Failure counters.
    pub throttles: u64,
    /// Presence rows.
    pub presence: u64,
    /// Connections that were resumed.
    pub resumed: u64,
    /// Events for other servers.
    pub events: u64,
    /// What webhooks were told.
    pub deliveries: u64,
    /// Sessions, links and challenges of the console.
    pub console: u64,
}

/// What a rewrap changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Rewrapped {
    /// Signing keys.
    pub signing_keys: usize,
    /// Secrets of trusted issuers.
    pub issuers: usize,
    /// Secrets of endpoints.
    pub endpoints: usize,
    /// Digests of SIP users.
    pub sip_users: usize,
    /// Secrets that identity providers gave.
    pub providers: usize,
    /// Secrets of webhooks.
    pub webhooks: usize,
    /// Seeds of administrators' generators.
    pub administrators: usize,
}

impl Authority {
    /// Removes rows that ended a while ago, in small steps.
    pub async fn sweep(&self) -> Result<Swept, AuthError> {
        let before = self.clock.now() - KEPT_AFTER_END;
        let (events, deliveries) = (self.sweep_events().await?, self.sweep_deliveries().await?);
        let mut total = Swept { events, deliveries, ..Swept::default() };
        self.forget_old_answers().await?;
        loop {
            let step = self.sweep_step(before).await?;
            total.sessions += step.sessions;
            total.verifications += step.verifications;
            total.throttles += step.throttles;
            total.presence += step.presence;
            total.resumed += step.resumed;
            total.console += step.console;
            let full = u64::from(SWEEP_STEP);
            let counts = [step.sessions, step.verifications, step.throttles, step.presence, step.resumed, step.console];
            if counts.iter().all(|count| *count < full) {
                return Ok(total);
            }
        }
    }

    async fn sweep_step(&self, before: Timestamp) -> Result<Swept, AuthError> {
        self.store
            .write(move |tx| {
                Ok(Swept {
                    sessions: tx.sweep_sessions(before, SWEEP_STEP)?,
                    verifications: tx.sweep_verifications(before, SWEEP_STEP)?,
                    throttles: tx.sweep_throttles(before, SWEEP_STEP)?,
                    presence: tx.sweep_presence(before, SWEEP_STEP)?,
                    resumed: tx.sweep_used_tickets(before, SWEEP_STEP)?,
                    console: tx.sweep_console(before, SWEEP_STEP)?,
                    ..Swept::default()
                })
            })
            .await
    }

    /// Whether some master key sealed a database already. Asked before there is an authority, which needs that key.
    pub async fn is_sealed(store: &Store) -> Result<bool, AuthError> {
        store.read(|tx| Ok(tx.installation_fact(MASTER_KEY)?.is_some())).await
    }

    /// Checks that the database was sealed with a key of this ring, or marks a new one as such.
    pub async fn check_master_key(&self) -> Result<(), AuthError> {
        let sealer = Arc::clone(&self.sealer);
        let entropy = Arc::clone(&self.entropy);
        self.store
            .write(move |tx| {
                if let Some(probe) = tx.installation_fact(MASTER_KEY)? {
                    return sealer.open(&Sealed::stored(probe), MASTER_KEY).map(drop);
                }
                let probe = sealer.seal(PROBE, MASTER_KEY, entropy.as_ref());
                Ok(tx.set_installation_fact(MASTER_KEY, probe.as_str())?)
            })
            .await
    }

    /// Seals every secret anew with the first key of the ring, so that older keys can be taken out of it.
    pub async fn rewrap(&self, ctx: &Ctx, _permit: &InstallationPermit) -> Result<Rewrapped, AuthError> {
        let (sealer, entropy, now) = (Arc::clone(&self.sealer), Arc::clone(&self.entropy), ctx.now);
        let safe = self.sip_safe();
        self.store
            .write(move |tx| {
                let mut done = Rewrapped::default();
                for key in tx.all_signing_keys(now)? {
                    let place = context(&key.kid);
                    let plain = sealer.open(&key.private, &place)?;
                    tx.rewrap_signing_key(&key.kid, &sealer.seal(&plain, &place, entropy.as_ref()))?;
                    done.signing_keys += 1;
                }
                let mut after = None;
                loop {
                    let page = tx.all_issuers(after, SWEEP_STEP)?;
                    let Some(last) = page.last() else { break };
                    after = Some(last.id);
                    for issuer in page {
                        let place = issuer_context(issuer.id);
                        let plain = sealer.open(&issuer.secret, &place)?;
                        tx.rewrap_issuer(issuer.id, &sealer.seal(&plain, &place, entropy.as_ref()))?;
                        done.issuers += 1;
                    }
                }
                done.endpoints = rewrap_endpoints(tx, &sealer, entropy.as_ref())?;
                done.sip_users = safe.store_anew(tx, SipUsersOf::Installation)?;
                if let Some(sealed) = tx.installation_fact(TURN_SECRETS)? {
                    let again = sealer.rewrap(&Sealed::stored(sealed), TURN_SECRETS, entropy.as_ref())?;
                    tx.set_installation_fact(TURN_SECRETS, again.as_str())?;
                }
                done.providers = rewrap_providers(tx, &sealer, entropy.as_ref())?;
                done.webhooks = rewrap_webhooks(tx, &sealer, entropy.as_ref())?;
                for (id, mut totp) in tx.all_totp()? {
                    totp.seed = sealer.rewrap(&totp.seed, &seed_context(id), entropy.as_ref())?;
                    tx.set_totp(id, Some(&totp))?;
                    done.administrators += 1;
                }
                let probe = sealer.seal(PROBE, MASTER_KEY, entropy.as_ref());
                tx.set_installation_fact(MASTER_KEY, probe.as_str())?;
                Ok(done)
            })
            .await
    }
}

fn rewrap_endpoints(tx: &mut dyn Tx, sealer: &Sealer, entropy: &dyn Entropy) -> Result<usize, AuthError> {
    let (mut after, mut done) = (None, 0);
    loop {
        let page = tx.all_endpoints(after, SWEEP_STEP)?;
        let Some(last) = page.last() else { return Ok(done) };
        after = Some(last.id);
        for endpoint in page {
            let again = sealer.rewrap(&endpoint.secret, &Endpoint::seal_context(endpoint.id), entropy)?;
            tx.rewrap_endpoint(endpoint.id, &again)?;
            done += 1;
        }
    }
}

fn rewrap_providers(tx: &mut dyn Tx, sealer: &Sealer, entropy: &dyn Entropy) -> Result<usize, AuthError> {
    let (mut after, mut done) = (None, 0);
    loop {
        let page = tx.projects(after, SWEEP_STEP)?;
        let Some(last) = page.last() else { return Ok(done) };
        after = Some(last.id);
        for id in page.into_iter().filter(|project| !project.policy.federation.is_empty()).map(|project| project.id) {
            let Some(mut project) = tx.project_to_change(id)? else { continue };
            let (federation, count) = project.policy.federation.rewrapped(id, sealer, entropy)?;
            project.policy.federation = federation;
            tx.update_project(&project)?;
            done += count;
        }
    }
}
