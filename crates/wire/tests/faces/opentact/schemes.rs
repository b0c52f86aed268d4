//! Six methods in headers and in the query, alone and together.

use std::time::Duration;

use http::StatusCode;
use insta::assert_snapshot;
use ringfence_core::error::AuthError;

use super::server::{PASSWORD, Server, User, lenient};
use crate::support::{Asking, basic};

/// The methods that this build judges by itself: name, header, name in the query.
const METHODS: [(&str, Option<&str>, Option<&str>); 5] = [
    ("basic", Some("authorization"), None),
    ("jwt", Some("x-auth-token"), Some("jwt")),
    ("google", Some("x-auth-google-token"), Some("google_token")),
    ("facebook", Some("x-auth-facebook-token"), Some("facebook_token")),
    ("key", Some("authorization"), Some("bearer")),
];

/// What Ann shows by each method.
struct Secrets {
    ann: User,
    key: String,
}

impl Secrets {
    async fn of(t: &Server) -> Self {
        let ann = t.user("ann").await;
        let key = t.key(&ann, 3600).await;
        for (header, token) in [("x-auth-google-token", "g gina"), ("x-auth-facebook-token", "f fay")] {
            let first = t.ask("GET", "/auth").header(header, token).send().await;
            assert_eq!(first.status, 200, "{first}");
        }
        Self { ann, key }
    }

    fn by(&self, method: &str) -> String {
        match method {
            "basic" => basic(&self.ann.email, PASSWORD).split_off("Basic ".len()),
            "jwt" => self.ann.jwt.clone(),
            "google" => "g gina".to_owned(),
            "facebook" => "f fay".to_owned(),
            _ => self.key.clone(),
        }
    }
}

fn in_header(asking: Asking, method: &str, header: &str, secret: &str) -> Asking {
    match method {
        "basic" => asking.header(header, &format!("Basic {secret}")),
        "key" => asking.header(header, &format!("Bearer {secret}")),
        _ => asking.header(header, secret),
    }
}

fn encoded(secret: &str) -> String {
    secret.replace(' ', "%20")
}

/// The status of a request to an ordinary route, by header and by query.
async fn statuses(t: &Server, base: &str, method: &str, secret: &str) -> Vec<u16> {
    let (_, header, parameter) = METHODS.iter().find(|known| known.0 == method).unwrap();
    let path = format!("{base}/rest/account");
    let mut seen = Vec::new();
    if let Some(header) = header {
        let answer = in_header(t.root("GET", &path), method, header, secret).send().await;
        seen.push(answer.status.as_u16());
    }
    if let Some(parameter) = parameter {
        let answer = t.root("GET", &format!("{path}?{parameter}={}", encoded(secret))).send().await;
        seen.push(answer.status.as_u16());
    }
    seen
}

#[tokio::test]
async fn every_method_works_on_an_ordinary_route_and_wrong_ones_do_not() {
    let t = Server::start_with(lenient()).await;
    let secrets = Secrets::of(&t).await;
    for (method, ..) in METHODS {
        let good = secrets.by(method);
        let seen = statuses(&t, "/opentact", method, &good).await;
        assert!(seen.iter().all(|status| *status == 200), "{method}: {seen:?}");
        let half = &good[1..];
        for wrong in ["x", "null", "***", "eyJhbGciOiJub25lIn0.e30.", half] {
            let seen = statuses(&t, "/opentact", method, wrong).await;
            assert!(seen.iter().all(|status| *status == 401), "{method} {wrong}: {seen:?}");
        }
    }
}

#[tokio::test]
async fn n89_what_is_good_in_one_project_is_nothing_in_another() {
    let t = Server::start_with(lenient()).await;
    let secrets = Secrets::of(&t).await;
    for method in ["basic", "jwt", "key"] {
        let seen = statuses(&t, "/elsewhere", method, &secrets.by(method)).await;
        assert!(seen.iter().all(|status| *status == 401), "{method}: {seen:?}");
    }
}

#[tokio::test]
async fn n84_a_providers_token_for_another_application_lets_nobody_in() {
    let t = Server::start_with(lenient()).await;
    for (method, foreign) in [("google", "other gina"), ("facebook", "other fay"), ("google", "f fay")] {
        let seen = statuses(&t, "/opentact", method, foreign).await;
        assert!(seen.iter().all(|status| *status == 401), "{method}: {seen:?}");
    }
    let down = t.ask("GET", "/auth").header("x-auth-google-token", "down").send().await;
    assert_snapshot!(down, @r#"503 application/json {"message":"Temporarily unavailable","meta":{"code":"unavailable"},"status":503,"success":false}"#);
}

#[tokio::test]
async fn n83_an_unproved_address_of_somebody_else_links_nothing() {
    let t = Server::start().await;
    t.user("ann").await;
    let google = async |token: &str| t.ask("GET", "/auth").header("x-auth-google-token", token).send().await;
    // Neither side proved it, then only the provider.
    assert_snapshot!(google("g eve ann@example.org").await, @r#"409 application/json {"message":"An account with this address exists. Log in to it with its password once to link it.","meta":{"code":"conflict"},"status":409,"success":false}"#);
    assert_eq!(google("g eve ann@example.org verified").await.status, 409);
    let secret = t.link(1).await;
    let (identity, token) = secret.trim_start_matches("https://auth.test/email/").split_once('/').unwrap();
    let form = "x=1".to_owned();
    let proved = t.root("POST", &format!("/email/{identity}/{token}"));
    assert_eq!(proved.raw("application/x-www-form-urlencoded", form).send().await.status, StatusCode::SEE_OTHER);
    assert_eq!(google("g eve ann@example.org").await.status, 409);
    let linked = google("g gina ann@example.org verified").await;
    assert_eq!(linked.json()["payload"]["email"], "ann@example.org");
    assert_eq!(linked.json()["payload"]["gmail_user_id"], "gina");
}

#[tokio::test]
async fn expired_and_revoked_credentials_are_refused_alike() {
    let t = Server::start_with(lenient()).await;
    let secrets = Secrets::of(&t).await;
    let short = t.key(&secrets.ann, 60).await;
    t.world.clock.advance(Duration::from_mins(1));
    assert_eq!(statuses(&t, "/opentact", "key", &short).await, [401, 401]);
    let gone = t.ask("DELETE", &format!("/token/{}", secrets.key)).jwt(&secrets.ann.jwt).send().await;
    assert_eq!(gone.status, 200, "{gone}");
    assert_eq!(statuses(&t, "/opentact", "key", &secrets.key).await, [401, 401]);
    t.world.clock.advance(Duration::from_hours(24));
    assert_eq!(statuses(&t, "/opentact", "jwt", &secrets.ann.jwt).await, [401, 401]);
    let ann = t.signed_in("ann@example.org").await;
    let key = t.key(&ann, 3600).await;
    let id = ann.id.parse().unwrap();
    t.authority.suspend_identity(&t.world.ctx(), &t.permit(), id, true).await.unwrap();
    for (method, secret) in [("basic", secrets.by("basic")), ("jwt", ann.jwt.clone()), ("key", key)] {
        let seen = statuses(&t, "/opentact", method, &secret).await;
        assert!(seen.iter().all(|status| *status == 401), "{method}: {seen:?}");
    }
    let refused = t.ask("GET", "/auth").header("authorization", &ann.basic).send().await;
    assert_snapshot!(refused, @r#"401 application/json {"message":"Unauthorized","meta":{"code":"unauthorized"},"status":401,"success":false}"#);
}

#[tokio::test]
async fn n40_secrets_in_the_query_need_the_projects_consent() {
    let t = Server::start().await;
    let secrets = Secrets::of(&t).await;
    for (method, _, parameter) in METHODS {
        let Some(parameter) = parameter else { continue };
        // Good or bad: nothing is judged.
        for secret in [secrets.by(method), "x".to_owned()] {
            let answer = t.ask("GET", &format!("/account?{parameter}={}", encoded(&secret))).send().await;
            assert_eq!(answer.status, 400, "{method}");
            assert_eq!(answer.json()["meta"]["code"], "token_in_query", "{method}");
        }
    }
    assert_snapshot!(t.ask("GET", "/auth?jwt=x").send().await, @r#"400 application/json {"message":"Credentials in the query are not accepted here; send a header.","meta":{"code":"token_in_query"},"status":400,"success":false}"#);
    let t = Server::start_with(lenient()).await;
    let ann = t.user("ann").await;
    t.world.audited(t.project.id).await;
    assert_eq!(t.ask("GET", &format!("/auth?jwt={}", ann.jwt)).send().await.status, 200);
    let trail = t.world.audited(t.project.id).await;
    assert!(trail.iter().any(|entry| entry.action == "compat.token_in_query"), "{trail:?}");
}

#[tokio::test]
async fn authorization_decides_alone_when_it_is_there() {
    let t = Server::start_with(lenient()).await;
    let (ann, bob) = (t.user("ann").await, t.user("bob").await);
    let key = t.key(&bob, 60).await;
    let who = async |asking: Asking| {
        let answer = asking.send().await;
        (answer.status.as_u16(), answer.json()["payload"]["email"].as_str().map(str::to_owned))
    };
    let ok = |name: &str| (200, Some(format!("{name}@example.org")));
    let ask = || t.ask("GET", "/auth");
    // What the client does to renew a stale token.
    assert_eq!(who(ask().header("authorization", &ann.basic).jwt("stale")).await, ok("ann"));
    // An administrator beside an ordinary user's token.
    assert_eq!(who(ask().header("authorization", &ann.basic).jwt(&bob.jwt)).await, ok("ann"));
    assert_eq!(who(ask().header("authorization", &format!("bEaReR {key}")).jwt(&ann.jwt)).await, ok("bob"));
    for bad in ["Basic x", "Basic", "Bearer", "Bearer x", &basic("ann@example.org", "wrong")] {
        assert_eq!(who(ask().header("authorization", bad).jwt(&ann.jwt)).await, (401, None), "{bad}");
    }
    for unknown in ["Digest x", "JWT x", &ann.jwt, "undefined", ""] {
        assert_eq!(who(ask().header("authorization", unknown).jwt(&ann.jwt)).await, ok("ann"), "{unknown}");
        assert_eq!(who(ask().header("authorization", unknown)).await, (401, None), "{unknown}");
    }
}

#[tokio::test]
async fn the_first_token_that_is_there_decides_alone() {
    let t = Server::start_with(lenient()).await;
    let ann = t.user("ann").await;
    let status = async |asking: Asking| asking.send().await.status.as_u16();
    let ask = |query: &str| t.ask("GET", &format!("/auth{query}"));
    assert_eq!(status(ask("").jwt("x").header("x-auth-google-token", "g gina")).await, 401);
    assert_eq!(status(ask("").jwt(&ann.jwt).header("x-auth-google-token", "x")).await, 200);
    assert_eq!(status(ask("").header("x-auth-google-token", "g gina").header("x-auth-facebook-token", "x")).await, 200);
    assert_eq!(status(ask("").header("x-auth-facebook-token", "f fay").header("x-auth-ha1b-token", "x")).await, 200);
    // The header before the query of the same method, the method before the place.
    assert_eq!(status(ask("?jwt=x").jwt(&ann.jwt)).await, 200);
    assert_eq!(status(ask(&format!("?jwt={}", ann.jwt)).jwt("x")).await, 401);
    assert_eq!(status(ask(&format!("?jwt={}", ann.jwt)).header("x-auth-google-token", "x")).await, 200);
    // A header that says nothing is not there.
    assert_eq!(status(ask("").jwt(" ").header("x-auth-google-token", "g gina")).await, 200);
    // Twice the same: refused, whatever decides.
    let twice = format!("?jwt={0}&jwt={0}", ann.jwt);
    assert_snapshot!(ask(&twice).send().await, @r#"400 application/json {"message":"The same credential was sent more than once.","meta":{"code":"invalid"},"status":400,"success":false}"#);
    assert_eq!(status(ask(&twice).header("authorization", &ann.basic)).await, 400);
    assert_eq!(status(ask("").jwt(&ann.jwt).jwt(&ann.jwt)).await, 400);
    let both = ask("").header("authorization", &ann.basic).header("authorization", &ann.basic);
    assert_eq!(status(both).await, 400);
}

#[tokio::test]
async fn n66_basic_is_read_as_its_rfc_has_it() {
    let t = Server::start().await;
    let ann = t.user("ann").await;
    assert!(PASSWORD.contains(':'));
    let status = async |value: &str| t.ask("GET", "/auth").header("authorization", value).send().await.status.as_u16();
    let upper = ann.basic.replace("Basic", "BASIC");
    for good in [ann.basic.clone(), upper, format!("{}  ", ann.basic), ann.basic.replacen(' ', "   ", 1)] {
        assert_eq!(status(&good).await, 200, "{good}");
    }
    let empty_user = basic("", PASSWORD);
    let latin = format!("Basic {}", "YW5u6UBleGFtcGxlLm9yZzp4");
    for bad in ["Basic YW5uQGV4YW1wbGUub3Jn", &empty_user, &latin, "Basic !!!", "Basic ="] {
        assert_eq!(status(bad).await, 401, "{bad}");
    }
}

#[tokio::test]
async fn n87_keys_are_for_programs_and_not_for_pages() {
    let t = Server::start().await;
    let ann = t.user("ann").await;
    let key = t.key(&ann, 3600).await;
    let ask = |method: &str, path: &str| t.ask(method, path).header("authorization", &format!("Bearer {key}"));
    assert_eq!(ask("GET", "/account").send().await.status, 200);
    let from_a_page = ask("GET", "/account").header("origin", "https://app.example.org").send().await;
    assert_eq!(from_a_page.status, 401);
    // It neither makes others nor prolongs itself, and is not exchanged for a token that would outlive it.
    let wanted = serde_json::json!({ "name": "more", "ttl": 99_999_999 });
    assert_snapshot!(ask("POST", "/token").json(&wanted).send().await, @r#"403 application/json {"message":"Forbidden","meta":{"code":"forbidden"},"status":403,"success":false}"#);
    assert_eq!(ask("GET", "/token/list").send().await.status, 403);
    assert_eq!(ask("DELETE", "/token/all").send().await.status, 403);
    assert_eq!(ask("GET", "/auth").send().await.json()["payload"]["token"], serde_json::Value::Null);
    let change = serde_json::json!({ "email": "eve@example.org" });
    assert_eq!(ask("PATCH", &format!("/user/{}", ann.id)).json(&change).send().await.status, 403);
    assert_eq!(ask("DELETE", &format!("/user/{}", ann.id)).send().await.status, 403);
    // It may be thrown away by whoever has it.
    assert_eq!(ask("DELETE", &format!("/token/{key}")).send().await.status, 200);
    assert_eq!(ask("GET", "/account").send().await.status, 401);
}

#[tokio::test]
async fn keys_of_back_ends_and_guests_have_no_account_here() {
    let t = Server::start().await;
    let wanted = ringfence_core::authority::ApiKeyRequest {
        label: "backend".to_owned(),
        scopes: [ringfence_core::caller::Scope::All].into_iter().collect(),
        application: None,
        expires_at: None,
        value: None,
    };
    let key = t.authority.create_api_key(&t.world.ctx(), &t.permit(), wanted).await.unwrap();
    let bearer = format!("Bearer {}", key.value.expose());
    let answer = t.ask("GET", "/auth").header("authorization", &bearer).send().await;
    assert_snapshot!(answer, @r#"403 application/json {"message":"Forbidden","meta":{"code":"forbidden"},"status":403,"success":false}"#);
    assert!(matches!(
        t.authority.compat(ringfence_core::project::ProjectRef::Name("none".to_owned())).await,
        Err(AuthError::NotFound(_))
    ));
}

#[tokio::test]
async fn guessing_passwords_is_slowed_down() {
    let t = Server::start().await;
    t.user("ann").await;
    let wrong = basic("ann@example.org", "wrong");
    let mut seen = Vec::new();
    for _ in 0..12 {
        let answer = t.ask("GET", "/auth").header("authorization", &wrong).send().await;
        seen.push((answer.status.as_u16(), answer.header("retry-after").is_empty()));
    }
    assert_eq!(seen[0], (401, true));
    assert_eq!(seen[11], (429, false), "{seen:?}");
}
