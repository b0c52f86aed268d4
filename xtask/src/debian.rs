//! Prepares a fresh Debian machine: the packages that the steps use and cargo cannot build.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

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
    Needed { package: "kamailio", present: || found("kamailio") },
    Needed { package: "kamailio-postgres-modules", present: || has_module("db_postgres.so") },
    Needed { package: "kamailio-utils-modules", present: || has_module("http_client.so") },
    Needed { package: "kamailio-websocket-modules", present: || has_module("websocket.so") },
    Needed { package: "coturn", present: || found("turnserver") },
    Needed { package: "sipsak", present: || found("sipsak") },
    Needed { package: "sip-tester", present: || found("sipp") },
    Needed { package: "g++", present: || found("c++") },
    Needed { package: "openssl", present: || found("openssl") },
    Needed { package: "nats-server", present: || found("nats-server") },
    Needed { package: "libfaketime", present: || below_lib("faketime/libfaketimeMT.so.1") },
    Needed { package: "curl", present: || found("curl") },
    Needed { package: "wrk", present: || found("wrk") },
];

/// Python, and what makes an environment of its own for a client's packages.
fn has_venv() -> bool {
    found("python3") && capture(Command::new("python3").args(["-c", "import venv, ensurepip"])).is_ok()
}

/// Whether Kamailio has a module.
fn has_module(file: &str) -> bool {
    below_lib(&format!("kamailio/modules/{file}"))
}

/// Whether a library is where Debian keeps it on this kind of machine.
fn below_lib(path: &str) -> bool {
    let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    folders.map(|folder| folder.path().join(path)).any(|path| path.is_file())
}

/// Packages whose services nobody asked for: the tests start the programs themselves, on ports of their own.
const DAEMONS: [(&str, &str); 4] =
    [("nginx-light", "nginx"), ("kamailio", "kamailio"), ("coturn", "coturn"), ("nats-server", "nats-server")];
/// What Debian asks before it starts a service.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Runs `install` while no service may be started, then has none of the new ones start with the machine.
fn without_services(new: &[&str], install: impl FnOnce() -> Result<()>) -> Result<()> {
    let ours = !Path::new(POLICY).exists();
    if ours {
        fs::write(POLICY, "#!/bin/sh\nexit 101\n")?;
        fs::set_permissions(POLICY, fs::Permissions::from_mode(0o755))?;
    }
    let outcome = install();
    if ours {
        fs::remove_file(POLICY)?;
    }
    for (_, service) in DAEMONS.iter().filter(|(package, _)| new.contains(package) && found("systemctl")) {
        capture(Command::new("systemctl").args(["disable", "--quiet", service]))?;
    }
    outcome
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
    without_services(&missing, || apt(&[&install[..], &missing].concat()))?;
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
