//! Who is asked, and who is not.

use super::*;

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
    let fits = |name: &str, mut settings: Value| super::super::settle(name, &mut settings).is_ok();
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
