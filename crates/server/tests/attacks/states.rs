//! Every way in of every face by every state, through the running program: what is done beside it by a command counts for all.

use std::{fmt::Write as _, time::Duration};

use crate::{
    house::House,
    support::pause,
    ways::{Held, Kind, Way, all},
};

/// What is done to somebody, or to where they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    SessionsEnded,
    PasswordChanged,
    Suspended,
    Erased,
    ApplicationDisabled,
    ProjectDisabled,
}

const STATES: [(State, &str); 6] = [
    (State::SessionsEnded, "ann"),
    (State::PasswordChanged, "ben"),
    (State::Suspended, "cid"),
    (State::Erased, "dee"),
    (State::ApplicationDisabled, "eva"),
    (State::ProjectDisabled, "fay"),
];

impl State {
    fn bring_about(self, house: &House, name: &str) {
        let email = format!("{name}@example.org");
        match self {
            Self::SessionsEnded => house.run(&["session", "revoke", "--identity", &email]),
            Self::PasswordChanged => house.run(&["identity", "set-password", &email, "--generate"]),
            Self::Suspended => house.run(&["identity", "suspend", &email]),
            Self::Erased => house.run(&["identity", "erase", &email, "--yes"]),
            Self::ApplicationDisabled => house.run(&["application", "disable", "widget"]),
            Self::ProjectDisabled => house.run(&["project", "disable", "default"]),
        }
    }

    fn undo(self, house: &House) {
        match self {
            Self::ApplicationDisabled => house.run(&["application", "enable", "widget"]),
            Self::ProjectDisabled => house.run(&["project", "enable", "default"]),
            Self::SessionsEnded | Self::PasswordChanged | Self::Suspended | Self::Erased => {}
        }
    }

    /// Whether a way is still open. An exhaustive match: a new kind or state has to be decided on.
    #[expect(clippy::match_same_arms, reason = "a table, read from the top")]
    fn lets_in(self, kind: Kind) -> bool {
        match (self, kind) {
            (Self::ProjectDisabled, _) => false,
            (_, Kind::BackEnd) => true,
            (Self::ApplicationDisabled, Kind::PasswordOfApplication | Kind::SessionOfApplication | Kind::NoAccount) => {
                false
            }
            (Self::ApplicationDisabled, Kind::Password | Kind::Session | Kind::Key) | (_, Kind::NoAccount) => true,
            (Self::SessionsEnded, Kind::Session | Kind::SessionOfApplication) => false,
            (Self::SessionsEnded, Kind::Password | Kind::PasswordOfApplication | Kind::Key) => true,
            // A key is a credential of its own: whoever fears for it revokes it.
            (Self::PasswordChanged, Kind::Key) => true,
            (Self::PasswordChanged | Self::Suspended | Self::Erased, _) => false,
        }
    }
}

/// The ways that are not as the state wants them, asked again for a while: a command is a hint that the server looks for.
fn wrong<'w, 'a>(state: State, ways: &'w [Way<'a>]) -> Vec<&'w Way<'a>> {
    let mut wrong: Vec<_> = ways.iter().collect();
    for _ in 0..40 {
        wrong.retain(|way| (way.knock)() != state.lets_in(way.kind));
        if wrong.is_empty() {
            break;
        }
        pause(Duration::from_millis(50));
    }
    wrong
}

/// Covers N38, N67 and the lesson of second paths over every face.
#[test]
fn n38_every_way_in_of_every_face_meets_every_state() {
    let house = House::with_cheap_hashes(&STATES.map(|(_, name)| name), "warn,ringfence=info");
    let (mut matrix, mut failed) = (String::new(), Vec::new());
    for (state, name) in STATES {
        let mut held = Held::default();
        let ways = all(&house, name, &mut held);
        for way in &ways {
            assert!((way.knock)(), "{} is not open to begin with, before {state:?}", way.name);
        }
        state.bring_about(&house, name);
        failed.extend(wrong(state, &ways).iter().map(|way| format!("{state:?}: {}", way.name)));
        for way in &ways {
            writeln!(matrix, "{state:?}: {} is {}", way.name, if (way.knock)() { "open" } else { "shut" }).unwrap();
            // Opened once more by nothing that was asked meanwhile.
            if (way.knock)() != state.lets_in(way.kind) {
                failed.push(format!("{state:?}: {}, asked again", way.name));
            }
        }
        state.undo(&house);
    }
    eprintln!("{matrix}");
    assert!(failed.is_empty(), "{}\n{matrix}", failed.join("\n"));
}
