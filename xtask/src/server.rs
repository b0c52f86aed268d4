//! A running `ringfence`, for the steps that talk to the real binary.

use std::{
    fs::{self, File},
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::process::{cargo, run, target, wait_until};

/// Builds the binary that [`program`] names.
pub fn build() -> Result<()> {
    run(cargo().args(["build", "--locked", "--package", "ringfence-server", "--bin", "ringfence"]))
}

/// Builds the example services, which clients are tested with.
pub fn build_examples() -> Result<()> {
    run(cargo().args(["build", "--locked", "--package", "ringfence-verify", "--examples"]))
}

/// The debug build of the server.
pub fn program() -> Result<PathBuf> {
    Ok(target()?.join("debug/ringfence"))
}

/// A server that answers; dropping it kills it.
pub struct Server(Child);

impl Server {
    /// Starts `command`, its output in `log`, and waits until its admin listener answers `GET /healthz`.
    pub fn start(command: &mut Command, admin: SocketAddr, log: &Path) -> Result<Self> {
        let output = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let mut server = Self(command.spawn().context("cannot start ringfence")?);
        let answered = wait_until("the first answer", Duration::from_secs(30), Duration::from_millis(1), || {
            if let Some(status) = server.0.try_wait()? {
                bail!("ringfence ended with {status}");
            }
            Ok(is_healthy(admin))
        });
        answered.with_context(|| format!("ringfence does not start; it said:\n{}", said(log)))?;
        Ok(server)
    }

    pub fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn said(log: &Path) -> String {
    fs::read_to_string(log).unwrap_or_default()
}

/// Whether `GET /healthz` is answered with 200.
pub fn is_healthy(admin: SocketAddr) -> bool {
    let ask = || -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(admin)?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        write!(stream, "GET /healthz HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n")?;
        let mut status = vec![0; "HTTP/1.1 200".len()];
        stream.read_exact(&mut status)?;
        Ok(status)
    };
    ask().is_ok_and(|status| status == b"HTTP/1.1 200")
}
