//! Prepares a fresh Debian machine: the packages that the steps use and cargo cannot build.

use std::{path::Path, process::Command};

use anyhow::{Result, ensure};

use crate::{
    postgres,
    process::{capture, found},
};

/// A package, and how to see that what it brings is there.
struct Needed {
    package: &'static str,
    present: fn() -> bool,
}

const NEEDED: &[Needed] = &[
    Needed { package: "postgresql", present: || postgres::programs().is_ok() },
    Needed { package: "nodejs", present: || found("node") },
    Needed { package: "npm", present: || found("npm") },
    Needed { package: "python3-venv", present: has_venv },
    Needed { package: "nginx-light", present: || found("nginx") },
    Needed { package: "chromium", present: || found("chromium") },
    Needed { package: "curl", present: || found("curl") },
    Needed { package: "wrk", present: || found("wrk") },
];

/// Python, and what makes an environment of its own for a client's packages.
fn has_venv() -> bool {
    found("python3") && capture(Command::new("python3").args(["-c", "import venv, ensurepip"])).is_ok()
}

/// Installs what is missing when we may, and otherwise says what to install.
pub fn prepare() -> Result<()> {
    let missing = missing();
    if missing.is_empty() {
        println!("nothing is missing");
        return Ok(());
    }
    let names = missing.join(" ");
    ensure!(Path::new("/etc/debian_version").exists(), "install what these Debian packages bring: {names}");
    ensure!(is_root()?, "not root, so run this first: apt-get install {names}");
    println!("installing {names}");
    apt(&["update", "-q"])?;
    let install = ["install", "-q", "-y", "--no-install-recommends"];
    apt(&[&install[..], &missing].concat())?;
    let still = self::missing();
    ensure!(still.is_empty(), "installed, and still not found: {}", still.join(" "));
    Ok(())
}

fn missing() -> Vec<&'static str> {
    NEEDED.iter().filter(|needed| !(needed.present)()).map(|needed| needed.package).collect()
}

/// Whether this process runs as root.
pub fn is_root() -> Result<bool> {
    Ok(capture(Command::new("id").arg("-u"))?.trim() == "0")
}

fn apt(arguments: &[&str]) -> Result<()> {
    let mut apt = Command::new("apt-get");
    apt.args(["-o", "DPkg::Lock::Timeout=300"]).args(arguments);
    capture(apt.env("DEBIAN_FRONTEND", "noninteractive")).map(drop)
}
