//! Programs under measurement: started, waited for, their CPU time read.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

use crate::{load::lines, trust::Trust, usage};

/// A program that ends when this is dropped.
pub(crate) struct Program {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// How to trust it, if it speaks TLS.
    pub(crate) trust: Option<Trust>,
}

/// A connection to a program, whatever is between.
pub(crate) trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

impl Program {
    /// Starts `command`, with its output in `log`, and waits until `address` accepts connections.
    pub(crate) fn start(command: &mut Command, address: SocketAddr, log: &Path) -> anyhow::Result<Self> {
        let output = fs::File::create(log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        let mut program = Self { child, address, trust: None };
        program.wait(log)?;
        Ok(program)
    }

    #[expect(clippy::disallowed_methods, reason = "a measuring program lives in real time")]
    fn wait(&mut self, log: &Path) -> anyhow::Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(20) {
            if TcpStream::connect(self.address).is_ok() {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("the program ended with {status}: {}", fs::read_to_string(log).unwrap_or_default());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        bail!("{} does not answer", self.address)
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// CPU time that the program has used, with all that it started.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        usage::of_trees(&[self.child.id()])
    }

    /// Kibibytes of memory that the process has of its own.
    pub(crate) fn memory(&self) -> anyhow::Result<usize> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find(|line| line.starts_with("RssAnon")).context("no RssAnon in status")?;
        Ok(line.split_whitespace().nth(1).context("RssAnon has a figure")?.parse()?)
    }

    /// One request with a JSON body, one JSON answer.
    pub(crate) fn post(&self, path: &str, authorization: &str, body: &str) -> anyhow::Result<serde_json::Value> {
        Ok(serde_json::from_str(&self.ask("POST", path, authorization, body)?)?)
    }

    /// The same with other headers.
    pub(crate) fn post_with(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> anyhow::Result<serde_json::Value> {
        Ok(serde_json::from_str(&self.ask_with("POST", path, headers, body)?)?)
    }

    /// One request with a JSON body, and the text of its answer.
    pub(crate) fn ask(&self, method: &str, path: &str, authorization: &str, body: &str) -> anyhow::Result<String> {
        let headers = [("Authorization", authorization)];
        self.ask_with(method, path, if authorization.is_empty() { &[] } else { &headers }, body)
    }

    fn ask_with(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> anyhow::Result<String> {
        let mut stream = connect(self.address, self.trust.as_ref())?;
        let headers = lines(headers);
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("an answer has a head")?;
        if !head.starts_with("HTTP/1.1 2") {
            bail!("{method} {path}: {answer}");
        }
        Ok(if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
            joined(body)?
        } else {
            body.to_owned()
        })
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A body that came in chunks (RFC 9112, section 7.1).
fn joined(mut rest: &str) -> anyhow::Result<String> {
    let mut body = String::new();
    while let Some((size, more)) = rest.split_once("\r\n") {
        let (piece, more) = more.split_at_checked(usize::from_str_radix(size, 16)?).context("a chunk is whole")?;
        body.push_str(piece);
        rest = more.trim_start_matches("\r\n");
    }
    Ok(body)
}

/// A connection to a server.
pub(crate) fn connect(address: SocketAddr, trust: Option<&Trust>) -> anyhow::Result<Box<dyn Stream>> {
    let stream = TcpStream::connect(address)?;
    // The end of a handshake and the request after it are two small pieces, of which the second would wait.
    stream.set_nodelay(true)?;
    Ok(match trust {
        None => Box::new(stream),
        Some(trust) => Box::new(trust.around(stream)?),
    })
}

/// A port of the loopback that nobody uses right now.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
