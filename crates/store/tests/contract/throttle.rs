use ringfence_core::{
    throttle::{Throttle, ThrottleKey},
    time::Timestamp,
};

use crate::support::{NOW, World, at};

on_every_engine!(
    failures_are_counted_until_reset,
    a_failure_after_the_memory_starts_anew,
    a_wait_is_never_shortened,
    a_sweep_forgets_old_failures,
    those_who_wait_are_listed_the_longest_first,
);

const NEVER: Timestamp = Timestamp::from_millis(i64::MIN);

fn key(last: u8) -> ThrottleKey {
    ThrottleKey::address([192, 0, 2, last].into())
}

async fn failures_are_counted_until_reset(w: World) {
    assert_eq!(w.read(|tx| tx.throttle(&key(1))).await, None);
    assert_eq!(w.write(|tx| tx.count_failure(&key(1), NOW, NEVER)).await, 1);
    assert_eq!(w.write(|tx| tx.count_failure(&key(1), at(1), NEVER)).await, 2);
    assert_eq!(w.write(|tx| tx.count_failure(&key(2), at(1), NEVER)).await, 1);
    assert_eq!(w.read(|tx| tx.throttle(&key(1))).await, Some(Throttle { failures: 2, blocked_until: None }));
    w.write(|tx| tx.reset_throttle(&key(1))).await;
    assert_eq!(w.read(|tx| tx.throttle(&key(1))).await, None);
}

async fn a_failure_after_the_memory_starts_anew(w: World) {
    w.write(|tx| tx.count_failure(&key(1), at(0), NEVER)).await;
    assert_eq!(w.write(|tx| tx.count_failure(&key(1), at(10), at(0))).await, 2, "just remembered");
    assert_eq!(w.write(|tx| tx.count_failure(&key(1), at(30), at(11))).await, 1);
    assert_eq!(w.write(|tx| tx.count_failure(&key(1), at(31), at(12))).await, 2);
}

async fn a_wait_is_never_shortened(w: World) {
    w.write(|tx| tx.count_failure(&key(1), NOW, NEVER)).await;
    for (until, expected) in [(10, 10), (5, 10), (20, 20)] {
        w.write(move |tx| tx.block(&key(1), at(until))).await;
        let throttle = w.read(|tx| tx.throttle(&key(1))).await.unwrap();
        assert_eq!(throttle, Throttle { failures: 1, blocked_until: Some(at(expected)) });
    }
    w.write(|tx| tx.block(&key(2), at(9))).await;
    let throttle = w.read(|tx| tx.throttle(&key(2))).await;
    assert_eq!(throttle, Some(Throttle { failures: 0, blocked_until: Some(at(9)) }));
}

async fn a_sweep_forgets_old_failures(w: World) {
    for (last, seconds) in [(1, 1), (2, 2), (3, 3)] {
        w.write(move |tx| tx.count_failure(&key(last), at(seconds), NEVER)).await;
    }
    assert_eq!(w.write(|tx| tx.sweep_throttles(at(3), 1)).await, 1);
    assert_eq!(w.write(|tx| tx.sweep_throttles(at(3), 9)).await, 1);
    assert!(w.read(|tx| tx.throttle(&key(3))).await.is_some());
}

async fn those_who_wait_are_listed_the_longest_first(w: World) {
    for (last, until) in [(1, 10), (2, 30), (3, 20)] {
        w.write(move |tx| tx.count_failure(&key(last), NOW, NEVER)).await;
        w.write(move |tx| tx.block(&key(last), at(until))).await;
    }
    let waiting = w.read(|tx| tx.waiting(at(10), 9)).await;
    let shown: Vec<_> = waiting.iter().map(|one| (one.key.as_str(), one.failures, one.until)).collect();
    assert_eq!(shown, [("ip:192.0.2.2", 1, at(30)), ("ip:192.0.2.3", 1, at(20))]);
}
