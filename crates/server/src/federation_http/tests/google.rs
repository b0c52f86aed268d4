//! Google's ID tokens, good and bad.

use super::*;

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
