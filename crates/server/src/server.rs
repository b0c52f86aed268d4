//! A server from start to stop.

use std::{
    net::{SocketAddr, TcpListener},
    path::Path,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result};
use axum_server::Handle;
use ringfence_wire::Demo;
use tokio::task::JoinHandle;

use crate::{
    admin::settings,
    assemble::{Assembly, Place, Schema},
    cli::{Options, Serve},
    config::{self, Config, Flags, Mode},
    listen::{self, DRAIN},
    provision::{self, Manner, Plan},
    tasks::Tasks,
    telemetry::{self, Metrics},
    tls::{self, Acceptor, Files, Reloading},
    webhook_http,
};

/// Clients of sockets are told to come back within so long, each at another moment.
const COME_BACK: Duration = Duration::from_secs(5);

/// Everything that serving needs, ready but not answering yet.
pub struct Server {
    pub config: Config,
    pub assembly: Assembly,
    /// What clients call it.
    pub public_url: String,
    /// What the first page demonstrates with.
    pub demo: Option<Demo>,
    main: TcpListener,
    admin: TcpListener,
    tls: Option<Secured>,
    metrics: Metrics,
}

/// What `[server.tls]` makes of the main listener, and the plain one beside it.
struct Secured {
    acceptor: Acceptor,
    reloading: Reloading,
    plain: Option<TcpListener>,
}

impl Secured {
    fn prepare(settings: &config::Tls) -> Result<Self> {
        let (acceptor, reloading) = tls::start(Files::of(settings))?;
        Ok(Self { acceptor, reloading, plain: settings.plain_listen.map(listen::bind).transpose()? })
    }

    fn apart(self) -> (Option<Acceptor>, Option<Reloading>, Option<TcpListener>) {
        (Some(self.acceptor), Some(self.reloading), self.plain)
    }
}

impl Server {
    /// Reads settings, takes the addresses and opens the database, in this order: the likeliest mistakes come first.
    pub async fn prepare(options: &Options, flags: &Serve, mode: Mode) -> Result<Self> {
        let config = settings(options, mode, flags_of(flags))?;
        telemetry::start_log(&config.log)?;
        let metrics = Metrics::start()?;
        let main = listen::bind(config.server.listen)?;
        let admin = listen::bind(config.server.admin_listen)?;
        let tls = config.server.tls.as_ref().map(Secured::prepare).transpose()?;
        let public_url = config.public_url(main.local_addr()?)?;
        let assembly = Assembly::open(&config, Schema::Migrate, Place::Server, public_url.clone()).await?;
        assembly.warn_of_limits();
        Ok(Self { config, assembly, public_url, demo: None, main, admin, tls, metrics })
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
        let (tls, reloading, plain) = self.tls.map_or((None, None, None), Secured::apart);
        let plain_address = plain.as_ref().map(TcpListener::local_addr).transpose()?;
        let (live, feed, mut main, mut admin, mut plain) = {
            // Gone with the listeners, so that the authority and its outbox can end.
            let app = self.assembly.app(&self.config, self.demo)?;
            let admin = ringfence_wire::admin_router(&app, self.metrics.text());
            let plain = plain.map(|plain| Listening::start(plain, ringfence_wire::plain_router(&app.settings)));
            let main = Listening::start_with(self.main, ringfence_wire::router(&app), tls);
            (app.live, app.feed, main, Listening::start(self.admin, admin), plain)
        };
        let mut tasks = Tasks::start(&self.assembly.authority, &live, self.config.audit, self.metrics.clone());
        tasks.until_stopped(Arc::clone(&feed).run());
        tasks.until_stopped(webhook_http::deliver(Arc::clone(&self.assembly.authority), Arc::clone(&feed)));
        if let Some(reloading) = reloading {
            tasks.until_stopped(reloading.run(Arc::clone(self.assembly.authority.clock())));
        }
        tracing::info!(
            listen = %addresses.0,
            admin_listen = %addresses.1,
            plain_listen = plain_address.map(tracing::field::display),
            public_url = self.public_url,
            "ready"
        );
        let ended = tokio::select! {
            signal = asked_to_stop => {
                tracing::info!(signal, "stopping");
                Ok(())
            }
            outcome = &mut main.task => unexpected(outcome),
            outcome = &mut admin.task => unexpected(outcome),
            outcome = ended_of(plain.as_mut()) => unexpected(outcome),
        };
        feed.close();
        drop(feed);
        // Health stays answered until the last request is, and the last socket is closed.
        tokio::join!(main.drain(), live.drain(COME_BACK), drain_of(plain));
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
        Self::start_with(listener, router, None)
    }

    fn start_with(listener: TcpListener, router: axum::Router, tls: Option<Acceptor>) -> Self {
        let handle = Handle::new();
        let task = match tls {
            None => tokio::spawn(listen::serve(listener, router, handle.clone())),
            Some(acceptor) => {
                let router = ringfence_wire::over_tls(router);
                tokio::spawn(listen::serve_tls(listener, router, handle.clone(), acceptor))
            }
        };
        Self { handle, task }
    }

    /// Takes no more connections and waits for those there are, up to [`DRAIN`].
    async fn drain(self) {
        self.handle.graceful_shutdown(Some(DRAIN));
        if !self.task.is_finished() {
            drop(self.task.await);
        }
    }
}

type Outcome = Result<std::io::Result<()>, tokio::task::JoinError>;

/// The end of a listener that there may be.
async fn ended_of(listening: Option<&mut Listening>) -> Outcome {
    match listening {
        Some(listening) => (&mut listening.task).await,
        None => std::future::pending().await,
    }
}

async fn drain_of(listening: Option<Listening>) {
    if let Some(listening) = listening {
        listening.drain().await;
    }
}

fn unexpected(outcome: Outcome) -> Result<()> {
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
