//! The REST face of Telnyx, from outside: whole answers, in the clients' words.

mod attacks;
mod connections;
mod credentials;
mod lists;
mod server;
mod token;
