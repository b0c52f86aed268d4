//! Tiledesk: requests as its clients really send them, and every form of `Authorization` (sheet §1 and §2).

use super::{PASSWORD, Person, Place, Server};
use crate::support::{claims, signed};
use insta::assert_snapshot;
use serde_json::json;

#[tokio::test]
async fn every_route_is_there_bare_and_below_the_prefixes() {
    let t = Server::start().await;
    t.person("ann").await;
    let body = json!({ "email": "ann@example.org", "password": PASSWORD });
    for path in ["/auth/signin", "/v1/auth/signin", "/v2/auth/signin", "/v3/auth/signin", "/api/auth/signin"] {
        assert_eq!(t.post(path).json(&body).send().await.status, 200, "{path}");
        let at_host = t.ask_root("POST", path).header("host", "tiledesk.localhost:7080").json(&body).send().await;
        assert_eq!(at_host.status, 200, "{path}");
    }
}

#[tokio::test]
async fn case_and_a_slash_at_the_end_make_no_difference() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    for path in ["/Users/", "/USERS", "/v3/users/"] {
        assert_eq!(t.get(path).showing(&ann.token).send().await.status, 200, "{path}");
    }
    assert_eq!(t.post("/AUTH/SIGNINANONYMOUSLY/").json(&json!({})).send().await.status, 422);
}

#[tokio::test]
async fn unknown_paths_and_methods_are_taken_for_projects() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let shop = t.place(&ann, "shop").await;
    let ask = async |method: &str, path: &str| t.ask(method, path).send().await;
    assert_snapshot!(ask("GET", "/auth/signin").await, @r#"400 {"error":"Invalid project id: auth"}"#);
    assert_snapshot!(ask("POST", "/auth/logout").await, @r#"400 {"error":"Invalid project id: auth"}"#);
    assert_snapshot!(ask("POST", "/auth/resigninAnonymously").await, @r#"400 {"error":"Invalid project id: auth"}"#);
    assert_snapshot!(ask("POST", "/v9/auth/signin").await, @r#"400 {"error":"Invalid project id: v9"}"#);
    assert_snapshot!(ask("GET", "/chat21/firebase/auth/createCustomToken").await, @r#"400 {"error":"Invalid project id: chat21"}"#);
    assert_snapshot!(ask("GET", "/5c81593adf767b0017d1aa68/widgets").await, @r#"400 {"error":"Project not found with id: {id}"}"#);
    assert_snapshot!(ask("GET", &format!("/{}/widgets", shop.id)).await, @r#"404 {"success":false,"msg":"Object not found."}"#);
    assert_snapshot!(ask("GET", "/").await, @r#"404 {"success":false,"msg":"Object not found."}"#);
    assert_snapshot!(ask("PUT", "/users_util/%FF").await, @r#"400 {"error":"Invalid project id: users_util"}"#);
    assert_snapshot!(ask("GET", "/users_util/%FF").await, @r#"400 {"err":"error"}"#);
}

#[tokio::test]
async fn n95_a_json_content_type_without_a_body_is_no_body() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    assert_eq!(t.get("/users").showing(&ann.token).raw("application/json", "").send().await.status, 200);
    for body in ["", "null", " \r\n"] {
        let asked = t.post("/auth/signinWithCustomToken").showing(&ann.token);
        assert_eq!(asked.raw("application/json; charset=utf-8", body).send().await.status, 200, "{body:?}");
    }
}

#[tokio::test]
async fn another_content_type_is_no_body() {
    let t = Server::start().await;
    let body = json!({ "email": "ann@example.org", "password": PASSWORD }).to_string();
    assert_snapshot!(t.post("/auth/signin").raw("text/plain", body).send().await, @r#"422 {"errors":[{"msg":"Invalid value","param":"email","location":"body"},{"msg":"Invalid value","param":"password","location":"body"}]}"#);
}

#[tokio::test]
async fn a_body_that_is_not_what_it_says_is_refused() {
    let t = Server::start().await;
    for body in [r#"{"email":"#, "nonsense", "7", r#""text""#, r#"{"email":"a\u0000b"}"#, r#"{"a":{"b":["\u0000"]}}"#] {
        let refused = t.post("/auth/signin").raw("application/json", body).send().await;
        assert_eq!(refused.to_string(), r#"400 {"err":"error"}"#, "{body}");
    }
    let nul = t.post("/auth/signin").form("email=a%00b&password=x").send().await;
    assert_snapshot!(nul, @r#"400 {"err":"error"}"#);
}

#[tokio::test]
async fn n95_bodies_have_a_limit() {
    let t = Server::start().await;
    let body = |size: usize| format!(r#"{{"email":"{}"}}"#, "a".repeat(size));
    assert_snapshot!(t.post("/auth/signin").raw("application/json", body(512_000)).send().await, @r#"413 {"err":"Request entity too large","limit":512000}"#);
    assert_eq!(t.post("/auth/signin").raw("application/json", body(400_000)).send().await.status, 422);
    assert_eq!(t.post("/auth/signin").raw("application/json", body(2 * 1024 * 1024)).send().await.status, 413);
}

#[tokio::test]
async fn n95_forms_of_requests_that_nobody_takes() {
    let t = Server::start().await;
    assert_eq!(t.ask("TRACE", "/auth/signin").send().await.status, 405);
    let squeezed = t.post("/auth/signin").header("content-encoding", "gzip").raw("application/json", "x");
    assert_eq!(squeezed.send().await.status, 415);
}

#[tokio::test]
async fn any_page_may_ask_and_read() {
    let t = Server::start().await;
    let asked = t.ask("OPTIONS", "/auth/signin").header("origin", "https://shop.example");
    let asked = asked.header("access-control-request-method", "POST");
    let preflight = asked.header("access-control-request-headers", "authorization,content-type").send().await;
    assert_eq!((preflight.status.as_u16(), preflight.body.as_str()), (204, ""));
    assert_eq!(preflight.header("access-control-allow-origin"), "*");
    assert_eq!(preflight.header("access-control-allow-methods"), "GET,HEAD,PUT,PATCH,POST,DELETE");
    assert_eq!(preflight.header("access-control-allow-headers"), "authorization,content-type");
    for answer in [t.get("/users").send().await, t.get("/nonsense").send().await, t.post("/auth/signin").send().await] {
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("set-cookie"), "");
    }
}

#[tokio::test]
async fn whoever_shows_nothing_is_asked_for_a_password() {
    let t = Server::start().await;
    let refused = t.get("/users").send().await;
    assert_snapshot!(refused, @"401 Unauthorized");
    assert_eq!(refused.header("www-authenticate"), r#"Basic realm="Users""#);
}

#[tokio::test]
async fn the_scheme_of_a_token_may_be_in_any_case() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let token = ann.token.strip_prefix("JWT ").unwrap();
    for header in [format!("jwt {token}"), format!("Jwt {token}"), format!("JWT  {token}")] {
        assert_eq!(t.get("/users").showing(&header).send().await.status, 200, "{header}");
    }
}

#[tokio::test]
async fn headers_of_other_forms() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let token = ann.token.strip_prefix("JWT ").unwrap();
    let ask = async |header: String| t.get("/users").showing(&header).send().await;
    assert_snapshot!(ask(token.to_owned()).await, @"400 Bad Request");
    assert_snapshot!(ask(format!("Bearer {token}")).await, @"401 Unauthorized");
    assert_snapshot!(ask(format!("JWT {token} more")).await, @r#"403 {"success":false,"msg":"Unauthorized."}"#);
    assert_snapshot!(ask("JWT".to_owned()).await, @"400 Bad Request");
    assert_snapshot!(ask(String::new()).await, @"401 Unauthorized");
    assert_snapshot!(t.get(&format!("/users?token={token}")).send().await, @"401 Unauthorized");
}

#[tokio::test]
async fn n66_basic_credentials() {
    let t = Server::start().await;
    t.person("ann").await;
    let form =
        json!({ "email": "col@example.org", "password": "a colon: in the midst", "firstname": "C", "lastname": "D" });
    t.post("/auth/signup").json(&form).send().await;
    assert_eq!(t.get("/users").basic("ANN@example.org", PASSWORD).send().await.status, 200);
    assert_eq!(t.get("/users").basic("col@example.org", "a colon: in the midst").send().await.status, 200);
    for (user, password) in [("ann@example.org", "wrong"), ("", PASSWORD), ("bob@example.org", PASSWORD), ("ann", "")] {
        let refused = t.get("/users").basic(user, password).send().await;
        assert_eq!(refused.to_string(), "401 Unauthorized", "{user}");
        assert_eq!(refused.header("www-authenticate"), r#"Basic realm="Users""#);
    }
    for header in ["Basic", "Basic ***", "Basic YWJj", "Basic /////w=="] {
        let refused = t.get("/users").showing(header).send().await;
        assert!([400, 401].contains(&refused.status.as_u16()), "{header}: {refused}");
    }
}

/// Ann, who owns a shop, on a server that lets tokens come in queries.
async fn compatible() -> (Server, Person, Place, String) {
    let t = Server::start_compatible().await;
    let ann = t.person("ann").await;
    let shop = t.place(&ann, "shop").await;
    let token = ann.token.strip_prefix("JWT ").unwrap().to_owned();
    (t, ann, shop, token)
}

#[tokio::test]
async fn a_token_in_the_query_wants_a_header_of_two_words_beside_it() {
    let (t, _, _, token) = compatible().await;
    let path = format!("/users?secret_token={token}");
    assert_snapshot!(t.get(&path).send().await, @r#"403 {"success":false,"msg":"Unauthorized."}"#);
    assert_snapshot!(t.get(&path).showing("two words").send().await, @r#"200 {"_id":"{ann}","email":"ann@example.org","firstname":"ann","lastname":"Doe","emailverified":false}"#);
    assert_snapshot!(t.get(&path).showing("one").send().await, @r#"403 {"success":false,"msg":"Unauthorized."}"#);
    assert_snapshot!(t.get(&path).showing("JWT nonsense").send().await, @"401 Unauthorized");
    assert_snapshot!(t.get("/users?secret_token=nonsense").showing("two words").send().await, @"401 Unauthorized");
    assert_eq!(t.post("/auth/signinWithCustomToken?secret_token=x").send().await.status, 401);
}

#[tokio::test]
async fn n40_a_project_lets_tokens_come_in_queries_only_if_it_says_so() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let token = ann.token.strip_prefix("JWT ").unwrap();
    let path = format!("/users?secret_token={token}");
    assert_snapshot!(t.get(&path).showing("two words").send().await, @"401 Unauthorized");
}

#[tokio::test]
async fn the_token_that_chooses_the_key_is_the_token_that_is_judged() {
    let (t, ann, shop, token) = compatible().await;
    let bob = t.person("bob").await;
    let mine = t.place(&bob, "mine").await;
    // Signed with the secret of a project of Bob's, for Ann's shop.
    let forged = signed(&mine.secret, &json!({ "_id": ann.id, "sub": "user", "aud": shop.audience() }));
    let own = mine.external("123");
    for (header, query) in [(own.as_str(), forged.as_str()), (&forged, &own), (&forged, &token)] {
        let path = format!("/{}/authtestWithRoleCheck?secret_token={query}", shop.id);
        let refused = t.get(&path).showing(&format!("JWT {header}")).send().await;
        assert!([401, 403].contains(&refused.status.as_u16()), "{refused}");
    }
    assert_eq!(claims(&token)["_id"], ann.id);
}
