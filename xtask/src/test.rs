//! The plan of `cargo xtask test`: every gate and every test, in order, until one fails.

use std::{cell::OnceCell, process::Command};

use anyhow::{Result, anyhow, bail};
use clap::Args;

use crate::{
    bench, clients, debian, deny, docs, fuzz,
    postgres::Postgres,
    previous,
    process::{cargo, run as run_command, watch},
    purity, security, server, tools,
};

#[derive(Args)]
pub struct Options {
    /// Only these steps, in the plan's order.
    #[arg(long, value_delimiter = ',', value_name = "STEP")]
    only: Vec<String>,
    /// Of the clients only these folders.
    #[arg(long = "client", value_delimiter = ',', value_name = "FOLDER")]
    clients: Vec<String>,
    /// How long each parser is fuzzed.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    fuzz_seconds: u64,
    /// Print the steps and do nothing.
    #[arg(long)]
    list: bool,
}

struct Step {
    name: &'static str,
    what: &'static str,
    run: fn(&Shared) -> Result<()>,
}

const PLAN: &[Step] = &[
    Step { name: "machine", what: "Debian packages that the steps need", run: |_| debian::prepare() },
    Step { name: "fmt", what: "formatting", run: |_| fmt() },
    Step { name: "clippy", what: "lints, warnings denied", run: |_| clippy() },
    Step { name: "purity", what: "what may stand where", run: |_| purity::check() },
    Step { name: "deny", what: "licences, bans, sources and advisories", run: |_| deny::check() },
    Step { name: "typos", what: "spelling", run: |_| typos() },
    Step { name: "security", what: "which test stands for which attack", run: |_| security::check() },
    Step { name: "tests", what: "unit, contract and black-box tests on both engines", run: tests },
    Step { name: "doc", what: "API documentation, warnings denied", run: |_| doc() },
    Step { name: "build", what: "the binary and examples for the steps below", run: |_| build() },
    Step {
        name: "fuzz",
        what: "parsers of what strangers send, a minute each",
        run: |shared| fuzz::all(shared.fuzz_seconds),
    },
    Step { name: "refresh", what: "2,000 refreshes with lost answers on both engines", run: bench::refresh_few },
    Step { name: "gates", what: "speed and memory that no build may be worse than", run: |_| bench::gates() },
    Step { name: "clients", what: "real client libraries on both engines", run: clients::check },
    Step { name: "readme", what: "the commands that the documents tell to type", run: |_| docs::check() },
];

/// What several steps use: a PostgreSQL that starts when first asked for and ends with the run.
#[derive(Default)]
pub struct Shared {
    /// The clients to run; none means all.
    pub clients: Vec<String>,
    /// For each target of fuzzing.
    fuzz_seconds: u64,
    postgres: OnceCell<Postgres>,
}

impl Shared {
    fn of(options: &Options) -> Self {
        Self { clients: options.clients.clone(), fuzz_seconds: options.fuzz_seconds, ..Self::default() }
    }

    pub fn postgres(&self) -> Result<&Postgres> {
        if self.postgres.get().is_none() {
            let started = Postgres::start()?;
            println!("postgresql: {}", started.url("postgres"));
            return Ok(self.postgres.get_or_init(|| started));
        }
        self.postgres.get().ok_or_else(|| anyhow!("PostgreSQL was started above"))
    }
}

/// Runs the plan or the chosen part of it, closing with one line that counts steps.
pub fn run(options: &Options) -> Result<()> {
    if options.list {
        for step in PLAN {
            println!("{:8} {}", step.name, step.what);
        }
        return Ok(());
    }
    let steps = chosen(&options.only)?;
    let (shared, whole) = (Shared::of(options), watch());
    for (done, step) in steps.iter().enumerate() {
        println!("\n== {}: {}", step.name, step.what);
        let since = watch();
        if let Err(error) = (step.run)(&shared) {
            drop(shared);
            eprintln!("\n== {} failed after {:.1} s\n{error:#}", step.name, since.elapsed().as_secs_f64());
            println!("\nsteps: {done} passed, 1 failed");
            bail!("step {} failed; repeat it with: cargo xtask test --only {}", step.name, step.name);
        }
        println!("== {} passed in {:.1} s", step.name, since.elapsed().as_secs_f64());
    }
    drop(shared);
    println!("\nfinished in {:.0} s", whole.elapsed().as_secs_f64());
    println!("steps: {} passed, 0 failed", steps.len());
    Ok(())
}

fn chosen(only: &[String]) -> Result<Vec<&'static Step>> {
    if let Some(unknown) = only.iter().find(|name| PLAN.iter().all(|step| step.name != name.as_str())) {
        bail!("no step is called {unknown}; `cargo xtask test --list` names them");
    }
    Ok(PLAN.iter().filter(|step| only.is_empty() || only.iter().any(|name| name == step.name)).collect())
}

fn fmt() -> Result<()> {
    run_command(cargo().args(["fmt", "--all", "--check"]))
}

fn clippy() -> Result<()> {
    run_command(cargo().args(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))?;
    // What few build: the program without NATS.
    let server = ["clippy", "--package", "ringfence-server", "--no-default-features", "--locked"];
    run_command(cargo().args(server).args(["--", "-D", "warnings"]))
}

fn typos() -> Result<()> {
    run_command(&mut Command::new(tools::TYPOS.ready()?))
}

fn tests(shared: &Shared) -> Result<()> {
    let url = shared.postgres()?.url("postgres");
    let mut tests = cargo();
    tests.args(["test", "--workspace", "--locked"]).env("RINGFENCE_TEST_POSTGRES", url);
    if let Some(program) = previous::program()? {
        tests.env("RINGFENCE_TEST_PREVIOUS", program);
    } else {
        println!("NOT TESTED: an upgrade from the version before. It needs the history, and this is no clone with one");
        tests.args(["--", "--skip", "upgrade::"]);
    }
    run_command(&mut tests)
}

fn build() -> Result<()> {
    server::build()?;
    server::build_examples()
}

fn doc() -> Result<()> {
    run_command(cargo().args(["doc", "--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "-D warnings"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_keeps_the_order_of_the_plan() {
        let steps = chosen(&["typos".into(), "fmt".into()]).unwrap();
        assert_eq!(steps.iter().map(|step| step.name).collect::<Vec<_>>(), ["fmt", "typos"]);
    }

    #[test]
    fn an_unknown_step_is_refused() {
        assert!(chosen(&["fmt".into(), "lint".into()]).is_err());
    }
}
