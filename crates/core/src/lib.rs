//! The domain of Ringfence: every rule, no HTTP and no SQL.

pub mod caller;
pub mod entropy;
pub mod error;
pub mod ids;
pub mod jose;
pub mod password;
pub mod seal;
pub mod secret;
pub mod time;
