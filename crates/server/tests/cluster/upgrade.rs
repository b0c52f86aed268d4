//! Nodes are replaced one after another: one of the version before goes on serving when a newer one has migrated the database.

use std::{path::PathBuf, time::Duration};

use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    DEADLINE,
    faces::{Face, closed},
    nodes::{Cluster, PASSWORD, Wanted, now, sign_in},
    support::{Server, http_as},
};

/// The program as it was before the newest migration.
fn previous() -> PathBuf {
    let named = std::env::var("RINGFENCE_TEST_PREVIOUS").expect(
        "RINGFENCE_TEST_PREVIOUS is not set: run `cargo xtask test`, which builds the program as it was before the newest \
         migration, or `cargo xtask previous`, and give the path that it prints",
    );
    PathBuf::from(named)
}

fn refreshed(node: &Server, tokens: &Value) -> Value {
    let body = json!({ "refresh_token": tokens["refresh_token"] });
    let (status, text) = http_as(None, node.main, "POST", "/api/v1/refresh", Some(&body)).unwrap();
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// Who a node thinks that a token is.
fn shown(node: &Server, tokens: &Value) -> u16 {
    http_as(tokens["access_token"].as_str(), node.main, "GET", "/api/v1/sessions", None).unwrap().0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_of_the_version_before_goes_on_serving_on_the_newer_schema() {
    // A is there first and knows nothing of the newest migration, which B applies when it starts.
    let cluster = Cluster::of(Wanted { first: Some(previous()), ..Wanted::default() });
    let (old, new) = (&cluster.a, &cluster.b);
    for (here, there) in [(old, new), (new, old)] {
        let (status, tokens) = sign_in(here, "ann", PASSWORD);
        assert_eq!(status, 200, "{tokens}");
        assert_eq!((shown(here, &tokens), shown(there, &tokens)), (200, 200));
        let tokens = refreshed(there, &tokens);
        let tokens = refreshed(here, &tokens);
        assert_eq!((shown(here, &tokens), shown(there, &tokens)), (200, 200));
        // Sockets on one, ended on the other: they understand each other's announcements.
        let token = tokens["access_token"].as_str().unwrap();
        let native = tokio::spawn(closed(Face::Native.open(here.main, token, "").await));
        let credential = cluster.credential();
        let phone = tokio::spawn(closed(Face::Telnyx.open(here.main, &credential.token(), "").await));
        let begun = now();
        for path in [
            format!("/api/v1/admin/sessions/{}", tokens["session_id"].as_str().unwrap()),
            format!("/api/v1/admin/identities/{}/sessions", credential.id()),
        ] {
            let (status, text) = cluster.try_ask(there, "DELETE", &path, &json!({}));
            assert!((200..300).contains(&status), "{path}: {status} {text}");
        }
        for socket in [native, phone] {
            let (at, code) = timeout(DEADLINE, socket).await.expect("the socket stays open").unwrap();
            assert!(matches!(code, Some(1008 | 4403)), "{code:?}");
            assert!(at.duration_since(begun) < Duration::from_secs(2), "{:?}", at.duration_since(begun));
        }
        assert_eq!(shown(here, &tokens), 401);
    }
}
