//! Files that pages load. Their addresses name their content, so that a browser keeps them for a year and no release is
//! shown with the style of another.

use std::sync::LazyLock;

use axum::{
    Router,
    extract::Path,
    response::{IntoResponse as _, Response},
    routing::get,
};
use http::{StatusCode, header};

use crate::app::App;

struct Asset {
    name: &'static str,
    kind: &'static str,
    content: &'static str,
}

const ASSETS: &[Asset] = &[
    Asset { name: "style.css", kind: "text/css; charset=utf-8", content: include_str!("../../assets/style.css") },
    Asset { name: "site.js", kind: "text/javascript; charset=utf-8", content: include_str!("../../assets/site.js") },
    Asset { name: "demo.js", kind: "text/javascript; charset=utf-8", content: include_str!("../../assets/demo.js") },
    Asset {
        name: "console.js",
        kind: "text/javascript; charset=utf-8",
        content: include_str!("../../assets/console.js"),
    },
    Asset { name: "icon.svg", kind: "image/svg+xml", content: include_str!("../../assets/icon.svg") },
];

/// Addresses, in the order of [`ASSETS`].
static ADDRESSES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let address = |asset: &Asset| format!("/assets/{:016x}-{}", fingerprint(asset.content.as_bytes()), asset.name);
    ASSETS.iter().map(address).collect()
});

/// FNV-1a: tells one release's file from another's. Nobody gains by a collision in files of ours.
fn fingerprint(content: &[u8]) -> u64 {
    content.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The address of a file that pages load.
pub(crate) fn address(name: &str) -> &'static str {
    let at = ASSETS.iter().position(|asset| asset.name == name);
    at.and_then(|at| ADDRESSES.get(at)).map_or("", String::as_str)
}

pub(super) fn routes() -> Router<App> {
    Router::new().route("/assets/{name}", get(serve))
}

async fn serve(Path(name): Path<String>) -> Response {
    let at = ADDRESSES.iter().position(|address| address.strip_prefix("/assets/") == Some(&name));
    let Some(asset) = at.and_then(|at| ASSETS.get(at)) else { return StatusCode::NOT_FOUND.into_response() };
    let headers = [(header::CONTENT_TYPE, asset.kind), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    (headers, asset.content).into_response()
}
