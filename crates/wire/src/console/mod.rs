//! The console: pages for administrators, of plain forms.
//!
//! Three rooms, each behind its guard: [`open`](guard::Door::Open) for whoever wants to sign in, [`half`](guard::Door::Half) for
//! whoever still has to prove a second factor, and [`full`](guard::Door::Full), where the pages are. A page is a file in
//! [`pages`] with a constant, and a line in [`pages::ALL`], from which the navigation, the tests and the client's walk follow.
//! A page decides nothing: it asks [`Authority`](ringfence_core::authority::Authority) with the permits of its
//! [`Visit`](visit::Visit), and refusals come from there.

mod begin;
mod cookie;
mod fault;
mod guard;
mod pages;
mod passkey;
mod sign_in;
mod visit;
mod words;

use axum::{Router, middleware::from_fn_with_state};

use self::guard::Door;
use crate::app::App;

pub use self::pages::{ALL, Change, Page};

/// Where its pages are, for the plain listener.
pub(crate) const PAGES: &[&str] = &["/console", "/console/{*rest}"];

/// Everything below `/console`.
pub(crate) fn routes(app: &App) -> Router<App> {
    let room = |routes: Router<App>, door| routes.route_layer(from_fn_with_state((app.clone(), door), guard::pass));
    let pages = ALL.iter().fold(Router::new(), |all, page| all.merge(page.routes()));
    room(sign_in::open().merge(begin::open()), Door::Open)
        .merge(room(sign_in::half().merge(begin::half()), Door::Half))
        .merge(room(sign_in::full().merge(pages), Door::Full))
}
