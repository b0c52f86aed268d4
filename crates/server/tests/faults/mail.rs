//! A mail server that is not there, and one that takes the connection and says nothing.

use std::{net::TcpListener, time::Duration};

use serde_json::json;

use crate::{
    scene::{APPLICATION, folder, now, sign_in, sign_up},
    support::Server,
};

/// A server whose mail goes to that port.
fn with_mail_at(port: u16) -> (crate::support::Folder, Server) {
    let mail = format!("[mail]\nurl = \"smtp://127.0.0.1:{port}\"\nfrom = \"no-reply@example.org\"\n");
    let folder = folder("sqlite:ringfence.db", &mail);
    let config = std::fs::read_to_string(folder.path().join("ringfence.toml")).unwrap();
    folder.file("ringfence.toml", &config.replace("[password]\nmemory_kib = 8\npasses = 1\n", ""));
    let server = folder.start(&["--config", "ringfence.toml", "serve", "--apply", "provision.toml"]);
    (folder, server)
}

/// Forgets a password, and signs in with it all the same; the log of the server when it has ended.
fn forget_and_go_on(server: Server) -> String {
    assert!(sign_up(server.main, "ann").unwrap().0 < 300);
    for _ in 0..3 {
        let begun = now();
        let body = json!({ "application": APPLICATION, "email": "ann@example.org" });
        let (status, answer) = server.send("POST", "/api/v1/verifications/password-reset", Some(&body));
        // The same as ever: whether mail goes out says nothing about who has an account.
        assert!(status < 300 || status == 429, "{status} {answer}");
        assert!(begun.elapsed() < Duration::from_secs(5), "the answer waited for the mail: {:?}", begun.elapsed());
        assert_eq!(sign_in(server.main, "ann").unwrap().0, 200);
    }
    server.signal("-TERM");
    let begun = now();
    let (status, log) = server.ended();
    assert!(status.success() && begun.elapsed() < Duration::from_secs(25), "it ended after {:?}", begun.elapsed());
    log
}

#[test]
fn a_mail_server_that_is_gone_holds_up_nobody_and_is_told_to_the_operator() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (_folder, server) = with_mail_at(port);
    let log = forget_and_go_on(server);
    assert!(log.contains("mail") && log.contains("ERROR"), "{log}");
    assert!(!log.contains("rfv_"), "the secret of the mail is in the log");
}

#[test]
fn a_mail_server_that_says_nothing_holds_up_nobody() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let (_folder, server) = with_mail_at(silent.local_addr().unwrap().port());
    let log = forget_and_go_on(server);
    assert!(!log.contains("rfv_"), "the secret of the mail is in the log");
}
