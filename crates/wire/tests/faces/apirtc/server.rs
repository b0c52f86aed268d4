//! A server with two projects, their applications and an account, and requests to it.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ringfence_core::{
    application::{Alias, Application, ApplicationSettings},
    authority::{ApiKeyRequest, ApplicationRequest, Authority, Registration},
    caller::{Caller, Permit, Scope},
    context::Ctx,
    identity::{Identity, Profile},
    jose::Alg,
    project::{Compat, Project, ProjectPolicy, ProjectRef},
    secret::{Password, RawToken},
    testing::ManualClock,
    time::Clock as _,
};
use ringfence_wire::{Settings, router};
use serde_json::{Value, json};

use crate::support::{Answer, Asking, Exchange, Ground, signed_by, verbatim};

pub const KEY: &str = "0123456789abcdef0123456789abcdef";
pub const SECRET: &str = "M;ak,SKPs|*uK)9mKO?Jy!2/\"wTzv_o3dzB7i8[sN&eQ";
pub const EMAIL: &str = "agent@example.org";
pub const PASSWORD: &str = "violet otter under glass";

pub struct Server {
    pub clock: Arc<ManualClock>,
    pub authority: Arc<Authority>,
    pub project: Project,
    pub application: Application,
    pub agent: Identity,
    exchange: Exchange,
    ground: Ground,
}

impl Server {
    pub async fn start() -> Self {
        Self::start_with(Compat::default()).await
    }

    pub async fn start_with(compat: Compat) -> Self {
        let ground = Ground::start();
        let project = ground.project("default", ProjectPolicy { compat, ..ProjectPolicy::default() }).await;
        let router = router(&ground.app("apirtc", &[], Settings::default()));
        let application = make(&ground, &project, KEY, SECRET, ApplicationSettings::default()).await;
        let wanted = Registration {
            project: ProjectRef::Id(project.id),
            email: EMAIL.to_owned(),
            password: Password::new(PASSWORD),
            profile: Profile { nickname: Some("Agent Ann".to_owned()), ..Profile::default() },
            attributes: serde_json::Map::new(),
            vouched: None,
            verify: None,
        };
        let agent = ground.authority.register(&ground.ctx(), wanted).await.unwrap();
        let server = Self {
            clock: Arc::clone(&ground.clock),
            authority: Arc::clone(&ground.authority),
            project,
            application,
            agent,
            exchange: Exchange::with(router, verbatim),
            ground,
        };
        server.call(&server.project.id.to_string(), "enterprise");
        server.call(&server.agent.id.to_string(), "agent");
        server
    }

    pub fn ctx(&self) -> Ctx {
        self.ground.ctx()
    }

    pub fn permit(&self) -> Permit {
        Caller::Operator.permit(Scope::All, self.project.id).unwrap()
    }

    /// Another application of the project.
    pub async fn application(&self, key: &str, secret: &str, settings: ApplicationSettings) -> Application {
        make(&self.ground, &self.project, key, secret, settings).await
    }

    pub async fn api_key(&self, scopes: &[Scope]) -> String {
        let wanted = ApiKeyRequest {
            label: "backend".to_owned(),
            scopes: scopes.iter().copied().collect(),
            application: None,
            expires_at: None,
            value: None,
        };
        let minted = self.authority.create_api_key(&self.ctx(), &self.permit(), wanted).await.unwrap();
        minted.value.expose().to_owned()
    }

    /// Has answers show `name` for a value that differs from run to run.
    pub fn call(&self, value: &str, name: &str) {
        self.exchange.call(value, name);
    }

    /// A request below the mount.
    pub fn ask(&self, method: &str, path: &str) -> Asking {
        self.ask_root(method, &format!("/apirtc{path}"))
    }

    pub fn ask_root(&self, method: &str, path: &str) -> Asking {
        self.exchange.ask(method, path)
    }

    pub async fn get(&self, path: &str, bearer: &str) -> Answer {
        self.ask("GET", path).bearer(bearer).send().await
    }

    /// The bearer of a sign-in as the library makes it.
    pub async fn login(&self) -> String {
        let answer = self.authenticate(PASSWORD).await;
        assert_eq!(answer.status, 200, "{answer}");
        answer.text("/token")
    }

    pub async fn authenticate(&self, password: &str) -> Answer {
        let asked = self.ask("POST", "/api/v3/authenticate");
        asked.multipart(&[("username", EMAIL), ("password", password)]).send().await
    }

    /// A back end's JWT; `claims` replace or, by null, take away the right ones.
    pub fn jwt(&self, user: &str, claims: &Value) -> String {
        self.jwt_by(Alg::HS256, SECRET, user, claims)
    }

    pub fn jwt_by(&self, alg: Alg, secret: &str, user: &str, claims: &Value) -> String {
        signed_by(alg, secret, &self.claims(user, claims))
    }

    pub fn claims(&self, user: &str, claims: &Value) -> Value {
        let now = self.clock.now().seconds();
        let mut all = json!({
            "sub": KEY, "aud": "apiRTC", "grants": { "apiRTC_UserAgent_Id": user },
            "iat": now, "exp": now + 3600, "jti": "1b4e28ba-2fa1-11d2-883f-0016d3cca427",
        });
        for (name, value) in claims.as_object().unwrap() {
            match value {
                Value::Null => drop(all.as_object_mut().unwrap().remove(name)),
                value => drop(all.as_object_mut().unwrap().insert(name.clone(), value.clone())),
            }
        }
        all
    }

    /// A line of the channel by polling, opened with this query.
    pub async fn line(&self, query: &str) -> Polled<'_> {
        let opened = self.ask_root("GET", &format!("/socket.io/?{query}&EIO=4&transport=polling")).send().await;
        assert_eq!(opened.status, 200, "{opened}");
        let sid = serde_json::from_str::<Value>(&opened.body[1..]).unwrap()["sid"].as_str().unwrap().to_owned();
        Polled { server: self, path: format!("/socket.io/?{query}&EIO=4&transport=polling&sid={sid}") }
    }

    /// What somebody is first told who asks for the channel.
    pub async fn admitted(&self, query: &str) -> String {
        let line = self.line(query).await;
        line.send("40").await;
        let told = line.poll().await;
        if told[0].starts_with("40{\"sid\":") { "in".to_owned() } else { told[0].clone() }
    }

    /// The same for a user with a token.
    pub async fn shown(&self, user: &str, token: &str) -> String {
        let told = self.admitted(&format!("channelId={user}&apiKey={KEY}&token={token}")).await;
        told.replace("44{\"message\":\"access token failure: ", "refused: ").replace("\"}", "")
    }
}

async fn make(
    ground: &Ground,
    project: &Project,
    key: &str,
    secret: &str,
    settings: ApplicationSettings,
) -> Application {
    let permit = Caller::Operator.permit(Scope::All, project.id).unwrap();
    let aliases = vec![Alias { scheme: "publishable_key".to_owned(), value: key.to_owned() }];
    let wanted = ApplicationRequest { name: format!("application {key}"), settings, aliases };
    let made = ground.authority.create_application(&ground.ctx(), &permit, wanted).await.unwrap();
    ground
        .authority
        .trust_issuer(&ground.ctx(), &permit, made.id, "apirtc", Some(RawToken::new(secret)))
        .await
        .unwrap();
    made
}

/// A line by polling.
pub struct Polled<'a> {
    server: &'a Server,
    path: String,
}

impl Polled<'_> {
    pub async fn send(&self, packets: &str) {
        let answer = self.server.ask_root("POST", &self.path).body(packets.to_owned()).send().await;
        assert_eq!(answer.to_string(), "200 ok");
    }

    /// What has come since.
    pub async fn poll(&self) -> Vec<String> {
        let answer = self.server.ask_root("GET", &self.path).send().await;
        assert_eq!(answer.status, 200, "{answer}");
        answer.body.split('\u{1e}').map(str::to_owned).collect()
    }

    /// The messages that have come since, as JSON.
    pub async fn messages(&self) -> Vec<Value> {
        self.poll().await.iter().filter_map(|packet| message(packet)).collect()
    }
}

/// The message in an event packet.
pub fn message(packet: &str) -> Option<Value> {
    let start = packet.find("[\"message\",")?;
    let event: Value = serde_json::from_str(&packet[start..]).ok()?;
    serde_json::from_str(event[1].as_str()?).ok()
}

/// The claims of a token, unverified.
pub fn claims_of(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}
