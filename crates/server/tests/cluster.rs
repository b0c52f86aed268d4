//! Two nodes on one PostgreSQL: what one is told, the other knows.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

mod support;

use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher as _,
    io::{self, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use futures_util::{SinkExt as _, StreamExt as _};
use ringfence_core::{entropy::OsEntropy, secret::TokenKind};
use serde_json::{Value, json};
use support::{Folder, Server, http_as, pause};
use tokio::{net::TcpStream as Stream, sync::mpsc, task::JoinSet, time::timeout};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

/// How long a node may take to find out by itself (ARCHITECTURE, "Announcements and liveness").
const RECHECK: Duration = Duration::from_secs(30);
/// How long anything else may take.
const DEADLINE: Duration = Duration::from_secs(30);
const APPLICATION: &str = "0123456789abcdef0123456789abcdef";
const PASSWORD: &str = "pencils in the rain";

/// Where the test server is.
fn postgres() -> String {
    std::env::var("RINGFENCE_TEST_POSTGRES").expect(
        "RINGFENCE_TEST_POSTGRES is not set: run `cargo xtask test`, which starts a PostgreSQL server for the tests, or give \
         the URL of one",
    )
}

/// Runs a query on the test server and returns how many rows it had; on a thread, for the test may drive a runtime of its own.
fn on_postgres(sql: &str) -> usize {
    let query = async {
        let (client, connection) = tokio_postgres::connect(&postgres(), tokio_postgres::NoTls).await.unwrap();
        let running = tokio::spawn(connection);
        let rows = client.query(sql, &[]).await.unwrap().len();
        drop(client);
        running.await.unwrap().unwrap();
        rows
    };
    let run = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(query);
    thread::scope(|scope| scope.spawn(run).join()).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "the real time that other processes take")]
fn now() -> Instant {
    Instant::now()
}

/// Waits until something that another process does has come about.
fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = now();
    while !condition() {
        assert!(begun.elapsed() < DEADLINE, "waited in vain until {what}");
        pause(Duration::from_millis(20));
    }
}

/// A schema of its own, gone at the end of the test.
struct Schema(String);

impl Schema {
    fn new() -> Self {
        let name = format!("cluster_{:016x}", RandomState::new().hash_one(std::process::id()));
        on_postgres(&format!("CREATE SCHEMA {name}"));
        Self(name)
    }

    /// Its URL by way of `server`, for connections with a name.
    fn url(&self, server: &str, name: &str) -> String {
        let mark = if server.contains('?') { '&' } else { '?' };
        let schema = &self.0;
        format!("{server}{mark}options=-c%20search_path%3D{schema}&application_name={schema}_{name}")
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        // A second panic while unwinding would hide the first.
        if !thread::panicking() {
            on_postgres(&format!("DROP SCHEMA {} CASCADE", self.0));
        }
    }
}

/// The nodes `a` and `b`, whose connections to the database go through `door`.
struct Cluster {
    a: Server,
    b: Server,
    door: Door,
    api_key: String,
    folder: Folder,
    // Last, when nobody uses it any more.
    schema: Schema,
}

impl Cluster {
    fn start() -> Self {
        let (folder, schema, server) = (Folder::new(), Schema::new(), postgres());
        let door = Door::open(&server);
        for (name, url) in [("a", server.clone()), ("b", door.url(&server))] {
            let url = schema.url(&url, name);
            let text = format!("[database]\nurl = \"{url}\"\n[password]\nmemory_kib = 7168\npasses = 1\n");
            folder.file(&format!("{name}.toml"), &text);
        }
        let api_key = TokenKind::ApiKey.mint(&OsEntropy).expose().to_owned();
        let people = ["ann", "ben"]
            .map(|name| format!("[[project.identity]]\nemail = \"{name}@example.org\"\npassword = \"{PASSWORD}\"\n"));
        let project = "[[project]]\nname = \"default\"\n[[project.application]]\nname = \"widget\"";
        let provision = format!(
            "{project}\npublishable_key = \"{APPLICATION}\"\n[[project.api_key]]\nname = \"backend\"\nvalue = \"{api_key}\"\n\
             scopes = [\"*\"]\n{}",
            people.concat()
        );
        folder.file("provision.toml", &provision);
        folder.run(&["--config", "a.toml", "apply", "provision.toml"]).done();
        let [a, b] = ["a.toml", "b.toml"].map(|file| folder.start(&["--config", file, "serve"]));
        let cluster = Self { a, b, door, api_key, folder, schema };
        for node in [&cluster.a, &cluster.b] {
            wait_until("the bus is there", || bus_of(node));
        }
        cluster
    }

    /// A request of the back end to node A, which must do it.
    fn ask(&self, method: &str, path: &str, body: &Value) -> String {
        let (status, text) = http_as(Some(&self.api_key), self.a.main, method, path, Some(body)).unwrap();
        assert!((200..300).contains(&status), "{method} {path}: {status} {text}");
        text
    }

    /// A credential that somebody may log in with, made on node A.
    fn credential(&self) -> Credential<'_> {
        let id = |made: &str| serde_json::from_str::<Value>(made).unwrap()["data"]["id"].as_str().unwrap().to_owned();
        let connection = json!({ "connection_name": "phones" });
        let connection = id(&self.ask("POST", "/telnyx/v2/credential_connections", &connection));
        let made = self.ask("POST", "/telnyx/v2/telephony_credentials", &json!({ "connection_id": connection }));
        Credential { cluster: self, path: format!("/telnyx/v2/telephony_credentials/{}", id(&made)) }
    }
}

/// Whether a node's bus is connected.
fn bus_of(node: &Server) -> bool {
    node.ask("/metrics").1.lines().any(|line| line == "ringfence_bus_connected 1")
}

struct Credential<'a> {
    cluster: &'a Cluster,
    path: String,
}

impl Credential<'_> {
    fn token(&self) -> String {
        self.cluster.ask("POST", &format!("{}/token", self.path), &json!({}))
    }

    /// Ends it on node A, with all its sessions.
    fn delete(&self) {
        self.cluster.ask("DELETE", &self.path, &json!({}));
    }

    fn id(&self) -> &str {
        self.path.rsplit_once('/').unwrap().1
    }
}

/// Logs in on a node.
async fn log_in(node: SocketAddr, token: String) -> WebSocketStream<Stream> {
    let stream = Stream::connect(node).await.unwrap();
    let (mut socket, _) = client_async(format!("ws://{node}/telnyx"), stream).await.unwrap();
    let login = json!({ "jsonrpc": "2.0", "id": "l", "method": "login", "params": { "login_token": token } });
    socket.send(Message::text(login.to_string())).await.unwrap();
    let answer = socket.next().await.unwrap().unwrap();
    assert!(answer.to_text().unwrap().contains("logged in"), "{answer}");
    socket
}

/// Waits until a socket is closed: when, and with which code.
async fn closed(mut socket: WebSocketStream<Stream>) -> (Instant, Option<u16>) {
    loop {
        match socket.next().await {
            Some(Ok(Message::Close(frame))) => return (now(), frame.map(|frame| frame.code.into())),
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return (now(), None),
        }
    }
}

/// The database as node B reaches it: while shut, its bus is cut off and everything else goes on.
struct Door {
    address: SocketAddr,
    shut: Arc<AtomicBool>,
}

impl Door {
    fn open(server: &str) -> Self {
        let (server, listener) = (host_of(server), TcpListener::bind("127.0.0.1:0").unwrap());
        let door = Self { address: listener.local_addr().unwrap(), shut: Arc::default() };
        let shut = Arc::clone(&door.shut);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (server, shut) = (server.clone(), Arc::clone(&shut));
                thread::spawn(move || through(client, &server, &shut));
            }
        });
        door
    }

    fn url(&self, server: &str) -> String {
        server.replacen(&host_of(server), &self.address.to_string(), 1)
    }

    fn shut(&self, shut: bool) {
        self.shut.store(shut, Ordering::SeqCst);
    }
}

fn host_of(url: &str) -> String {
    url.split_once('@').unwrap().1.split('/').next().unwrap().to_owned()
}

/// Carries a connection; a bus is known by the name that it gives in its first message.
fn through(mut client: TcpStream, server: &str, shut: &AtomicBool) -> io::Result<()> {
    let mut length = [0; 4];
    client.read_exact(&mut length)?;
    let mut greeting = vec![0; u32::from_be_bytes(length) as usize - length.len()];
    client.read_exact(&mut greeting)?;
    if shut.load(Ordering::SeqCst) && greeting.windows(5).any(|part| part == b" bus\0") {
        return Ok(());
    }
    let mut server = TcpStream::connect(server)?;
    server.write_all(&[&length[..], &greeting].concat())?;
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || {
        drop(io::copy(&mut from, &mut to));
        to.shutdown(Shutdown::Write)
    });
    drop(io::copy(&mut server, &mut client));
    client.shutdown(Shutdown::Both)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_ended_on_one_node_is_closed_on_the_other_within_a_second() {
    const CREDENTIALS: usize = 20;
    const SOCKETS: usize = 10;
    let cluster = Cluster::start();
    let credentials: Vec<_> = (0..CREDENTIALS).map(|_| cluster.credential()).collect();
    let (hears, mut closing) = mpsc::unbounded_channel();
    let mut opening = JoinSet::new();
    for (number, credential) in credentials.iter().enumerate() {
        for _ in 0..SOCKETS {
            let (node, token, hears) = (cluster.b.main, credential.token(), hears.clone());
            opening.spawn(async move {
                let socket = log_in(node, token).await;
                tokio::spawn(async move { hears.send((number, closed(socket).await)) });
            });
        }
    }
    opening.join_all().await;
    let mut delays = Vec::new();
    for (number, credential) in credentials.iter().enumerate() {
        let begun = now();
        tokio::task::block_in_place(|| credential.delete());
        for _ in 0..SOCKETS {
            let (whose, (at, code)) = timeout(DEADLINE, closing.recv()).await.expect("a socket stays open").unwrap();
            assert_eq!((whose, code), (number, Some(1008)));
            delays.push(at.duration_since(begun));
        }
    }
    delays.sort();
    let part = |percent: usize| delays[(delays.len() * percent).div_ceil(100) - 1];
    eprintln!(
        "{} sockets, {CREDENTIALS} revocations on the other node, from the request to closed: p50 {:?}, p99 {:?}, last {:?}",
        delays.len(),
        part(50),
        part(99),
        part(100)
    );
    assert!(part(99) < Duration::from_secs(1), "p99 {:?}", part(99));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_closes_sockets_on_every_node() {
    let cluster = Cluster::start();
    let credential = cluster.credential();
    let nodes = [cluster.a.main, cluster.b.main];
    let mut sockets = JoinSet::new();
    for node in nodes {
        sockets.spawn(closed(log_in(node, credential.token()).await));
    }
    let id = credential.id();
    let ran = cluster.folder.run(&["--config", "a.toml", "session", "revoke", "--identity", id]).done();
    assert!(ran.out.contains("Ended 2 sessions."), "{}", ran.out);
    let codes = timeout(DEADLINE, sockets.join_all()).await.expect("a socket stays open");
    assert!(codes.iter().all(|(_, code)| *code == Some(1008)), "{codes:?}");
    for (bus, verdict, says) in [("postgres:", "ok", "comes back"), ("local:", "warn", "within 30 seconds")] {
        let mut command = cluster.folder.command(&["--json", "--config", "a.toml", "doctor"]);
        let output = command.env("RINGFENCE__BUS__URL", bus).output().unwrap();
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        let mut found = found["findings"].as_array().unwrap().iter();
        let found = found.find(|finding| finding["check"] == "bus").unwrap();
        assert!(found["verdict"] == verdict && found["says"].as_str().unwrap().contains(says), "{found}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n59_a_node_whose_bus_is_cut_off_hears_of_it_when_the_bus_is_back() {
    let cluster = Cluster::start();
    let credential = cluster.credential();
    let socket = log_in(cluster.b.main, credential.token()).await;
    cluster.door.shut(true);
    let bus = format!("application_name = '{}_b bus'", cluster.schema.0);
    let cut = format!("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE {bus}");
    assert_eq!(on_postgres(&cut), 1);
    wait_until("B notices", || !bus_of(&cluster.b));
    let revoked = now();
    credential.delete();
    cluster.door.shut(false);
    let opened = now();
    let (at, code) = timeout(RECHECK, closed(socket)).await.expect("the socket stays open");
    assert_eq!(code, Some(1008));
    eprintln!(
        "revoked while cut off: closed {:?} after the end, {:?} after the bus could be back",
        at - revoked,
        at - opened
    );
    wait_until("the bus is back", || bus_of(&cluster.b));
    let credential = cluster.credential();
    let socket = log_in(cluster.b.main, credential.token()).await;
    credential.delete();
    assert_eq!(timeout(DEADLINE, closed(socket)).await.expect("the socket stays open").1, Some(1008));
}

/// Signs in with a password.
fn sign_in(node: &Server, name: &str, password: &str) -> (u16, Value) {
    let body = json!({ "application": APPLICATION, "email": format!("{name}@example.org"), "password": password });
    node.send("POST", "/api/v1/sign-in", Some(&body))
}

fn refresh(node: SocketAddr, token: &Value) -> (u16, Value) {
    let body = json!({ "refresh_token": token });
    let (status, text) = http_as(None, node, "POST", "/api/v1/refresh", Some(&body)).unwrap();
    (status, serde_json::from_str(&text).unwrap())
}

#[test]
fn a_refresh_token_raced_on_both_nodes_has_one_successor() {
    let cluster = Cluster::start();
    let (status, first) = sign_in(&cluster.a, "ann", PASSWORD);
    assert_eq!(status, 200, "{first}");
    let (oldest, mut newest) = (first["refresh_token"].clone(), first["refresh_token"].clone());
    for round in 0..10 {
        let barrier = Barrier::new(2);
        let racing = |node: &Server| {
            barrier.wait();
            refresh(node.main, &newest)
        };
        let [one, two] = thread::scope(|scope| {
            [&cluster.a, &cluster.b].map(|node| scope.spawn(move || racing(node))).map(|racer| racer.join().unwrap())
        });
        assert_eq!((one.0, two.0), (200, 200), "round {round}: {} {}", one.1, two.1);
        assert_eq!(one.1["refresh_token"], two.1["refresh_token"], "round {round}");
        assert_ne!(one.1["refresh_token"], newest, "round {round}");
        newest = one.1["refresh_token"].clone();
    }
    // One that is long used up ends the session for both of its holders, wherever they ask.
    assert_ne!(refresh(cluster.b.main, &oldest).0, 200);
    assert_ne!(refresh(cluster.a.main, &newest).0, 200);
}

#[test]
fn an_account_guessed_on_both_nodes_waits_at_the_same_count() {
    let cluster = Cluster::start();
    // How many guesses are answered before one has to wait, and with what.
    let guess = |name: &str, nodes: [&Server; 2]| {
        let guesses = (0..).map(|number: usize| sign_in(nodes[number % 2], name, "wrong").0);
        guesses.take(50).take_while(|status| *status != 429).collect::<Vec<_>>()
    };
    let one = guess("ben", [&cluster.a, &cluster.a]);
    assert!((1..50).contains(&one.len()), "{one:?}");
    assert_eq!(guess("ann", [&cluster.a, &cluster.b]), one);
    for node in [&cluster.a, &cluster.b] {
        assert_eq!(sign_in(node, "ann", PASSWORD).0, 429, "the right password has to wait, too");
        assert_eq!(sign_in(node, "ben", PASSWORD).0, 429);
    }
}
