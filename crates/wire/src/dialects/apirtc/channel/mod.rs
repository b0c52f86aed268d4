//! The realtime channel: Socket.IO 5 over Engine.IO 4, at the root of every host.

use axum::Router;

use crate::app::App;

/// Its routes, which lie where the library looks for them, whatever prefix the rest has.
pub(super) fn routes(app: App) -> Router {
    Router::new().with_state(app)
}
