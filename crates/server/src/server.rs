//! A server from start to stop.

use std::{
    net::{SocketAddr, TcpListener},
    path::Path,
    time::Duration,
};

use anyhow::{Context as _, Result};
use axum_server::Handle;
use tokio::task::JoinHandle;

use crate::{
    admin::settings,
    assemble::{Assembly, Place, Schema},
    cli::{Options, Serve},
    config::{Config, Flags, Mode},
    listen::{self, DRAIN},
    provision::{self, Manner, Plan},
    tasks::Tasks,
    telemetry::{self, Metrics},
};

/// Clients of sockets are told to come back within so long, each at another moment.
const COME_BACK: Duration = Duration::from_secs(5);

/// Everything that serving needs, ready but not answering yet.
pub struct Server {
    pub config: Config,
    pub assembly: Assembly,
    /// What clients call it.
    pub public_url: String,
    main: TcpListener,
    admin: TcpListener,
    metrics: Metrics,
}

impl Server {
    /// Reads settings, takes the addresses and opens the database, in this order: the likeliest mistakes come first.
    pub async fn prepare(options: &Options, flags: &Serve, mode: Mode) -> Result<Self> {
        let config = settings(options, mode, flags_of(flags))?;
        telemetry::start_log(&config.log)?;
        let metrics = Metrics::start()?;
        let main = listen::bind(config.server.listen)?;
        let admin = listen::bind(config.server.admin_listen)?;
        let public_url = config.public_url(main.local_addr()?)?;
        let assembly = Assembly::open(&config, Schema::Migrate, Place::Server, public_url.clone()).await?;
        assembly.warn_of_limits();
        Ok(Self { config, assembly, public_url, main, admin, metrics })
    }

    /// Where health and metrics are.
    pub fn admin_url(&self) -> Result<String> {
        Ok(format!("http://{}", self.admin.local_addr()?))
    }

    /// Applies a provisioning file.
    pub async fn apply(&self, file: &Path) -> Result<Plan> {
        let plan = provision::apply(&self.assembly.authority, file, Manner::default()).await?;
        tracing::info!(file = %file.display(), changes = plan.changes(), "applied");
        Ok(plan)
    }

    /// Serves until the process is asked to stop; then takes no more, lets what runs finish, and returns.
    pub async fn run(self) -> Result<()> {
        // Before anything answers: whoever hears from us may ask us to end.
        let asked_to_stop = listen::asked_to_stop()?;
        let addresses = (self.main.local_addr()?, self.admin.local_addr()?);
        let (live, mut main, mut admin) = {
            // Gone with the listeners, so that the authority and its outbox can end.
            let app = self.assembly.app(&self.config)?;
            let admin = ringfence_wire::admin_router(&app, self.metrics.text());
            let main = Listening::start(self.main, ringfence_wire::router(&app));
            (app.live, main, Listening::start(self.admin, admin))
        };
        let tasks = Tasks::start(&self.assembly.authority, &live, self.metrics.clone());
        tracing::info!(listen = %addresses.0, admin_listen = %addresses.1, public_url = self.public_url, "ready");
        let ended = tokio::select! {
            signal = asked_to_stop => {
                tracing::info!(signal, "stopping");
                Ok(())
            }
            outcome = &mut main.task => unexpected(outcome),
            outcome = &mut admin.task => unexpected(outcome),
        };
        // Health stays answered until the last request is, and the last socket is closed.
        tokio::join!(main.drain(), live.drain(COME_BACK));
        drop(live);
        admin.drain().await;
        tasks.finish().await;
        self.assembly.close().await;
        tracing::info!("stopped");
        ended
    }
}

/// A listener at work.
struct Listening {
    handle: Handle<SocketAddr>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Listening {
    fn start(listener: TcpListener, router: axum::Router) -> Self {
        let handle = Handle::new();
        Self { task: tokio::spawn(listen::serve(listener, router, handle.clone())), handle }
    }

    /// Takes no more connections and waits for those there are, up to [`DRAIN`].
    async fn drain(self) {
        self.handle.graceful_shutdown(Some(DRAIN));
        if !self.task.is_finished() {
            drop(self.task.await);
        }
    }
}

fn unexpected(outcome: Result<std::io::Result<()>, tokio::task::JoinError>) -> Result<()> {
    outcome?.context("a listener failed")
}

fn flags_of(serve: &Serve) -> Flags {
    let mut flags = Flags::new();
    if let Some(address) = serve.listen {
        flags.push(("server", "listen", address.to_string().into()));
    }
    if let Some(address) = serve.admin_listen {
        flags.push(("server", "admin_listen", address.to_string().into()));
    }
    if let Some(url) = &serve.public_url {
        flags.push(("server", "public_url", url.clone().into()));
    }
    flags
}
