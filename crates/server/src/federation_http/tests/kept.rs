//! Keys: kept, looked for anew, and gone.

use super::*;

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
