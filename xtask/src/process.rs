//! Running other programs: what they say when they fail, how long to wait for them.

use std::{
    env,
    ffi::OsString,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

/// The cargo that runs us.
pub fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// The folder that holds everything that is built, fetched or measured, as an absolute path.
pub fn target() -> Result<PathBuf> {
    let folder = env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    std::path::absolute(folder).context("the target folder has no absolute path")
}

/// The path, with the folder where Debian keeps servers and that only root's has.
pub fn path() -> OsString {
    let mut path = env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/sbin");
    path
}

/// Whether `program` is on the path.
pub fn found(program: &str) -> bool {
    env::split_paths(&path()).any(|folder| folder.join(program).is_file())
}

/// Runs to the end with our own output; anything but success is an error that repeats the command.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {}", shown(command)))?;
    ensure!(status.success(), "`{}` ended with {status}", shown(command));
    Ok(())
}

/// Runs to the end and gives its standard output; a failure repeats all that was printed.
pub fn capture(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start {}", shown(command)))?;
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    ensure!(output.status.success(), "`{}` ended with {}:\n{out}{err}", shown(command), output.status);
    Ok(out)
}

/// A command as one would type it.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args()).map(|word| word.to_string_lossy());
    words.collect::<Vec<_>>().join(" ")
}

/// Loopback addresses that were free a moment ago, all different.
pub fn free_addresses<const N: usize>() -> Result<[SocketAddr; N]> {
    let listeners: Vec<TcpListener> = (0..N)
        .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .collect::<Result<_, _>>()
        .context("no free port on the loopback")?;
    let mut addresses = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)); N];
    for (address, listener) in addresses.iter_mut().zip(&listeners) {
        *address = listener.local_addr()?;
    }
    Ok(addresses)
}

/// Starts a watch.
#[expect(clippy::disallowed_methods, reason = "measures programs, not the domain's time")]
pub fn watch() -> Instant {
    Instant::now()
}

/// Does nothing for a while.
#[expect(clippy::disallowed_methods, reason = "waits for other programs, not for the domain's time")]
pub fn pause(duration: Duration) {
    std::thread::sleep(duration);
}

/// Asks `ready` every `interval` until it says yes; an error from it, or `limit`, ends the wait.
pub fn wait_until(
    what: &str,
    limit: Duration,
    interval: Duration,
    mut ready: impl FnMut() -> Result<bool>,
) -> Result<()> {
    let since = watch();
    while !ready()? {
        if since.elapsed() > limit {
            bail!("{what} did not happen within {limit:?}");
        }
        pause(interval);
    }
    Ok(())
}
