//! Clients whose next request follows from the last answer, or differs from everybody else's.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use ringfence_core::jose::{Alg, SigningKeyPair};
use serde_json::json;

use crate::{
    load::{Answer, Client, request, succeeded},
    process::Program,
    scratch::{APPLICATION, ISSUER_SECRET, NATIVE_KEY},
};

/// Renews its tokens again and again, as one session.
pub(super) struct Refresher {
    newest: String,
}

impl Refresher {
    pub(super) fn of(server: &Program) -> anyhow::Result<Self> {
        let answer = server.ask("POST", "/api/v1/guests", "", &json!({ "application": NATIVE_KEY }).to_string())?;
        Ok(Self { newest: Answer { status: 201, body: answer.as_bytes() }.text("refresh_token")? })
    }
}

impl Client for Refresher {
    fn request(&mut self) -> anyhow::Result<String> {
        Ok(request("POST", "/api/v1/refresh", &[], &json!({ "refresh_token": self.newest }).to_string()))
    }

    fn answer(&mut self, answer: &Answer<'_>) -> anyhow::Result<()> {
        succeeded(answer)?;
        self.newest = answer.text("refresh_token")?;
        Ok(())
    }
}

/// Shows a token of an integrator for somebody new each time.
pub(super) struct Exchanger {
    key: Arc<SigningKeyPair>,
}

/// Nobody comes twice.
static NEXT: AtomicU64 = AtomicU64::new(0);

impl Exchanger {
    pub(super) fn of(_number: usize) -> anyhow::Result<Self> {
        let key = SigningKeyPair::from_bytes(Alg::HS256, ISSUER_SECRET.as_bytes())?;
        Ok(Self { key: Arc::new(key) })
    }
}

impl Client for Exchanger {
    fn request(&mut self) -> anyhow::Result<String> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let claims = json!({
            "_id": format!("{}-{number}", std::process::id()), "firstname": "Visitor", "lastname": "Of a shop",
            "email": format!("visitor{number}@shop.example"), "sub": "userexternal",
            "aud": format!("https://tiledesk.com/projects/{APPLICATION}"),
        });
        let token = self.key.mint(None, "JWT", &claims)?;
        let authorization = format!("JWT {}", token.expose());
        Ok(request("POST", "/tiledesk/auth/signinWithCustomToken", &[("Authorization", &authorization)], "{}"))
    }

    fn answer(&mut self, answer: &Answer<'_>) -> anyhow::Result<()> {
        succeeded(answer)
    }
}
