//! ApiRTC, black-box: requests as its library sends them, whole bodies as it reads them, the channel by polling.

mod assertions;
mod channel;
mod cloud;
mod coverage;
mod server;
mod tokens;
