//! Mounting: below a prefix, and at the root of a dialect's own hosts.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    Router,
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
    routing::future::RouteFuture,
};
use http::{HeaderMap, header};
use ringfence_core::error::{AuthError, Noun};
use tower::Service;

use crate::{
    app::{App, Mount},
    bridges, console,
    dialects::{ALL, Dialect},
    first, forward_auth, guard, links, looks,
    looks::Look,
    mailbox, native,
    problem::Problem,
    well_known,
};

/// Everything that the main listener answers.
pub fn router(app: &App) -> Router {
    let mut main = Router::new()
        .merge(looks::routes())
        .merge(first::routes())
        .merge(well_known::routes())
        .merge(mailbox::routes())
        .merge(links::routes())
        .merge(forward_auth::routes())
        .merge(bridges::routes())
        .merge(native::routes(app))
        .merge(console::routes(app))
        .fallback(nothing_here)
        .with_state(app.clone());
    let (mut hosts, mut everywhere) = (HashMap::new(), Router::new());
    for mount in &app.settings.mounts {
        let Some(dialect) = ALL.iter().find(|dialect| dialect.name == mount.dialect) else { continue };
        let routes = mounted(app, dialect, mount);
        main = main.nest_service(&mount.prefix, routes.clone());
        // Made once, so that a conversation begun under one name of this node goes on under another.
        if let Some(at_root) = dialect.at_root {
            everywhere = everywhere.merge(at_root(app.at(mount)));
        }
        hosts.extend(mount.hosts.iter().map(|host| (host.to_ascii_lowercase(), routes.clone())));
    }
    guard::protect(everywhere.merge(by_host(hosts, main)), app)
}

fn mounted(app: &App, dialect: &Dialect, mount: &Mount) -> Router {
    (dialect.routes)(app.at(mount))
}

async fn nothing_here(look: Look, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let wants_page = accept.is_some_and(|accept| accept.contains("text/html"));
    if wants_page { look.not_found() } else { Problem(AuthError::NotFound(Noun::Endpoint)).into_response() }
}

/// Routes at the root of hosts, and those for all other names. Hosts are in lower case.
pub(crate) fn by_host(hosts: HashMap<String, Router>, main: Router) -> Router {
    Router::new().fallback_service(ByHost { hosts: Arc::new(hosts), main })
}

/// Sends a request to the dialect whose host it names, else to the main routes.
#[derive(Clone)]
struct ByHost {
    hosts: Arc<HashMap<String, Router>>,
    main: Router,
}

impl ByHost {
    fn choose(&self, request: &Request) -> &Router {
        if self.hosts.is_empty() {
            return &self.main;
        }
        // HTTP/2 names it in `:authority`; a whole URL as target wins over the header (RFC 9112, section 3.2.2).
        let header = || request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let host = request.uri().authority().map_or_else(header, http::uri::Authority::as_str);
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let found = if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            self.hosts.get(&name.to_ascii_lowercase())
        } else {
            self.hosts.get(name)
        };
        found.unwrap_or(&self.main)
    }
}

impl Service<Request<Body>> for ByHost {
    type Response = Response;
    type Error = Infallible;
    type Future = RouteFuture<Infallible>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // A router is always ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        self.choose(&request).clone().call(request)
    }
}
