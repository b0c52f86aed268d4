//! What the tests of the binary share: a folder of their own, the program in it, and plain HTTP to a running one.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::allow_attributes,
    reason = "each test file uses its part, and a test may fail anywhere"
)]

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use serde_json::Value;

/// A folder in which the program runs; gone at the end of the test.
pub struct Folder(tempfile::TempDir);

/// What a run of the program came to.
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// The answer of `--json`.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {} {}", self.out, self.err))
    }

    /// The run, which went well.
    pub fn done(self) -> Self {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self
    }

    /// The run, which was refused.
    pub fn refused(self) -> Self {
        assert_eq!(self.code, 1, "{}{}", self.out, self.err);
        self
    }
}

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file and returns its path.
    pub fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// The program, to be run here, without settings of whoever runs the tests.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(Path::new(env!("CARGO_BIN_EXE_ringfence")), arguments)
    }

    /// The same of another build of the program.
    pub fn command_of(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.path()).env_clear().stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, "")
    }

    /// Runs the program with text on its standard input.
    pub fn run_with(&self, arguments: &[&str], input: &str) -> Ran {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // One that reads nothing may be gone already.
        drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }

    /// A database with the project `default`.
    pub fn with_project() -> Self {
        let folder = Self::new();
        folder.run(&["migrate"]).done();
        folder.run(&["project", "create", "default"]).done();
        folder
    }

    /// Starts `serve` or `dev` on free ports and waits until it is ready.
    pub fn start(&self, arguments: &[&str]) -> Server {
        Server::start(self.command(arguments)).unwrap_or_else(|said| panic!("{said}"))
    }
}

/// A running server; killed when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    pub main: SocketAddr,
    pub admin: SocketAddr,
    /// The plain listener beside one with TLS.
    pub plain: Option<SocketAddr>,
    /// Taken when it has ended.
    log: Option<Log>,
}

/// What a server logs. It is read on all the time, so that the server never waits for that.
#[derive(Debug)]
struct Log {
    said: Arc<Mutex<String>>,
    reader: thread::JoinHandle<()>,
}

impl Log {
    fn follow(mut log: BufReader<ChildStderr>, said: String) -> Self {
        let said = Arc::new(Mutex::new(said));
        let growing = Arc::clone(&said);
        let reader = thread::spawn(move || {
            let mut line = String::new();
            while log.read_line(&mut line).is_ok_and(|length| length > 0) {
                growing.lock().unwrap().push_str(&line);
                line.clear();
            }
        });
        Self { said, reader }
    }

    /// All of it, once the server has ended.
    fn whole(self) -> String {
        self.reader.join().unwrap();
        std::mem::take(&mut self.said.lock().unwrap())
    }
}

impl Server {
    /// Starts the command with free ports, or returns what it said before it ended.
    #[expect(clippy::zombie_processes, reason = "waited for when dropped")]
    pub fn start(mut command: Command) -> Result<Self, String> {
        command.args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--log-format", "json"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        loop {
            let from = said.len();
            if log.read_line(&mut said).unwrap() == 0 {
                child.wait().unwrap();
                return Err(said);
            }
            let Ok(line) = serde_json::from_str::<Value>(&said[from..]) else { continue };
            if line["message"] == "ready" {
                let address = |name: &str| line[name].as_str().map(|text| text.parse().unwrap());
                let (main, admin) = (address("listen").unwrap(), address("admin_listen").unwrap());
                let plain = address("plain_listen");
                return Ok(Self { child, main, admin, plain, log: Some(Log::follow(log, said)) });
            }
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to stop.
    pub fn signal(&self, name: &str) {
        let done = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(done.success());
    }

    /// Waits for its end and returns how it ended and all that it logged.
    pub fn ended(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        (status, self.log.take().unwrap().whole())
    }

    /// Waits until it has logged `text` so many times.
    pub fn logs(&self, text: &str, times: usize) {
        let log = &self.log.as_ref().unwrap().said;
        for _ in 0..600 {
            if log.lock().unwrap().matches(text).count() >= times {
                return;
            }
            pause(Duration::from_millis(50));
        }
        panic!("{text} was not logged {times} times: {}", log.lock().unwrap());
    }

    /// Kills it at once, as a power cut does, and waits until it is gone.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// A request to the main listener.
    pub fn send(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let (status, text) = http(self.main, method, path, body).unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// A request to the admin listener.
    pub fn ask(&self, path: &str) -> (u16, String) {
        http(self.admin, "GET", path, None).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// One request on a connection of its own: status and body.
pub fn http(to: SocketAddr, method: &str, path: &str, body: Option<&Value>) -> std::io::Result<(u16, String)> {
    http_as(None, to, method, path, body)
}

/// The same from somebody who shows a bearer token.
pub fn http_as(
    bearer: Option<&str>,
    to: SocketAddr,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> std::io::Result<(u16, String)> {
    let shown = bearer.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    http_with(&shown, to, method, path, body)
}

/// The same with further lines of the head.
pub fn http_with(
    shown: &str,
    to: SocketAddr,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(to)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let body = body.map(Value::to_string).unwrap_or_default();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {to}\r\n{shown}Connection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    read_answer(&answer).ok_or_else(|| std::io::Error::other(format!("not a whole answer: {answer}")))
}

/// Status and body of a whole answer; `None` for one that was cut off.
fn read_answer(answer: &str) -> Option<(u16, String)> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    (length.is_none_or(|length| length == body.len())).then(|| (status, body.to_owned()))
}

/// Waits a moment before something is asked again.
#[expect(clippy::disallowed_methods, reason = "another process is waited for")]
pub fn pause(span: Duration) {
    thread::sleep(span);
}
