//! N94: whatever is shown to the program, of it nothing stands in its log at the loudest, in a refusal, or in its metrics.

use std::time::Duration;

use ringfence_core::{
    digest::{DigestAlgorithm, Digests},
    secret::Password,
};
use serde_json::json;

use crate::{
    house::{APPLICATION, House, ISSUER_SECRET, PASSWORD, basic},
    support::pause,
    ways::{Held, all, assertion, on_socket},
};

/// What nobody ever had, and is as secret as if somebody had.
const GUESS: &str = "Tangerine-4471-in-teacups";

#[test]
fn n94_no_secret_of_any_face_stands_in_log_refusals_or_metrics() {
    let house = House::with_cheap_hashes(&["ann"], "trace");
    let mut held = Held::default();
    held.0.extend([PASSWORD, GUESS, ISSUER_SECRET].map(str::to_owned));
    held.0.push(house.api_key.clone());
    for way in all(&house, "ann", &mut held) {
        assert!((way.knock)(), "{}", way.name);
    }
    let shown = held.0.clone();
    // First, for it is forgotten where too many were wrong.
    a_forgotten_one(&house, &mut held);
    shown_where_it_does_not_belong(&house, &shown);
    wrong_passwords(&house);
    sockets(&house, &mut held);
    phones_and_relays(&house, &mut held);
    // What is sealed, and what seals.
    let keys = std::fs::read_to_string(house.folder.path().join("ringfence.key")).unwrap();
    held.0.extend(keys.split_whitespace().filter(|word| word.len() > 30).map(str::to_owned));

    let metrics = house.server.ask("/metrics").1;
    let House { server, refusals, .. } = house;
    server.signal("-TERM");
    let (_, log) = server.ended();
    let refusals = refusals.into_inner().unwrap();
    assert!(refusals.len() > 100 && log.contains("\"level\":\"TRACE\""), "{} refusals", refusals.len());
    let mut found = Vec::new();
    for secret in &held.0 {
        // The path of a request is the client's own, and stands before what was answered.
        let refusal =
            refusals.iter().find(|refusal| refusal.split_once(": ").is_some_and(|(_, body)| body.contains(secret)));
        if let Some(refusal) = refusal {
            found.push(format!("{secret} in a refusal: {refusal}"));
        }
        if let Some(line) = log.lines().find(|line| line.contains(secret)) {
            found.push(format!("{secret} in the log: {line}"));
        }
        if metrics.contains(secret) {
            found.push(format!("{secret} in the metrics"));
        }
    }
    // A token is as good without its scheme, and its signature alone tells which one it was.
    assert!(found.is_empty(), "{}", found.join("\n"));
    eprintln!("{} secrets, {} refusals, {} lines of log", held.0.len(), refusals.len(), log.lines().count());
}

/// Everything that is a secret, shown everywhere in each form that a face reads, and in the address.
fn shown_where_it_does_not_belong(house: &House, secrets: &[String]) {
    let paths = [
        "/api/v1/me",
        "/api/v1/admin/project",
        "/tiledesk/users",
        "/keyclic/people/x",
        "/opentact/rest/account",
        "/apirtc/api/v2/users/me",
        "/telnyx/v2/credential_connections/x",
        "/forward-auth",
        "/nowhere",
    ];
    for secret in secrets {
        let bare = secret.trim_start_matches("JWT ");
        for path in paths {
            for scheme in ["Bearer", "JWT", "Basic", "Digest", "Whatever"] {
                house.show("DELETE", path, &format!("{scheme} {bare}"));
            }
            house.show("GET", path, &basic("ann@example.org", bare));
            house.ask("GET", path, &[("X-Auth-Token", bare), ("X-Keyclic-App", bare), ("Cookie", bare)], "");
        }
        let paths = [
            "/api/v1/refresh",
            "/api/v1/sign-in",
            "/api/v1/assertions",
            "/tiledesk/auth/signin",
            "/keyclic/security/login",
        ];
        for member in ["refresh_token", "email", "application", "assertion", "token", "login", "username", "password"] {
            // Tiledesk repeats to its client what that called an address and is none, as the original does (its sheet, error shapes).
            for path in paths.iter().filter(|path| member != "email" || !path.starts_with("/tiledesk")) {
                house.json("POST", path, &[], &json!({ (member): bare }));
            }
        }
        // In an address that the client chose; what cannot stand in one is left out.
        if bare.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) {
            for path in [
                "/reset/{}",
                "/tiledesk/{}",
                "/opentact/rest/token/{}",
                "/api/v1/me?access_token={}",
                "/keyclic/people/{}",
            ] {
                house.ask("GET", &path.replace("{}", bare), &[], "");
            }
        }
    }
}

fn wrong_passwords(house: &House) {
    for email in ["ann@example.org", "nobody@example.org"] {
        house.json(
            "POST",
            "/api/v1/sign-in",
            &[],
            &json!({ "application": APPLICATION, "email": email, "password": GUESS }),
        );
        house.json("POST", "/tiledesk/auth/signin", &[], &json!({ "email": email, "password": GUESS }));
        house.json("POST", "/keyclic/security/login", &[], &json!({ "login": email, "password": GUESS }));
        house.show("GET", "/opentact/rest/auth", &basic(email, GUESS));
        house.form("/apirtc/api/v3/token", &[], &format!("username={email}&password={GUESS}"));
        // Where it is wrong as a body, too.
        house.ask(
            "POST",
            "/api/v1/sign-in",
            &[("Content-Type", "application/json")],
            &format!("{{\"password\":\"{GUESS}"),
        );
        house.json("POST", "/api/v1/sign-in", &[], &json!({ "password": [GUESS], "application": { GUESS: 1 } }));
    }
    let aside = json!({ "application": APPLICATION, "email": "bob@example.org", "password": GUESS, "more": GUESS });
    house.json("POST", "/api/v1/sign-up", &[], &aside);
}

/// A reset secret that was mailed, looked at, and used twice.
fn a_forgotten_one(house: &House, held: &mut Held) {
    house.json("PUT", "/tiledesk/auth/requestresetpsw", &[], &json!({ "email": "ann@example.org" }));
    let secret = mailed_secret(house);
    held.0.push(secret.clone());
    house.ask("GET", &format!("/reset/{secret}"), &[], "");
    for _ in 0..2 {
        house.json("PUT", &format!("/tiledesk/auth/resetpsw/{secret}"), &[], &json!({ "password": GUESS }));
    }
}

/// The secret in the link that was mailed last; mail takes a moment.
fn mailed_secret(house: &House) -> String {
    for _ in 0..100 {
        let (_, mail) = house.server.send("GET", "/dev/mailbox/latest?to=ann@example.org", None);
        if let Some((_, rest)) = mail.as_str().unwrap_or_default().split_once("rfv_") {
            let word = rest.split(|byte: char| !byte.is_ascii_alphanumeric() && byte != '-' && byte != '_');
            return format!("rfv_{}", word.clone().next().unwrap());
        }
        pause(Duration::from_millis(20));
    }
    panic!("no mail came");
}

/// Tokens and tickets on sockets, good ones and others.
fn sockets(house: &House, held: &mut Held) {
    let guest = house.json("POST", "/api/v1/guests", &[], &json!({ "application": APPLICATION }));
    let token = guest.text("/access_token");
    held.0.push(token.clone());
    let heard = on_socket(house, "/api/v1/socket", &json!({ "type": "authenticate", "token": token }));
    let ready: serde_json::Value = serde_json::from_str(&heard[0]).unwrap();
    let ticket = ready["resume"]["ticket"].as_str().unwrap().to_owned();
    held.0.push(ticket.clone());
    for (kind, member) in [("resume", "ticket"), ("resume", "ticket"), ("authenticate", "token")] {
        let heard = on_socket(house, "/api/v1/socket", &json!({ "type": kind, (member): ticket }));
        assert!(!heard.is_empty(), "{kind}");
    }
    let stranger = assertion(&json!({ "sub": "x", "aud": "y", "exp": 1 }));
    held.0.push(stranger.clone());
    for params in [
        json!({ "login_token": stranger }),
        json!({ "login": "ann", "passwd": GUESS }),
        json!({ "login_token": GUESS, "userVariables": { "x": GUESS } }),
    ] {
        let frame = json!({ "jsonrpc": "2.0", "id": "1", "method": "login", "params": params });
        let heard = on_socket(house, "/telnyx", &frame);
        assert!(heard.iter().all(|text| !text.contains(GUESS) && !text.contains(&stranger)), "{heard:?}");
    }
}

/// What phones sign in with, and what relays are shown.
fn phones_and_relays(house: &House, held: &mut Held) {
    let key = format!("Bearer {}", house.api_key);
    let backend = [("Authorization", key.as_str())];
    let connection = json!({ "connection_name": "phones", "user_name": "phones123", "password": GUESS });
    let made = house.json("POST", "/telnyx/v2/credential_connections", &backend, &connection);
    let connection = made.text("/data/id");
    let made =
        house.json("POST", "/telnyx/v2/telephony_credentials", &backend, &json!({ "connection_id": connection }));
    held.0.push(made.text("/data/sip_password"));
    let token = house.json(
        "POST",
        &format!("/telnyx/v2/telephony_credentials/{}/token", made.text("/data/id")),
        &backend,
        &json!({}),
    );
    held.0.push(token.body.clone());
    on_socket(
        house,
        "/telnyx",
        &json!({ "jsonrpc": "2.0", "id": "1", "method": "login", "params": { "login_token": token.body } }),
    );
    let turn = house.json("POST", "/api/v1/turn", &backend, &json!({}));
    if let Some(password) = turn.json().pointer("/credential").and_then(serde_json::Value::as_str) {
        held.0.push(password.to_owned());
    }
    let hash = Digests::of("ann", "rtc.test", &Password::new(GUESS)).ha1b(DigestAlgorithm::Md5).expose().to_owned();
    for path in ["/opentact/rest/app", "/opentact/rest/auth"] {
        house.ask("GET", path, &[("X-Auth-HA1B-Token", &hash)], "");
        house.ask("GET", &format!("{path}?ha1b={hash}"), &[], "");
    }
    held.0.push(hash);
}
