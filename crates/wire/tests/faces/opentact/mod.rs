//! Opentact, black-box: requests as its client sends them, whole bodies as it reads them.

mod auth;
mod coverage;
mod schemes;
mod server;
mod sip;
mod socket;
mod users;
