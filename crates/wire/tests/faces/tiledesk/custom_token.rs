//! Tiledesk: custom tokens, which an integrator signs (sheet §4).

use std::time::Duration;

use super::{PASSWORD, Person, Place, Server};
use crate::support::{Answer, claims, forged, signed, signed_by};
use insta::assert_snapshot;
use ringfence_core::{ids::SessionId, jose::Alg, session::SessionsOf};
use serde_json::{Value, json};

const UNKNOWN: &str = "5c81593adf767b0017d1aa68";

async fn shop() -> (Server, Person, Place) {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let shop = t.place(&ann, "shop").await;
    (t, ann, shop)
}

async fn sign_in(t: &Server, authorization: &str) -> Answer {
    t.post("/auth/signinWithCustomToken").showing(authorization).send().await
}

/// The claims of a good token, with others.
fn with(place: &Place, others: Value) -> Value {
    let mut claims = json!({ "_id": "123", "sub": "userexternal", "aud": place.audience() });
    let Value::Object(others) = others else { panic!("claims are an object") };
    claims.as_object_mut().unwrap().extend(others);
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

#[tokio::test]
async fn a_good_token_is_echoed_with_its_claims() {
    let (t, _, shop) = shop().await;
    let token =
        signed(&shop.secret, &with(&shop, json!({ "firstname": "Eve", "email": "Eve@X", "attributes": { "a": 1 } })));
    let answer = sign_in(&t, &format!("JWT {token}")).await;
    assert_eq!(answer.text("/token"), format!("JWT {token}"));
    assert_snapshot!(answer, @r#"200 {"success":true,"token":"JWT {jwt}","user":{"_id":"123","attributes":{"a":1},"aud":"https://tiledesk.com/projects/{shop}","email":"Eve@X","firstname":"Eve","sub":"userexternal"}}"#);
}

#[tokio::test]
async fn the_scheme_may_be_in_any_case_and_comes_back_in_capitals() {
    let (t, _, shop) = shop().await;
    let token = shop.external("123");
    for scheme in ["jwt", "Jwt", "JWT"] {
        assert_eq!(sign_in(&t, &format!("{scheme} {token}")).await.text("/token"), format!("JWT {token}"));
    }
}

#[tokio::test]
async fn an_id_keeps_its_type() {
    let (t, _, shop) = shop().await;
    let token = signed(&shop.secret, &with(&shop, json!({ "_id": 12 })));
    assert_eq!(sign_in(&t, &format!("JWT {token}")).await.json()["user"]["_id"], 12);
}

#[tokio::test]
async fn the_three_lengths_of_hmac_are_taken() {
    let (t, _, shop) = shop().await;
    for alg in [Alg::HS256, Alg::HS384, Alg::HS512] {
        let token = signed_by(alg, &shop.secret, &with(&shop, json!({})));
        assert_eq!(sign_in(&t, &format!("JWT {token}")).await.status, 200, "{alg:?}");
    }
}

#[tokio::test]
async fn host_and_rest_of_the_audience_say_nothing() {
    let (t, _, shop) = shop().await;
    for audience in [
        json!(format!("https://other.example/projects/{}", shop.id)),
        json!(format!("https://tiledesk.com/projects/{}/more", shop.id)),
        json!([shop.audience()]),
    ] {
        let token = signed(&shop.secret, &with(&shop, json!({ "aud": audience })));
        assert_eq!(sign_in(&t, &format!("JWT {token}")).await.status, 200, "{audience}");
    }
}

#[tokio::test]
async fn whatever_is_wrong_with_a_token_is_answered_alike() {
    let (t, ann, shop) = shop().await;
    let club = t.place(&ann, "club").await;
    let now = 1_795_000_000;
    let wrong = [
        ("secret", signed(&club.secret, &with(&shop, json!({})))),
        ("expired", signed(&shop.secret, &with(&shop, json!({ "exp": now })))),
        ("not yet", signed(&shop.secret, &with(&shop, json!({ "nbf": now + 120 })))),
        ("no _id", signed(&shop.secret, &with(&shop, json!({ "_id": null, "id": "123" })))),
        ("empty _id", signed(&shop.secret, &with(&shop, json!({ "_id": "" })))),
        ("object _id", signed(&shop.secret, &with(&shop, json!({ "_id": { "$ne": 1 } })))),
        ("no aud", signed(&shop.secret, &with(&shop, json!({ "aud": null })))),
        ("other aud", signed(&shop.secret, &with(&club, json!({})))),
        ("two auds", signed(&shop.secret, &with(&shop, json!({ "aud": [shop.audience(), club.audience()] })))),
        (
            "unknown project",
            signed(&shop.secret, &with(&shop, json!({ "aud": format!("https://x/projects/{UNKNOWN}") }))),
        ),
        ("malformed project", signed(&shop.secret, &with(&shop, json!({ "aud": "https://x/projects/xyz" })))),
        ("empty project", signed(&shop.secret, &with(&shop, json!({ "aud": "https://x/projects/" })))),
        ("no url", signed(&shop.secret, &with(&shop, json!({ "aud": "projects" })))),
        ("bot", signed(&shop.secret, &with(&shop, json!({ "aud": format!("https://x/bots/{UNKNOWN}") })))),
        (
            "subscription",
            signed(&shop.secret, &with(&shop, json!({ "aud": format!("https://x/subscriptions/{UNKNOWN}") }))),
        ),
        ("another sub", signed(&shop.secret, &with(&shop, json!({ "sub": "bot" })))),
        ("none", forged(r#"{"alg":"none"}"#, &with(&shop, json!({})))),
        ("words", "abc".to_owned()),
    ];
    for (what, token) in wrong {
        let answer = sign_in(&t, &format!("JWT {token}")).await;
        assert_eq!(answer.to_string(), "401 Unauthorized", "{what}");
        assert_eq!(answer.header("www-authenticate"), "", "{what}");
    }
}

#[tokio::test]
async fn only_two_words_with_the_right_scheme_are_read() {
    let (t, _, shop) = shop().await;
    let token = shop.external("123");
    for header in [format!("Bearer {token}"), token.clone(), "JWT".to_owned(), format!("JWT {token} more")] {
        assert_eq!(sign_in(&t, &header).await.to_string(), "401 Unauthorized", "{header}");
    }
    let basic = t.post("/auth/signinWithCustomToken").basic("ann@example.org", PASSWORD).send().await;
    assert_snapshot!(basic, @"401 Unauthorized");
    assert_snapshot!(t.post("/auth/signinWithCustomToken").send().await, @"401 Unauthorized");
}

#[tokio::test]
async fn a_project_without_a_secret_knows_no_custom_tokens() {
    let (t, ann, shop) = shop().await;
    let bare = t.post("/projects").showing(&ann.token).json(&json!({ "name": "Bare" })).send().await.text("/_id");
    let token = signed(&shop.secret, &with(&Place { id: bare, ..shop.clone() }, json!({})));
    assert_snapshot!(sign_in(&t, &format!("JWT {token}")).await, @"401 Unauthorized");
}

#[tokio::test]
async fn a_new_secret_ends_the_old_one_and_what_it_signed() {
    let (t, ann, shop) = shop().await;
    let old = format!("JWT {}", shop.external("123"));
    assert_eq!(sign_in(&t, &old).await.status, 200);
    let keys = t.post(&format!("/{}/keys/generate", shop.id)).showing(&ann.token).send().await;
    assert_snapshot!(sign_in(&t, &old).await, @"401 Unauthorized");
    assert_snapshot!(t.get("/testauth").showing(&old).send().await, @"401 Unauthorized");
    let renewed = Place { secret: keys.text("/jwtSecret"), ..shop };
    assert_eq!(sign_in(&t, &format!("JWT {}", renewed.external("123"))).await.status, 200);
}

#[tokio::test]
async fn the_same_id_is_the_same_user_in_its_project() {
    let (t, ann, shop) = shop().await;
    let club = t.place(&ann, "club").await;
    let first = session(&t, &shop.external("123")).await;
    let token = signed(&shop.secret, &with(&shop, json!({ "firstname": "Eva" })));
    assert_eq!(session(&t, &token).await.identity, first.identity);
    assert_ne!(session(&t, &club.external("123")).await.identity, first.identity);
}

/// The session that a custom token stands for.
async fn session(t: &Server, token: &str) -> ringfence_core::session::Session {
    // Ids sort by time, and this one is to be the last.
    t.clock.advance(Duration::from_secs(1));
    assert_eq!(sign_in(t, &format!("JWT {token}")).await.status, 200);
    let of = SessionsOf::Project(t.project.id);
    let live = t.authority.sessions(&t.ctx(), &t.permit(), of, None, 100).await.unwrap();
    live.into_iter().max_by_key(|session| session.id).unwrap()
}

#[tokio::test]
async fn an_echoed_token_stays_good_and_can_be_revoked() {
    let (t, _, shop) = shop().await;
    let token = shop.external("123");
    let id: SessionId = session(&t, &token).await.id;
    let header = format!("JWT {token}");
    assert_eq!(t.get("/testauth").showing(&header).send().await.status, 200);
    t.authority.revoke_sessions(&t.ctx(), &t.permit(), SessionsOf::Session(id)).await.unwrap();
    assert_snapshot!(t.get("/testauth").showing(&header).send().await, @"401 Unauthorized");
    assert_snapshot!(sign_in(&t, &header).await, @"401 Unauthorized");
}

#[tokio::test]
async fn an_echoed_token_ends_at_its_own_time() {
    let (t, _, shop) = shop().await;
    let token = signed(&shop.secret, &with(&shop, json!({ "exp": 1_795_000_060 })));
    assert_eq!(sign_in(&t, &format!("JWT {token}")).await.status, 200);
    t.clock.advance(Duration::from_mins(1));
    assert_snapshot!(sign_in(&t, &format!("JWT {token}")).await, @"401 Unauthorized");
}

#[tokio::test]
async fn a_token_of_ours_is_echoed_and_nothing_is_stored() {
    let (t, ann, _) = shop().await;
    let bob = t.person("bob").await;
    let answer = sign_in(&t, &bob.token).await;
    assert_eq!(answer.text("/token"), bob.token);
    assert_eq!(answer.json()["user"], claims(&bob.token));
    assert_ne!(ann.id, bob.id);
}

#[tokio::test]
async fn an_account_that_names_a_project_visits_it() {
    let (t, _, shop) = shop().await;
    let bob = t.person("bob").await;
    let check = async || t.get(&format!("/{}/authtestWithRoleCheck", shop.id)).showing(&bob.token).send().await;
    assert_snapshot!(check().await, @r#"403 {"success":false,"msg":"you dont belong to the project."}"#);
    let visit = async |id: &str| {
        t.post("/auth/signinWithCustomToken").showing(&bob.token).json(&json!({ "id_project": id })).send().await
    };
    assert_eq!(visit(&shop.id).await.text("/token"), bob.token);
    assert_snapshot!(check().await, @r#"403 {"success":false,"msg":"you dont have the required role."}"#);
    assert_snapshot!(visit("xyz").await, @r#"400 {"error":"Invalid project id: xyz"}"#);
    assert_snapshot!(visit(UNKNOWN).await, @r#"400 {"error":"Project not found with id: {id}"}"#);
}

#[tokio::test]
async fn a_role_that_needs_an_account_makes_one_that_counts_here_only() {
    let (t, ann, shop) = shop().await;
    let club = t.place(&ann, "club").await;
    let wanted =
        with(&shop, json!({ "role": "agent", "email": "Eve@Example.org", "firstname": "Eve", "lastname": "Doe" }));
    let answer = sign_in(&t, &format!("JWT {}", signed(&shop.secret, &wanted))).await;
    assert_snapshot!(answer, @r#"200 {"success":true,"token":"JWT {jwt}","user":{"_id":"{id}","email":"eve@example.org","firstname":"Eve","lastname":"Doe","emailverified":false,"status":100,"createdAt":"2026-11-18T11:06:40.000Z","updatedAt":"2026-11-18T11:06:40.000Z","__v":0}}"#);
    let token = answer.text("/token");
    let ask = async |path: String| t.get(&path).showing(&token).send().await;
    assert_eq!(claims(&token)["exp"], 1_795_000_000 + 30 * 24 * 3600);
    assert_snapshot!(ask(format!("/{}/authtestWithRoleCheck", shop.id)).await, @r#"200 {"success":true}"#);
    assert_snapshot!(ask(format!("/{}/authtestWithRoleCheck", club.id)).await, @r#"403 {"success":false,"msg":"you dont belong to the project."}"#);
    assert_snapshot!(ask("/users".to_owned()).await, @r#"200 {"_id":"{id}","email":"eve@example.org","firstname":"Eve","lastname":"Doe","emailverified":false}"#);
    let made = t.post("/projects").showing(&token).json(&json!({ "name": "Mine" })).send().await;
    assert_snapshot!(made, @r#"403 {"success":false,"msg":"you dont have the required role."}"#);
    assert_eq!(t.ask("DELETE", "/users").showing(&token).send().await.status, 403);
    assert_eq!(t.put("/users").showing(&token).json(&json!({ "firstname": "X" })).send().await.status, 403);
}

#[tokio::test]
async fn a_role_needs_an_address() {
    let (t, _, shop) = shop().await;
    let token = signed(&shop.secret, &with(&shop, json!({ "role": "admin" })));
    assert_snapshot!(sign_in(&t, &format!("JWT {token}")).await, @r#"422 {"errors":[{"msg":"is required","param":"email","location":"body"}]}"#);
}

#[tokio::test]
async fn a_member_keeps_its_role_whatever_is_claimed() {
    let (t, ann, shop) = shop().await;
    let bob = t.person("bob").await;
    t.join(&ann, &shop, &bob, "agent").await;
    let wanted = with(&shop, json!({ "role": "owner", "email": bob.email, "firstname": "Other" }));
    let answer = sign_in(&t, &format!("JWT {}", signed(&shop.secret, &wanted))).await;
    assert_snapshot!(answer, @r#"200 {"success":true,"token":"JWT {jwt}","user":{"_id":"{bob}","email":"bob@example.org","firstname":"bob","lastname":"Doe","emailverified":false,"status":100,"createdAt":"2026-11-18T11:06:40.000Z","updatedAt":"2026-11-18T11:06:40.000Z","__v":0}}"#);
    let keys = t.post(&format!("/{}/keys/generate", shop.id)).showing(&answer.text("/token")).send().await;
    assert_snapshot!(keys, @r#"403 {"success":false,"msg":"you dont have the required role."}"#);
}

#[tokio::test]
async fn a_stranger_s_account_is_not_handed_out() {
    let (t, _, shop) = shop().await;
    let bob = t.person("bob").await;
    let wanted = with(&shop, json!({ "role": "agent", "email": bob.email }));
    assert_snapshot!(sign_in(&t, &format!("JWT {}", signed(&shop.secret, &wanted))).await, @r#"403 {"success":false,"msg":"you dont belong to the project."}"#);
}

#[tokio::test]
async fn other_roles_are_the_role_of_the_external_user() {
    let (t, _, shop) = shop().await;
    let token = signed(&shop.secret, &with(&shop, json!({ "role": "supervisor" })));
    let answer = sign_in(&t, &format!("JWT {token}")).await;
    assert_eq!(answer.text("/token"), format!("JWT {token}"));
    let check = t.get(&format!("/{}/authtestWithRoleCheck", shop.id)).showing(&format!("JWT {token}")).send().await;
    assert_snapshot!(check, @r#"200 {"success":true}"#);
}

#[tokio::test]
async fn a_project_speaks_for_a_member_on_its_own_routes() {
    let (t, ann, shop) = shop().await;
    let bob = t.person("bob").await;
    t.join(&ann, &shop, &bob, "agent").await;
    let club = t.place(&ann, "club").await;
    t.join(&ann, &club, &bob, "agent").await;
    let token = format!("JWT {}", signed(&shop.secret, &with(&shop, json!({ "_id": bob.id, "sub": "user" }))));
    let ask = async |path: String| t.get(&path).showing(&token).send().await;
    assert_snapshot!(ask(format!("/{}/authtestWithRoleCheck", shop.id)).await, @r#"200 {"success":true}"#);
    assert_snapshot!(ask(format!("/{}/authtestWithRoleCheck", club.id)).await, @r#"403 {"success":false,"msg":"you dont belong to the project."}"#);
    assert_snapshot!(ask("/users".to_owned()).await, @"401 Unauthorized");
    assert_snapshot!(ask("/projects".to_owned()).await, @"401 Unauthorized");
    let chat = t.post("/chat21/native/auth/createCustomToken").showing(&token).send().await;
    assert_snapshot!(chat, @"401 Unauthorized");
}

#[tokio::test]
async fn a_project_does_not_speak_for_strangers() {
    let (t, _, shop) = shop().await;
    let bob = t.person("bob").await;
    for sub in [json!("user"), Value::Null] {
        let token = signed(&shop.secret, &with(&shop, json!({ "_id": bob.id, "sub": sub })));
        assert_eq!(sign_in(&t, &format!("JWT {token}")).await.to_string(), "401 Unauthorized");
        let check = t.get(&format!("/{}/authtestWithRoleCheck", shop.id)).showing(&format!("JWT {token}")).send().await;
        assert_eq!(check.to_string(), "401 Unauthorized");
    }
}
