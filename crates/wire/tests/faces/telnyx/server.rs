//! A server with two accounts, their API keys, and requests to it.

use std::{sync::Arc, time::Duration};

use ringfence_core::{
    authority::{ApiKeyRequest, Authority, PresentedCredential},
    caller::{Caller, Permit, Scope},
    context::Ctx,
    error::AuthError,
    identity::Identifier,
    project::{Project, ProjectPolicy, ProjectRef},
    secret::{Password, RawToken},
    testing::ManualClock,
    time::{Clock as _, Timestamp},
};
use ringfence_wire::{Settings, router};
use serde_json::Value;

use crate::support::{Answer, Asking, Exchange, Ground, indented};

pub struct Server {
    pub clock: Arc<ManualClock>,
    pub authority: Arc<Authority>,
    pub project: Project,
    pub other: Project,
    /// A key with every scope, of each account.
    pub key: String,
    pub other_key: String,
    exchange: Exchange,
    ground: Ground,
}

impl Server {
    pub fn store(&self) -> ringfence_store::Store {
        self.ground.store()
    }

    pub async fn start() -> Self {
        let ground = Ground::start();
        let [project, other] = [make(&ground, "default").await, make(&ground, "other").await];
        let router = router(&ground.app("telnyx", &[], Settings::default()));
        let mut server = Self {
            clock: Arc::clone(&ground.clock),
            authority: Arc::clone(&ground.authority),
            project,
            other,
            key: String::new(),
            other_key: String::new(),
            exchange: Exchange::with(router, indented),
            ground,
        };
        server.key = server.api_key(&server.project, &[Scope::All], None).await;
        server.other_key = server.api_key(&server.other, &[Scope::All], None).await;
        server.call(&server.project.id.to_string(), "account");
        server
    }

    pub fn ctx(&self) -> Ctx {
        Ctx { dialect: "telnyx", ..self.ground.ctx() }
    }

    pub fn permit(&self) -> Permit {
        Caller::Operator.permit(Scope::All, self.project.id).unwrap()
    }

    pub async fn api_key(&self, of: &Project, scopes: &[Scope], expires_at: Option<Timestamp>) -> String {
        let wanted = ApiKeyRequest {
            label: "backend".to_owned(),
            scopes: scopes.iter().copied().collect(),
            application: None,
            expires_at,
            value: None,
        };
        let permit = Caller::Operator.permit(Scope::All, of.id).unwrap();
        let minted = self.authority.create_api_key(&self.ctx(), &permit, wanted).await.unwrap();
        minted.value.expose().to_owned()
    }

    /// Has answers show `name` for a value that differs from run to run.
    pub fn call(&self, value: &str, name: &str) {
        self.exchange.call(value, name);
    }

    /// A request with the key of the account.
    pub fn ask(&self, method: &str, path: &str) -> Asking {
        self.bare(method, path).bearer(&self.key)
    }

    /// A request without a key.
    pub fn bare(&self, method: &str, path: &str) -> Asking {
        self.exchange.ask(method, &format!("/telnyx/v2{path}"))
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path).send().await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask("POST", path).json(&body).send().await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.ask("PATCH", path).json(&body).send().await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.ask("DELETE", path).send().await
    }

    /// A connection's id.
    pub async fn connection(&self, user_name: &str) -> String {
        let body = serde_json::json!({
            "connection_name": "Phones", "user_name": user_name, "password": "otter glass violet",
        });
        let made = self.post("/credential_connections", body).await;
        assert_eq!(made.status, 201, "{made}");
        made.text("/data/id")
    }

    /// A credential of a connection, as it was shown.
    pub async fn credential(&self, connection: &str) -> Value {
        let made = self.post("/telephony_credentials", serde_json::json!({ "connection_id": connection })).await;
        assert_eq!(made.status, 201, "{made}");
        made.json()["data"].clone()
    }

    /// A login token of a credential.
    pub async fn token(&self, credential: &Value) -> RawToken {
        let path = format!("/telephony_credentials/{}/token", credential["id"].as_str().unwrap());
        let answer = self.ask("POST", &path).send().await;
        assert_eq!(answer.status, 201, "{answer}");
        RawToken::new(answer.body)
    }

    /// What the gate says to a login token.
    pub async fn login_token(&self, token: &RawToken) -> &'static str {
        let presented = PresentedCredential::AccessToken(token.clone());
        outcome(self.authority.authenticate(&self.ctx(), presented).await)
    }

    /// What the gate says to a user name and a password.
    pub async fn login(&self, user_name: &str, password: &str) -> &'static str {
        let presented = PresentedCredential::Password {
            project: ProjectRef::Id(self.project.id),
            identifier: Identifier::of(Identifier::SIP, user_name),
            password: Password::new(password),
        };
        outcome(self.authority.sign_in(&self.ctx(), presented).await)
    }

    pub fn later(&self, span: Duration) -> String {
        (self.clock.now() + span).rfc3339()
    }
}

fn outcome<T>(answer: Result<T, AuthError>) -> &'static str {
    answer.map_or_else(|refusal| refusal.code(), |_| "accepted")
}

async fn make(ground: &Ground, name: &str) -> Project {
    ground.project(name, ProjectPolicy::default()).await
}

impl Answer {
    /// Status and the codes of the errors.
    pub fn codes(&self) -> String {
        let errors = self.json()["errors"].as_array().cloned().unwrap_or_default();
        let codes: Vec<_> = errors.iter().map(|error| error["code"].as_str().unwrap().to_owned()).collect();
        format!("{} {}", self.status.as_u16(), codes.join(" "))
    }
}
