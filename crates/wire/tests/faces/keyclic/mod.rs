//! Keyclic, black-box: requests as its libraries send them, whole bodies as they read them.

mod accounts;
mod attacks;
mod coverage;
mod forward_auth;
mod links;
mod requests;
mod server;
mod tokens;
