//! `dev`: the lines that it prints work when pasted, and its log at its loudest holds no secret.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

mod support;

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use support::{Folder, Server, pause};

/// Killed at the end of the test.
struct Dev(Child);

impl Drop for Dev {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn every_curl_of_the_banner_works_when_pasted() {
    let folder = Folder::new();
    let mut command = folder.command(&["dev", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    let mut dev = Dev(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let mut lines = BufReader::new(dev.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let banner: Vec<_> = lines.by_ref().take_while(|line| !line.contains("Ctrl-C")).collect();
    assert!(banner[0].contains("Unsafe compatibility switches are on"));
    let curls: Vec<_> = banner.iter().filter(|line| line.trim_start().starts_with("curl ")).collect();
    let paths = ["/api/v1/guests", "/apirtc/", "/keyclic/", "/opentact/", "/telnyx/", "/tiledesk/", "/tiledesk/"];
    assert_eq!(curls.len(), paths.len(), "{banner:#?}");
    for (curl, path) in curls.iter().zip(paths) {
        assert!(curl.contains(path), "{curl}");
        let output = Command::new("sh").args(["-c", curl]).output().unwrap();
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{curl}: {output:?}"));
        // Telnyx has no sign-in over HTTP: its line shows the connection that its page signs in to.
        let expected = if path == "/telnyx/" { "\"user_name\":\"desk" } else { "eyJ" };
        assert!(answer.to_string().contains(expected), "{curl}: {answer}");
    }
    let url = banner.iter().find_map(|line| line.strip_prefix("  address")).unwrap().trim();
    let host = url.replacen("http", "ws", 1);
    for (library, address) in [("new apiRTC.", format!("{url}/apirtc'")), ("new TelnyxRTC(", format!("{host}/telnyx'"))]
    {
        let of_it: Vec<_> = banner.iter().filter(|line| line.contains(library)).collect();
        assert!(!of_it.is_empty() && of_it.iter().all(|line| line.contains(&address)), "{library}: {of_it:?}");
    }
}

#[test]
fn n94_the_log_at_its_loudest_holds_no_secret() {
    let folder = Folder::new();
    let server = folder.start(&["--log-level", "trace", "dev"]);
    let examples = std::fs::read_to_string(folder.path().join("ringfence-dev.toml")).unwrap();
    let file: toml::Table = toml::from_str(&examples).unwrap();
    let project = &file["project"][0];
    let text = |value: &toml::Value| value.as_str().unwrap().to_owned();
    let password = text(&project["identity"][0]["password"]);
    let secret = text(&project["application"][0]["trusted_issuer"][0]["secret"]);
    let api_key = text(&project["api_key"][0]["value"]);

    let signed_in = server.send(
        "POST",
        "/tiledesk/auth/signin",
        Some(&json!({ "email": "agent@example.org", "password": password })),
    );
    let token = signed_in.1["token"].as_str().unwrap().to_owned();
    let jwt = token.trim_start_matches("JWT ").to_owned();
    server.send(
        "POST",
        "/tiledesk/auth/signin",
        Some(&json!({ "email": "agent@example.org", "password": "wrong horse" })),
    );
    server.send("GET", &format!("/tiledesk/users?token={jwt}"), None);
    server.send("GET", &format!("/nowhere/{jwt}"), None);
    server.send("PUT", "/tiledesk/auth/requestresetpsw", Some(&json!({ "email": "agent@example.org" })));
    let reset = mailed_secret(&server);
    let metrics = server.ask("/metrics").1;

    server.signal("-TERM");
    let (_, log) = server.ended();
    let signature = jwt.rsplit_once('.').unwrap().1.to_owned();
    let secrets = [password, secret, api_key, jwt, signature, "wrong horse".to_owned(), reset];
    for secret in secrets {
        assert!(!log.contains(&secret) && !metrics.contains(&secret), "{secret}");
    }
    assert!(log.contains("\"level\":\"DEBUG\""), "it was loud");
}

/// The secret in the link that was mailed last; mail takes a moment.
fn mailed_secret(server: &Server) -> String {
    for _ in 0..100 {
        let (_, mail) = server.send("GET", "/dev/mailbox/latest?to=agent@example.org", None);
        if let Some((_, rest)) = mail.as_str().and_then(|mail| mail.split_once("rfv_")) {
            return rest.split_whitespace().next().unwrap().to_owned();
        }
        pause(Duration::from_millis(20));
    }
    panic!("no mail came");
}
