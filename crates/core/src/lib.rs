//! The domain of Ringfence: every rule, no HTTP and no SQL.

pub mod application;
pub mod audit;
pub mod caller;
pub mod context;
pub mod credential;
pub mod entropy;
pub mod error;
pub mod event;
pub mod identity;
pub mod ids;
pub mod issuer;
pub mod jose;
pub mod key;
pub mod mail;
pub mod membership;
pub mod password;
pub mod presence;
pub mod project;
pub mod seal;
pub mod secret;
pub mod session;
pub mod store;
pub mod throttle;
pub mod time;
pub mod verification;
