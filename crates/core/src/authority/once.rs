//! Requests that are done once, however often they are sent.
//!
//! A request is remembered before it is done, so of two at the same time one is done. If the server dies between doing and
//! answering, a repetition is refused and not done again: nobody is charged twice for a lost answer.

use std::sync::Arc;

use super::Authority;
use crate::{
    context::Ctx,
    error::AuthError,
    idempotency::{REMEMBERED_FOR, Remembered},
    secret::TokenDigest,
};

const STEP: u32 = 1000;

/// Whether a request is the first of its key.
#[derive(Debug)]
pub enum Once {
    /// It is; whoever asks does it now and then [settles](Authority::settle_once) it.
    First,
    /// It was done, and this was the answer.
    Again(Vec<u8>),
    /// The key was used for another request.
    Mismatch,
    /// It was begun and has no answer yet, or none that can be read any more.
    Unsettled,
}

impl Authority {
    /// Begins a request under a name that stands for who asks, what for, and the key they gave.
    pub async fn begin_once(&self, ctx: &Ctx, name: &[u8], request: &[u8]) -> Result<Once, AuthError> {
        let (name, request) = (TokenDigest::of(name), TokenDigest::of(request));
        let new = Remembered { name: name.clone(), request: request.clone(), answer: None, created_at: ctx.now };
        let forgotten = ctx.now - REMEMBERED_FOR;
        let known = self
            .store
            .write(
                move |tx| if tx.remember_request(&new, forgotten)? { Ok(None) } else { Ok(tx.remembered(&new.name)?) },
            )
            .await?;
        let Some(known) = known else { return Ok(Once::First) };
        if known.request != request {
            return Ok(Once::Mismatch);
        }
        let opened = known.answer.and_then(|answer| self.sealer.open(&answer, &context(&name)).ok());
        Ok(opened.map_or(Once::Unsettled, |answer| Once::Again(answer.to_vec())))
    }

    /// Remembers the answer of a request that was begun, or, without one, forgets the request: it did nothing.
    pub async fn settle_once(&self, name: &[u8], answer: Option<&[u8]>) -> Result<(), AuthError> {
        let name = TokenDigest::of(name);
        let entropy = Arc::clone(&self.entropy);
        let answer = answer.map(|answer| self.sealer.seal(answer, &context(&name), entropy.as_ref()));
        self.store
            .write(move |tx| match answer {
                Some(answer) => Ok(tx.remember_answer(&name, &answer)?),
                None => Ok(tx.forget_request(&name)?),
            })
            .await
    }

    pub(super) async fn forget_old_answers(&self) -> Result<(), AuthError> {
        let before = self.clock.now() - REMEMBERED_FOR;
        while self.store.write(move |tx| Ok(tx.sweep_remembered(before, STEP)?)).await? == u64::from(STEP) {}
        Ok(())
    }
}

fn context(name: &TokenDigest) -> String {
    format!("idempotency:{}", name.as_str())
}
