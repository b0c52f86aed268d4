//! What only PostgreSQL has: connections that can be lost.

use std::{
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use ringfence_store::{OpenError, Options, backup, open};
use tokio::sync::oneshot;

use crate::{
    fixtures,
    support::{World, connect, is_busy},
};

/// Cuts every connection of the store.
async fn cut(w: &World) {
    let name = w.url.rsplit_once('=').unwrap().1;
    let sql = format!(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
         WHERE application_name = '{name}' AND pid <> pg_backend_pid()"
    );
    let client = connect(&w.url).await;
    assert!(!client.query(&sql, &[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_connection_that_died_while_idle_is_replaced_unnoticed() {
    let w = World::postgres().await;
    w.project().await;
    cut(&w).await;
    for _ in 0..16 {
        w.project().await;
    }
    cut(&w).await;
    for _ in 0..16 {
        assert_eq!(w.read(|tx| tx.projects(None, 99)).await.len(), 17);
    }
}

#[tokio::test]
async fn a_unit_in_flight_on_a_lost_connection_is_busy_and_leaves_nothing() {
    let w = World::postgres().await;
    let (begun, has_begun) = oneshot::channel();
    let (go, may_go): (_, Receiver<()>) = channel();
    let store = w.store.clone();
    let unit = tokio::spawn(async move {
        store
            .write(move |tx| {
                tx.insert_project(&fixtures::project())?;
                begun.send(()).unwrap();
                may_go.recv_timeout(Duration::from_secs(30)).unwrap();
                Ok(tx.insert_project(&fixtures::project())?)
            })
            .await
    });
    has_begun.await.unwrap();
    cut(&w).await;
    go.send(()).unwrap();
    assert!(is_busy(&unit.await.unwrap().unwrap_err()));
    w.project().await;
    assert_eq!(w.rows_on_disk("project").await, 1);
}

#[tokio::test]
async fn a_commit_that_nobody_confirmed_is_not_called_harmless() {
    let w = World::postgres().await;
    let (begun, has_begun) = oneshot::channel();
    let (go, may_go): (_, Receiver<()>) = channel();
    let store = w.store.clone();
    let unit = tokio::spawn(async move {
        store
            .write(move |tx| {
                tx.insert_project(&fixtures::project())?;
                begun.send(()).unwrap();
                may_go.recv_timeout(Duration::from_secs(30)).unwrap();
                Ok(())
            })
            .await
    });
    has_begun.await.unwrap();
    cut(&w).await;
    go.send(()).unwrap();
    assert!(!is_busy(&unit.await.unwrap().unwrap_err()), "busy would say that nothing was changed");
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_busy() {
    let w = World::postgres().await;
    let w = w.like(&Options { statement_timeout: Duration::from_secs(1), ..Options::default() }).await;
    let locker = connect(&w.url).await;
    locker.batch_execute("BEGIN; LOCK TABLE project").await.unwrap();
    assert!(is_busy(&w.refused(|tx| tx.insert_project(&fixtures::project())).await));
    locker.batch_execute("ROLLBACK").await.unwrap();
    w.project().await;
}

#[test]
fn a_server_that_is_not_there_is_an_error_at_once() {
    // Port 1 is reserved and nobody listens on it.
    let refused = open("postgres://u:hunter22@127.0.0.1:1/d", &Options::default()).unwrap_err();
    assert!(matches!(refused, OpenError::Store(_)));
    assert!(!format!("{refused:?}").contains("hunter22"));
}

#[test]
fn a_backup_is_left_to_the_server_s_own_tool() {
    let refused = backup("postgres://localhost/d", "copy.db".as_ref()).unwrap_err();
    assert!(refused.to_string().contains("pg_dump"));
}
