//! The adapters against a provider in the hands of the test, with time in the hands of the test.

use std::{sync::Arc, time::Duration};

use ringfence_core::{
    error::AuthError,
    federation::{FederatedSubject, ProviderToken, Providers},
    secret::RawToken,
    time::Timestamp,
};
use serde_json::{Value, json};

use super::{outgoing::Outgoing, providers_over};

#[path = "../../tests/support/provider.rs"]
mod provider;

use provider::{Mood, Provider};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

struct Case {
    provider: Provider,
    adapters: Providers,
    now: Timestamp,
}

impl Case {
    fn new() -> Self {
        let outgoing = Outgoing::with_timeout(Duration::from_secs(4));
        Self::with(outgoing)
    }

    fn with(outgoing: Outgoing) -> Self {
        Self {
            provider: Provider::start(),
            adapters: providers_over(outgoing),
            now: Timestamp::from_seconds(1_800_000_000),
        }
    }

    fn google(&self) -> Value {
        json!({
            "client_ids": ["web", "android"],
            "jwks_url": self.provider.url("/certs"),
            "private_addresses": true
        })
    }

    fn facebook(&self) -> Value {
        json!({
            "app_id": provider::APP, "app_secret": provider::APP_SECRET,
            "graph_url": self.provider.url(""),
            "limited_login": {
                "jwks_urls": [self.provider.url("/older"), self.provider.url("/certs")],
                "issuers": ["https://www.facebook.com", "https://limited.facebook.com"]
            },
            "private_addresses": true
        })
    }

    fn oidc(&self) -> Value {
        json!({ "issuer": self.provider.url(""), "client_ids": ["ours"], "private_addresses": true })
    }

    async fn judge(&self, name: &str, settings: &Value, token: &str) -> Result<FederatedSubject, AuthError> {
        let shown = ProviderToken { token: RawToken::new(token), nonce: None };
        self.adapters.get(name).unwrap().judge(settings, &shown, self.now).await
    }

    /// The code of a refusal, or whom the token speaks of.
    async fn outcome(&self, name: &str, settings: &Value, token: &str) -> String {
        match self.judge(name, settings, token).await {
            Ok(known) => known.subject,
            Err(refusal) => refusal.code().to_owned(),
        }
    }

    /// A token of Google, changed.
    fn minted(&self, kid: &str, change: Value) -> String {
        provider::token(kid, &self.claims("https://accounts.google.com", "web", change))
    }

    fn claims(&self, issuer: &str, audience: &str, change: Value) -> Value {
        let now = self.now.seconds();
        let mut claims = json!({ "iss": issuer, "aud": audience, "sub": "4711", "iat": now, "exp": now + 3600 });
        let Value::Object(change) = change else { panic!("claims are an object") };
        for (name, value) in change {
            match value {
                Value::Null => drop(claims.as_object_mut().unwrap().remove(&name)),
                value => claims[name] = value,
            }
        }
        claims
    }

    async fn google_says(&self, change: Value) -> String {
        self.outcome("google", &self.google(), &self.minted("k1", change)).await
    }
}

#[tokio::test]
async fn google_is_believed_by_both_names_and_for_each_client() {
    let t = Case::new();
    for change in [
        json!({}),
        json!({ "iss": "accounts.google.com" }),
        json!({ "aud": "android", "azp": "web" }),
        json!({ "aud": ["web"] }),
        json!({ "iat": t.now.seconds() + 30 }),
    ] {
        assert_eq!(t.google_says(change.clone()).await, "4711", "{change}");
    }
    assert_eq!(t.provider.asked("/certs"), 1);
}

#[tokio::test]
async fn n13_n84_google_tokens_with_anything_wrong_are_refused() {
    let t = Case::new();
    let now = t.now.seconds();
    for (change, refusal) in [
        (json!({ "iss": "https://accounts.google.com/" }), "token_issuer"),
        (json!({ "iss": "https://www.facebook.com" }), "token_issuer"),
        (json!({ "iss": null }), "token_issuer"),
        (json!({ "aud": "another" }), "token_audience"),
        (json!({ "aud": ["web", "another"] }), "token_audience"),
        (json!({ "aud": null }), "token_audience"),
        (json!({ "azp": "another" }), "token_audience"),
        (json!({ "exp": now }), "token_expired"),
        (json!({ "exp": null }), "token_claims"),
        (json!({ "iat": now + 61 }), "token_not_yet"),
        (json!({ "iat": null }), "token_claims"),
        (json!({ "sub": null }), "token_claims"),
        (json!({ "sub": 7 }), "token_claims"),
    ] {
        assert_eq!(t.google_says(change.clone()).await, refusal, "{change}");
    }
    let whole = t.minted("k1", json!({}));
    for broken in [&whole[..whole.len() - 8], "a.b.c", "opaque", ""] {
        assert!(t.outcome("google", &t.google(), broken).await.starts_with("token_"), "{broken}");
    }
}

#[tokio::test]
async fn n84_a_nonce_that_was_given_must_come_back() {
    let t = Case::new();
    let judged = async |nonce: Option<&str>, change: Value| {
        let token = RawToken::new(t.minted("k1", change));
        let shown = ProviderToken { token, nonce: nonce.map(str::to_owned) };
        t.adapters.get("google").unwrap().judge(&t.google(), &shown, t.now).await.is_ok()
    };
    assert!(judged(Some("n1"), json!({ "nonce": "n1" })).await);
    assert!(!judged(Some("n1"), json!({ "nonce": "n2" })).await);
    assert!(!judged(Some("n1"), json!({})).await);
    assert!(judged(None, json!({ "nonce": "n1" })).await);
}

#[tokio::test]
async fn a_project_for_a_workspace_lets_nobody_else_in() {
    let t = Case::new();
    let mut settings = t.google();
    settings["hosted_domains"] = json!(["acme.example"]);
    for (hd, outcome) in
        [(json!("acme.example"), "4711"), (json!("other.example"), "token_claims"), (Value::Null, "token_claims")]
    {
        let token = t.minted("k1", json!({ "hd": hd, "email": "fay@acme.example", "email_verified": true }));
        assert_eq!(t.outcome("google", &settings, &token).await, outcome, "{hd}");
    }
}

#[tokio::test]
async fn n83_google_answers_for_addresses_that_it_gives_out_itself() {
    let t = Case::new();
    for (change, verified) in [
        (json!({ "email": "fay@gmail.com", "email_verified": true }), true),
        (json!({ "email": "fay@GMAIL.com", "email_verified": true }), true),
        (json!({ "email": "fay@acme.example", "email_verified": true, "hd": "acme.example" }), true),
        (json!({ "email": "fay@acme.example", "email_verified": true }), false),
        (json!({ "email": "fay@acme.example", "email_verified": true, "hd": "" }), false),
        (json!({ "email": "fay@gmail.com.example", "email_verified": true }), false),
        (json!({ "email": "fay@gmail.com", "email_verified": false }), false),
        (json!({ "email": "fay@gmail.com", "email_verified": "true" }), false),
        (json!({ "email": "fay@gmail.com" }), false),
    ] {
        let token = t.minted("k1", change.clone());
        let known = t.judge("google", &t.google(), &token).await.unwrap();
        assert_eq!(known.email_verified, verified, "{change}");
    }
}

#[tokio::test]
async fn keys_are_kept_as_long_as_the_provider_says_between_a_minute_and_a_day() {
    for (said, kept) in [
        ("public, max-age=7200, must-revalidate", HOUR * 2),
        ("max-age=1", MINUTE),
        ("no-store", MINUTE),
        ("max-age=99999999", HOUR * 24),
        ("private", HOUR),
    ] {
        let mut t = Case::new();
        t.provider.says_cache_control(said);
        t.google_says(json!({})).await;
        t.now = t.now + kept - Duration::from_secs(1);
        t.google_says(json!({})).await;
        assert_eq!(t.provider.asked("/certs"), 1, "{said}");
        t.now = t.now + Duration::from_secs(1);
        t.google_says(json!({})).await;
        assert_eq!(t.provider.asked("/certs"), 2, "{said}");
    }
}

#[tokio::test]
async fn n18_an_unknown_key_is_looked_for_once_a_minute() {
    let mut t = Case::new();
    assert_eq!(t.google_says(json!({})).await, "4711");
    t.provider.publishes(&["k1", "k2"]);
    assert_eq!(
        t.outcome("google", &t.google(), &t.minted("k2", json!({}))).await,
        "4711",
        "a new key is found at once"
    );
    for _ in 0..100 {
        assert_eq!(t.outcome("google", &t.google(), &t.minted("foreign", json!({}))).await, "token_key");
    }
    assert_eq!(t.provider.asked("/certs"), 2);
    t.now = t.now + MINUTE - Duration::from_secs(1);
    t.outcome("google", &t.google(), &t.minted("foreign", json!({}))).await;
    assert_eq!(t.provider.asked("/certs"), 2);
    t.now = t.now + Duration::from_secs(1);
    t.outcome("google", &t.google(), &t.minted("foreign", json!({}))).await;
    assert_eq!(t.provider.asked("/certs"), 3);
}

#[tokio::test]
async fn a_key_that_is_no_longer_published_verifies_nothing_once_its_time_is_over() {
    let mut t = Case::new();
    assert_eq!(t.google_says(json!({})).await, "4711");
    t.provider.publishes(&["k2"]);
    assert_eq!(t.google_says(json!({})).await, "4711");
    t.now = t.now + HOUR;
    assert_eq!(t.google_says(json!({})).await, "token_key");
}

#[tokio::test]
async fn many_who_need_the_same_keys_ask_once() {
    let t = Arc::new(Case::new());
    let requests = (0..32).map(|number| {
        let t = Arc::clone(&t);
        tokio::spawn(async move { t.google_says(json!({ "sub": number.to_string() })).await })
    });
    for (number, request) in requests.collect::<Vec<_>>().into_iter().enumerate() {
        assert_eq!(request.await.unwrap(), number.to_string());
    }
    assert_eq!(t.provider.asked("/certs"), 1);
}

#[tokio::test]
async fn whoever_goes_away_while_asking_leaves_the_answer_to_the_others() {
    let t = Arc::new(Case::new());
    t.google_says(json!({})).await;
    t.provider.publishes(&["k1", "k2"]);
    let token = t.minted("k2", json!({}));
    // Polled once: it has asked and hears no answer.
    let settings = t.google();
    let mut gone = Box::pin(t.outcome("google", &settings, &token));
    assert!(polled_once(&mut gone).await.is_none());
    drop(gone);
    assert_eq!(t.outcome("google", &settings, &token).await, "4711");
    assert_eq!(t.provider.asked("/certs"), 2);
}

/// Polls once.
async fn polled_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

#[tokio::test]
async fn n92_a_provider_that_misbehaves_is_down_and_is_left_alone_for_a_while() {
    let elsewhere = Provider::start();
    for mood in [
        Mood::Failing(500),
        Mood::Failing(404),
        Mood::Failing(429),
        Mood::Redirecting(elsewhere.url("/certs")),
        Mood::Huge,
        Mood::Html,
        Mood::Cutting,
    ] {
        let mut t = Case::new();
        t.provider.is(mood.clone());
        for _ in 0..5 {
            assert_eq!(t.google_says(json!({})).await, "unavailable", "{mood:?}");
        }
        assert_eq!(t.provider.asked("/certs"), 1, "{mood:?}");
        t.provider.is(Mood::Well);
        assert_eq!(t.google_says(json!({})).await, "unavailable", "{mood:?}");
        t.now = t.now + Duration::from_secs(1);
        assert_eq!(t.google_says(json!({})).await, "4711", "{mood:?}");
    }
    assert!(elsewhere.questions().is_empty());
}

#[tokio::test]
async fn a_provider_that_stays_down_is_asked_less_and_less() {
    let mut t = Case::new();
    t.provider.is(Mood::Failing(503));
    for _ in 0..600 {
        assert_eq!(t.google_says(json!({})).await, "unavailable");
        t.now = t.now + Duration::from_secs(1);
    }
    // At once, after 1, 2, 4, 8, 16 and 32 seconds, then every minute.
    assert_eq!(t.provider.asked("/certs"), 15);
}

#[tokio::test]
async fn keys_that_are_known_count_while_the_provider_is_down() {
    let mut t = Case::new();
    t.google_says(json!({})).await;
    t.provider.is(Mood::Failing(500));
    assert_eq!(t.outcome("google", &t.google(), &t.minted("k2", json!({}))).await, "unavailable");
    assert_eq!(t.outcome("google", &t.google(), &t.minted("k2", json!({}))).await, "unavailable");
    assert_eq!(t.provider.asked("/certs"), 2);
    assert_eq!(t.google_says(json!({})).await, "4711");
    t.now = t.now + HOUR;
    assert_eq!(t.google_says(json!({})).await, "unavailable");
}

#[tokio::test]
async fn a_silent_provider_holds_up_nobody_else() {
    let t = Arc::new(Case::with(Outgoing::with_timeout(Duration::from_millis(800))));
    let (silent, well) = (Provider::start(), t.google());
    silent.is(Mood::Silent);
    let mut other = well.clone();
    other["jwks_url"] = silent.url("/certs").into();
    let waiting: Vec<_> = (0..64)
        .map(|_| {
            let (t, other) = (Arc::clone(&t), other.clone());
            tokio::spawn(async move { t.outcome("google", &other, &t.minted("k1", json!({}))).await })
        })
        .collect();
    while silent.asked("/certs") == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(t.outcome("google", &well, &t.minted("k1", json!({}))).await, "4711");
    for request in waiting {
        assert_eq!(request.await.unwrap(), "unavailable");
    }
    assert_eq!(silent.asked("/certs"), 1);
}

#[tokio::test]
async fn facebook_says_whose_and_for_whom_a_token_is() {
    let t = Case::new();
    let known = t.judge("facebook", &t.facebook(), "app-1 4711").await.unwrap();
    assert_eq!((known.subject.as_str(), known.email.as_deref()), ("4711", Some("4711@example.org")));
    assert!(!known.email_verified && known.expires_at.is_none());
    let asked = t.provider.questions();
    assert!(asked[0].starts_with("/debug_token?") && asked[1].contains("&appsecret_proof="), "{asked:?}");
    assert_eq!(t.outcome("facebook", &t.facebook(), "app-2 4711").await, "token_audience");
    assert_eq!(t.outcome("facebook", &t.facebook(), "garbage").await, "token_signature");
    assert_eq!(t.outcome("facebook", &t.facebook(), &"x".repeat(2049)).await, "token_malformed");
    let mut settings = t.facebook();
    settings["app_secret"] = "wrong".into();
    assert_eq!(t.outcome("facebook", &settings, "app-1 4711").await, "unavailable");
}

#[tokio::test]
async fn n84_what_facebook_says_of_a_token_is_looked_at_in_full() {
    let now = Timestamp::from_seconds(1_800_000_000).seconds();
    for (name, value, outcome) in [
        ("is_valid", json!(false), "token_signature"),
        ("is_valid", json!("true"), "token_signature"),
        ("app_id", json!("app-2"), "token_audience"),
        ("app_id", Value::Null, "token_audience"),
        ("type", json!("PAGE"), "token_type"),
        ("type", json!("APP"), "token_type"),
        ("expires_at", json!(now), "token_expired"),
        ("expires_at", Value::Null, "token_claims"),
        ("expires_at", json!(now + 60), "4711"),
        ("user_id", Value::Null, "token_claims"),
        ("user_id", json!("4712"), "token_signature"),
        ("user_id", json!(4711), "4711"),
    ] {
        let t = Case::new();
        t.provider.says_of_tokens(name, value.clone());
        assert_eq!(t.outcome("facebook", &t.facebook(), "app-1 4711").await, outcome, "{name} {value}");
    }
    let t = Case::new();
    t.provider.says_of_tokens("expires_at", json!(now + 60));
    t.provider.says_of_tokens("issued_at", json!(now - 60));
    let known = t.judge("facebook", &t.facebook(), "app-1 4711").await.unwrap();
    assert_eq!((known.issued_at, known.expires_at), (Some(t.now - MINUTE), Some(t.now + MINUTE)));
}

#[tokio::test]
async fn facebook_out_of_order_is_no_fault_of_the_token() {
    for mood in
        [Mood::Failing(500), Mood::Failing(404), Mood::Redirecting("http://127.0.0.1:1/".to_owned()), Mood::Html]
    {
        let t = Case::new();
        t.provider.is(mood.clone());
        assert_eq!(t.outcome("facebook", &t.facebook(), "app-1 4711").await, "unavailable", "{mood:?}");
        t.provider.is(Mood::Well);
        assert_eq!(t.outcome("facebook", &t.facebook(), "app-1 4711").await, "4711", "{mood:?}");
    }
}

#[tokio::test]
async fn limited_login_is_told_apart_by_the_dots_and_judged_by_its_keys() {
    let t = Case::new();
    let says = async |change: Value| {
        let token = provider::token("k1", &t.claims("https://limited.facebook.com", provider::APP, change));
        t.outcome("facebook", &t.facebook(), &token).await
    };
    // The first of its two key sets is gone.
    assert_eq!(says(json!({})).await, "4711");
    assert_eq!(says(json!({ "iss": "https://www.facebook.com" })).await, "4711");
    assert_eq!(says(json!({ "iss": "https://accounts.google.com" })).await, "token_issuer");
    assert_eq!(says(json!({ "aud": "app-2" })).await, "token_audience");
    assert_eq!(says(json!({ "exp": t.now.seconds() })).await, "token_expired");
    let token = provider::token(
        "k1",
        &t.claims(
            "https://limited.facebook.com",
            provider::APP,
            json!({
                "email": "fay@gmail.com", "email_verified": true, "hd": "gmail.com"
            }),
        ),
    );
    assert!(!t.judge("facebook", &t.facebook(), &token).await.unwrap().email_verified, "N83");
    assert_eq!(t.provider.asked("/debug_token"), 0);
    let mut settings = t.facebook();
    settings.as_object_mut().unwrap().remove("limited_login");
    assert_eq!(t.outcome("facebook", &settings, &token).await, "token_type");
}

#[tokio::test]
async fn any_issuer_is_found_by_its_discovery_document() {
    let t = Case::new();
    let says = async |change: Value| {
        let token = provider::token("k1", &t.claims(&t.provider.url(""), "ours", change));
        t.outcome("acme", &t.oidc(), &token).await
    };
    assert_eq!(says(json!({})).await, "4711");
    assert_eq!(says(json!({ "sub": "4712" })).await, "4712");
    assert_eq!(says(json!({ "aud": "theirs" })).await, "token_audience");
    assert_eq!(says(json!({ "iss": format!("{}/", t.provider.url("")) })).await, "token_issuer", "N13");
    assert_eq!((t.provider.asked("/.well-known/openid-configuration"), t.provider.asked("/certs")), (1, 1));
}

#[tokio::test]
async fn a_discovery_document_speaks_for_its_own_issuer_only() {
    for (name, text) in [
        ("issuer", "https://accounts.google.com"),
        ("jwks_uri", "http://169.254.169.254/latest"),
        ("jwks_uri", "file:///etc/passwd"),
        ("jwks_uri", "no url"),
    ] {
        let t = Case::new();
        t.provider.says_of_itself(name, text);
        let token = provider::token("k1", &t.claims(&t.provider.url(""), "ours", json!({})));
        let outcome = t.outcome("acme", &t.oidc(), &token).await;
        assert!(["unavailable", "internal"].contains(&outcome.as_str()), "{name} {text}: {outcome}");
        assert_eq!(t.provider.asked("/certs"), 0);
    }
}

#[tokio::test]
async fn n14_n17_nobody_is_asked_because_of_what_a_token_says() {
    let (t, attacker) = (Case::new(), Provider::start());
    // Self-consistent: the attacker's discovery document and keys are there and fit.
    let own = provider::token("foreign", &t.claims(&attacker.url(""), "ours", json!({})));
    attacker.publishes(&["foreign"]);
    for (name, settings) in [("google", t.google()), ("acme", t.oidc()), ("facebook", t.facebook())] {
        assert_eq!(t.outcome(name, &settings, &own).await, "token_issuer", "{name}");
    }
    let (_, rest) = own.split_once('.').unwrap();
    for header in [
        json!({ "alg": "RS256", "kid": "k1", "jku": attacker.url("/certs") }),
        json!({ "alg": "RS256", "kid": "k1", "x5u": attacker.url("/certs") }),
        json!({ "alg": "RS256", "kid": "k1", "jwk": { "kty": "RSA" } }),
    ] {
        let token = format!("{}.{rest}", encoded(&header));
        assert_eq!(t.outcome("google", &t.google(), &token).await, "token_key", "{header}");
    }
    for header in
        [json!({ "alg": "none" }), json!({ "alg": "HS256", "kid": "k1" }), json!({ "alg": "RS512", "kid": "k1" })]
    {
        let token = format!("{}.{rest}", encoded(&header));
        assert_eq!(t.outcome("google", &t.google(), &token).await, "token_alg", "{header}");
    }
    assert!(attacker.questions().is_empty() && t.provider.questions().is_empty());
}

fn encoded(part: &Value) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.encode(part.to_string())
}

#[tokio::test]
async fn n92_an_address_of_a_private_network_is_not_connected_to_unless_configured() {
    // The last is a name: what it resolves to is looked at when it is connected to.
    for (host, outcome) in [
        ("http://127.0.0.1", "internal"),
        ("https://127.0.0.1", "internal"),
        ("https://[::ffff:127.0.0.1]", "internal"),
        ("https://0x7f000001", "internal"),
        ("https://localhost", "unavailable"),
    ] {
        let t = Case::new();
        let url = format!("{host}:{}/certs", t.provider.address.port());
        let settings = json!({ "client_ids": ["web"], "jwks_url": url });
        assert_eq!(t.outcome("google", &settings, &t.minted("k1", json!({}))).await, outcome, "{url}");
        assert!(t.provider.questions().is_empty());
    }
    let t = Case::new();
    let port = t.provider.address.port();
    let settings = json!({
        "client_ids": ["web"], "jwks_url": format!("http://localhost:{port}/certs"), "private_addresses": true
    });
    assert_eq!(t.outcome("google", &settings, &t.minted("k1", json!({}))).await, "4711");
}

#[test]
fn settings_are_checked_before_they_are_stored() {
    let fits = |name: &str, mut settings: Value| super::settle(name, &mut settings).is_ok();
    assert!(fits("google", json!({ "client_ids": ["web"] })));
    assert!(fits("google", json!({ "client_ids": ["web"], "jwks_url": "http://127.0.0.1:4000/certs" })));
    assert!(fits("facebook", json!({ "app_id": "1", "app_secret": "x" })));
    assert!(fits("acme", json!({ "issuer": "https://login.example.org/acme", "client_ids": ["ours"] })));
    for (name, settings) in [
        ("google", json!({ "client_ids": [] })),
        ("google", json!({ "client_ids": ["web"], "jwks_uri": "https://example.org" })),
        ("google", json!({ "client_ids": ["web"], "jwks_url": "http://169.254.169.254/latest" })),
        ("google", json!({ "client_ids": ["web"], "jwks_url": "https://0x7f000001/certs" })),
        ("google", json!({ "client_ids": ["web"], "jwks_url": "http://www.googleapis.com/oauth2/v3/certs" })),
        ("facebook", json!({ "app_id": "1" })),
        ("facebook", json!({ "app_id": "1", "app_secret": "" })),
        ("facebook", json!({ "app_id": "1", "app_secret": "x", "graph_url": "https://10.0.0.1" })),
        ("acme", json!({ "issuer": "acme", "client_ids": ["ours"] })),
        ("acme", json!({ "issuer": "https://acme.example?x", "client_ids": ["ours"] })),
        ("acme", json!({ "issuer": "https://acme.example", "client_ids": ["ours"], "algorithms": ["HS256"] })),
        ("a:b", json!({ "issuer": "https://acme.example", "client_ids": ["ours"] })),
        ("Google", json!({ "client_ids": ["web"], "issuer": "https://accounts.google.com" })),
    ] {
        assert!(!fits(name, settings.clone()), "{name} {settings}");
    }
}
