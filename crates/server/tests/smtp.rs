//! Mail, through a real mail server on loopback: npm's smtp-server, run by node.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

mod support;

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::Once,
};

use serde_json::{Value, json};
use support::Folder;

/// The mail server, running with a certificate of its own authority.
struct MailServer {
    child: Child,
    said: BufReader<ChildStdout>,
    port: u64,
}

impl MailServer {
    /// Starts it in one manner: `starttls`, `tls` or `plain`. The certificate is left in `folder` as `ca.pem`.
    fn start(folder: &Folder, manner: &str) -> Self {
        let pair = rcgen::generate_simple_self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let key = folder.file("mail-key.pem", &pair.signing_key.serialize_pem());
        let certificate = folder.file("ca.pem", &pair.cert.pem());
        let mut node = Command::new("node");
        node.arg(installed().join("server.js")).args([&key, &certificate]).arg(manner);
        let mut child = node.stdout(Stdio::piped()).spawn().expect("node is needed for this test");
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let port = line(&mut said)["port"].as_u64().unwrap();
        Self { child, said, port }
    }

    /// The next message that it took.
    fn received(&mut self) -> Value {
        line(&mut self.said)
    }

    /// Ends it and returns what it took and nobody asked for.
    fn rest(mut self) -> String {
        self.child.kill().unwrap();
        let mut rest = String::new();
        self.said.read_to_string(&mut rest).unwrap();
        rest
    }

    fn config(&self, folder: &Folder, scheme: &str, login: &str, more: &str) {
        let url = format!("{scheme}://{login}localhost:{}", self.port);
        let text = format!("[mail]\nurl = \"{url}\"\nfrom = \"Ringfence <no-reply@example.org>\"\n{more}");
        folder.file("ringfence.toml", &text);
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn line(said: &mut BufReader<ChildStdout>) -> Value {
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap()
}

/// The folder with the mail server's packages, installed below the target folder when they are not there yet.
fn installed() -> PathBuf {
    static ONCE: Once = Once::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/smtp");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("smtp");
    ONCE.call_once(|| {
        fs::create_dir_all(&folder).unwrap();
        let lock = fs::read(source.join("package-lock.json")).unwrap();
        let is_current = fs::read(folder.join("installed")).is_ok_and(|installed| installed == lock);
        for name in ["package.json", "package-lock.json", "server.js"] {
            fs::copy(source.join(name), folder.join(name)).unwrap();
        }
        if !is_current {
            let mut npm = Command::new("npm");
            npm.args(["ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder);
            assert!(npm.status().expect("npm is needed for this test").success());
            fs::write(folder.join("installed"), lock).unwrap();
        }
    });
    folder
}

const CA: &str = "ca_file = \"ca.pem\"\n";
const TEST: &[&str] = &["--config", "ringfence.toml", "mail", "test", "ann@example.org"];

#[test]
fn mail_goes_through_starttls_with_its_login() {
    let folder = Folder::new();
    let mut server = MailServer::start(&folder, "starttls");
    server.config(&folder, "smtp", "user:p%40ss%2Fword@", CA);
    folder.run(TEST).done();
    let mail = server.received();
    assert_eq!(
        json!([mail["secure"], mail["user"], mail["from"], mail["to"]]),
        json!([true, "user", "no-reply@example.org", ["ann@example.org"]])
    );
    let message = mail["message"].as_str().unwrap();
    for part in
        ["Subject: Ringfence can send mail", "From: Ringfence <no-reply@example.org>", "text/plain", "text/html"]
    {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert!(folder.run(&["--config", "ringfence.toml", "doctor"]).out.contains("the mail server answers"));
}

#[test]
fn mail_goes_through_tls_from_the_start() {
    let folder = Folder::new();
    let mut server = MailServer::start(&folder, "tls");
    server.config(&folder, "smtps", "user:p%40ss%2Fword@", CA);
    folder.run(TEST).done();
    assert_eq!(server.received()["secure"], true);
}

#[test]
fn a_server_that_does_not_upgrade_or_is_not_trusted_gets_neither_mail_nor_login() {
    let folder = Folder::new();
    let server = MailServer::start(&folder, "plain");
    server.config(&folder, "smtp", "user:p%40ss%2Fword@", CA);
    let ran = folder.run(TEST);
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert_eq!(server.rest(), "");

    let server = MailServer::start(&folder, "starttls");
    let stranger = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    folder.file("ca.pem", &stranger.cert.pem());
    server.config(&folder, "smtp", "user:p%40ss%2Fword@", CA);
    assert_eq!(folder.run(TEST).code, 2);
    assert_eq!(server.rest(), "");
}

#[test]
fn a_refused_login_is_told_without_the_password() {
    let folder = Folder::new();
    let server = MailServer::start(&folder, "starttls");
    server.config(&folder, "smtp", "user:not-the-password@", CA);
    let ran = folder.run(TEST);
    assert!(ran.code == 2 && !ran.err.contains("not-the-password"), "{}", ran.err);
    assert_eq!(server.rest(), "");
}

#[test]
fn n43_a_mailed_link_is_the_configured_one_whatever_the_request_says() {
    let folder = Folder::new();
    let mut mail = MailServer::start(&folder, "starttls");
    let proxies = "[server]\npublic_url = \"https://auth.example.org\"\n";
    mail.config(&folder, "smtp", "", &format!("{CA}{proxies}"));
    folder.file(
        "provision.toml",
        "[[project]]\nname = \"default\"\n[[project.identity]]\nemail = \"ann@example.org\"\npassword = \"pencils in the rain\"\n",
    );
    let server = folder.start(&["--config", "ringfence.toml", "serve", "--apply", "provision.toml"]);
    let body = json!({ "email": "ann@example.org" }).to_string();
    let mut stream = TcpStream::connect(server.main).unwrap();
    write!(
        stream,
        "PUT /tiledesk/auth/requestresetpsw HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: evil.example\r\n\
         X-Forwarded-Proto: http\r\nForwarded: host=evil.example;proto=http;for=192.0.2.1\r\nAccept-Language: fr\r\n\
         Connection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let message = mail.received()["message"].as_str().unwrap().replace("=\r\n", "");
    assert!(message.contains("https://auth.example.org/") && !message.contains("evil"), "{message}");
    server.signal("-TERM");
    let (status, log) = server.ended();
    assert!(status.success() && !log.contains("rfv_") && !log.contains("pencils"), "{log}");
}
