//! What every engine must do: one suite, listed once, run on each.
//!
//! A test is an `async fn` of a [`World`](support::World) of its own; [`on_every_engine!`] makes a test per engine of it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

/// Makes a test on SQLite and a test on PostgreSQL of each function.
macro_rules! on_every_engine {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::support::World::sqlite()).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::support::World::postgres().await).await;
            })+
        }
    };
}

mod administrator;
mod application;
mod audit;
mod bus;
mod concurrency;
mod credential;
mod endpoint;
mod engine;
mod fixtures;
mod idempotency;
mod identity;
mod issuer;
mod key;
mod membership;
mod migration;
mod on_postgres;
mod on_sqlite;
mod outbox;
mod picture;
mod postgres_tls;
mod presence;
mod project;
mod refresh;
mod relocate;
mod resume;
mod session;
mod sip;
mod support;
mod throttle;
mod verification;
mod webhook;
