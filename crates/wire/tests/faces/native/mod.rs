//! The native API, from outside: whole answers.

mod accounts;
mod administration;
mod assertions;
mod attacks;
mod browsers;
mod description;
mod events;
mod once;
mod sign_in;
mod tokens;
mod world;
