//! Facebook, and any issuer.

use super::*;

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
        t.provider.says_of_itself(name, text.into());
        let token = provider::token("k1", &t.claims(&t.provider.url(""), "ours", json!({})));
        assert_eq!(t.outcome("acme", &t.oidc(), &token).await, "unavailable", "{name} {text}");
        assert_eq!(t.provider.asked("/certs"), 0);
    }
}
