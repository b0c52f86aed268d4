//! The server that targets need whole: an authority on a store in memory where there is such a place, and the router over it.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use axum::{Router, body::Body, extract::ConnectInfo};
use http::{Request, Response};
use ringfence_core::{authority::Authority, testing::World};
use ringfence_wire::{App, DIALECTS, Mount, Settings, assertion_profiles, router, token_shapes};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;

/// Everything around a target.
pub struct Scene {
    runtime: Runtime,
    /// The world, with its home project.
    pub world: World,
    /// An authority that knows every face.
    pub authority: Arc<Authority>,
    router: Router,
    requests: AtomicU32,
}

/// The one scene of this process.
pub fn scene() -> &'static Scene {
    static SCENE: OnceLock<Scene> = OnceLock::new();
    SCENE.get_or_init(Scene::start)
}

impl Scene {
    fn start() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (world, authority, router) = runtime.block_on(async {
            // Where nothing waits for a disk.
            let memory = Path::new("/dev/shm");
            let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
            let folder = folder.expect("a temporary folder");
            let url = format!("sqlite:{}", folder.path().join("fuzz.db").display());
            let opened = ringfence_store::open(&url, &ringfence_store::Options::default()).expect("a new database");
            let world = World::start(opened.store()).await.holding((opened, folder));
            world.member("ann").await;
            let authority = world.node_with(|parts| {
                parts.shapes = token_shapes();
                parts.profiles.extend(assertion_profiles());
            });
            let project = &world.home.project.name;
            let mount = |dialect: &'static str| Mount {
                dialect,
                prefix: format!("/{dialect}"),
                project: project.clone(),
                ..Mount::default()
            };
            let mounts = DIALECTS.iter().map(|dialect| mount(dialect.name)).collect();
            let settings = Settings { public_url: "http://127.0.0.1:7080".to_owned(), mounts, ..Settings::default() };
            let router = router(&App::new(Arc::clone(&authority), settings));
            (world, authority, router)
        });
        Self { runtime, world, authority, router, requests: AtomicU32::new(0) }
    }

    /// Runs to the end.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// The answer to a request, each from an address of its own, so that no limit hides what lies behind it.
    pub fn ask(&self, mut request: Request<Body>) -> Response<Body> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let from = SocketAddr::from(([10, number[1], number[2], number[3]], 40_000));
        request.extensions_mut().insert(ConnectInfo(from));
        self.block_on(self.router.clone().oneshot(request)).expect("every request is answered")
    }
}
