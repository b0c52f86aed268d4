//! Tiledesk, N94: no answer and no log line of a whole day at the shop holds a secret that is not its reader's.
//! Alone in its process, whose whole log it reads.
#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]
#![expect(dead_code, unused_imports, reason = "it uses its own part of what the other faces have, too")]

use std::{
    fmt::Write as _,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use people::PASSWORD;
use serde_json::{Value, json};
use server::Server;
use support::forged;
use tracing::{Event, Metadata, Subscriber, field::Visit, span};

#[path = "faces/tiledesk/people.rs"]
mod people;
#[path = "faces/tiledesk/server.rs"]
mod server;
#[path = "faces/support/mod.rs"]
mod support;

/// Writes every event and span of the process into one text.
#[derive(Clone, Default)]
struct Log {
    text: Arc<Mutex<String>>,
    spans: Arc<AtomicU64>,
}

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        writeln!(self.0, "{field}={value:?}").unwrap();
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("ringfence")
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        attributes.record(&mut Fields(&mut self.text.lock().unwrap()));
        span::Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        values.record(&mut Fields(&mut self.text.lock().unwrap()));
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Fields(&mut self.text.lock().unwrap()));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[tokio::test]
async fn n94_no_answer_and_no_log_line_holds_a_secret() {
    let log = Log::default();
    tracing::subscriber::set_global_default(log.clone()).unwrap();
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let shop = t.place(&ann, "shop").await;
    let guest = t.guest(&shop).await;
    let external = shop.external("123");
    let wrong = "a wrong password that somebody typed";
    let new = "another otter under glass";

    // From here on nothing is asked for that would be answered with a secret.
    t.exchange.heard.lock().unwrap().clear();
    let forged = forged(r#"{"alg":"HS256","kid":"x"}"#, &json!({ "_id": ann.id, "aud": "https://tiledesk.com" }));
    let everybody = [&ann.token, &guest, &format!("JWT {external}"), &format!("JWT {forged}"), "Basic b", "x"];
    t.signed_in(&ann.email, wrong).await;
    t.put("/users/changepsw").showing(&ann.token).json(&json!({ "oldpsw": wrong, "newpsw": new })).send().await;
    t.put("/users/changepsw").showing(&ann.token).json(&json!({ "oldpsw": PASSWORD, "newpsw": "short" })).send().await;
    t.put("/auth/requestresetpsw").json(&json!({ "email": ann.email })).send().await;
    let key = t.link(1).await.rsplit_once('/').unwrap().1.to_owned();
    t.get(&format!("/auth/checkpswresetkey/{key}")).send().await;
    for header in everybody {
        for (method, path) in [
            ("GET", "/users".to_owned()),
            ("PUT", "/users".to_owned()),
            ("GET", "/projects".to_owned()),
            ("GET", format!("/projects/{}", shop.id)),
            ("POST", format!("/{}/project_users/invite", shop.id)),
            ("GET", format!("/{}/pendinginvitations", shop.id)),
            ("POST", format!("/{}/jwt/generatetestjwt", shop.id)),
            ("GET", "/testauth".to_owned()),
            ("GET", format!("/users?secret_token={external}")),
            ("GET", format!("/users_util/{}", ann.id)),
            ("GET", format!("/auth/checkpswresetkey/{external}")),
        ] {
            let body = json!({ "password": wrong, "attributes": {}, "email": "x@example.org", "role": "agent" });
            t.ask(method, &path).showing(header).json(&body).send().await;
        }
    }
    let reset = json!({ "password": new });
    t.put(&format!("/auth/resetpsw/{key}")).json(&reset).send().await;
    t.put(&format!("/auth/resetpsw/{key}")).json(&reset).send().await;

    let secrets = [PASSWORD, wrong, new, &key, &shop.secret, &external, &forged, bare(&ann.token), bare(&guest)];
    let heard = t.exchange.heard.lock().unwrap().join("\n");
    let logged = log.text.lock().unwrap().clone();
    assert!(logged.contains("invalid_credentials"), "the log was heard");
    for secret in secrets.into_iter().chain(["argon2", "$2b$", "kdf"]) {
        assert!(!heard.contains(secret), "an answer holds {secret}");
        assert!(!logged.contains(secret), "the log holds {secret}");
    }
    assert!(heard.lines().all(|body| serde_json::from_str::<Value>(body).is_ok() || !body.starts_with('{')));
}

fn bare(token: &str) -> &str {
    token.strip_prefix("JWT ").unwrap()
}
