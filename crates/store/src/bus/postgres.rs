//! The way by PostgreSQL: `LISTEN` and `NOTIFY` on one connection of its own.
//!
//! `NOTIFY` takes a lock of the whole server until its transaction has committed, so it never belongs into a transaction that
//! writes. A transaction pooler takes `LISTEN` and delivers nothing.

use async_trait::async_trait;
use ringfence_core::entropy::SharedEntropy;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Statement};

use super::{BusError, Hearing, Link, Way, WideBus};
use crate::{OpenError, Options, postgres::address::Address};

/// Commits of this connection need not wait for the disk: nothing that it says has to last.
const SETTINGS: &str = "SET synchronous_commit = off; SET statement_timeout = 5000";
/// Channels belong to the database: a table's number tells installations in different schemas apart.
const CHANNEL: &str = "SELECT 'ringfence_' || 'schema_migration'::regclass::oid::text";

impl From<tokio_postgres::Error> for BusError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Server(error.into())
    }
}

/// Buses of all nodes on one PostgreSQL database.
pub enum PgBus {}

impl PgBus {
    /// A bus over the database at `url`, and its work, as [`WideBus::over`] says.
    pub fn over(
        url: &str,
        entropy: SharedEntropy,
    ) -> Result<(WideBus, impl Future<Output = ()> + Send + 'static), OpenError> {
        Ok(WideBus::over(PgWay::to(url)?, entropy))
    }

    /// Sends a message over the database at `url` and waits until it comes back.
    pub async fn check(url: &str, entropy: &SharedEntropy) -> Result<(), BusError> {
        WideBus::check(PgWay::to(url)?, entropy).await
    }
}

/// The way by one PostgreSQL database.
pub struct PgWay(Address);

impl PgWay {
    /// By the database at `url`.
    pub fn to(url: &str) -> Result<Self, OpenError> {
        Ok(Self(Address::parse(url, &Options::default())?.called("bus")))
    }
}

#[async_trait]
impl Way for PgWay {
    async fn open(&self, hearing: Hearing) -> Result<Box<dyn Link>, BusError> {
        let (client, driver) = self.0.connect_hearing(move |payload: &str| hearing.take_in(payload)).await?;
        client.batch_execute(SETTINGS).await?;
        let channel: String = client.query_one(CHANNEL, &[]).await?.try_get(0)?;
        client.batch_execute(&format!("LISTEN {channel}")).await?;
        let notify = client.prepare("SELECT pg_notify($1, $2)").await?;
        Ok(Box::new(PgLink { client, driver, notify, channel }))
    }
}

struct PgLink {
    client: Client,
    driver: JoinHandle<()>,
    notify: Statement,
    channel: String,
}

#[async_trait]
impl Link for PgLink {
    async fn send(&mut self, message: String) -> Result<(), BusError> {
        self.client.execute(&self.notify, &[&self.channel, &message]).await?;
        Ok(())
    }

    async fn lost(&mut self) {
        // Asked after its end, there is no driver to wait for.
        if !self.driver.is_finished() {
            drop((&mut self.driver).await);
        }
    }
}
