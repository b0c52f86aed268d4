//! A courier that goes nowhere.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::{
    error::{AuthError, Rule},
    webhook::{Courier, WebhookCall},
};

/// Keeps what it was to deliver and answers what it is told to; addresses are good when they are HTTPS.
#[derive(Debug)]
pub struct RecordingCourier {
    answer: Mutex<Result<u16, &'static str>>,
    got: Mutex<Vec<WebhookCall>>,
}

impl Default for RecordingCourier {
    fn default() -> Self {
        Self { answer: Mutex::new(Ok(204)), got: Mutex::default() }
    }
}

impl RecordingCourier {
    /// Has it answer so from now on.
    pub fn answers(&self, answer: Result<u16, &'static str>) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = answer;
    }

    /// Takes what it was to deliver since the last call.
    pub fn take(&self) -> Vec<WebhookCall> {
        std::mem::take(&mut self.got.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Courier for RecordingCourier {
    async fn admit(&self, url: &str) -> Result<(), AuthError> {
        if url.starts_with("https://") { Ok(()) } else { Err(AuthError::invalid("url", Rule::Malformed)) }
    }

    async fn deliver(&self, call: &WebhookCall) -> Result<u16, &'static str> {
        self.got.lock().unwrap_or_else(PoisonError::into_inner).push(call.clone());
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
