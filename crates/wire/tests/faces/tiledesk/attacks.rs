//! Tiledesk: what must be refused (ATTACKS), row by row, where a row can be told over this dialect's HTTP.
//!
//! Beside this file: N20 in `guest.rs`; N40, N66 and N95 in `requests.rs`; N43, N75, N76 and N77 in
//! `recovery.rs`, N75 also in `sign_in.rs`; N71, N72 and N79 in `sign_up.rs`; N78 and N79 in
//! `users.rs`; N94 in `secrets.rs` at the top. N05, N06, N08, N09, N13, N14, N18 and N96 are judged in core, store and
//! server: here nobody uploads keys, and no key is ever fetched. N92 has no route: no address of a client's is fetched.

use std::time::Duration;

use super::{PASSWORD, Person, Place, Server};
use crate::support::{claims, forged, signed, signed_by};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ringfence_core::jose::Alg;
use serde_json::{Value, json};

async fn shop() -> (Server, Person, Place) {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let shop = t.place(&ann, "shop").await;
    (t, ann, shop)
}

/// Shows a token wherever one can be shown, and wants it refused alike everywhere.
async fn refused(t: &Server, place: &Place, what: &str, token: &str) {
    let header = format!("JWT {token}");
    for (method, path) in [
        ("POST", "/auth/signinWithCustomToken".to_owned()),
        ("GET", "/users".to_owned()),
        ("GET", format!("/{}/authtestWithRoleCheck", place.id)),
        ("POST", "/chat21/native/auth/createCustomToken".to_owned()),
    ] {
        let answer = t.ask(method, &path).showing(&header).send().await;
        assert_eq!(answer.to_string(), "401 Unauthorized", "{what} at {path}");
    }
}

/// The parts of a platform token of Ann's.
fn parts(ann: &Person) -> [String; 3] {
    let token = ann.token.strip_prefix("JWT ").unwrap();
    let parts: Vec<_> = token.split('.').map(str::to_owned).collect();
    parts.try_into().unwrap()
}

fn asserted(place: &Place) -> Value {
    json!({ "_id": "123", "sub": "userexternal", "aud": place.audience() })
}

#[tokio::test]
async fn n01_no_algorithm_is_no_algorithm() {
    let (t, ann, shop) = shop().await;
    for alg in ["none", "None", "nOnE", ""] {
        for claims in [claims(&ann.token), asserted(&shop)] {
            let token = forged(&json!({ "alg": alg, "typ": "JWT" }).to_string(), &claims);
            refused(&t, &shop, alg, &token).await;
            let (unsigned, _) = token.rsplit_once('.').unwrap();
            refused(&t, &shop, alg, &format!("{unsigned}.")).await;
            refused(&t, &shop, alg, unsigned).await;
        }
    }
}

#[tokio::test]
async fn n02_n03_a_key_is_used_with_its_algorithm_only() {
    let (t, ann, shop) = shop().await;
    let secret = "a public key, as anybody can read it at its address";
    for alg in [Alg::HS256, Alg::HS384, Alg::HS512] {
        refused(&t, &shop, "a public text as secret", &signed_by(alg, secret, &claims(&ann.token))).await;
        refused(&t, &shop, "a public text as secret", &signed_by(alg, secret, &asserted(&shop))).await;
    }
    let kid = json!(header(&ann)["kid"]);
    for alg in ["HS384", "HS512", "RS256", "PS256", "ES256", "EdDSA"] {
        refused(&t, &shop, alg, &forged(&json!({ "alg": alg, "kid": kid }).to_string(), &claims(&ann.token))).await;
    }
}

fn header(who: &Person) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(&parts(who)[0]).unwrap()).unwrap()
}

#[tokio::test]
async fn n04_n11_n17_headers_that_are_no_headers() {
    let (t, ann, shop) = shop().await;
    for header in [
        "{}",
        r#"{"alg":["HS256"]}"#,
        r#"{"alg":"HS256","alg":"none"}"#,
        r#"{"alg":"HS256","zip":"DEF"}"#,
        r#"{"alg":"PBES2-HS256+A128KW","p2c":10000000}"#,
        r#"{"alg":"HS256","crit":["exp"]}"#,
        r#"{"alg":"HS256","jku":"https://evil.example/jwks"}"#,
        r#"{"alg":"HS256","x5u":"https://evil.example/x5u"}"#,
        r#"{"alg":"HS256","jwk":{"kty":"oct","k":"AAAA"}}"#,
    ] {
        refused(&t, &shop, header, &forged(header, &claims(&ann.token))).await;
        refused(&t, &shop, header, &forged(header, &asserted(&shop))).await;
    }
}

#[tokio::test]
async fn n07_signatures_that_are_none() {
    let (t, ann, shop) = shop().await;
    let bob = t.person("bob").await;
    let [header, payload, signature] = parts(&ann);
    let mut flipped = URL_SAFE_NO_PAD.decode(&signature).unwrap();
    flipped[0] ^= 1;
    for token in [
        format!("{header}.{payload}.{}", URL_SAFE_NO_PAD.encode(flipped)),
        format!("{header}.{payload}.{}", parts(&bob)[2]),
        format!("{header}.{}.{signature}", parts(&bob)[1]),
        format!("{header}.{payload}."),
        format!("{header}.{payload}"),
        format!(r#"{{"payload":"{payload}","protected":"{header}","signature":"{signature}"}}"#),
    ] {
        refused(&t, &shop, &token, &token).await;
    }
}

#[tokio::test]
async fn n10_tokens_of_impossible_form() {
    let (t, ann, shop) = shop().await;
    let [header, payload, signature] = parts(&ann);
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    for token in [
        "a".repeat(300_000),
        ".".repeat(10_000),
        format!("{header}=.{payload}.{signature}"),
        format!("{header}.{payload}.{signature}="),
        format!("{header}.{payload}.{signature}.{signature}"),
        forged(r#"{"alg":"HS256"}"#, &serde_json::from_str(&format!(r#"{{"_id":{deep}}}"#)).unwrap()),
    ] {
        refused(&t, &shop, &token[..token.len().min(60)], &token).await;
    }
}

#[tokio::test]
async fn n12_claims_that_are_no_text() {
    let (t, _, shop) = shop().await;
    let claims = json!({ "_id": "a\0b", "sub": "userexternal", "aud": shop.audience() });
    refused(&t, &shop, "NUL", &signed(&shop.secret, &claims)).await;
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#);
    let payload = URL_SAFE_NO_PAD
        .encode([b"{\"_id\":\"\xFF\",\"aud\":\"".as_slice(), shop.audience().as_bytes(), b"\"}"].concat());
    refused(&t, &shop, "invalid UTF-8", &format!("{header}.{payload}.AAAA")).await;
}

#[tokio::test]
async fn n15_a_token_is_for_whom_it_says() {
    let (t, ann, shop) = shop().await;
    let club = t.place(&ann, "club").await;
    let token = signed(&shop.secret, &asserted(&club));
    refused(&t, &club, "another application", &token).await;
    let several = json!({ "_id": "123", "sub": "userexternal", "aud": [shop.audience(), "stranger"] });
    refused(&t, &shop, "a stranger beside", &signed(&shop.secret, &several)).await;
    let elsewhere =
        t.get(&format!("/{}/authtestWithRoleCheck", club.id)).showing(&format!("JWT {}", shop.external("1")));
    assert_eq!(elsewhere.send().await.status, 403);
}

#[tokio::test]
async fn n16_a_key_s_name_is_only_a_name() {
    let (t, ann, shop) = shop().await;
    for kid in ["../../secret.pem", "' OR 1=1--", "\0", "%00"] {
        refused(&t, &shop, kid, &forged(&json!({ "alg": "HS256", "kid": kid }).to_string(), &claims(&ann.token))).await;
    }
    let long = json!({ "alg": "HS256", "kid": "k".repeat(65_536) }).to_string();
    refused(&t, &shop, "64 KiB", &forged(&long, &claims(&ann.token))).await;
}

#[tokio::test]
async fn n19_n21_a_token_of_another_kind_is_no_access_token() {
    let (t, ann, shop) = shop().await;
    t.put("/auth/requestresetpsw").json(&json!({ "email": ann.email })).send().await;
    let reset = t.link(1).await.rsplit_once('/').unwrap().1.to_owned();
    refused(&t, &shop, "reset secret", &reset).await;
    let chat = t.post("/chat21/native/auth/createCustomToken").showing(&ann.token).send().await.text("/token");
    refused(&t, &shop, "chat token", &chat).await;
    let mut platform = claims(&ann.token);
    platform["aud"] = json!("https://tiledesk.com");
    refused(&t, &shop, "a project's secret for the platform", &signed(&shop.secret, &platform)).await;
    let token = ann.token.strip_prefix("JWT ").unwrap();
    let asked = t.put(&format!("/auth/resetpsw/{token}")).json(&json!({ "password": "another otter under glass" }));
    assert_eq!(asked.send().await.status, 404);
}

#[tokio::test]
async fn n22_times_are_numbers() {
    let (t, _, shop) = shop().await;
    for (name, value) in [
        ("exp", json!("9999999999")),
        ("nbf", json!("0")),
        ("iat", json!("0")),
        ("exp", json!(-1)),
        ("exp", json!(null)),
        ("exp", json!([9_999_999_999_u64])),
        ("exp", json!(1e300)),
    ] {
        let mut claims = asserted(&shop);
        claims[name] = value.clone();
        refused(&t, &shop, &format!("{name} {value}"), &signed(&shop.secret, &claims)).await;
    }
}

#[tokio::test]
async fn n23_times_are_kept() {
    let (t, ann, shop) = shop().await;
    let now = 1_795_000_000;
    for (name, value) in [("exp", now), ("nbf", now + 61), ("iat", now + 61)] {
        let mut claims = asserted(&shop);
        claims[name] = json!(value);
        refused(&t, &shop, name, &signed(&shop.secret, &claims)).await;
    }
    for later in [Duration::from_hours(24), Duration::from_hours(24 * 366)] {
        t.clock.advance(later);
        refused(&t, &shop, "expired", ann.token.strip_prefix("JWT ").unwrap()).await;
    }
}

#[tokio::test]
async fn n24_secrets_of_mails_are_whole_or_nothing() {
    let (t, ann, _) = shop().await;
    t.put("/auth/requestresetpsw").json(&json!({ "email": ann.email })).send().await;
    let secret = t.link(1).await.rsplit_once('/').unwrap().1.to_owned();
    let status = async |key: String| t.get(&format!("/auth/checkpswresetkey/{key}")).send().await.status.as_u16();
    for end in 1..secret.len() {
        assert_eq!(status(secret[..end].to_owned()).await, 404, "cut at {end}");
    }
    assert_eq!(status(format!("{secret}A")).await, 404);
    assert_eq!(status(secret.to_uppercase()).await, 404);
    assert_eq!(status(secret).await, 200);
}

#[tokio::test]
async fn n73_n74_tries_are_counted_whichever_way_they_come() {
    let (t, _, _) = shop().await;
    let variants = ["ann@example.org", "ANN@example.org", "Ann@Example.Org", "aNN@example.org", "ann@EXAMPLE.org"];
    for (number, email) in variants.into_iter().enumerate() {
        let from = [192, 0, 2, 10 + u8::try_from(number).unwrap()];
        assert_eq!(t.get("/users").basic(email, "wrong").from(from).send().await.status, 401);
    }
    let body = json!({ "email": "ann@example.org", "password": PASSWORD });
    assert_eq!(t.post("/auth/signin").json(&body).send().await.status, 429);
    let basic = t.get("/users").basic("ann@example.org", PASSWORD).send().await;
    assert_eq!(basic.status, 429);
    assert_eq!(basic.header("retry-after"), "1");
}

#[tokio::test]
async fn n73_a_hundred_wrong_passwords_lock_until_a_reset() {
    let (t, ann, _) = shop().await;
    let mut refused = 0;
    for number in 0..100_u8 {
        let from = [198, 51, 100, number];
        let body = json!({ "email": "ann@example.org", "password": "wrong" });
        let answer = t.post("/auth/signin").json(&body).from(from).send().await;
        refused += u32::from(answer.status == 401);
        t.clock.advance(Duration::from_hours(1));
    }
    assert_eq!(refused, 100);
    t.clock.advance(Duration::from_hours(24 * 365));
    assert_eq!(t.signed_in(&ann.email, PASSWORD).await.status, 429);
    t.put("/auth/requestresetpsw").json(&json!({ "email": ann.email })).send().await;
    let key = t.link(1).await.rsplit_once('/').unwrap().1.to_owned();
    let new = "another otter under glass";
    let reset = t.put(&format!("/auth/resetpsw/{key}")).json(&json!({ "password": new })).send().await;
    assert_eq!(reset.status, 200, "{reset}");
    assert_eq!(t.signed_in(&ann.email, new).await.status, 200);
}

#[tokio::test]
async fn n88_nothing_is_made_for_somebody_else() {
    let (t, ann, shop) = shop().await;
    let bob = t.person("bob").await;
    let body = json!({ "name": "Theirs", "createdBy": ann.id, "id_user": ann.id, "user_id": ann.id, "role": "owner" });
    assert_eq!(t.post("/projects").json(&body).send().await.status, 401);
    let made = t.post("/projects").showing(&bob.token).json(&body).send().await;
    assert_eq!(made.text("/createdBy"), bob.id);
    assert_eq!(t.post(&format!("/{}/keys/generate", shop.id)).json(&body).send().await.status, 401);
}

#[tokio::test]
async fn n89_ids_of_others_open_nothing() {
    let (t, ann, _) = shop().await;
    let bob = t.person("bob").await;
    let theirs = t.place(&bob, "theirs").await;
    let (_, elsewhere) = t.elsewhere().await;
    for id in [theirs.id.clone(), elsewhere.short()] {
        for (method, path) in [
            ("GET", format!("/projects/{id}")),
            ("POST", format!("/{id}/keys/generate")),
            ("POST", format!("/{id}/project_users/invite")),
            ("GET", format!("/{id}/pendinginvitations")),
            ("GET", format!("/{id}/authtestWithRoleCheck")),
        ] {
            let body = json!({ "email": "x@example.org", "role": "agent" });
            let answer = t.ask(method, &path).showing(&ann.token).json(&body).send().await;
            assert_eq!(
                answer.to_string(),
                r#"403 {"success":false,"msg":"you dont belong to the project."}"#,
                "{path}"
            );
        }
    }
    let visit = json!({ "id_project": elsewhere.short() });
    let answer = t.post("/auth/signinWithCustomToken").showing(&ann.token).json(&visit).send().await;
    assert!(answer.status.is_client_error(), "{answer}");
}

#[tokio::test]
async fn n90_what_was_erased_stays_dead() {
    let (t, _, shop) = shop().await;
    let bob = t.person("bob").await;
    assert_eq!(t.ask("DELETE", "/users/physical").showing(&bob.token).send().await.status, 200);
    let again = t.person("bob").await;
    assert_ne!(again.id, bob.id);
    refused(&t, &shop, "erased", bob.token.strip_prefix("JWT ").unwrap()).await;
}

#[tokio::test]
async fn n91_ids_are_names_and_nothing_else() {
    let (t, ann, _) = shop().await;
    for id in ["' OR 1=1--", "{\"$ne\":null}", "..%2f..%2fetc", "%00", "5c81593adf767b0017d1aa6g"] {
        let id = id.replace(' ', "%20").replace('"', "%22").replace('{', "%7B").replace('}', "%7D");
        for path in [
            format!("/projects/{id}"),
            format!("/users_util/{id}"),
            format!("/auth/pendinginvitationsnoauth/{id}"),
            format!("/auth/checkpswresetkey/{id}"),
            format!("/{id}/pendinginvitations"),
        ] {
            let answer = t.get(&path).showing(&ann.token).send().await;
            assert!(answer.status.is_client_error(), "{path}: {answer}");
        }
    }
}
