//! The systems whose clients we speak with. Each is a folder whose only export is one constant.

use axum::Router;
use ringfence_core::{authority::TokenShape, issuer::AssertionProfile};

use crate::app::App;

mod apirtc;
mod keyclic;
mod opentact;
mod telnyx;
mod tiledesk;

/// A dialect as the rest of the crate sees it.
#[derive(Debug)]
pub struct Dialect {
    /// Its name: in configuration, in mounts, in sessions.
    pub name: &'static str,
    /// Its routes, below wherever it is mounted.
    pub routes: fn(App) -> Router,
    /// Routes that its clients look for at the root of every host, wherever the rest is mounted.
    pub at_root: Option<fn(App) -> Router>,
    /// Every endpoint it has, for documentation and for the test that walks them.
    pub endpoints: &'static [Endpoint],
    /// How its access tokens look, if it issues any.
    pub token_shape: Option<&'static TokenShape>,
    /// Assertions that it accepts.
    pub assertion_profiles: &'static [&'static AssertionProfile],
    /// The scheme of the names that it gives applications.
    pub application_alias: &'static str,
    /// How its clients show tokens.
    pub bearer: Bearer,
    /// What the plain listener beside one with TLS says to its clients.
    pub plain: PlainHttp,
}

/// What is said to a client that came without TLS. Nothing of its request is looked at either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlainHttp {
    /// The same address by TLS, with 302, as the system it replaces did.
    Redirect,
    /// `403 tls_required`: a client that works over plain HTTP would not be noticed (ASVS 4.1.2).
    Refuse,
}

/// How clients of a dialect show tokens, also to resources that others serve behind forward-auth.
#[derive(Debug)]
pub struct Bearer {
    /// The scheme in `Authorization`, and of the challenge.
    pub scheme: &'static str,
    /// The header in which they name an application, if they do.
    pub application_header: Option<&'static str>,
}

/// One endpoint of a dialect.
#[derive(Debug)]
pub struct Endpoint {
    /// The method.
    pub method: &'static str,
    /// The path below the mount, with `{parameters}`.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// The row of the protocol sheet that it comes from.
    pub source: &'static str,
}

/// Who may call an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Open,
    /// Whoever passes the gate.
    SignedIn,
    /// Members of the application that the path names, from this role on.
    Role(&'static str),
}

/// All dialects.
pub const ALL: &[Dialect] = &[apirtc::DIALECT, keyclic::DIALECT, opentact::DIALECT, telnyx::DIALECT, tiledesk::DIALECT];
