//! What SIP servers and relays ask, and who may: the routes that belong to no dialect.

use std::time::Duration;

use crate::{
    support::{Answer, Asking},
    tiledesk::Server,
};
use ringfence_core::{
    authority::{ApiKeyRequest, PresentedCredential},
    caller::Scope,
    context::Ctx,
    identity::Identifier,
    project::{ProjectPolicy, ProjectRef, TurnPolicy},
    secret::{Password, RawToken},
    session::SessionsOf,
};
use serde_json::{Value, json};

const HA1: &str = "98e50217aedab69cde4c6166077cdc9b";

/// A server, a key of a back end, one of a SIP server and one for nothing here.
struct Bridges {
    server: Server,
    backend: String,
    sip: String,
    other: String,
}

impl Bridges {
    async fn start() -> Self {
        Self::start_with(ProjectPolicy::default()).await
    }

    async fn start_with(policy: ProjectPolicy) -> Self {
        let server = Server::start_with(policy, &[]).await;
        let backend = key(&server, &[Scope::All]).await;
        let sip = key(&server, &[Scope::SipLookup]).await;
        let other = key(&server, &[Scope::SessionsWrite]).await;
        Self { server, backend, sip, other }
    }

    fn ask(&self, method: &str, path: &str, bearer: &str) -> Asking {
        self.server.ask_root(method, path).showing(&format!("Bearer {bearer}"))
    }

    async fn made(&self, path: &str, body: Value) -> Value {
        let answer = self.ask("POST", path, &self.backend).json(&body).send().await;
        assert_eq!(answer.status, 201, "{answer}");
        answer.json()
    }

    /// The domain `rtc.test` with alice in it; her id.
    async fn alice(&self) -> String {
        self.made("/api/v1/sip/domains", json!({ "domain": "rtc.test" })).await;
        let body = json!({ "login": "alice", "password": "s3cret-A" });
        let made = self.made("/api/v1/sip/domains/rtc.test/users", body).await;
        assert_eq!(made.get("password"), None, "a chosen password is not said again");
        made["id"].as_str().unwrap().to_owned()
    }

    async fn form(&self, path: &str, bearer: &str, body: &str) -> Answer {
        self.ask("POST", path, bearer).form(body).send().await
    }

    async fn lookup(&self, username: &str) -> Answer {
        self.form("/api/v1/sip/lookup", &self.sip, &format!("username={username}&realm=rtc.test")).await
    }

    /// Alice signed in through a face that mints tokens of hers.
    async fn token_of_alice(&self) -> RawToken {
        let ctx = Ctx { dialect: "telnyx", ..self.server.ctx() };
        let shown = PresentedCredential::Password {
            project: ProjectRef::Id(self.server.project.id),
            identifier: Identifier::of(Identifier::SIP, "alice@rtc.test"),
            password: Password::new("s3cret-A"),
        };
        let who = self.server.authority.sign_in(&ctx, shown).await.unwrap();
        self.server.authority.issue_token(&ctx, &who, json!({})).await.unwrap().token
    }
}

async fn key(server: &Server, scopes: &[Scope]) -> String {
    let wanted = ApiKeyRequest {
        label: "key".to_owned(),
        scopes: scopes.iter().copied().collect(),
        application: None,
        expires_at: None,
        value: None,
    };
    let minted = server.authority.create_api_key(&server.ctx(), &server.permit(), wanted).await.unwrap();
    minted.value.expose().to_owned()
}

const ROUTES: [(&str, &str); 12] = [
    ("POST", "/api/v1/sip/lookup"),
    ("POST", "/api/v1/sip/introspect"),
    ("GET", "/api/v1/sip/domains"),
    ("POST", "/api/v1/sip/domains"),
    ("GET", "/api/v1/sip/domains/rtc.test"),
    ("PATCH", "/api/v1/sip/domains/rtc.test"),
    ("DELETE", "/api/v1/sip/domains/rtc.test"),
    ("GET", "/api/v1/sip/domains/rtc.test/users"),
    ("POST", "/api/v1/sip/domains/rtc.test/users"),
    ("GET", "/api/v1/sip/domains/rtc.test/users/{id}"),
    ("PATCH", "/api/v1/sip/domains/rtc.test/users/{id}"),
    ("DELETE", "/api/v1/sip/domains/rtc.test/users/{id}"),
];

#[tokio::test]
async fn every_route_is_closed_to_strangers_and_to_keys_without_the_right() {
    let b = Bridges::start().await;
    let alice = b.alice().await;
    for (method, path) in ROUTES {
        let path = path.replace("{id}", &alice);
        let nobody = b.server.ask_root(method, &path).json(&json!({})).send().await;
        assert_eq!((nobody.status.as_u16(), nobody.header("www-authenticate")), (401, "Bearer"), "{method} {path}");
        for wrong in ["rfk_x", "x", "a.b.c", ""] {
            assert_eq!(
                b.ask(method, &path, wrong).json(&json!({})).send().await.status,
                401,
                "{method} {path} {wrong}"
            );
        }
        let weak = b.ask(method, &path, &b.other).json(&json!({})).send().await;
        assert_eq!(weak.status, 403, "{method} {path}: {weak}");
        // N87: a key that comes from a page is a key of everybody.
        let page = b.ask(method, &path, &b.backend).header("origin", "https://a.test").json(&json!({})).send().await;
        assert_eq!(page.status, 401, "{method} {path}: {page}");
    }
    assert_eq!(b.lookup("alice").await.body, HA1, "and none of them changed anything");
}

#[tokio::test]
async fn a_sip_server_is_told_hashes_until_the_user_may_not_come_in() {
    let b = Bridges::start().await;
    let alice = b.alice().await;
    assert_eq!(b.lookup("alice").await.body, HA1);
    assert_eq!(b.lookup("alice%40rtc.test").await.body, "62789166d17cfe0f78850da0ca3d06ba");
    let path = format!("/api/v1/sip/domains/rtc.test/users/{alice}");
    for switched in [path.as_str(), "/api/v1/sip/domains/rtc.test"] {
        for (disabled, status) in [(true, 404), (false, 200)] {
            let change = json!({ "disabled": disabled });
            assert_eq!(b.ask("PATCH", switched, &b.backend).json(&change).send().await.status, 200);
            assert_eq!(b.lookup("alice").await.status, status, "{switched}");
        }
    }
    assert_eq!(b.ask("DELETE", &path, &b.backend).send().await.status, 204);
    assert_eq!(b.lookup("alice").await.status, 404);
}

#[tokio::test]
async fn n63_names_that_no_phone_has_are_nobodys() {
    let b = Bridges::start().await;
    b.alice().await;
    for name in
        ["%22alice%22", "alice%0D%0AX:%20y", "al%00ice", &"a".repeat(64 * 1024), "alice%40rtc.test%40rtc.test", ""]
    {
        let answer = b.lookup(name).await;
        assert_eq!(answer.status, 404, "{}", &name[..name.len().min(20)]);
        assert!(!answer.body.contains("alice"));
    }
    let twice = b.form("/api/v1/sip/lookup", &b.sip, "username=alice&username=bob&realm=rtc.test").await;
    assert_eq!(twice.status, 422);
    let nowhere = b.form("/api/v1/sip/lookup", &b.sip, "username=alice").await;
    assert_eq!(nowhere.status, 422);
}

#[tokio::test]
async fn a_token_is_introspected_until_its_session_ends() {
    let b = Bridges::start().await;
    let alice = b.alice().await;
    let token = b.token_of_alice().await;
    let body = format!("token={}", token.expose());
    let path = "/api/v1/sip/introspect";
    let told = b.form(path, &b.backend, &body).await;
    assert_eq!((told.status.as_u16(), told.body.as_str()), (200, "alice@rtc.test"));
    let more = b.ask("POST", path, &b.backend).header("accept", "application/json").form(&body).send().await.json();
    assert_eq!(
        (&more["active"], &more["sub"], &more["username"]),
        (&true.into(), &alice.as_str().into(), &"alice@rtc.test".into())
    );
    assert_eq!(b.form(path, &b.sip, &body).await.status, 403);
    let of = SessionsOf::Identity(alice.parse().unwrap());
    b.server.authority.revoke_sessions(&b.server.ctx(), &b.server.permit(), of).await.unwrap();
    assert_eq!(b.form(path, &b.backend, &body).await.status, 404);
    let more = b.ask("POST", path, &b.backend).header("accept", "application/json").form(&body).send().await;
    assert_eq!(more.json(), json!({ "active": false }));
}

#[tokio::test]
async fn n69_a_guest_gets_relay_credentials_only_where_the_project_says_so() {
    for guests in [false, true] {
        let b = Bridges::start_with(ProjectPolicy { turn: TurnPolicy { guests }, ..ProjectPolicy::default() }).await;
        let (at, permit) =
            (&b.server.authority, ringfence_core::caller::Caller::Operator.permit_installation().unwrap());
        at.adopt_turn_secret(&b.server.ctx(), &permit, at.fresh_turn_secret()).await.unwrap();
        let ann = b.server.person("ann").await;
        let shop = b.server.place(&ann, "shop").await;
        let guest = b.server.guest(&shop).await;
        let bearer = |token: &str| token.trim_start_matches("JWT ").to_owned();
        let answer = b.ask("POST", "/api/v1/turn", &bearer(&guest)).send().await;
        assert_eq!(answer.status, if guests { 200 } else { 403 }, "{answer}");
        let answer = b.ask("POST", "/api/v1/turn", &bearer(&ann.token)).send().await;
        assert_eq!((answer.status.as_u16(), answer.json()["ttl"].as_u64()), (200, Some(600)), "{answer}");
        b.server.clock.advance(Duration::from_hours(24) - Duration::from_secs(30));
        let answer = b.ask("POST", "/api/v1/turn", &bearer(&ann.token)).send().await;
        assert_eq!(answer.json()["ttl"], 30, "not beyond the session: {answer}");
    }
}

#[tokio::test]
async fn n69_a_thousand_credentials_a_minute_are_too_many() {
    let b = Bridges::start().await;
    let (at, permit) = (&b.server.authority, ringfence_core::caller::Caller::Operator.permit_installation().unwrap());
    at.adopt_turn_secret(&b.server.ctx(), &permit, at.fresh_turn_secret()).await.unwrap();
    let mut last = None;
    for _ in 0..1000 {
        last = Some(b.ask("POST", "/api/v1/turn", &b.backend).send().await);
    }
    let last = last.unwrap();
    assert_eq!((last.status.as_u16(), last.header("retry-after")), (429, "60"), "{last}");
}

#[tokio::test]
async fn a_key_of_another_project_reaches_nothing() {
    let b = Bridges::start().await;
    b.alice().await;
    let (permit, _) = b.server.elsewhere().await;
    let wanted = ApiKeyRequest {
        label: "theirs".to_owned(),
        scopes: [Scope::All].into_iter().collect(),
        application: None,
        expires_at: None,
        value: None,
    };
    let theirs = b.server.authority.create_api_key(&b.server.ctx(), &permit, wanted).await.unwrap().value;
    let theirs = theirs.expose();
    let asked = b.form("/api/v1/sip/lookup", theirs, "username=alice&realm=rtc.test").await;
    assert_eq!(asked.status, 404);
    assert_eq!(b.ask("GET", "/api/v1/sip/domains/rtc.test", theirs).send().await.status, 404);
    assert_eq!(b.ask("DELETE", "/api/v1/sip/domains/rtc.test", theirs).send().await.status, 404);
    let taken = b.ask("POST", "/api/v1/sip/domains", theirs).json(&json!({ "domain": "rtc.test" })).send().await;
    assert_eq!(taken.status, 409);
    let own = b.ask("GET", "/api/v1/sip/domains", theirs).send().await.json();
    assert_eq!(own, json!({ "domains": [] }));
}
