//! The commands that the documents tell to type, typed.
//!
//! Every Markdown file of the project with a "```sh run" block gets a session of its own: `ringfence dev` on its default ports in an
//! empty folder, and one `bash -e` in the same folder that runs the file's blocks in order, so that a later block sees the
//! variables of an earlier one. `ringfence` is on the path and `dev.log` holds what the server printed. A command that fails,
//! or prints other than the "```text" block after it says, fails the step. (See [`crate::transcript`] for the blocks.)

use std::{
    env,
    ffi::OsString,
    fmt::Write,
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    process::{capture, target},
    server::{self, Server},
    transcript::{Block, blocks, matches},
};

/// Where `ringfence dev` has its admin listener.
const ADMIN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 7081);
/// Parts the outputs of two blocks.
const MARK: &str = "=== the next block ===";

/// Runs the blocks of every document.
pub fn check() -> Result<()> {
    let list = capture(Command::new("git").args(["ls-files", "--cached", "--others", "--exclude-standard", "*.md"]))?;
    for path in list.lines() {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
        let blocks = blocks(&text);
        if !blocks.is_empty() {
            run(path, &blocks)?;
            println!("{path}: {} blocks", blocks.len());
        }
    }
    Ok(())
}

fn run(path: &str, blocks: &[Block]) -> Result<()> {
    ensure!(!server::is_healthy(ADMIN), "another server has {ADMIN}: stop it first");
    let folder = tempfile::Builder::new().prefix("docs-").tempdir_in(target()?)?;
    let mut dev = Command::new(server::program()?);
    let server = Server::start(dev.arg("dev").current_dir(&folder), ADMIN, &folder.path().join("dev.log"))?;
    let (output, succeeded) = session(folder.path(), blocks)?;
    drop(server);
    judge(path, blocks, &output, succeeded)
}

/// What the blocks print in one shell, and whether all of them succeed.
fn session(folder: &Path, blocks: &[Block]) -> Result<(String, bool)> {
    let mut script = String::from("exec 2>&1\n");
    for block in blocks {
        writeln!(script, "echo; echo '{MARK}'\n{}", block.script)?;
    }
    let mut bash = Command::new("timeout");
    bash.args(["--kill-after=5", "300", "bash", "-e", "-c", &script]).current_dir(folder).stdin(Stdio::null());
    let output = bash.env("PATH", path_with_server()?).output().context("cannot start bash")?;
    Ok((String::from_utf8_lossy(&output.stdout).into_owned(), output.status.success()))
}

fn path_with_server() -> Result<OsString> {
    let program = server::program()?;
    let own = program.parent().map(Path::to_path_buf);
    let rest = env::var_os("PATH").unwrap_or_default();
    Ok(env::join_paths(own.into_iter().chain(env::split_paths(&rest)))?)
}

fn judge(path: &str, blocks: &[Block], output: &str, succeeded: bool) -> Result<()> {
    let mark = format!("\n{MARK}\n");
    let mut outputs = output.split(&mark).skip(1).peekable();
    for block in blocks {
        let place = format!("{path}:{}", block.line);
        let Some(actual) = outputs.next() else { bail!("{place} was not reached") };
        ensure!(succeeded || outputs.peek().is_some(), "{place} failed and printed:\n{actual}");
        if let Some(expected) = &block.expected {
            ensure!(matches(expected, actual), "{place} is to print:\n{expected}\nand printed:\n{actual}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(scripts: &[(&str, Option<&str>)]) -> Result<()> {
        let block = |(line, (script, expected)): (usize, &(&str, Option<&str>))| Block {
            line,
            script: (*script).into(),
            expected: expected.map(String::from),
        };
        let blocks: Vec<Block> = scripts.iter().enumerate().map(block).collect();
        let (output, succeeded) = session(Path::new("/"), &blocks)?;
        judge("a.md", &blocks, &output, succeeded)
    }

    #[test]
    fn a_later_block_sees_the_variables_of_an_earlier_one() {
        outcome(&[("name=ann", None), ("printf $name", Some("ann"))]).unwrap();
    }

    #[test]
    fn the_block_that_fails_is_named_with_its_output() {
        let error = outcome(&[("true", None), ("echo no; false", None), ("true", None)]).unwrap_err();
        assert_eq!(error.to_string(), "a.md:1 failed and printed:\nno\n");
    }

    #[test]
    fn other_output_than_the_document_says_is_a_failure() {
        let error = outcome(&[("echo one", Some("two"))]).unwrap_err();
        assert_eq!(error.to_string(), "a.md:0 is to print:\ntwo\nand printed:\none\n");
    }
}
