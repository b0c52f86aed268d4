//! Challenges for passkeys: sealed, so that nothing is stored for whoever only asks, and good once.

use serde::{Deserialize, Serialize};

use super::super::Authority;
use crate::{
    administrator::{CHALLENGE_LIFETIME, PasskeyFault, PasskeyProof, RelyingParty},
    context::Ctx,
    entropy::random,
    error::AuthError,
    ids::{AdministratorId, ConsoleSessionId},
    seal::Sealed,
    secret::TokenDigest,
    store::Tx,
    time::Timestamp,
};

const CHALLENGE: &str = "console passkey challenge";

/// What is sealed in a challenge.
#[derive(Serialize, Deserialize)]
struct Content {
    /// Nothing may be guessed, whatever the sealing does.
    salt: [u8; 16],
    session: Option<ConsoleSessionId>,
    until: Timestamp,
}

/// An open challenge of ours that somebody answered.
pub(super) struct Answered {
    digest: TokenDigest,
    until: Timestamp,
}

impl Authority {
    /// A challenge for a passkey: for a session, or for whoever wants to sign in.
    pub fn passkey_challenge(&self, ctx: &Ctx, session: Option<ConsoleSessionId>) -> Result<String, AuthError> {
        let content = Content { salt: random(self.entropy.as_ref()), session, until: ctx.now + CHALLENGE_LIFETIME };
        let plain = serde_json::to_vec(&content).map_err(AuthError::internal)?;
        Ok(self.sealer.seal(&plain, CHALLENGE, self.entropy.as_ref()).as_str().to_owned())
    }

    /// Reads a challenge that was answered, if it is ours, open and for this session.
    pub(super) fn challenge_of(
        &self,
        ctx: &Ctx,
        answered: Result<String, PasskeyFault>,
        session: Option<ConsoleSessionId>,
    ) -> Result<Answered, PasskeyFault> {
        let text = answered?;
        let digest = TokenDigest::of(text.as_bytes());
        let plain = self.sealer.open(&Sealed::stored(text), CHALLENGE).map_err(|_| PasskeyFault::Challenge)?;
        let content: Content = serde_json::from_slice(&plain).map_err(|_| PasskeyFault::Challenge)?;
        if content.session != session || content.until <= ctx.now {
            return Err(PasskeyFault::Challenge);
        }
        Ok(Answered { digest, until: content.until })
    }
}

impl Answered {
    /// Uses the challenge up; `false` when it was.
    pub(super) fn take(&self, tx: &mut dyn Tx) -> Result<bool, AuthError> {
        Ok(tx.use_challenge(&self.digest, self.until)?)
    }

    /// Checks a proof and gives whose passkey it is.
    pub(super) fn check(
        &self,
        tx: &mut dyn Tx,
        proof: &PasskeyProof,
        party: &RelyingParty,
        now: Timestamp,
    ) -> Result<Option<AdministratorId>, AuthError> {
        let taken = self.take(tx)?;
        let Some(passkey) = tx.passkey(&proof.credential())? else { return refused(PasskeyFault::Stranger) };
        if !taken {
            return refused(PasskeyFault::Challenge);
        }
        match proof.check(&passkey, party) {
            Ok(count) if tx.use_passkey(passkey.id, passkey.sign_count, count, now)? => Ok(Some(passkey.administrator)),
            Ok(_) => refused(PasskeyFault::Counter),
            Err(fault) => refused(fault),
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "an answer of its callers")]
fn refused(fault: PasskeyFault) -> Result<Option<AdministratorId>, AuthError> {
    tracing::info!(%fault, "a passkey was refused");
    Ok(None)
}
