//! How peers get into their folders: by the clients of their registries, at exact versions, so that figures of two days compare.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, ensure};

/// A folder of that name with these packages of npm and a program of ours beside them.
pub(super) fn npm(cache: &Path, name: &str, packages: &[&str], program: &str) -> anyhow::Result<PathBuf> {
    let home = cache.join(name);
    once(&home, || {
        fs::write(home.join("package.json"), "{ \"private\": true, \"type\": \"module\" }")?;
        done(Command::new("npm").current_dir(&home).args(["install", "--no-audit", "--no-fund"]).args(packages))?;
        Ok(())
    })?;
    fs::write(home.join("server.mjs"), program)?;
    Ok(home)
}

/// A folder of that name with these packages of Python and a program of ours beside them, and its Python.
pub(super) fn pip(cache: &Path, name: &str, packages: &[&str], program: &str) -> anyhow::Result<(PathBuf, PathBuf)> {
    let home = cache.join(name);
    once(&home, || {
        done(Command::new("python3").args(["-m", "venv"]).arg(&home))?;
        done(Command::new(home.join("bin/python3")).args(["-m", "pip", "install", "--quiet"]).args(packages))?;
        Ok(())
    })?;
    fs::write(home.join("server.py"), program)?;
    let python = fs::canonicalize(home.join("bin"))?.join("python3");
    Ok((home, python))
}

/// A folder of that name with what these packages of Debian hold. Nothing is installed: no service, no user, no root needed.
pub(super) fn debian(cache: &Path, name: &str, packages: &[&str]) -> anyhow::Result<PathBuf> {
    let home = cache.join(name);
    once(&home, || {
        done(Command::new("apt-get").current_dir(&home).args(["download", "--quiet"]).args(packages))?;
        for package in fs::read_dir(&home)?.collect::<Result<Vec<_>, _>>()? {
            if package.path().extension().is_some_and(|extension| extension == "deb") {
                done(Command::new("dpkg-deb").arg("--extract").arg(package.path()).arg(home.join("root")))?;
            }
        }
        Ok(())
    })?;
    Ok(fs::canonicalize(home)?.join("root"))
}

/// Fills a folder unless that was done before.
fn once(home: &Path, fill: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    let mark = home.join("installed");
    if !mark.exists() {
        fs::create_dir_all(home)?;
        fill()?;
        fs::write(mark, "")?;
    }
    Ok(())
}

/// Runs to the end; a failure repeats what was said last.
pub(super) fn done(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("cannot start {}", shown(command)))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said
        .lines()
        .rev()
        .find(|line| line.to_lowercase().contains("error") || line.starts_with("E:"))
        .unwrap_or_default();
    ensure!(output.status.success(), "{}: {} {last}", shown(command), output.status);
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn shown(command: &Command) -> String {
    let first = command.get_args().take(2).map(|word| word.to_string_lossy());
    format!("{} {}", command.get_program().to_string_lossy(), first.collect::<Vec<_>>().join(" "))
}
