//! The nodes `a` and `b` of one installation, and what is asked of them.

use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher as _,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use ringfence_core::{entropy::OsEntropy, secret::TokenKind};
use serde_json::{Value, json};

use crate::{
    DEADLINE,
    door::Door,
    support::{Folder, Server, http_as, pause},
};

pub const APPLICATION: &str = "0123456789abcdef0123456789abcdef";
pub const PASSWORD: &str = "pencils in the rain";

/// Where the test server is.
pub fn postgres() -> String {
    std::env::var("RINGFENCE_TEST_POSTGRES").expect(
        "RINGFENCE_TEST_POSTGRES is not set: run `cargo xtask test`, which starts a PostgreSQL server for the tests, or give \
         the URL of one",
    )
}

/// Runs a statement on a server; on a thread, for the test may drive a runtime of its own.
fn on(server: &str, sql: &str) {
    let query = async {
        let (client, connection) = tokio_postgres::connect(server, tokio_postgres::NoTls).await.unwrap();
        let running = tokio::spawn(connection);
        client.batch_execute(sql).await.unwrap();
        drop(client);
        running.await.unwrap().unwrap();
    };
    let run = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(query);
    thread::scope(|scope| scope.spawn(run).join()).unwrap();
}

#[expect(clippy::disallowed_methods, reason = "the real time that other processes take")]
pub fn now() -> Instant {
    Instant::now()
}

/// Waits until something that another process does has come about.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = now();
    while !condition() {
        assert!(begun.elapsed() < DEADLINE, "waited in vain until {what}");
        pause(Duration::from_millis(20));
    }
}

/// A schema of its own, gone at the end of the test.
struct Schema {
    server: String,
    name: String,
}

impl Schema {
    fn new(server: String) -> Self {
        let name = format!("cluster_{:016x}", RandomState::new().hash_one(std::process::id()));
        on(&server, &format!("CREATE SCHEMA {name}"));
        Self { server, name }
    }

    /// Its URL by way of `server`, for connections with a name.
    fn url(&self, server: &str, node: &str) -> String {
        let mark = if server.contains('?') { '&' } else { '?' };
        let schema = &self.name;
        format!("{server}{mark}options=-c%20search_path%3D{schema}&application_name={schema}_{node}")
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        // A second panic while unwinding would hide the first.
        if !thread::panicking() {
            on(&self.server, &format!("DROP SCHEMA {} CASCADE", self.name));
        }
    }
}

/// What a cluster is to be like.
pub struct Wanted {
    /// The PostgreSQL server.
    pub server: String,
    /// Other sections and keys of `[bus]`, which is the last section.
    pub bus: String,
    /// Another build for node A, which is there first.
    pub first: Option<PathBuf>,
    /// The project's inbound policy.
    pub inbound: &'static str,
    /// How many people there are beside `ann` and `ben`: `p0`, `p1` and so on.
    pub people: usize,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { server: postgres(), bus: String::new(), first: None, inbound: "all", people: 0 }
    }
}

/// The nodes; connections of `b` to the database go through `door`.
pub struct Cluster {
    pub a: Server,
    pub b: Server,
    pub door: Door,
    api_key: String,
    pub folder: Folder,
    // Last, when nobody uses it any more.
    _schema: Schema,
}

impl Cluster {
    pub fn start() -> Self {
        Self::of(Wanted::default())
    }

    pub fn of(wanted: Wanted) -> Self {
        let Wanted { server, bus, first, inbound, people } = wanted;
        let (folder, schema) = (Folder::new(), Schema::new(server.clone()));
        let door = Door::open(&server);
        for (name, url) in [("a", server.clone()), ("b", door.url(&server))] {
            let url = schema.url(&url, name);
            let text = format!(
                "[server]\npublic_url = \"https://auth.example.org\"\n[database]\nurl = \"{url}\"\n[password]\nmemory_kib = 7168\npasses = 1\n[bus]\n{bus}\n"
            );
            folder.file(&format!("{name}.toml"), &text);
        }
        let api_key = TokenKind::ApiKey.mint(&OsEntropy).expose().to_owned();
        let names =
            ["ann".to_owned(), "ben".to_owned()].into_iter().chain((0..people).map(|number| format!("p{number}")));
        let person =
            |name: String| format!("[[project.identity]]\nemail = \"{name}@example.org\"\npassword = \"{PASSWORD}\"\n");
        let people = names.map(person).collect::<Vec<_>>().concat();
        let provision = format!(
            "[[project]]\nname = \"default\"\ninbound = \"{inbound}\"\n[[project.application]]\nname = \"widget\"\n\
             publishable_key = \"{APPLICATION}\"\n[[project.api_key]]\nname = \"backend\"\nvalue = \"{api_key}\"\n\
             scopes = [\"*\"]\n{people}"
        );
        folder.file("provision.toml", &provision);
        let program = first.unwrap_or_else(|| env!("CARGO_BIN_EXE_ringfence").into());
        let applied = folder.command_of(&program, &["--config", "a.toml", "apply", "provision.toml"]).output().unwrap();
        assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
        let a = Server::start(folder.command_of(&program, &["--config", "a.toml", "serve"])).unwrap();
        let b = folder.start(&["--config", "b.toml", "serve"]);
        let cluster = Self { a, b, door, api_key, folder, _schema: schema };
        for node in [&cluster.a, &cluster.b] {
            wait_until("the bus is there", || bus_of(node));
        }
        cluster
    }

    /// The key of the back end.
    pub fn back_end(&self) -> &str {
        &self.api_key
    }

    /// A request of the back end to a node.
    pub fn try_ask(&self, node: &Server, method: &str, path: &str, body: &Value) -> (u16, String) {
        http_as(Some(&self.api_key), node.main, method, path, Some(body)).unwrap()
    }

    /// A request of the back end to node A, which must do it.
    pub fn ask(&self, method: &str, path: &str, body: &Value) -> String {
        let (status, text) = self.try_ask(&self.a, method, path, body);
        assert!((200..300).contains(&status), "{method} {path}: {status} {text}");
        text
    }

    /// A credential that somebody may log in with, made on node A.
    pub fn credential(&self) -> Credential<'_> {
        let id = |made: &str| serde_json::from_str::<Value>(made).unwrap()["data"]["id"].as_str().unwrap().to_owned();
        let connection = json!({ "connection_name": "phones" });
        let connection = id(&self.ask("POST", "/telnyx/v2/credential_connections", &connection));
        let made = self.ask("POST", "/telnyx/v2/telephony_credentials", &json!({ "connection_id": connection }));
        Credential { cluster: self, path: format!("/telnyx/v2/telephony_credentials/{}", id(&made)) }
    }
}

/// Whether a node's bus is connected.
pub fn bus_of(node: &Server) -> bool {
    node.ask("/metrics").1.lines().any(|line| line == "ringfence_bus_connected 1")
}

pub struct Credential<'a> {
    cluster: &'a Cluster,
    pub path: String,
}

impl Credential<'_> {
    pub fn token(&self) -> String {
        self.cluster.ask("POST", &format!("{}/token", self.path), &json!({}))
    }

    /// Ends it on node A, with all its sessions.
    pub fn delete(&self) {
        self.cluster.ask("DELETE", &self.path, &json!({}));
    }

    pub fn id(&self) -> &str {
        self.path.rsplit_once('/').unwrap().1
    }
}

/// Signs in with a password.
pub fn sign_in(node: &Server, name: &str, password: &str) -> (u16, Value) {
    let body = json!({ "application": APPLICATION, "email": format!("{name}@example.org"), "password": password });
    node.send("POST", "/api/v1/sign-in", Some(&body))
}
