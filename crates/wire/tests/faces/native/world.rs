//! A server with an application and API keys, and people who use it.

use ringfence_core::{
    application::{Alias, ApplicationSettings},
    authority::{ApiKeyRequest, ApplicationRequest},
    caller::{Caller, Permit, Scope},
    ids::ApplicationId,
    project::ProjectPolicy,
    secret::RawToken,
};
use serde_json::{Value, json};

use crate::{
    support::{Answer, Asking},
    tiledesk::{PASSWORD, Server},
};

/// What pages show to name the application.
pub const PUBLISHABLE: &str = "0123456789abcdef0123456789abcdef";

pub struct World {
    pub server: Server,
    pub application: ApplicationId,
    /// An API key with every scope.
    pub key: String,
}

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: String,
    pub access: String,
    pub refresh: String,
    pub session: String,
}

impl Person {
    pub fn of(answer: &Answer) -> Self {
        Self {
            id: answer.text("/identity/id"),
            access: answer.text("/access_token"),
            refresh: answer.text("/refresh_token"),
            session: answer.text("/session_id"),
        }
    }
}

impl World {
    pub async fn start() -> Self {
        Self::start_with(ProjectPolicy::default()).await
    }

    pub async fn start_with(policy: ProjectPolicy) -> Self {
        let server = Server::start_with(policy, &[]).await;
        let aliases = vec![Alias { scheme: "publishable_key".to_owned(), value: PUBLISHABLE.to_owned() }];
        let wanted =
            ApplicationRequest { name: "Widget".to_owned(), settings: ApplicationSettings::default(), aliases };
        let made = server.authority.create_application(&server.ctx(), &server.permit(), wanted).await.unwrap();
        let key = mint(&server, &server.permit(), &[Scope::All], None).await;
        Self { application: made.id, key, server }
    }

    /// An API key of the project.
    pub async fn key(&self, scopes: &[Scope], application: Option<ApplicationId>) -> String {
        mint(&self.server, &self.server.permit(), scopes, application).await
    }

    /// An API key that somebody brings along.
    pub async fn bring_key(&self, value: &str) {
        let request = ApiKeyRequest {
            label: "brought".to_owned(),
            scopes: [Scope::All].into_iter().collect(),
            application: None,
            expires_at: None,
            value: Some(RawToken::new(value)),
        };
        self.server.authority.create_api_key(&self.server.ctx(), &self.server.permit(), request).await.unwrap();
    }

    /// A request below `/api/v1`.
    pub fn ask(&self, method: &str, path: &str) -> Asking {
        self.server.ask_root(method, &format!("/api/v1{path}"))
    }

    /// The same with the API key.
    pub fn admin(&self, method: &str, path: &str) -> Asking {
        self.ask(method, path).bearer(&self.key)
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask("POST", path).json(body).send().await
    }

    pub async fn sign_up(&self, name: &str) -> Answer {
        let email = format!("{name}@example.org");
        let body = json!({ "application": self.application.to_string(), "email": email, "password": PASSWORD });
        self.post("/sign-up", &body).await
    }

    pub async fn member(&self, name: &str) -> Person {
        Person::of(&self.sign_up(name).await)
    }

    pub async fn sign_in(&self, name: &str, password: &str) -> Answer {
        let email = format!("{name}@example.org");
        let body = json!({ "application": PUBLISHABLE, "email": email, "password": password });
        self.post("/sign-in", &body).await
    }

    pub async fn guest(&self) -> Person {
        Person::of(&self.post("/guests", &json!({ "application": PUBLISHABLE })).await)
    }

    pub async fn refresh(&self, token: &str) -> Answer {
        self.post("/refresh", &json!({ "refresh_token": token })).await
    }

    /// Whether an access token still counts.
    pub async fn me(&self, token: &str) -> Answer {
        self.ask("GET", "/me").bearer(token).send().await
    }

    /// Another project of the installation, with a key of its own and an application.
    pub async fn elsewhere(&self) -> Elsewhere {
        let (permit, application) = self.server.elsewhere().await;
        let key = mint(&self.server, &permit, &[Scope::All], None).await;
        Elsewhere { application, key }
    }
}

pub struct Elsewhere {
    pub application: ApplicationId,
    pub key: String,
}

async fn mint(server: &Server, permit: &Permit, scopes: &[Scope], application: Option<ApplicationId>) -> String {
    let request = ApiKeyRequest {
        label: "test".to_owned(),
        scopes: scopes.iter().copied().collect(),
        application,
        expires_at: None,
        value: None,
    };
    // Nobody hands out more than they have; the operator has all.
    let permit = Caller::Operator.permit(Scope::All, permit.project()).unwrap();
    let minted = server.authority.create_api_key(&server.ctx(), &permit, request).await.unwrap();
    minted.value.expose().to_owned()
}
