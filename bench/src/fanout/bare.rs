//! What fanning out costs without us: sockets with buffers like ours, and a loop that hands each of them the same bytes.

use std::{
    io::{BufRead as _, BufReader, Write as _, stdin, stdout},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use axum::{
    Router,
    extract::{
        State,
        ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade},
    },
    response::Response,
    routing::get,
};
use tokio::sync::mpsc;

use crate::{
    listeners::{Crowd, Script, behind},
    process::{Program, connect, free_address},
};

/// What its listeners expect: a frame as long as ours.
const SCRIPT: Script = Script { path: "/socket", welcome: "", wanted: "expiring" };
const FRAME: &str = r#"{"type":"expiring","seconds_left":30,"seq":3}"#;

/// Everybody who listens.
#[derive(Clone, Default)]
struct Listeners(Arc<Mutex<Vec<mpsc::UnboundedSender<Utf8Bytes>>>>);

/// Serves until killed.
pub(crate) fn serve(listen: SocketAddr) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(listen).await?;
        let routes = Router::new().route("/socket", get(socket)).route("/send", get(to_all));
        Ok(axum::serve(listener, routes.with_state(Listeners::default())).await?)
    })
}

async fn socket(State(listeners): State<Listeners>, upgrade: WebSocketUpgrade) -> Response {
    // As ours are.
    upgrade.read_buffer_size(512).write_buffer_size(0).on_upgrade(move |socket| serve_one(listeners, socket))
}

async fn serve_one(listeners: Listeners, mut socket: WebSocket) {
    let (sender, mut frames) = mpsc::unbounded_channel();
    listeners.0.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
    while let Some(frame) = frames.recv().await {
        if socket.send(Message::Text(frame)).await.is_err() {
            return;
        }
    }
}

async fn to_all(State(listeners): State<Listeners>) -> &'static str {
    let frame = Utf8Bytes::from_static(FRAME);
    listeners.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|one| one.send(frame.clone()).is_ok());
    "ok"
}

/// Has a bare sender send.
fn send(server: SocketAddr) -> anyhow::Result<()> {
    let mut stream = connect(server, None)?;
    write!(stream, "GET /send HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    ensure!(answer.starts_with("HTTP/1.1 200"), "the bare sender says {answer}");
    Ok(())
}

/// A crowd of its own process, for one process may not hold the sockets of two: it listens to the bare sender, has it send
/// whenever a line is read, and answers with how many microseconds behind the first each was told.
#[expect(clippy::print_stdout, reason = "read by the program that started this one")]
pub(crate) fn listen(server: SocketAddr, sockets: usize) -> anyhow::Result<()> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let mut crowd = Crowd::open(server, SCRIPT, &vec![String::new(); sockets]).await?;
        println!("open");
        for line in stdin().lock().lines() {
            line?;
            tokio::task::block_in_place(|| send(server))?;
            let behind = behind(&crowd.all().await?);
            let micros: Vec<String> = behind.iter().map(|late| late.as_micros().to_string()).collect();
            println!("{}", micros.join(" "));
            stdout().flush()?;
        }
        Ok(())
    })
}

/// A bare sender and its listeners, each a process of its own.
pub(super) struct Bare {
    pub(super) sender: Program,
    listeners: Child,
    ask: ChildStdin,
    said: BufReader<ChildStdout>,
}

impl Bare {
    /// Starts both and opens the sockets.
    pub(super) fn start(folder: &Path, sockets: usize) -> anyhow::Result<Self> {
        let program = std::env::current_exe()?;
        let address = free_address()?;
        let mut sender = Command::new(&program);
        sender.args(["bare-sender", "--listen", &address.to_string()]);
        let sender = Program::start(&mut sender, address, &folder.join("bare.log"))?;
        let mut listeners = Command::new(&program)
            .args(["listeners", "--to", &address.to_string(), "--sockets", &sockets.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let ask = listeners.stdin.take().context("listeners are asked by their input")?;
        let said = BufReader::new(listeners.stdout.take().context("listeners answer by their output")?);
        let mut bare = Self { sender, listeners, ask, said };
        ensure!(bare.line()? == "open", "the listeners of the bare sender did not open their sockets");
        Ok(bare)
    }

    /// One round: how far behind the first each was told, sorted.
    pub(super) fn round(&mut self) -> anyhow::Result<Vec<Duration>> {
        writeln!(self.ask)?;
        self.ask.flush()?;
        let line = self.line()?;
        line.split(' ').map(|micros| Ok(Duration::from_micros(micros.parse()?))).collect()
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.said.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.listeners.kill());
        drop(self.listeners.wait());
    }
}
