//! What an engine promises about units, whatever they do.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    task::Poll,
    time::Duration,
};

use ringfence_core::{
    error::AuthError,
    project::Project,
    store::{Again, Store, StoreError},
};
use ringfence_store::{Options, open};
use tokio::sync::oneshot;

use crate::{
    fixtures,
    support::{World, is_busy, is_conflict},
};

on_every_engine!(
    what_is_acknowledged_is_on_disk,
    a_unit_that_fails_leaves_nothing,
    a_unit_that_panics_leaves_nothing_and_the_engine_lives,
    a_unit_that_swallows_a_failure_is_not_kept,
    a_unit_without_a_statement_answers,
    writing_while_reading_is_refused,
    a_reader_does_not_wait_for_a_writer,
    a_full_queue_answers_at_once,
    a_unit_nobody_waits_for_is_skipped,
    units_that_share_a_transaction_fail_for_themselves,
    what_a_repeatable_unit_did_before_it_failed_is_undone,
    closing_finishes_what_waits,
);

/// Long enough for anything that is going to happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// A unit that has begun and waits to be let go.
struct Held {
    go: Sender<()>,
    done: tokio::task::JoinHandle<Result<(), AuthError>>,
}

impl Held {
    /// Holds a thread of the engine in a unit that has written a project.
    async fn begin(store: &Store) -> Self {
        let (begun, has_begun) = oneshot::channel();
        let (go, may_go): (_, Receiver<()>) = channel();
        let store = store.clone();
        let done = tokio::spawn(async move {
            store
                .write(move |tx| {
                    tx.insert_project(&fixtures::project())?;
                    begun.send(()).unwrap();
                    may_go.recv_timeout(PATIENCE).unwrap();
                    Ok(())
                })
                .await
        });
        has_begun.await.unwrap();
        Self { go, done }
    }

    async fn let_go(self) {
        self.go.send(()).unwrap();
        self.done.await.unwrap().unwrap();
    }
}

/// Holds a thread that runs units which only add, where those have threads of their own.
async fn hold_gatherer(store: &Store) -> Held {
    let (begun, mut has_begun) = tokio::sync::mpsc::unbounded_channel();
    let (go, may_go): (_, Receiver<()>) = channel();
    let (store, may_go) = (store.clone(), Mutex::new(may_go));
    let done = tokio::spawn(async move {
        store
            .write_again(Again::Adding, move |_| {
                begun.send(()).unwrap();
                may_go.lock().unwrap().recv_timeout(PATIENCE).unwrap();
                Ok(())
            })
            .await
    });
    has_begun.recv().await.unwrap();
    Held { go, done }
}

/// Lets a unit take its place in the queue, where it must wait.
async fn queue_up<T>(unit: &mut Pin<Box<impl Future<Output = T>>>) {
    let waits = poll_fn(|cx| Poll::Ready(unit.as_mut().poll(cx).is_pending())).await;
    assert!(waits, "the engine was to be held");
}

fn one_worker() -> Options {
    Options { postgres_workers: Some(1), queue: 2, ..Options::default() }
}

async fn what_is_acknowledged_is_on_disk(w: World) {
    let project = w.project().await;
    assert_eq!(w.rows_on_disk("project").await, 1);
    let other = open(&w.url, &Options::default()).unwrap();
    assert_eq!(other.store().read(move |tx| Ok(tx.project(project.id)?)).await.unwrap(), Some(project));
}

async fn a_unit_that_fails_leaves_nothing(w: World) {
    let refused = w.store.write(|tx| {
        tx.insert_project(&fixtures::project())?;
        Err::<(), _>(AuthError::VerificationInvalid)
    });
    assert!(matches!(refused.await, Err(AuthError::VerificationInvalid)), "its own refusal");
    assert_eq!(w.rows_on_disk("project").await, 0);
}

async fn a_unit_that_panics_leaves_nothing_and_the_engine_lives(w: World) {
    let refused = w.store.write::<(), _>(|tx| {
        tx.insert_project(&fixtures::project())?;
        panic!("as a test asked for");
    });
    assert!(matches!(refused.await, Err(AuthError::Internal(_))));
    assert!(w.store.read::<(), _>(|_| panic!("as a test asked for")).await.is_err());
    w.project().await;
    assert_eq!(w.rows_on_disk("project").await, 1);
}

async fn a_unit_that_swallows_a_failure_is_not_kept(w: World) {
    let twin = w.project().await;
    let refused = w.refused(move |tx| {
        tx.insert_project(&fixtures::project())?;
        let mut same_id = fixtures::project();
        same_id.id = twin.id;
        assert!(matches!(tx.insert_project(&same_id), Err(StoreError::Conflict(_))));
        assert!(matches!(tx.project(twin.id), Err(StoreError::Backend(_))), "nothing more runs");
        Ok(())
    });
    assert!(matches!(refused.await, AuthError::Internal(_)));
    assert_eq!(w.rows_on_disk("project").await, 1);
}

async fn a_unit_without_a_statement_answers(w: World) {
    assert_eq!(w.write(|_| Ok(1)).await, 1);
    assert_eq!(w.read(|_| Ok(2)).await, 2);
}

async fn writing_while_reading_is_refused(w: World) {
    let refused = w.store.read(|tx| Ok(tx.insert_project(&fixtures::project())?)).await.unwrap_err();
    assert!(!is_conflict(&refused), "{refused:?}");
    assert_eq!(w.rows_on_disk("project").await, 0);
    w.project().await;
}

async fn a_reader_does_not_wait_for_a_writer(w: World) {
    let held = Held::begin(&w.store).await;
    assert_eq!(w.read(|tx| tx.projects(None, 9)).await, [], "and sees nothing of what it does");
    held.let_go().await;
    assert_eq!(w.read(|tx| tx.projects(None, 9)).await.len(), 1);
}

async fn a_full_queue_answers_at_once(w: World) {
    let w = w.like(&one_worker()).await;
    let held = Held::begin(&w.store).await;
    let mut waiting = [Box::pin(w.project()), Box::pin(w.project())];
    for unit in &mut waiting {
        queue_up(unit).await;
    }
    assert!(is_busy(&w.refused(|tx| tx.insert_project(&fixtures::project())).await));
    held.let_go().await;
    for unit in waiting {
        unit.await;
    }
    assert_eq!(w.rows_on_disk("project").await, 3);
}

async fn a_unit_nobody_waits_for_is_skipped(w: World) {
    let w = w.like(&one_worker()).await;
    let held = Held::begin(&w.store).await;
    let mut gone = Box::pin(w.project());
    queue_up(&mut gone).await;
    drop(gone);
    held.let_go().await;
    w.project().await;
    assert_eq!(w.rows_on_disk("project").await, 2);
}

async fn units_that_share_a_transaction_fail_for_themselves(w: World) {
    let w = w.like(&Options { postgres_workers: Some(1), ..Options::default() }).await;
    let twin = w.project().await;
    let mut held = vec![Held::begin(&w.store).await];
    if w.url.starts_with("postgres") {
        held.push(hold_gatherer(&w.store).await);
        held.push(hold_gatherer(&w.store).await);
    }
    let runs = Arc::new(AtomicUsize::new(0));
    let fine = |project: Project| {
        let runs = Arc::clone(&runs);
        w.store.write_again(Again::Adding, move |tx| {
            runs.fetch_add(1, Ordering::SeqCst);
            tx.insert_project(&project)?;
            Ok(project.id)
        })
    };
    let (ann, ben) = (fixtures::project(), fixtures::project());
    let ids = [ann.id, ben.id];
    let mut first = Box::pin(fine(ann));
    let mut refused = Box::pin(w.store.write_again::<(), _>(Again::Adding, |_| Err(AuthError::VerificationInvalid)));
    let mut changed_mind = Box::pin(w.store.write_again::<(), _>(Again::Adding, |tx| {
        tx.insert_project(&fixtures::project())?;
        Err(AuthError::VerificationInvalid)
    }));
    let mut in_conflict = Box::pin(w.store.write_again(Again::Adding, move |tx| {
        tx.insert_project(&fixtures::project())?;
        let mut same_id = fixtures::project();
        same_id.id = twin.id;
        Ok(tx.insert_project(&same_id)?)
    }));
    let mut panics = Box::pin(w.store.write_again::<(), _>(Again::Adding, |tx| {
        tx.insert_project(&fixtures::project())?;
        panic!("as a test asked for");
    }));
    let mut once = Box::pin(w.project());
    let mut last = Box::pin(fine(ben));
    queue_up(&mut first).await;
    queue_up(&mut refused).await;
    queue_up(&mut changed_mind).await;
    queue_up(&mut in_conflict).await;
    queue_up(&mut panics).await;
    queue_up(&mut once).await;
    queue_up(&mut last).await;
    for thread in held {
        thread.let_go().await;
    }
    assert_eq!([first.await.unwrap(), last.await.unwrap()], ids);
    assert!(matches!(refused.await, Err(AuthError::VerificationInvalid)));
    assert!(matches!(changed_mind.await, Err(AuthError::VerificationInvalid)));
    assert!(is_conflict(&in_conflict.await.unwrap_err()));
    assert!(matches!(panics.await, Err(AuthError::Internal(_))));
    once.await;
    assert_eq!(
        w.rows_on_disk("project").await,
        5,
        "the twin, the one that held, the two that were fine, the one in between"
    );
    assert!(runs.load(Ordering::SeqCst) > 2, "they shared a transaction that was not kept");
}

async fn what_a_repeatable_unit_did_before_it_failed_is_undone(w: World) {
    let refused = w.store.write_again(Again::Adding, |tx| {
        tx.insert_project(&fixtures::project())?;
        Err::<(), _>(AuthError::VerificationInvalid)
    });
    assert!(matches!(refused.await, Err(AuthError::VerificationInvalid)), "its own refusal");
    assert_eq!(w.rows_on_disk("project").await, 0);
}

async fn closing_finishes_what_waits(w: World) {
    let mut w = w.like(&one_worker()).await;
    let held = Held::begin(&w.store).await;
    let opened = w.take_opened();
    let mut waiting = Box::pin(w.project());
    queue_up(&mut waiting).await;
    let closing = tokio::task::spawn_blocking(move || opened.close());
    held.let_go().await;
    waiting.await;
    closing.await.unwrap();
    assert!(is_busy(&w.refused(|tx| tx.insert_project(&fixtures::project())).await));
    assert_eq!(w.rows_on_disk("project").await, 2);
}
