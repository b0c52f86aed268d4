//! Fuzzing: the targets of `fuzz/` under libFuzzer, guided by the coverage of our own crates.
//!
//! It runs on the stable toolchain: the passes that count coverage are options of the stable compiler, and only sanitizers
//! would need another one, which safe Rust gains little from. The compiler of our crates is this program, see [`as_compiler`];
//! what we depend on is neither rebuilt nor instrumented.

use std::{
    collections::VecDeque,
    env,
    fs::{self, File},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::process::{cargo, pause, run as run_command, target};

/// What to fuzz.
#[derive(Args)]
pub struct Options {
    /// The targets; all unless some are named.
    targets: Vec<String>,
    /// How long each.
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// Also take into the corpora what reached new code, as few and as small as reach it.
    #[arg(long)]
    keep: bool,
}

/// Set for the compiler of our crates; says that this program is it.
const COMPILER: &str = "RINGFENCE_FUZZ_COMPILER";

/// What libFuzzer needs to see: counters at each edge, and both sides of comparisons.
const INSTRUMENTS: [&str; 5] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// Becomes the compiler that cargo asked for, with instruments, if it is asked as one.
pub fn as_compiler() -> Option<ExitCode> {
    env::var_os(COMPILER)?;
    let mut words = env::args_os().skip(1);
    let error = Command::new(words.next()?).args(words).args(INSTRUMENTS).exec();
    eprintln!("error: cannot start the compiler: {error}");
    Some(ExitCode::FAILURE)
}

/// Fuzzes for as long as one likes.
pub fn run(options: &Options) -> Result<()> {
    let known = corpora()?;
    if let Some(unknown) = options.targets.iter().find(|name| !known.contains(name)) {
        bail!("no target is called {unknown}; there are {}", known.join(", "));
    }
    let chosen = known.into_iter().filter(|name| options.targets.is_empty() || options.targets.contains(name));
    let chosen: Vec<_> = chosen.collect();
    let program = build()?;
    fuzz(&program, &chosen, options.seconds)?;
    if options.keep { chosen.iter().try_for_each(|name| keep(&program, name)) } else { Ok(()) }
}

/// All targets for so many seconds, as a step of the tests.
pub fn all(seconds: u64) -> Result<()> {
    fuzz(&build()?, &corpora()?, seconds)
}

/// The targets by the names of their corpora; a test of theirs sees that both are the same.
fn corpora() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir("fuzz/corpora").context("fuzz/corpora is not there")? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn build() -> Result<PathBuf> {
    let ours = env::current_exe().context("this program has no path")?;
    let mut command = cargo();
    command.args(["build", "--locked", "--package", "ringfence-fuzz", "--features", "engine"]);
    run_command(command.env("RUSTC_WORKSPACE_WRAPPER", ours).env(COMPILER, "1"))?;
    Ok(target()?.join("debug/ringfence-fuzz"))
}

/// A target at work.
struct Running {
    name: String,
    process: Child,
    folder: PathBuf,
}

/// Runs the targets, as many at once as there are cores.
fn fuzz(program: &Path, targets: &[String], seconds: u64) -> Result<()> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let mut waiting: VecDeque<_> = targets.iter().collect();
    let (mut running, mut failed) = (Vec::new(), Vec::new());
    while !waiting.is_empty() || !running.is_empty() {
        while running.len() < cores
            && let Some(name) = waiting.pop_front()
        {
            running.push(start(program, name, seconds)?);
        }
        let mut left = Vec::new();
        for mut one in running {
            match one.process.try_wait()? {
                None => left.push(one),
                Some(status) if status.success() => println!("{:14} {}", one.name, said(&one.folder)?),
                Some(status) => {
                    println!("{:14} {status}\n{}", one.name, tail(&one.folder)?);
                    failed.push(one.name);
                }
            }
        }
        running = left;
        pause(Duration::from_millis(200));
    }
    ensure!(
        failed.is_empty(),
        "{} failed; replay what was found by: RINGFENCE_FUZZ=NAME {} target/fuzz/NAME/found-…",
        failed.join(", "),
        program.display()
    );
    Ok(())
}

/// Starts one on its corpus. What it learns goes into a folder of its own; what it finds lies there, too.
fn start(program: &Path, name: &str, seconds: u64) -> Result<Running> {
    let folder = target()?.join("fuzz").join(name);
    let learnt = folder.join("learnt");
    fs::create_dir_all(&learnt)?;
    let log = File::create(folder.join("log"))?;
    let mut command = Command::new(program);
    command.env("RINGFENCE_FUZZ", name).arg(&learnt).arg(corpus(name)).args([
        format!("-max_total_time={seconds}"),
        // Seconds and mebibytes for one input: what takes more is a finding.
        "-timeout=10".to_owned(),
        "-rss_limit_mb=1024".to_owned(),
        format!("-max_len={}", longest(name)),
        format!("-artifact_prefix={}/found-", folder.display()),
    ]);
    let process = command.stdout(log.try_clone()?).stderr(log).spawn().context("cannot start the fuzzer")?;
    Ok(Running { name: name.to_owned(), process, folder })
}

fn corpus(name: &str) -> PathBuf {
    Path::new("fuzz/corpora").join(name)
}

/// Inputs are at most so long; most parsers refuse longer ones unread.
fn longest(name: &str) -> usize {
    match name {
        "jwks" | "jws" | "provisioning" => 4096,
        "assertion" => 2048,
        _ => 512,
    }
}

/// The last line of a run that counts: how many inputs, how much code.
fn said(folder: &Path) -> Result<String> {
    let log = log_of(folder)?;
    Ok(log.lines().rev().find(|line| line.contains("DONE")).unwrap_or("ended without a count").to_owned())
}

fn tail(folder: &Path) -> Result<String> {
    let log = log_of(folder)?;
    let lines: Vec<_> = log.lines().collect();
    Ok(lines[lines.len().saturating_sub(40)..].join("\n"))
}

fn log_of(folder: &Path) -> Result<String> {
    let bytes = fs::read(folder.join("log")).context("the fuzzer wrote no log")?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Merges what was learnt into the corpus.
fn keep(program: &Path, name: &str) -> Result<()> {
    let folder = target()?.join("fuzz").join(name);
    let (before, log) = (inputs(name)?, File::create(folder.join("log"))?);
    let mut command = Command::new(program);
    command.env("RINGFENCE_FUZZ", name).args(["-set_cover_merge=1", &format!("-max_len={}", longest(name))]);
    command.arg(corpus(name)).arg(folder.join("learnt")).stdout(log.try_clone()?).stderr(log);
    let merged = command.status().context("cannot start the fuzzer")?;
    ensure!(merged.success(), "{name}: {merged}\n{}", tail(&folder)?);
    println!("{name:14} {before} inputs before, {} now", inputs(name)?);
    Ok(())
}

/// How many inputs a corpus has.
fn inputs(name: &str) -> Result<usize> {
    Ok(fs::read_dir(corpus(name))?.count())
}
