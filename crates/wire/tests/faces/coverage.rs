//! Every endpoint that a dialect declares is documented, routed, and closed to whoever may not call it.

use std::{fs, path::Path, time::Duration};

use crate::{
    support::{Answer, forged},
    tiledesk::{Person, Place, Server},
};
use ringfence_wire::{Access, DIALECTS, Endpoint};
use serde_json::json;

#[test]
fn every_endpoint_is_documented() {
    for dialect in DIALECTS {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../docs/dialects/{}.md", dialect.name));
        let text = fs::read_to_string(&path).unwrap();
        for Endpoint { method, path, .. } in dialect.endpoints {
            assert!(text.contains(&format!("| `{method} {path}` |")), "{}: {method} {path}", dialect.name);
        }
        let rows = text.lines().filter(|line| line.starts_with("| `") && line.contains(" /")).count();
        assert_eq!(rows, dialect.endpoints.len(), "{} documents what it does not have", dialect.name);
    }
}

/// Ann's shop and people around it.
struct Tiledesk {
    server: Server,
    ann: Person,
    shop: Place,
}

const ROLES: [&str; 7] = ["guest", "user", "teammate", "agent", "supervisor", "admin", "owner"];

impl Tiledesk {
    async fn start() -> Self {
        let server = Server::start().await;
        let ann = server.person("ann").await;
        let shop = server.place(&ann, "shop").await;
        Self { server, ann, shop }
    }

    fn endpoints(wanted: impl Fn(Access) -> bool) -> impl Iterator<Item = &'static Endpoint> {
        let tiledesk = DIALECTS.iter().find(|dialect| dialect.name == "tiledesk").unwrap();
        tiledesk.endpoints.iter().filter(move |endpoint| wanted(endpoint.access))
    }

    async fn ask(&self, endpoint: &Endpoint, authorization: Option<&str>) -> Answer {
        let path = endpoint.path.replace("/{projectid}", &format!("/{}", self.shop.id));
        let path = path.replace("/projects/{id}", &format!("/projects/{}", self.shop.id));
        let path = ["{userid}", "{code}", "{key}", "{id}"].into_iter().fold(path, |path, name| path.replace(name, "x"));
        let asked = self.server.ask(endpoint.method, &path).json(&json!({}));
        match authorization {
            Some(authorization) => asked.showing(authorization).send().await,
            None => asked.send().await,
        }
    }

    /// A member of the shop.
    async fn member(&self, role: &str) -> Person {
        let person = self.server.person(role).await;
        self.server.join(&self.ann, &self.shop, &person, role).await;
        person
    }
}

#[tokio::test]
async fn every_endpoint_of_tiledesk_is_routed() {
    let t = Tiledesk::start().await;
    for endpoint in Tiledesk::endpoints(|_| true) {
        let answer = t.ask(endpoint, None).await;
        assert!(!answer.body.contains("Invalid project id"), "{} {}: {answer}", endpoint.method, endpoint.path);
    }
}

#[tokio::test]
async fn closed_endpoints_of_tiledesk_refuse_whoever_proves_nothing() {
    let t = Tiledesk::start().await;
    let forged = forged(r#"{"alg":"HS256","typ":"JWT","kid":"x"}"#, &json!({ "_id": t.ann.id, "sub": "user" }));
    let foreign = Tiledesk::start().await.server.person("eve").await;
    let authorizations = [
        None,
        Some(format!("JWT {forged}")),
        Some(format!("Bearer {forged}")),
        Some("JWT x".to_owned()),
        Some(foreign.token),
    ];
    for endpoint in Tiledesk::endpoints(|access| access != Access::Open) {
        for authorization in &authorizations {
            let answer = t.ask(endpoint, authorization.as_deref()).await;
            assert_eq!(answer.to_string(), "401 Unauthorized", "{} {}", endpoint.method, endpoint.path);
        }
    }
    t.server.clock.advance(Duration::from_hours(24));
    for endpoint in Tiledesk::endpoints(|access| access != Access::Open) {
        let answer = t.ask(endpoint, Some(&t.ann.token)).await;
        assert_eq!(answer.to_string(), "401 Unauthorized", "expired: {} {}", endpoint.method, endpoint.path);
    }
}

#[tokio::test]
async fn endpoints_of_tiledesk_that_need_a_role_refuse_those_below_it() {
    let t = Tiledesk::start().await;
    let stranger = t.server.person("stranger").await.token;
    let guest = t.server.guest(&t.shop).await;
    let external = format!("JWT {}", t.shop.external("123"));
    let mut members = Vec::new();
    for role in &ROLES[1..6] {
        members.push((*role, t.member(role).await.token));
    }
    for endpoint in Tiledesk::endpoints(|access| matches!(access, Access::Role(_))) {
        for weak in [&stranger, &guest, &external] {
            assert_eq!(t.ask(endpoint, Some(weak)).await.status, 403, "{} {}", endpoint.method, endpoint.path);
        }
    }
    for endpoint in Tiledesk::endpoints(|access| matches!(access, Access::Role(_))) {
        let Access::Role(least) = endpoint.access else { continue };
        let rank = |role: &str| ROLES.iter().position(|step| *step == role);
        for (role, token) in &members {
            let allowed = rank(role) >= rank(least);
            let status = t.ask(endpoint, Some(token)).await.status;
            assert_eq!(status != 403, allowed, "{role} at {} {}: {status}", endpoint.method, endpoint.path);
        }
    }
}
