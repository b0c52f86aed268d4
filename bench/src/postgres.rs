//! Databases on the PostgreSQL of a run.

use anyhow::Context as _;
use tokio_postgres::NoTls;

/// An empty database, beside one that is there; its name tells whose it is.
pub(crate) fn database(beside: &str, whose: &str) -> anyhow::Result<String> {
    let name = format!("{whose}_{}", std::process::id());
    tokio::runtime::Runtime::new()?.block_on(async {
        let (client, connection) = tokio_postgres::connect(beside, NoTls).await?;
        tokio::spawn(connection);
        client.batch_execute(&format!("CREATE DATABASE {name}")).await
    })?;
    let (server, _) = beside.rsplit_once('/').context("the address of a database names it")?;
    Ok(format!("{server}/{name}"))
}
