//! The program as it was before the newest migration, to see that nodes can be replaced one after another.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context, Result};

use crate::process::{capture, cargo, run, target};

const MIGRATIONS: &str = "crates/store/migrations";

/// Builds it, or finds it built: the program of the last commit without the newest migration. `None` where there is no history.
pub fn program() -> Result<Option<PathBuf>> {
    let Some(commit) = commit() else { return Ok(None) };
    let folder = target()?.join("previous");
    let program = folder.join(format!("ringfence-{commit}"));
    if program.exists() {
        return Ok(Some(program));
    }
    println!("building the program of {commit}, before the newest migration");
    let source = folder.join(&commit);
    fs::create_dir_all(&source)?;
    let archive = folder.join(format!("{commit}.tar"));
    capture(Command::new("git").args(["archive", "--output"]).arg(&archive).arg(&commit))?;
    capture(Command::new("tar").arg("-xf").arg(&archive).arg("-C").arg(&source))?;
    // In our own target folder, where what it depends on is built already. Whatever builds the program of now puts it back.
    let build = ["build", "--locked", "--package", "ringfence-server", "--bin", "ringfence", "--target-dir"];
    run(cargo().args(build).arg(target()?).current_dir(&source))?;
    fs::copy(target()?.join("debug/ringfence"), &program).context("the program of before")?;
    fs::remove_file(archive)?;
    fs::remove_dir_all(source)?;
    Ok(Some(program))
}

/// Prints where it is.
pub fn print() -> Result<()> {
    let program = program()?.context("there is no history of an earlier migration here")?;
    println!("{}", program.display());
    Ok(())
}

/// The last commit that has the migrations of now but for the newest. One whose text changed was not released yet.
fn commit() -> Option<String> {
    let git = |arguments: &[&str]| capture(Command::new("git").args(arguments)).ok();
    let at = |commit: &str| git(&["ls-tree", commit, "--", &format!("{MIGRATIONS}/")]);
    let now = at("HEAD")?;
    let history = git(&["rev-list", "HEAD"])?;
    let mut commits = history.lines().map(str::to_owned);
    commits.find(|commit| at(commit).is_some_and(|then| !then.is_empty() && then != now && now.starts_with(&then)))
}
