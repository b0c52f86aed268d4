//! The gate: every way in meets every state, and no cache keeps a refused one alive.
//!
//! The matrix is generated from [`TABLE`](table::TABLE); a way or a state without a cell does not compile or fails. Each cell starts its own
//! world, passes the gate once so that every cache is warm (except where the credential is to be new), changes the state by an
//! operation of the façade, and shows the credential again at the same moment. A later face adds rows, not code.
//! Covers the lesson of the attack list (second paths), N74 and, on this level, N38, N67 and N81.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]
#![expect(clippy::print_stdout, reason = "the matrix is for reading")]

#[path = "../support/mod.rs"]
mod support;

mod case;
mod table;

use std::{fmt::Write as _, time::Duration};

use ringfence_core::{event::Signal, testing::outcome, time::Clock as _};

use case::*;
use table::*;

#[tokio::test]
async fn every_way_in_meets_every_state() {
    let (mut matrix, mut wrong) = (String::new(), Vec::new());
    for (state, _) in TABLE {
        writeln!(matrix, "\n{state:?}").unwrap();
        for (name, kind, how) in WAYS {
            let expected = cell(kind, state);
            writeln!(matrix, "  {name:42}{expected}").unwrap();
            if expected.starts_with('-') {
                continue;
            }
            let case = Case::of(kind, how).await;
            case.bring_about(state).await;
            let answer = case.knock(&case.w.authority).await;
            if outcome(&answer) != expected {
                wrong.push(format!("{name}, {state:?}: expected {expected}, got {}", outcome(&answer)));
            }
            if state == State::Erased && answer.is_ok_and(|who| who.identity.id == case.subject) {
                wrong.push(format!("{name}: the erased identity came back"));
            }
        }
    }
    println!("{matrix}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Ways whose sessions a node remembers, or whose keys.
const REMEMBERED: [(Kind, How); 8] = [
    (Kind::Token, How::Face("test")),
    (Kind::GuestToken, How::Face("test")),
    (Kind::SeenAssertion, How::EachRequest),
    (Kind::SeenMemberAssertion, How::EachRequest),
    (Kind::EndpointToken, How::Face("device")),
    (Kind::Ticket, How::SignIn),
    (Kind::SocketTicket, How::Face("test")),
    (Kind::ApiKey, How::EachRequest),
];

/// States that the first node brings about, and that another one must learn of.
const ANNOUNCED: [State; 8] = [
    State::Suspended,
    State::Erased,
    State::ProjectDisabled,
    State::ApplicationDisabled,
    State::GroupDisabled,
    State::SessionRevoked,
    State::CredentialRevoked,
    State::IssuerRevoked,
];

fn announced_cells() -> impl Iterator<Item = (Kind, How, State, &'static str)> {
    let cells = ANNOUNCED.into_iter().flat_map(|state| REMEMBERED.map(|(kind, how)| (kind, how, state)));
    cells
        .map(|(kind, how, state)| (kind, how, state, cell(kind, state)))
        .filter(|(.., expected)| !expected.starts_with('-'))
}

#[tokio::test]
async fn a_node_that_hears_of_it_refuses_at_once() {
    for (kind, how, state, expected) in announced_cells() {
        let case = Case::of(kind, how).await;
        let (other, mut announced) = (case.w.node(), ringfence_core::event::Bus::subscribe(case.w.bus.as_ref()));
        case.knock(&other).await.expect("good at first");
        case.bring_about(state).await;
        while let Some(signal) = announced.try_next() {
            other.hear(signal);
        }
        assert_eq!(outcome(&case.knock(&other).await), expected, "{kind:?}, {state:?}");
    }
}

#[tokio::test]
async fn a_node_that_may_have_missed_something_asks_at_once() {
    for (kind, how, state, expected) in announced_cells() {
        let case = Case::of(kind, how).await;
        let other = case.w.node();
        case.knock(&other).await.expect("good at first");
        case.bring_about(state).await;
        other.hear(Signal::Gap);
        assert_eq!(outcome(&case.knock(&other).await), expected, "{kind:?}, {state:?}");
    }
}

#[tokio::test]
async fn a_node_that_hears_nothing_refuses_after_30_seconds_at_the_latest() {
    for (kind, how, state, expected) in announced_cells() {
        let case = Case::of(kind, how).await;
        let other = case.w.node();
        case.knock(&other).await.expect("good at first");
        case.bring_about(state).await;
        case.w.clock.advance(Duration::from_secs(29));
        let answer = case.knock(&other).await;
        assert!(["accepted", expected].contains(&outcome(&answer)), "{kind:?}, {state:?}: {}", outcome(&answer));
        case.w.clock.advance(Duration::from_secs(1));
        assert_eq!(outcome(&case.knock(&other).await), expected, "{kind:?}, {state:?}");
    }
}

#[tokio::test]
async fn a_row_changed_behind_the_cache_counts_after_30_seconds_at_the_latest() {
    for (kind, how) in REMEMBERED {
        let case = Case::of(kind, how).await;
        let (subject, now) = (case.subject, case.w.clock.now());
        case.w.store.write(move |tx| Ok(tx.lock_identity(subject, now)?)).await.unwrap();
        case.w.clock.advance(Duration::from_secs(29));
        let answer = case.knock(&case.w.authority).await;
        assert!(["accepted", "identity_suspended"].contains(&outcome(&answer)), "{kind:?}");
        case.w.clock.advance(Duration::from_secs(1));
        assert_eq!(outcome(&case.knock(&case.w.authority).await), "identity_suspended", "{kind:?}");
    }
}
