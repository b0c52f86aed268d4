//! TLS through the real program, judged by clients that trust one authority only.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

mod support;

use std::{
    fs,
    io::{self, Read as _, Write as _},
    net::SocketAddr,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use futures_util::{SinkExt as _, StreamExt as _};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::{
    ClientConfig, ProtocolVersion, RootCertStore,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, ServerName},
};
use serde_json::{Value, json};
use support::{Folder, Server, http, pause};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::Instant,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_tungstenite::{client_async, tungstenite::Message};

const KEY: &str = "KEY019aa91446a7abababababab_tlstest";
const PROJECT: &str = "[[project]]\nname = \"default\"\n[[project.api_key]]\nname = \"tests\"\nvalue = \"KEY019aa91446a7abababababab_tlstest\"\nscopes = [\"*\"]\n";

/// A certificate authority of this test alone.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Not the name of what it signs, or OpenSSL takes that for signed by itself.
        params.distinguished_name.push(DnType::CommonName, "the authority of a test");
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Puts a new certificate and its key into the folder, and returns the certificate.
    fn issue(&self, folder: &Folder) -> CertificateDer<'static> {
        let key = KeyPair::generate().unwrap();
        let names = ["localhost", "telnyx.localhost", "127.0.0.1"].map(str::to_owned);
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &self.0).unwrap();
        folder.file("cert.pem", &certificate.pem());
        folder.file("key.pem", &key.serialize_pem());
        certificate.der().clone()
    }

    /// A client that trusts this authority and nobody else.
    fn client(&self, alpn: &[&str]) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config)
    }
}

/// A server with a certificate of an authority, and a plain listener.
struct Secure {
    folder: Folder,
    server: Server,
    authority: Authority,
}

impl Secure {
    fn start() -> Self {
        let (folder, authority) = (Folder::new(), Authority::new());
        authority.issue(&folder);
        folder.file("ca.pem", &authority.0.pem());
        folder.file("project.toml", PROJECT);
        let tls = "[server.tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\nplain_listen = \"127.0.0.1:0\"\n";
        folder.file("ringfence.toml", tls);
        let server = folder.start(&["serve", "--config", "ringfence.toml", "--apply", "project.toml"]);
        Self { folder, server, authority }
    }

    async fn connect(&self, alpn: &[&str]) -> TlsStream<TcpStream> {
        connect(self.server.main, self.authority.client(alpn)).await.unwrap()
    }

    /// One request on a connection of its own: the whole answer.
    async fn ask(&self, method: &str, path: &str, more: &str, body: &str) -> String {
        ask(self.connect(&[]).await, method, path, more, body).await.unwrap()
    }

    /// The same as somebody with the key, and the body.
    async fn manage(&self, method: &str, path: &str, body: Value) -> String {
        let more = format!("Authorization: Bearer {KEY}\r\n");
        let answer = self.ask(method, path, &more, &body.to_string()).await;
        assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    /// What curl says to a path at a host of the server.
    fn curl(&self, host: &str, path: &str, arguments: &[&str]) -> String {
        let port = self.server.main.port();
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--cacert", "ca.pem", "--resolve", &format!("{host}:{port}:127.0.0.1")]);
        curl.args(arguments).arg(format!("https://{host}:{port}{path}")).current_dir(self.folder.path());
        let output = curl.output().expect("curl is needed for this test");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

async fn connect(to: SocketAddr, client: Arc<ClientConfig>) -> io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(client).connect(name, TcpStream::connect(to).await?).await
}

async fn ask(mut stream: TlsStream<TcpStream>, method: &str, path: &str, more: &str, body: &str) -> io::Result<String> {
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{more}\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn clients_that_trust_the_authority_are_served_and_told_to_stay() {
    let t = Secure::start();
    let stream = t.connect(&["http/1.1"]).await;
    assert_eq!(stream.get_ref().1.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    let answer = ask(stream, "GET", "/.well-known/jwks.json", "", "").await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("strict-transport-security: max-age=31536000\r\n"), "{answer}");
    // The reason phrase that clients of the seed look for.
    let refused = t.ask("GET", "/telnyx/v2/telephony_credentials", "", "").await;
    assert!(refused.starts_with("HTTP/1.1 401 Unauthorized\r\n"), "{refused}");
    assert!(refused.contains("strict-transport-security"), "{refused}");
    // It is known by itself that the public address begins with https: cookies stay on it.
    let first = t.ask("GET", "/?lang=fr", "", "").await;
    assert!(first.contains("SameSite=Lax; HttpOnly; Secure\r\n"), "{first}");
    let stranger = connect(t.server.main, Authority::new().client(&[])).await.unwrap_err();
    assert!(stranger.to_string().contains("invalid peer certificate"), "{stranger}");
}

#[tokio::test]
async fn both_versions_of_http_are_offered_and_hosts_work_in_both() {
    let t = Secure::start();
    for (offered, chosen) in
        [(&["h2", "http/1.1"][..], Some("h2")), (&["http/1.1"], Some("http/1.1")), (&["h2"], Some("h2")), (&[], None)]
    {
        let stream = t.connect(offered).await;
        let alpn = stream.get_ref().1.alpn_protocol().map(|name| String::from_utf8(name.to_vec()).unwrap());
        assert_eq!(alpn.as_deref(), chosen);
    }
    assert!(connect(t.server.main, t.authority.client(&["gopher"])).await.is_err());
    let bearer = format!("Authorization: Bearer {KEY}");
    for (flag, version) in [("--http2", "2"), ("--http1.1", "1.1")] {
        let body = r#"{"connection_name":"over-curl"}"#;
        let arguments = [flag, "-w", " %{http_version} %{http_code}", "-H", &bearer, "--json", body];
        let said = t.curl("localhost", "/telnyx/v2/credential_connections", &arguments);
        assert!(said.ends_with(&format!(" {version} 201")), "{said}");
        let at_host = t.curl("telnyx.localhost", "/v2/credential_connections", &[flag, "-i", "-H", &bearer]);
        assert!(at_host.contains("over-curl") && at_host.contains("strict-transport-security"), "{at_host}");
        let tls12 = t.curl("localhost", "/", &[flag, "--tls-max", "1.2", "-w", " %{http_code}", "-o", "page"]);
        assert_eq!(tls12, " 200");
    }
}

#[tokio::test]
async fn older_versions_and_plain_text_are_refused() {
    let t = Secure::start();
    // A whole ClientHello of TLS 1.1: version 3.2, ECDHE-RSA-AES128-CBC-SHA, and the one extension (signature_algorithms)
    // without which nobody is told more.
    let mut hello = vec![0x03, 0x02];
    hello.extend([7; 32]);
    hello.extend([0x00, 0x00, 0x02, 0xC0, 0x13, 0x01, 0x00]);
    hello.extend([0x00, 0x0A, 0x00, 0x0D, 0x00, 0x06, 0x00, 0x04, 0x04, 0x01, 0x04, 0x03]);
    let mut record = vec![0x16, 0x03, 0x01, 0x00, u8::try_from(hello.len() + 4).unwrap(), 0x01, 0x00, 0x00];
    record.push(u8::try_from(hello.len()).unwrap());
    record.extend(hello);
    let mut old = std::net::TcpStream::connect(t.server.main).unwrap();
    old.write_all(&record).unwrap();
    let mut answer = Vec::new();
    old.read_to_end(&mut answer).unwrap();
    // A fatal alert: protocol_version (RFC 5246, section 7.2.2).
    assert_eq!((answer[0], &answer[5..]), (0x15, &[0x02, 70][..]), "{answer:?}");
    let plain = http(t.server.main, "GET", "/", None);
    assert!(plain.is_err(), "{plain:?}");
}

#[tokio::test]
async fn n95_whoever_says_nothing_is_let_go_at_every_stage() {
    let t = Secure::start();
    let main = t.server.main;
    let mut stages = tokio::task::JoinSet::new();
    // Nothing at all.
    stages.spawn(async move { ended(TcpStream::connect(main).await.unwrap()).await });
    let silent = t.connect(&["http/1.1"]).await;
    stages.spawn(ended(silent));
    // The beginning of what begins HTTP/2, so that the server cannot tell the versions yet.
    let mut undecided = t.connect(&[]).await;
    undecided.write_all(b"PRI * HT").await.unwrap();
    stages.spawn(ended(undecided));
    // HTTP/2 with settings, and no request.
    let mut idle = t.connect(&["h2"]).await;
    idle.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    stages.spawn(ended(idle));
    let patience = tokio::time::timeout(Duration::from_secs(25), stages.join_all()).await.expect("all are let go");
    // Not for anything they said.
    assert!(patience.iter().all(|patience| patience.as_secs() >= 9), "{patience:?}");
    assert_eq!(t.server.ask("/healthz").0, 200);
}

/// Reads until the other end has enough, and returns how long that took.
async fn ended(mut stream: impl tokio::io::AsyncRead + Unpin) -> Duration {
    let (mut rest, begun) = (Vec::new(), Instant::now());
    drop(stream.read_to_end(&mut rest).await);
    begun.elapsed()
}

#[tokio::test]
async fn a_socket_logs_in_over_tls_and_outlives_what_others_wait() {
    let t = Secure::start();
    let id = |text: &str| serde_json::from_str::<Value>(text).unwrap()["data"]["id"].as_str().unwrap().to_owned();
    let group = t.manage("POST", "/telnyx/v2/credential_connections", json!({ "connection_name": "tls" })).await;
    let made = t.manage("POST", "/telnyx/v2/telephony_credentials", json!({ "connection_id": id(&group) })).await;
    let path = format!("/telnyx/v2/telephony_credentials/{}", id(&made));
    let token = t.manage("POST", &format!("{path}/token"), json!({})).await;
    let stream = t.connect(&["http/1.1"]).await;
    let (mut socket, upgraded) = client_async("wss://localhost/telnyx", stream).await.unwrap();
    assert_eq!(upgraded.status(), 101);
    let login = json!({ "jsonrpc": "2.0", "id": "l", "method": "login", "params": { "login_token": token } });
    socket.send(Message::text(login.to_string())).await.unwrap();
    let answer = socket.next().await.unwrap().unwrap();
    assert!(answer.to_text().unwrap().contains("logged in"), "{answer}");
    // The server's first ping comes after every deadline of a head has passed.
    let ping = tokio::time::timeout(Duration::from_secs(30), async {
        loop {
            let message = socket.next().await.expect("still open").unwrap();
            if message.to_text().is_ok_and(|text| text.contains("telnyx_rtc.ping")) {
                return;
            }
        }
    });
    ping.await.expect("the server pings");
    t.manage("DELETE", &path, json!({})).await;
    let closed = loop {
        if let Message::Close(frame) = socket.next().await.unwrap().unwrap() {
            break frame.unwrap();
        }
    };
    assert_eq!(u16::from(closed.code), 1008);
}

/// The certificate of a new connection.
async fn shown(t: &Secure) -> CertificateDer<'static> {
    let stream = t.connect(&[]).await;
    stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
}

/// Waits until new connections are shown `certificate`.
async fn taken(t: &Secure, certificate: &CertificateDer<'static>) -> bool {
    for _ in 0..300 {
        if shown(t).await == *certificate {
            return true;
        }
        tokio::task::spawn_blocking(|| pause(Duration::from_millis(50))).await.unwrap();
    }
    false
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_swapped_under_load_without_a_failed_request() {
    let t = Secure::start();
    let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut load = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let (stop, answered, main) = (Arc::clone(&stop), Arc::clone(&answered), t.server.main);
        // Each connection by itself and from the beginning: no session is resumed.
        let clients = t.authority.client(&["http/1.1"]);
        load.spawn(async move {
            while !stop.load(Relaxed) {
                let mut client = ClientConfig::clone(&clients);
                client.resumption = rustls::client::Resumption::disabled();
                let stream = connect(main, Arc::new(client)).await.expect("a handshake");
                let answer = ask(stream, "GET", "/.well-known/jwks.json", "", "").await.expect("an answer");
                assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
                answered.fetch_add(1, Relaxed);
            }
        });
    }
    for swap in 0..6 {
        let next = t.authority.issue(&t.folder);
        if swap % 2 == 0 {
            t.server.signal("-HUP");
        }
        assert!(taken(&t, &next).await, "swap {swap} is not taken");
    }
    stop.store(true, Relaxed);
    load.join_all().await;
    assert!(answered.load(Relaxed) > 50, "{} requests", answered.load(Relaxed));
}

#[cfg(unix)]
#[tokio::test]
async fn a_pair_that_is_no_good_is_logged_and_the_one_before_stays() {
    let t = Secure::start();
    let good = shown(&t).await;
    // The key of another certificate; then half a file; then none. Each is tried once on SIGHUP.
    let certificate = fs::read_to_string(t.folder.path().join("cert.pem")).unwrap();
    t.authority.issue(&t.folder);
    t.folder.file("cert.pem", &certificate);
    t.server.signal("-HUP");
    t.server.logs("tls_reload", 1);
    assert_eq!(shown(&t).await, good);
    t.folder.file("cert.pem", &certificate[..certificate.len() / 2]);
    t.server.signal("-HUP");
    t.server.logs("tls_reload", 2);
    assert_eq!(shown(&t).await, good);
    fs::remove_file(t.folder.path().join("key.pem")).unwrap();
    t.server.signal("-HUP");
    t.server.logs("tls_reload", 3);
    assert_eq!(shown(&t).await, good);
    // And by itself it takes the next that is good.
    let next = t.authority.issue(&t.folder);
    assert!(taken(&t, &next).await);
    t.server.signal("-TERM");
    let (status, log) = t.server.ended();
    assert!(status.success(), "{log}");
    assert!(log.contains("took the certificate"), "{log}");
    assert!(!log.contains("PRIVATE KEY"), "{log}");
}

#[tokio::test]
async fn n66_plain_http_is_redirected_or_refused_and_executes_nothing() {
    let t = Secure::start();
    let plain = t.server.plain.unwrap();
    let account = json!({ "email": "ann@example.org", "password": "a fine long password", "firstname": "Ann", "lastname": "Doe" });
    for (method, path, body) in [
        ("POST", "/tiledesk/auth/signup", Some(&account)),
        ("POST", "/keyclic/security/login", Some(&account)),
        ("GET", "/telnyx/v2/telephony_credentials", None),
        ("GET", "/forward-auth", None),
        ("GET", "/.well-known/jwks.json", None),
        ("POST", "/reset/abc", None),
    ] {
        let (status, answer) = http(plain, method, path, body).unwrap();
        assert_eq!(status, 403, "{path}: {answer}");
        assert_eq!(serde_json::from_str::<Value>(&answer).unwrap()["code"], "tls_required", "{path}");
    }
    // The sign-up was not executed: there is the service that the key is for, and nobody else.
    let identities = t.folder.run(&["--json", "identity", "list"]).done().json();
    let kinds: Vec<_> = identities.as_array().unwrap().iter().map(|identity| &identity["kind"]).collect();
    assert_eq!(kinds, ["service"]);
    // The same over TLS is, so the sign-up was a good one.
    let made = t.ask("POST", "/tiledesk/auth/signup", "", &account.to_string()).await;
    assert!(made.starts_with("HTTP/1.1 200"), "{made}");
    // With and without good credentials, the answer is one.
    let asked = |more: &str| {
        let mut stream = std::net::TcpStream::connect(plain).unwrap();
        write!(stream, "GET /telnyx/v2/telephony_credentials HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{more}\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let dated = |line: &&str| !line.starts_with("date:");
        answer.lines().filter(dated).collect::<Vec<_>>().join("\n")
    };
    let refusal = asked("");
    assert!(refusal.starts_with("HTTP/1.1 403") && refusal.contains("application/problem+json"), "{refusal}");
    assert!(!refusal.contains("strict-transport"), "RFC 6797, section 7.2: {refusal}");
    for credentials in [format!("Bearer {KEY}"), "Basic YW5uOmE6Yg==".to_owned(), "Basic !".to_owned()] {
        assert_eq!(asked(&format!("Authorization: {credentials}\r\n")), refusal);
    }
}

#[tokio::test]
async fn n43_pages_are_redirected_to_the_configured_name() {
    let t = Secure::start();
    let ours = format!("https://{}", t.server.main);
    for (path, host) in [("/", "evil.example"), ("/reset/abc?x=%2F", "evil.example:80"), ("/email", "localhost")] {
        let mut stream = std::net::TcpStream::connect(t.server.plain.unwrap()).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-Host: {host}\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 302 Found\r\n"), "{answer}");
        assert!(answer.contains(&format!("location: {ours}{path}\r\n")), "{answer}");
    }
}

#[test]
fn doctor_looks_at_the_pair_and_serve_refuses_a_wrong_one() {
    let (folder, authority) = (Folder::with_project(), Authority::new());
    authority.issue(&folder);
    let config =
        "[server]\npublic_url = \"https://localhost\"\n[server.tls]\ncertificate = \"cert.pem\"\nkey = \"key.pem\"\n";
    folder.file("ringfence.toml", config);
    let doctor = |folder: &Folder| {
        let found = folder.run(&["--json", "--config", "ringfence.toml", "doctor"]).json();
        let tls = found["findings"].as_array().unwrap().iter().filter(|finding| finding["check"] == "tls");
        tls.map(|finding| format!("{} {}", finding["verdict"], finding["says"])).collect::<Vec<_>>().join("\n")
    };
    let fine = doctor(&folder);
    assert!(fine.contains("\"ok\"") && fine.contains("valid until") && !fine.contains("fail"), "{fine}");
    folder.file("ringfence.toml", &config.replace("localhost", "elsewhere.example"));
    let foreign = doctor(&folder);
    assert!(foreign.contains("\"fail\"") && foreign.contains("elsewhere.example"), "{foreign}");
    folder.file("ringfence.toml", config);
    let mut ended = CertificateParams::new(["localhost".to_owned()]).unwrap();
    ended.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let key = KeyPair::generate().unwrap();
    folder.file("cert.pem", &ended.signed_by(&key, &authority.0).unwrap().pem());
    folder.file("key.pem", &key.serialize_pem());
    let ended = doctor(&folder);
    assert!(ended.contains("\"fail\"") && ended.contains("ended at 2020-01-01"), "{ended}");
    folder.file("key.pem", &KeyPair::generate().unwrap().serialize_pem());
    let strange = doctor(&folder);
    assert!(strange.contains("\"fail\"") && strange.contains("not the key"), "{strange}");
    let refused = Server::start(folder.command(&["serve", "--config", "ringfence.toml"])).unwrap_err();
    assert!(refused.contains("[server.tls]") && refused.contains("not the key"), "{refused}");
}
