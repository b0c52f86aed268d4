//! What applying a file does or would do, said line by line.

use ringfence_core::secret::RawToken;
use serde::Serialize;
use serde_json::{Value, json};

/// What happens to one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is not there yet.
    Create,
    /// It is otherwise.
    Change,
    /// It is as the file says.
    Leave,
    /// The file does not name it.
    Delete,
}

impl Action {
    const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Change => "change",
            Self::Leave => "leave",
            Self::Delete => "delete",
        }
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    pub action: Action,
    /// What and which, e.g. `identity default/ann@example.org`.
    pub what: String,
    /// More to say about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A secret that was made, to be shown this once.
#[derive(Debug)]
pub struct Made {
    pub what: String,
    pub value: RawToken,
}

/// All lines, and the secrets that were made on the way.
#[derive(Debug, Default)]
pub struct Plan {
    pub steps: Vec<Step>,
    pub made: Vec<Made>,
    pub dry_run: bool,
}

impl Plan {
    pub(super) fn say(&mut self, action: Action, what: impl Into<String>, note: Option<String>) {
        self.steps.push(Step { action, what: what.into(), note });
    }

    /// How many things are not left as they are.
    pub fn changes(&self) -> usize {
        self.steps.iter().filter(|step| step.action != Action::Leave).count()
    }

    /// What happens to something that the plan names so.
    pub fn action_on(&self, what: &str) -> Option<Action> {
        self.steps.iter().find(|step| step.what == what).map(|step| step.action)
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let made: Vec<_> =
            self.made.iter().map(|made| json!({ "what": made.what, "value": made.value.expose() })).collect();
        json!({ "dry_run": self.dry_run, "changes": self.changes(), "steps": self.steps, "secrets": made })
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut lines: Vec<_> = self
            .steps
            .iter()
            .map(|step| {
                let note = step.note.as_ref().map_or_else(String::new, |note| format!(" ({note})"));
                format!("{:6}  {}{note}", step.action.word(), step.what)
            })
            .collect();
        lines.push(match (self.changes(), self.dry_run) {
            (0, _) => "Nothing to change.".to_owned(),
            (count, true) => format!("{count} to change; nothing was changed."),
            (count, false) => format!("{count} changed."),
        });
        if !self.made.is_empty() {
            lines.push("\nMade now and never shown again:".to_owned());
            lines.extend(self.made.iter().map(|made| format!("  {}  {}", made.what, made.value.expose())));
        }
        lines.join("\n")
    }
}
