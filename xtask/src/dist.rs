//! What is given to others: the binary with nothing of this place in it, the list of what it is made of, the Debian package.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail, ensure};

use crate::{
    process::{capture, cargo, run, target},
    tools,
};

/// What is in it comes from here, so this is when it was made.
fn epoch() -> Result<String> {
    let stamp = capture(Command::new("git").args(["log", "-1", "--format=%ct"]))?;
    Ok(stamp.trim().to_owned())
}

fn folder() -> Result<PathBuf> {
    let folder = target()?.join("dist");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

/// Lists every crate that the binary is built of, with version, checksum and licence.
pub fn sbom() -> Result<()> {
    let name = "ringfence";
    let mut command = Command::new(tools::CARGO_CYCLONEDX.ready()?);
    command.args([
        "cyclonedx",
        "--manifest-path",
        "crates/server/Cargo.toml",
        "--format",
        "json",
        "--spec-version",
        "1.5",
    ]);
    command.args(["--no-build-deps", "--override-filename", name]);
    run(command.env("SOURCE_DATE_EPOCH", epoch()?))?;
    // The tool writes one beside each manifest of the workspace, and only the binary's is asked for.
    let written: Vec<_> = manifests()?.into_iter().map(|folder| folder.join(format!("{name}.json"))).collect();
    let wanted = Path::new("crates/server").join(format!("{name}.json"));
    let kept = folder()?.join("ringfence.cdx.json");
    let text = fs::read_to_string(&wanted).with_context(|| format!("no {}", wanted.display()))?;
    // Where the sources lay is nobody's business, and would make two lists of the same differ.
    let text = text.replace(&format!("file://{}", env::current_dir()?.display()), "file:///ringfence");
    fs::write(&kept, &text)?;
    for file in written.iter().filter(|file| file.exists()) {
        fs::remove_file(file)?;
    }
    ensure!(text.contains("\"bomFormat\": \"CycloneDX\""), "{} is not what it should be", kept.display());
    println!("{}: {} components", kept.display(), text.matches("\"bom-ref\"").count());
    Ok(())
}

/// The folders of the workspace's packages.
fn manifests() -> Result<Vec<PathBuf>> {
    let list = capture(Command::new("git").args(["ls-files", "*Cargo.toml"]))?;
    Ok(list.lines().filter_map(|file| Path::new(file).parent().map(Path::to_path_buf)).collect())
}

/// Builds the binary of the sources in a folder into `dist`, so that neither that folder nor cargo's is in it.
fn build(here: &Path, dist: &Path) -> Result<PathBuf> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".cargo")));
    let home = home.context("cargo has a home")?;
    let (root, here, home) = (here, here.display(), home.display());
    let rust = format!("--remap-path-prefix={here}=/ringfence --remap-path-prefix={home}=/cargo");
    let c = format!("-ffile-prefix-map={here}=/ringfence -ffile-prefix-map={home}=/cargo");
    let mut build = cargo();
    build.current_dir(root).args([
        "build",
        "--locked",
        "--release",
        "--package",
        "ringfence-server",
        "--bin",
        "ringfence",
        "--target-dir",
    ]);
    build.arg(dist).env("RUSTFLAGS", rust).env("CFLAGS", c).env("SOURCE_DATE_EPOCH", epoch()?);
    run(&mut build)?;
    Ok(dist.join("release/ringfence"))
}

/// The SHA-256 of a file.
fn sum(file: &Path) -> Result<String> {
    let said = capture(Command::new("sha256sum").arg(file))?;
    Ok(said.split_whitespace().next().context("sha256sum said nothing")?.to_owned())
}

/// Builds the binary of this commit twice, here and in a clone in another folder, and compares.
pub fn reproduce() -> Result<()> {
    let changed = capture(Command::new("git").args(["status", "--porcelain"]))?;
    ensure!(changed.is_empty(), "what is not committed is not in a clone:\n{changed}");
    let elsewhere = env::temp_dir().join("ringfence-elsewhere");
    ensure!(!elsewhere.exists(), "{} is there already", elsewhere.display());
    run(Command::new("git").args(["clone", "--quiet", "--no-hardlinks", "."]).arg(&elsewhere))?;
    let outcome = compare(&elsewhere);
    fs::remove_dir_all(&elsewhere)?;
    outcome
}

fn compare(elsewhere: &Path) -> Result<()> {
    let there = build(elsewhere, &elsewhere.join("built"))?;
    let here = build(&env::current_dir()?, &folder()?)?;
    let sums = [sum(&here)?, sum(&there)?];
    println!("{}  {}\n{}  {}", sums[0], here.display(), sums[1], there.display());
    if sums[0] != sums[1] {
        let kept = folder()?.join("ringfence.elsewhere");
        fs::copy(&there, &kept)?;
        bail!("they differ; the other one is kept as {}", kept.display());
    }
    println!("the same");
    Ok(())
}

/// Makes the Debian package and looks into it.
pub fn deb() -> Result<()> {
    let binary = build(&env::current_dir()?, &folder()?)?;
    println!("{}  {}", sum(&binary)?, binary.display());
    let package = folder()?.join("ringfence.deb");
    let mut deb = Command::new(tools::CARGO_DEB.ready()?);
    deb.args(["deb", "--package", "ringfence-server", "--locked", "--no-build", "--no-strip", "--output"])
        .arg(&package);
    run(deb.env("CARGO_TARGET_DIR", folder()?).env("SOURCE_DATE_EPOCH", epoch()?))?;
    let content = capture(Command::new("dpkg-deb").arg("--contents").arg(&package))?;
    for wanted in ["./usr/bin/ringfence", "./etc/ringfence/ringfence.toml", "/system/ringfence.service"] {
        ensure!(content.contains(wanted), "{wanted} is not in the package:\n{content}");
    }
    println!("{}", capture(Command::new("dpkg-deb").arg("--info").arg(&package))?);
    println!("{}", package.display());
    Ok(())
}
