//! Tiledesk, black-box: requests as its clients send them, whole bodies as they read them.

mod attacks;
mod custom_token;
mod guest;
mod people;
mod projects;
mod recovery;
mod requests;
mod server;
mod sign_in;
mod sign_up;
mod users;

pub use people::{PASSWORD, Person, Place};
pub use server::Server;
