//! Tokens, numbered as in the attack catalogue (RFC 8725 and known bugs of JOSE libraries).

use std::time::Duration;

use ringfence_core::{entropy::OsEntropy, jose as core_jose};
use ringfence_verify::{Refusal, Settings};
use serde_json::{Value, json};

use crate::stage::{APPLICATION, ISSUER, KID, START, Signer, Stage, decode, encode, seconds, settings};

const HEADER: &str = r#"{"typ":"at+jwt","alg":"EdDSA","kid":"k1"}"#;

impl Stage {
    /// Why a token with these claims instead of the usual ones is refused.
    async fn refusal_with(&self, changes: Value) -> Option<Refusal> {
        let mut claims = self.claims("s1", "ann");
        for (name, value) in changes.as_object().unwrap() {
            if value == "absent" {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        self.refusal(&self.signer.mint("at+jwt", &claims)).await
    }

    /// Why a token of this header is refused; the server's own reader must see no less in it.
    async fn refusal_of_header(&self, header: &str) -> Option<Refusal> {
        let token = self.signer.sign(header, self.claims("s1", "ann").to_string());
        let refusal = self.refusal(&token).await;
        self.compare(&token, refusal);
        refusal
    }

    /// Holds the server's reader to the same verdict, as far as form and signature go.
    fn compare(&self, token: &str, refusal: Option<Refusal>) {
        let key = core_jose::VerifyingKey::from_jwk(&self.signer.jwk(), core_jose::Alg::EdDSA).unwrap();
        let verdict = core_jose::Unverified::parse(token).and_then(|unverified| unverified.verify(&key));
        let code = verdict.as_ref().err().map(|fault| fault.code());
        assert_eq!(refusal.map(Refusal::code), code, "{}", &token[..token.len().min(80)]);
    }
}

#[tokio::test]
async fn a_good_token_says_whose_it_is() {
    let stage = Stage::ready().await;
    let claims = stage.verify(&stage.token("s1", "ann")).await.unwrap();
    assert_eq!((claims.session(), claims.subject()), ("s1", "ann"));
    assert_eq!(claims.expires_at(), std::time::UNIX_EPOCH + seconds(START + 86_400));
    assert_eq!(claims.get("kind"), Some(&json!("member")));
    assert_eq!(format!("{claims:?}"), r#"Claims { sub: "ann", sid: "s1", .. }"#);
}

#[tokio::test]
async fn n01_an_unsecured_token_is_refused() {
    let stage = Stage::ready().await;
    for alg in ["none", "None", "nOnE", ""] {
        let header = format!(r#"{{"typ":"at+jwt","alg":"{alg}","kid":"k1"}}"#);
        assert_eq!(stage.refusal_of_header(&header).await, Some(Refusal::Algorithm), "{alg}");
        let bare = format!("{}.{}.", encode(&header), encode("{}"));
        assert_eq!(stage.refusal(&bare).await, Some(Refusal::Algorithm), "{alg}");
    }
}

#[tokio::test]
async fn n02_n03_a_key_is_good_for_the_algorithm_that_it_names() {
    let stage = Stage::ready().await;
    for alg in ["HS256", "HS512"] {
        let header = format!(r#"{{"typ":"at+jwt","alg":"{alg}","kid":"k1"}}"#);
        // There is no shared secret that a public key could be taken for.
        assert_eq!(stage.refusal(&stage.signer.sign(&header, "{}")).await, Some(Refusal::Algorithm), "{alg}");
    }
    for alg in ["RS256", "PS256", "ES256", "ES512"] {
        let header = format!(r#"{{"typ":"at+jwt","alg":"{alg}","kid":"k1"}}"#);
        assert_eq!(stage.refusal_of_header(&header).await, Some(Refusal::Algorithm), "{alg}");
    }
}

#[tokio::test]
async fn n04_a_header_without_one_algorithm_is_malformed() {
    let stage = Stage::ready().await;
    for header in [
        r#"{"typ":"at+jwt","kid":"k1"}"#,
        r#"{"typ":"at+jwt","alg":["EdDSA"],"kid":"k1"}"#,
        r#"{"typ":"at+jwt","alg":null,"kid":"k1"}"#,
        r#"{"typ":"at+jwt","alg":"EdDSA","alg":"EdDSA","kid":"k1"}"#,
        r#"{"typ":"at+jwt","alg":"EdDSA","\u0061lg":"none","kid":"k1"}"#,
        r#"{"typ":"at+jwt","alg":"EdDSA","kid":"k1","kid":"k2"}"#,
        r#"{"typ":"at+jwt","alg":"EdDSA","kid":"k1","x":{"y":1,"y":2}}"#,
        r#"["EdDSA"]"#,
        r#""EdDSA""#,
        "",
        r#"{"alg":"EdDSA"}{}"#,
    ] {
        assert_eq!(stage.refusal_of_header(header).await, Some(Refusal::Malformed), "{header}");
    }
}

#[tokio::test]
async fn n06_keys_that_are_weak_or_for_something_else_are_none() {
    let stage = Stage::ready().await;
    let good = stage.signer.jwk();
    let with = |name: &str, value: Value| {
        let mut jwk = good.clone();
        jwk[name] = value;
        jwk
    };
    let rsa = |bytes: usize, e: &str| json!({"kty": "RSA", "alg": "RS256", "kid": KID, "n": encode(vec![0xd5; bytes]), "e": e});
    for jwk in [
        with("use", json!("enc")),
        with("key_ops", json!(["sign"])),
        with("key_ops", json!("verify")),
        with("d", json!("AAAA")),
        with("crv", json!("X25519")),
        with("kty", json!("EC")),
        with("x", json!(encode([1; 31]))),
        with("alg", json!("HS256")),
        with("alg", Value::Null),
        rsa(128, "AQAB"),
        rsa(256, "AQ"),
        rsa(256, "Aw"),
    ] {
        stage.publish(std::slice::from_ref(&jwk));
        stage.pass_alive(seconds(360)).await;
        assert_eq!(stage.refusal(&stage.token("s1", "ann")).await, Some(Refusal::Key), "{jwk}");
    }
    stage.publish(&[rsa(128, "AQAB"), good]);
    stage.pass_alive(seconds(360)).await;
    assert_eq!(stage.refusal(&stage.token("s1", "ann")).await, None);
}

#[tokio::test]
async fn n07_a_signature_of_something_else_or_none_is_refused() {
    let stage = Stage::ready().await;
    let token = stage.token("s1", "ann");
    let other = stage.token("s2", "bob");
    let (input, signature) = token.rsplit_once('.').unwrap();
    let borrowed = format!("{}.{signature}", other.rsplit_once('.').unwrap().0);
    for forged in [borrowed, format!("{input}."), format!("{input}.{}", encode([0; 64]))] {
        let refusal = stage.refusal(&forged).await;
        assert_eq!(refusal, Some(Refusal::Signature));
        stage.compare(&forged, refusal);
    }
    let stranger = Signer::new(KID, 8).mint("at+jwt", &stage.claims("s1", "ann"));
    assert_eq!(stage.refusal(&stranger).await, Some(Refusal::Signature));
    let (header, payload) = input.split_once('.').unwrap();
    let json = json!({"protected": header, "payload": payload, "signature": signature}).to_string();
    for malformed in [input, &json] {
        assert_eq!(stage.refusal(malformed).await, Some(Refusal::Malformed));
    }
}

/// Keys of every algorithm that the server can publish.
const PUBLISHED: [core_jose::Alg; 10] = [
    core_jose::Alg::RS256,
    core_jose::Alg::RS384,
    core_jose::Alg::RS512,
    core_jose::Alg::PS256,
    core_jose::Alg::PS384,
    core_jose::Alg::PS512,
    core_jose::Alg::ES256,
    core_jose::Alg::ES384,
    core_jose::Alg::ES512,
    core_jose::Alg::EdDSA,
];

#[tokio::test]
async fn every_key_that_the_server_can_publish_is_understood() {
    let stage = Stage::ready().await;
    // One that takes its time to be made serves for all six.
    let rsa = core_jose::SigningKeyPair::generate(core_jose::Alg::RS256, &OsEntropy).unwrap().to_bytes().unwrap();
    for alg in PUBLISHED {
        let key = if alg.as_str().starts_with(['R', 'P']) {
            core_jose::SigningKeyPair::from_bytes(alg, &rsa).unwrap()
        } else {
            core_jose::SigningKeyPair::generate(alg, &OsEntropy).unwrap()
        };
        stage.publish(&[key.public_jwk(alg.as_str()).unwrap()]);
        stage.pass_alive(seconds(60)).await;
        let token = key.mint(Some(alg.as_str()), "at+jwt", &stage.claims("s1", "ann")).unwrap();
        assert_eq!(stage.refusal(token.expose()).await, None, "{alg}");
    }
}

#[tokio::test]
async fn n09_signatures_outside_the_group_or_in_der_are_refused() {
    let stage = Stage::ready().await;
    let key = core_jose::SigningKeyPair::generate(core_jose::Alg::ES256, &OsEntropy).unwrap();
    stage.publish(&[key.public_jwk("ec").unwrap()]);
    let token = key.mint(Some("ec"), "at+jwt", &stage.claims("s1", "ann")).unwrap();
    assert_eq!(stage.refusal(token.expose()).await, None);
    let (input, good) = token.expose().rsplit_once('.').unwrap();
    let good = decode(good);
    let (r, s) = good.split_at(32);
    let order = b"\xff\xff\xff\xff\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51";
    // Integers of DER have a zero before them, or their first bit would be a sign.
    let der = [&[0x30, 70, 2, 33, 0], r, &[2, 33, 0], s].concat();
    for forged in [
        [&[0; 32], s].concat(),
        [r, &[0; 32]].concat(),
        [r, order].concat(),
        [order, s].concat(),
        vec![0; 64],
        der,
        [&good[..], &[0]].concat(),
        good[..63].to_vec(),
    ] {
        let token = format!("{input}.{}", encode(&forged));
        assert_eq!(stage.refusal(&token).await, Some(Refusal::Signature), "{forged:02x?}");
    }
}

#[tokio::test]
async fn n10_n24_what_is_no_token_is_malformed() {
    let stage = Stage::ready().await;
    let token = stage.token("s1", "ann");
    let nested = format!(r#"{{"a":{}{}}}"#, "[".repeat(100), "]".repeat(100));
    let hostile = [
        "A".repeat(1024 * 1024),
        ".".repeat(10_000),
        "rfk_0123456789abcdef".to_owned(),
        String::new(),
        stage.signer.sign(HEADER, nested),
        format!("{token}="),
        format!(" {token}"),
        token.replace('.', ".."),
        token.replacen('.', "+.", 1),
    ];
    for malformed in &hostile {
        let refusal = stage.refusal(malformed).await;
        assert_eq!(refusal, Some(Refusal::Malformed), "{}", &malformed[..malformed.len().min(60)]);
        stage.compare(malformed, refusal);
    }
    for length in 0..token.len() {
        assert!(stage.refusal(&token[..length]).await.is_some(), "{length}");
    }
}

#[tokio::test]
async fn n11_compression_encryption_and_extensions_are_refused_unread() {
    let stage = Stage::ready().await;
    for more in [r#""zip":"DEF""#, r#""enc":"A128GCM""#, r#""crit":["exp"]"#, r#""b64":false"#, r#""crit":[]"#] {
        let header = format!(r#"{{"typ":"at+jwt","alg":"EdDSA","kid":"k1",{more}}}"#);
        assert_eq!(stage.refusal_of_header(&header).await, Some(Refusal::Malformed), "{more}");
    }
}

#[tokio::test]
async fn n12_text_that_is_no_unicode_holds_nul_or_says_a_thing_twice_is_malformed() {
    let stage = Stage::ready().await;
    for payload in [
        &b"{\"sub\":\"\xff\"}"[..],
        b"{\"sub\":\"\xed\xa0\x80\"}",
        br#"{"sub":"\ud800"}"#,
        br#"{"sub":"ann\u0000"}"#,
        br#"{"\u0000":1}"#,
        br#"{"sub":"ann","sub":"bob"}"#,
        br#"{"a":{"b":1,"b":2}}"#,
        b"[]",
        b"",
    ] {
        let token = stage.signer.sign(HEADER, payload);
        let refusal = stage.refusal(&token).await;
        assert_eq!(refusal, Some(Refusal::Malformed), "{}", String::from_utf8_lossy(payload));
        stage.compare(&token, refusal);
    }
}

#[tokio::test]
async fn n13_n14_the_issuer_is_the_one_that_was_configured() {
    let stage = Stage::ready().await;
    stage.asked("");
    for issuer in [
        &format!("{ISSUER}/"),
        &ISSUER.to_uppercase(),
        "https://auth.example.org/projects/p2",
        "https://auth.example.org",
        "https://evil.example/projects/p1",
        "absent",
    ] {
        assert_eq!(stage.refusal_with(json!({"iss": issuer})).await, Some(Refusal::Issuer), "{issuer}");
    }
    assert_eq!(stage.refusal_with(json!({"iss": [ISSUER]})).await, Some(Refusal::Claims));
    assert_eq!(stage.asked(""), [], "nobody was asked");
}

#[tokio::test]
async fn n15_the_audience_is_ours_and_ours_alone() {
    let two = Settings { audiences: vec![APPLICATION.to_owned(), "app2".to_owned()], ..settings() };
    let stage = Stage::ready_with(two).await;
    for audience in [json!("app1"), json!("app2"), json!(["app1"]), json!(["app1", "app2"])] {
        assert_eq!(stage.refusal_with(json!({"aud": audience})).await, None, "{audience}");
    }
    for audience in [json!("app3"), json!("absent"), json!([]), json!(["app1", "app3"]), json!("")] {
        assert_eq!(stage.refusal_with(json!({"aud": audience})).await, Some(Refusal::Audience), "{audience}");
    }
    for audience in [json!(1), json!({"app1": true}), json!(["app1", 1]), Value::Null] {
        assert_eq!(stage.refusal_with(json!({"aud": audience})).await, Some(Refusal::Claims), "{audience}");
    }
}

#[tokio::test]
async fn n16_n17_a_token_does_not_bring_its_own_key() {
    let stage = Stage::ready().await;
    stage.asked("");
    for more in [
        r#""jku":"https://evil.example/jwks.json""#,
        r#""x5u":"https://evil.example/cert.pem""#,
        r#""x5c":["AAAA"]"#,
        r#""jwk":{"kty":"OKP"}"#,
    ] {
        let header = format!(r#"{{"typ":"at+jwt","alg":"EdDSA","kid":"k1",{more}}}"#);
        assert_eq!(stage.refusal_of_header(&header).await, Some(Refusal::Key), "{more}");
    }
    for kid in ["", &"k".repeat(129), "k1\\u007f", "a\\nb"] {
        let header = format!(r#"{{"typ":"at+jwt","alg":"EdDSA","kid":"{kid}"}}"#);
        assert_eq!(stage.refusal_of_header(&header).await, Some(Refusal::Key), "{kid}");
    }
    let unnamed = stage.signer.sign(r#"{"typ":"at+jwt","alg":"EdDSA"}"#, stage.claims("s1", "ann").to_string());
    assert_eq!(stage.refusal(&unnamed).await, Some(Refusal::Key));
    assert_eq!(stage.asked(""), [], "nobody was asked");
}

#[tokio::test]
async fn n18_unknown_names_have_the_keys_fetched_once_a_minute() {
    let stage = Stage::ready().await;
    stage.asked("");
    for number in 0..1_000 {
        let header = format!(r#"{{"typ":"at+jwt","alg":"EdDSA","kid":"../{number}"}}"#);
        assert_eq!(stage.refusal(&stage.signer.sign(header, "{}")).await, Some(Refusal::Key));
    }
    assert_eq!(stage.asked("jwks.json").len(), 1);
    // Strangers do not use up what the feed may ask.
    let next = Signer::new("k2", 9);
    stage.publish(&[stage.signer.jwk(), next.jwk()]);
    let token = next.mint("at+jwt", &stage.claims("s1", "ann"));
    assert_eq!(stage.refusal(&token).await, Some(Refusal::Key));
    stage.pass_alive(seconds(60)).await;
    stage.asked("");
    assert_eq!(stage.refusal(&token).await, None, "a rotated key is found");
    assert_eq!(stage.asked("jwks.json").len(), 1);
    // One that was withdrawn is forgotten by itself.
    stage.publish(&[next.jwk()]);
    stage.pass_alive(seconds(360)).await;
    assert_eq!(stage.refusal(&stage.token("s1", "ann")).await, Some(Refusal::Key));
}

#[tokio::test]
async fn n18_who_hangs_up_does_not_keep_the_keys_from_the_others() {
    let stage = Stage::ready().await;
    let next = Signer::new("k2", 9);
    stage.publish(&[next.jwk()]);
    let token = next.mint("at+jwt", &stage.claims("s1", "ann"));
    {
        let mut asked = std::pin::pin!(stage.verify(&token));
        // Begun, and given up.
        assert!(std::future::poll_fn(|cx| std::task::Poll::Ready(asked.as_mut().poll(cx).is_pending())).await);
    }
    stage.settle().await;
    assert_eq!(stage.refusal(&token).await, None);
}

#[tokio::test]
async fn n19_n21_tokens_of_another_kind_are_refused() {
    let stage = Stage::ready().await;
    let claims = stage.claims("s1", "ann");
    for typ in ["JWT", "secevent+jwt", "application/at+jwt", "AT+JWT", ""] {
        assert_eq!(stage.refusal(&stage.signer.mint(typ, &claims)).await, Some(Refusal::Type), "{typ}");
    }
    let untyped = stage.signer.sign(r#"{"alg":"EdDSA","kid":"k1"}"#, claims.to_string());
    assert_eq!(stage.refusal(&untyped).await, Some(Refusal::Type));
    for missing in [json!({"sid": "absent"}), json!({"sub": "absent"}), json!({"sid": ""}), json!({"sid": 1})] {
        assert_eq!(stage.refusal_with(missing.clone()).await, Some(Refusal::Claims), "{missing}");
    }
}

#[tokio::test]
async fn n22_times_are_numbers() {
    let stage = Stage::ready().await;
    for time in [json!("9999999999"), json!(-1), json!([1]), json!(true), Value::Null, json!(9.1e15)] {
        for name in ["exp", "iat", "nbf"] {
            assert_eq!(stage.refusal_with(json!({name: time})).await, Some(Refusal::Claims), "{name} {time}");
        }
    }
    for name in ["exp", "iat"] {
        assert_eq!(stage.refusal_with(json!({name: "absent"})).await, Some(Refusal::Claims), "{name}");
    }
    let claims = stage.claims("s1", "ann").to_string().replace(&(START + 86_400).to_string(), "1e400");
    assert_eq!(stage.refusal(&stage.signer.sign(HEADER, claims)).await, Some(Refusal::Claims));
}

#[tokio::test]
async fn n23_a_token_counts_from_its_beginning_to_its_end_and_not_too_long() {
    let stage = Stage::ready().await;
    for end in [START, START - 1, START - 31_536_000] {
        assert_eq!(stage.refusal_with(json!({"exp": end, "iat": end - 60})).await, Some(Refusal::Expired), "{end}");
    }
    assert_eq!(stage.refusal_with(json!({"exp": START + 1})).await, None);
    for name in ["iat", "nbf"] {
        assert_eq!(stage.refusal_with(json!({name: START + 61})).await, Some(Refusal::NotYet), "{name}");
        assert_eq!(stage.refusal_with(json!({name: START + 60})).await, None, "{name}");
    }
    assert_eq!(stage.refusal_with(json!({"exp": START + 86_401})).await, Some(Refusal::Lifetime));
    assert_eq!(stage.refusal_with(json!({"iat": START - 1, "exp": START + 86_400})).await, Some(Refusal::Lifetime));
}

#[tokio::test]
async fn a_token_ends_while_it_is_in_use() {
    let stage = Stage::ready().await;
    let claims = stage.verify(&stage.token("s1", "ann")).await.unwrap();
    stage.pass_alive(Duration::from_mins(5)).await;
    assert_eq!(stage.verifier.still_valid(&claims), Ok(()));
    stage.machine.set_forward(seconds(86_400));
    assert_eq!(stage.verifier.still_valid(&claims), Err(Refusal::Expired));
}
