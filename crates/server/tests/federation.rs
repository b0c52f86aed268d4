//! Identity providers, through the real program and a provider that is a server of its own.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

#[path = "support/provider.rs"]
mod provider;
mod support;

use std::{
    collections::HashMap,
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    thread,
    time::Duration,
};

use provider::{Mood, Provider};
use ringfence_core::time::{Clock as _, SystemClock};
use serde_json::{Value, json};
use support::{Folder, Server};

const APP: &str = "X-Keyclic-App: com.keyclic.app\r\n";
const CONFIG: &str = r#"
[server]
public_url = "http://ringfence.test"
[dialects.tiledesk]
dashboard_url = "https://dashboard.example/panel/"
redirect_urls = "https://shop.example/after https://other.example/"
"#;

/// The server with a provider for everything.
struct Case {
    provider: Provider,
    folder: Folder,
    server: Server,
}

/// An answer with what of its head the tests look at.
#[derive(Debug)]
struct Answer {
    status: u16,
    location: String,
    cookie: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

fn file(provider: &Provider) -> String {
    let (certs, issuer) = (provider.url("/certs"), provider.url(""));
    let (authorize, token) = (provider.url("/authorize"), provider.url("/token"));
    format!(
        r#"
[[project]]
name = "default"
[[project.application]]
name = "city"
publishable_key = "0123456789abcdef0123456789abcdef"
aliases = {{ keyclic = "com.keyclic.app" }}
[[project.identity]]
email = "ann@gmail.com"
password = "correct horse battery staple"
[project.federation.google]
client_ids = ["web", "android"]
client_secret_file = "google.secret"
jwks_url = "{certs}"
authorization_url = "{authorize}"
token_url = "{token}"
[project.federation.facebook]
app_id = "app-1"
app_secret = "fb-secret"
graph_url = "{issuer}"
limited_login = {{ jwks_urls = ["{certs}"], issuers = ["https://limited.facebook.com"] }}
[project.federation.oidc]
issuer = "{issuer}"
client_ids = ["ours"]
client_secret = "oidc-secret"
"#
    )
}

impl Case {
    fn new() -> Self {
        let (provider, folder) = (Provider::start(), Folder::new());
        folder.file("provision.toml", &file(&provider));
        folder.file("google.secret", "google-secret\n");
        folder.file("ringfence.toml", CONFIG);
        let server = folder.start(&["serve", "--config", "ringfence.toml", "--apply", "provision.toml"]);
        Self { provider, folder, server }
    }

    fn ask(&self, method: &str, path: &str, headers: &str, body: Option<&Value>) -> Answer {
        ask(&self.server, method, path, &format!("Host: ringfence.test\r\n{headers}"), body)
    }

    /// Shows Facebook's token through the face that takes it.
    fn facebook(&self, token: &str) -> (u16, Value) {
        let body = json!({ "accessToken": token });
        let answer = self.ask("POST", "/keyclic/security/connect/facebook", APP, Some(&body));
        (answer.status, answer.json())
    }

    /// Shows an ID token of a company through the face that takes it.
    fn company(&self, token: &str) -> (u16, Value) {
        let body = json!({ "grantType": "external_auth", "idToken": token });
        let answer = self.ask("POST", "/keyclic/auth/token", APP, Some(&body));
        (answer.status, answer.json())
    }

    /// Shows a token of Google through our own API.
    fn google(&self, token: &str, nonce: Option<&str>) -> (u16, Value) {
        let application = "0123456789abcdef0123456789abcdef";
        let body = json!({ "application": application, "provider": "google", "token": token, "nonce": nonce });
        let answer = self.ask("POST", "/api/v1/federated", "", Some(&body));
        (answer.status, answer.json())
    }

    /// A token of the company, changed.
    fn issued(&self, change: &Value) -> String {
        provider::token("k1", &claims(&self.provider.url(""), "ours", change))
    }

    /// A browser on its way to a provider: where it is sent, and its cookie.
    fn leaves(&self, path: &str) -> (HashMap<String, String>, String) {
        let answer = self.ask("GET", path, "", None);
        assert_eq!(answer.status, 303, "{answer:?}");
        let query = answer.location.strip_prefix(&format!("{}?", self.provider.url("/authorize"))).unwrap();
        let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        (query, answer.cookie.split(';').next().unwrap().to_owned())
    }

    /// The browser comes back from Google with a code for a token with these claims.
    fn comes_back(&self, sent: &HashMap<String, String>, cookie: &str, change: &Value) -> Answer {
        let mut said = json!({ "nonce": sent["nonce"] });
        for (name, value) in change.as_object().unwrap() {
            said[name] = value.clone();
        }
        let token = provider::token("k1", &claims("https://accounts.google.com", "web", &said));
        let code = format!("code-{}", sent["state"]);
        self.provider.gives_for_code(&code, json!({ "id_token": token, "token_type": "Bearer" }));
        let path = format!("/tiledesk/auth/google/callback?code={code}&state={}", sent["state"]);
        self.ask("GET", &path, &format!("Cookie: {cookie}\r\n"), None)
    }

    /// Who bears a token that came with a redirect.
    fn bearer(&self, location: &str) -> Value {
        let token = location.split_once("JWT%20").unwrap().1;
        self.ask("GET", "/tiledesk/users", &format!("Authorization: JWT {token}\r\n"), None).json()
    }
}

fn ask(server: &Server, method: &str, path: &str, headers: &str, body: Option<&Value>) -> Answer {
    let mut stream = TcpStream::connect(server.main).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let body = body.map(Value::to_string).unwrap_or_default();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\n{headers}Connection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let header = |name: &str| {
        let mut fields = head.lines().filter_map(|line| line.split_once(':'));
        fields.find(|field| field.0.eq_ignore_ascii_case(name)).map(|field| field.1.trim().to_owned())
    };
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        location: header("location").unwrap_or_default(),
        cookie: header("set-cookie").unwrap_or_default(),
        body: body.to_owned(),
    }
}

fn now() -> i64 {
    SystemClock.now().seconds()
}

fn claims(issuer: &str, audience: &str, change: &Value) -> Value {
    let mut claims = json!({ "iss": issuer, "aud": audience, "sub": "4711", "iat": now(), "exp": now() + 3600 });
    for (name, value) in change.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

#[test]
fn facebook_signs_in_and_what_is_wrong_is_told_from_what_is_down() {
    let t = Case::new();
    let (status, first) = t.facebook("app-1 4711");
    assert_eq!(status, 200, "{first}");
    assert_eq!(t.facebook("app-1 4711").1["credentials"]["id"], first["credentials"]["id"]);
    for (token, code) in [("app-2 4711", "token_audience"), ("garbage", "token_signature")] {
        let (status, body) = t.facebook(token);
        assert_eq!((status, body["code"].as_str()), (401, Some(code)), "{token} N84");
    }
    let elsewhere = Provider::start();
    for mood in [Mood::Failing(500), Mood::Redirecting(elsewhere.url("/me")), Mood::Huge, Mood::Html, Mood::Cutting] {
        t.provider.is(mood.clone());
        let (status, body) = t.facebook("app-1 4711");
        assert_eq!((status, body["code"].as_str()), (503, Some("unavailable")), "{mood:?}");
    }
    assert!(elsewhere.questions().is_empty());
    t.provider.is(Mood::Well);
    assert_eq!(t.facebook("app-1 4711").0, 200);
}

#[test]
fn a_silent_provider_holds_up_nobody_else() {
    let t = Case::new();
    assert_eq!(t.company(&t.issued(&json!({}))).0, 200);
    t.provider.is(Mood::Silent);
    thread::scope(|scope| {
        let waiting: Vec<_> = (0..40).map(|_| scope.spawn(|| t.facebook("app-1 4711").0)).collect();
        while t.provider.asked("/debug_token") == 0 {
            thread::yield_now();
        }
        assert_eq!(t.company(&t.issued(&json!({ "sub": "4712" }))).0, 200);
        assert!(waiting.iter().all(|request| !request.is_finished()));
        for request in waiting {
            assert_eq!(request.join().unwrap(), 503);
        }
    });
}

#[test]
fn an_issuer_is_found_by_discovery_and_its_keys_may_change() {
    let t = Case::new();
    assert_eq!(t.company(&t.issued(&json!({}))).0, 200);
    t.provider.publishes(&["k2"]);
    let rotated = provider::token("k2", &claims(&t.provider.url(""), "ours", &json!({})));
    assert_eq!(t.company(&rotated).0, 200);
    let foreign = provider::token("foreign", &claims(&t.provider.url(""), "ours", &json!({})));
    for _ in 0..50 {
        let (status, body) = t.company(&foreign);
        assert_eq!((status, body["code"].as_str()), (401, Some("token_key")), "N18");
    }
    assert_eq!(t.provider.asked("/certs"), 2);
    for (change, code) in [
        (json!({ "iss": format!("{}/", t.provider.url("")) }), "token_issuer"),
        (json!({ "iss": "https://accounts.google.com" }), "token_issuer"),
        (json!({ "aud": "theirs" }), "token_audience"),
        (json!({ "exp": now() - 1 }), "token_expired"),
    ] {
        let token = provider::token("k2", &claims(&t.provider.url(""), "ours", &change));
        let (status, body) = t.company(&token);
        assert_eq!((status, body["code"].as_str()), (401, Some(code)), "{change} N13");
    }
}

#[test]
fn n84_google_speaks_for_the_clients_of_the_project_and_gives_a_nonce_back() {
    let t = Case::new();
    let signed = |change: Value| provider::token("k1", &claims("accounts.google.com", "android", &change));
    let (status, answer) = t.google(&signed(json!({ "azp": "web", "nonce": "n1" })), Some("n1"));
    assert!((200..300).contains(&status), "{answer}");
    for (change, nonce, code) in [
        (json!({ "aud": "another" }), None, "token_audience"),
        (json!({ "azp": "another" }), None, "token_audience"),
        (json!({}), Some("n1"), "token_claims"),
        (json!({ "nonce": "n2" }), Some("n1"), "token_claims"),
        (json!({ "iss": "accounts.google.com/" }), None, "token_issuer"),
    ] {
        let (status, body) = t.google(&signed(change.clone()), nonce);
        assert_eq!((status, body["code"].as_str()), (401, Some(code)), "{change}");
    }
    t.provider.is(Mood::Failing(500));
    let later = provider::token("k2", &claims("accounts.google.com", "web", &json!({})));
    assert_eq!(t.google(&later, None).0, 503);
}

#[test]
fn n14_an_issuer_that_a_token_names_is_not_asked() {
    let (t, attacker) = (Case::new(), Provider::start());
    attacker.publishes(&["foreign"]);
    let token = provider::token("foreign", &claims(&attacker.url(""), "ours", &json!({})));
    let (status, body) = t.company(&token);
    assert_eq!((status, body["code"].as_str()), (401, Some("token_issuer")));
    assert!(attacker.questions().is_empty() && t.provider.questions().is_empty());
}

#[test]
fn n83_an_address_links_only_where_both_sides_have_proved_it() {
    let t = Case::new();
    // The provisioned account is proved, but nobody said that the company gives out such addresses.
    let taken = t.issued(&json!({ "sub": "1", "email": "ann@gmail.com", "email_verified": true }));
    let (status, body) = t.company(&taken);
    assert_eq!((status, body["code"].as_str()), (400, Some("conflict")), "{body}");
    let by_google = |email: &str, subject: &str| {
        let (sent, cookie) = t.leaves("/tiledesk/auth/google");
        t.comes_back(&sent, &cookie, &json!({ "sub": subject, "email": email, "email_verified": true }))
    };
    let linked = by_google("ann@gmail.com", "1");
    assert_eq!(linked.status, 303, "{linked:?}");
    let person = json!({
        "email": "bob@gmail.com", "password": "violet otter under glass", "firstname": "Bob", "lastname": "B"
    });
    assert_eq!(t.ask("POST", "/tiledesk/auth/signup", "", Some(&person)).status, 200);
    let refused = by_google("bob@gmail.com", "2");
    assert_eq!((refused.status, refused.location.as_str()), (409, ""), "whoever signed up had not proved it");
}

#[test]
fn the_dashboard_signs_in_with_google_and_comes_back_with_a_token() {
    let t = Case::new();
    let (sent, cookie) = t.leaves("/tiledesk/auth/google?redirect_url=%2F%23%2Fcreate-project-gs%2F");
    let of = |name: &str| sent[name].as_str();
    assert_eq!([of("response_type"), of("client_id"), of("code_challenge_method")], ["code", "web", "S256"]);
    assert_eq!(of("redirect_uri"), "http://ringfence.test/tiledesk/auth/google/callback");
    let back = t.comes_back(&sent, &cookie, &json!({ "email": "fay@gmail.com", "email_verified": true }));
    assert_eq!(back.status, 303, "{back:?}");
    let home = "https://dashboard.example/panel/#/create-project-gs/?token=JWT%20ey";
    assert!(back.location.starts_with(home), "{back:?}");
    let fay = t.bearer(&back.location);
    assert_eq!((fay["email"].as_str(), fay["emailverified"].as_bool()), (Some("fay@gmail.com"), Some(true)), "{fay}");
    let exchange = t.provider.questions().into_iter().find(|asked| asked.starts_with("/token ")).unwrap();
    assert!(exchange.contains("code_verifier=") && !exchange.contains("google-secret"), "{exchange}");
    // Known again by subject, wherever the browser goes this time.
    let (sent, cookie) = t.leaves("/tiledesk/v2/auth/google?forced_redirect_url=https%3A%2F%2Fshop.example%2Fafter");
    let back = t.comes_back(&sent, &cookie, &json!({ "email": "new@gmail.com", "email_verified": true }));
    assert!(back.location.starts_with("https://shop.example/after?jwt=JWT%20ey"), "{back:?}");
    assert_eq!(t.bearer(&back.location)["_id"], fay["_id"]);
}

#[test]
fn n27_a_token_goes_to_configured_addresses_only() {
    let t = Case::new();
    for target in [
        "redirect_url=//evil.example",
        "redirect_url=/%5Cevil.example",
        "redirect_url=https://evil.example/%23/",
        "redirect_url=.evil.example/%23/",
        "redirect_url=%40evil.example/%23/",
        "redirect_url=/other",
        "redirect_url=/%23/%0d%0aSet-Cookie:x",
        "redirect_url=javascript:alert(1)",
        "forced_redirect_url=https://evil.example/",
        "forced_redirect_url=https://shop.example/after/more",
        "forced_redirect_url=https://shop.example/after%3Fx",
        "forced_redirect_url=javascript:alert(1)",
        "forced_redirect_url=data:text/html,x",
    ] {
        let answer = t.ask("GET", &format!("/tiledesk/auth/google?{target}"), "", None);
        assert_eq!((answer.status, answer.location.as_str()), (400, ""), "{target}");
    }
    // A host that is not the public one is led there, and never shown.
    let answer = ask(&t.server, "GET", "/tiledesk/auth/google", "Host: evil.example\r\n", None);
    let own = "http://ringfence.test/tiledesk/auth/google?redirect_url=%2F%23%2F&moved=1";
    assert_eq!((answer.status, answer.location.as_str()), (303, own));
}

#[test]
fn only_the_browser_that_left_comes_back() {
    let t = Case::new();
    let (sent, cookie) = t.leaves("/tiledesk/auth/google");
    let (other, other_cookie) = t.leaves("/tiledesk/auth/google");
    let callback = |query: &str, cookie: &str| {
        let answer =
            t.ask("GET", &format!("/tiledesk/auth/google/callback?{query}"), &format!("Cookie: {cookie}\r\n"), None);
        answer.status
    };
    let state = &sent["state"];
    assert_eq!(callback(&format!("code=x&state={state}"), "a=b"), 400, "no ticket");
    assert_eq!(callback(&format!("code=x&state={state}"), &other_cookie), 400, "another browser's state");
    assert_eq!(callback("code=x", &cookie), 400, "no state");
    assert_eq!(callback(&format!("code=x&state={state}"), &cookie.replace('A', "B")), 400, "a changed ticket");
    assert_eq!(callback(&format!("code=unknown&state={state}"), &cookie), 400, "a code that nobody gave");
    assert_eq!(callback(&format!("error=access_denied&state={state}"), &cookie), 401, "they said no");
    let path = format!("/tiledesk/auth/oauth2/callback?code=x&state={state}");
    assert_eq!(t.ask("GET", &path, &format!("Cookie: {cookie}\r\n"), None).status, 400, "another provider's way back");
    assert_eq!(
        t.comes_back(&sent, &cookie, &json!({ "nonce": other["nonce"] })).status,
        401,
        "another sign-in's token"
    );
    assert_eq!(t.comes_back(&sent, &cookie, &json!({ "aud": "android", "azp": "evil" })).status, 401, "N84");
    assert_eq!(t.comes_back(&sent, &cookie, &json!({ "iss": "https://accounts.google.com/" })).status, 400, "N13");
    assert_eq!(t.comes_back(&sent, &cookie, &json!({})).status, 303);
    let used = format!("code=code-{state}&state={state}");
    assert_eq!(callback(&used, &cookie), 400, "a code works once (N31)");
}

#[test]
fn n41_a_code_that_another_provider_gave_is_not_redeemed() {
    let t = Case::new();
    t.provider.says_of_itself("authorization_response_iss_parameter_supported", json!(true));
    let (sent, cookie) = t.leaves("/tiledesk/auth/oauth2");
    assert_eq!(sent["client_id"], "ours");
    let state = &sent["state"];
    let token = t.issued(&json!({ "nonce": sent["nonce"], "email": "fay@acme.example" }));
    t.provider.gives_for_code("code-1", json!({ "id_token": token }));
    let callback = |iss: &str| {
        let path = format!("/tiledesk/auth/oauth2/callback?code=code-1&state={state}{iss}");
        t.ask("GET", &path, &format!("Cookie: {cookie}\r\n"), None)
    };
    for iss in ["", "&iss=", "&iss=https://evil.example", &format!("&iss={}/", t.provider.url(""))] {
        let answer = callback(iss);
        assert_eq!((answer.status, answer.json()["msg"].as_str()), (400, Some("mixup")), "{iss}");
    }
    assert_eq!(t.provider.asked("/token"), 0);
    let back = callback(&format!("&iss={}", t.provider.url("")));
    assert!(back.location.starts_with("https://dashboard.example/panel/#/?token=JWT%20"), "{back:?}");
}

#[test]
fn a_provider_that_is_down_is_told_from_a_bad_code() {
    let t = Case::new();
    let (sent, cookie) = t.leaves("/tiledesk/auth/google");
    t.provider.is(Mood::Failing(500));
    assert_eq!(t.comes_back(&sent, &cookie, &json!({})).status, 503);
    t.provider.is(Mood::Failing(401));
    assert_eq!(t.comes_back(&sent, &cookie, &json!({})).status, 503, "our own credentials are at fault");
}

#[test]
fn what_providers_gave_as_secrets_is_nowhere_in_the_clear() {
    let t = Case::new();
    t.facebook("app-1 4711");
    let (sent, cookie) = t.leaves("/tiledesk/auth/google");
    t.comes_back(&sent, &cookie, &json!({}));
    let shown = t.folder.run(&["--json", "project", "show", "default"]).done();
    let again = t.folder.run(&["--json", "apply", "provision.toml"]).done();
    assert_eq!(again.json()["steps"][0]["action"], "leave", "{}", again.out);
    let mut texts = vec![shown.out, again.out];
    for name in ["ringfence.db", "ringfence.db-wal"] {
        texts.extend(fs::read(t.folder.path().join(name)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()));
    }
    t.server.signal("-TERM");
    texts.push(t.server.ended().1);
    for text in texts {
        for secret in ["fb-secret", "google-secret", "oidc-secret", &sent["state"]] {
            assert!(!text.contains(secret), "{secret}");
        }
    }
}

#[test]
fn n92_settings_that_reach_where_they_should_not_are_refused() {
    let folder = Folder::with_project();
    for (provider, says) in [
        (
            "[project.federation.google]\nclient_ids = [\"web\"]\njwks_url = \"http://169.254.169.254/latest\"",
            "private_addresses",
        ),
        (
            "[project.federation.google]\nclient_ids = [\"web\"]\njwks_url = \"https://0x7f000001/\"",
            "private_addresses",
        ),
        ("[project.federation.acme]\nclient_ids = [\"web\"]\nissuer = \"https://10.0.0.1\"", "private_addresses"),
        ("[project.federation.acme]\nclient_ids = [\"web\"]\nissuers = [\"https://acme.example\"]", "issuers"),
    ] {
        folder.file("provision.toml", &format!("[[project]]\nname = \"default\"\n{provider}\n"));
        let ran = folder.run(&["apply", "provision.toml"]);
        assert!(ran.code != 0 && ran.err.contains(says), "{provider}: {} {}", ran.out, ran.err);
    }
}
