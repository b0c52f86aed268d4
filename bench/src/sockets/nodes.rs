//! Two nodes on one PostgreSQL: what is ended on the one closes the sockets of the other.

use std::path::Path;

use tokio::sync::mpsc;

use super::{Credential, Report, bearer, open, spread, wait};
use crate::{load::now, postgres, quiet::Watch, scratch::Setup};

/// Times it is done.
const ROUNDS: usize = 3;

/// Measures with so many sockets of one identity, and prints.
pub(crate) fn run(server: &Path, beside: &str, sockets: usize) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let database = postgres::database(beside, "nodes")?;
    let setup = Setup { database: Some(&database), ..Setup::default() };
    // In one folder, where they find the same master key.
    let (here, there) = (setup.serve(server, folder.path())?, setup.serve(server, folder.path())?);
    tokio::runtime::Runtime::new()?.block_on(async {
        let (sender, mut closed) = mpsc::unbounded_channel();
        let mut report = Report::default();
        for _ in 0..ROUNDS {
            let victim = Credential::make(&here, None)?;
            let tokens = (0..sockets).map(|_| victim.token(&here)).collect::<Result<Vec<_>, _>>()?;
            open(&there, 0, &tokens, 0, &sender).await?;
            let (watch, begun) = (Watch::begin()?, now());
            let path = format!("/telnyx/v2/telephony_credentials/{}", victim.id);
            tokio::task::block_in_place(|| here.ask("DELETE", &path, &bearer(), ""))?;
            let delays = wait(&mut closed, sockets, begun).await?;
            watch.end("sockets revoked from another node")?;
            let what = "their one credential deleted on the other node, to closed, p50 / p99 / last";
            report.row(what, sockets, spread(&delays), "p99 < 1 s");
        }
        report.print("Two nodes on PostgreSQL");
        Ok(())
    })
}
