//! The audit log: one entry per decision that matters, in the same transaction as the decision, chained by hash per project.
//!
//! Entries are written without touching the chain's head, so that sign-ins do not wait for one another. A periodic operation
//! links new entries in (docs/adr/0005): entry *n* hashes its own content and the hash of entry *n − 1*.

use serde_json::{Map, Value};

use crate::{
    caller::Actor,
    ids::{AuditId, ProjectId},
    secret::TokenDigest,
    store::StoreResult,
    time::Timestamp,
};

/// One entry.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEvent {
    /// Its id.
    pub id: AuditId,
    /// Its project.
    pub project: ProjectId,
    /// When.
    pub at: Timestamp,
    /// Who, as [`Actor`] prints.
    pub actor: String,
    /// What, e.g. `session.started`.
    pub action: String,
    /// On whom or what, as `noun:id`.
    pub subject: String,
    /// Circumstances: request id, address, dialect, way in. Never a secret.
    pub detail: Map<String, Value>,
}

/// What an operation has to say for the audit log; [`commit`](crate::authority) adds id, time and circumstances.
#[derive(Clone, Debug)]
pub struct Audit {
    pub(crate) project: ProjectId,
    pub(crate) actor: Actor,
    pub(crate) action: &'static str,
    pub(crate) subject: String,
    pub(crate) detail: Map<String, Value>,
}

impl Audit {
    /// `actor` did `action` to `subject`.
    pub fn new(project: ProjectId, actor: Actor, action: &'static str, subject: &dyn std::fmt::Display) -> Self {
        Self { project, actor, action, subject: subject.to_string(), detail: Map::new() }
    }

    /// Adds a circumstance.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.detail.insert(name.to_owned(), value.into());
        self
    }
}

/// A link of a project's chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// 1 for the first entry.
    pub seq: i64,
    /// Base64url SHA-256 over the entry and the previous hash.
    pub hash: String,
}

impl Link {
    /// The link after `previous` for `event`.
    #[expect(clippy::missing_panics_doc, reason = "texts, numbers and JSON can always be written")]
    pub fn after(previous: Option<&Self>, event: &AuditEvent) -> Self {
        let seq = previous.map_or(1, |link| link.seq + 1);
        // A JSON array, written straight into text: a busy server links thousands a second.
        let content = serde_json::to_string(&(
            previous.map(|link| &link.hash),
            seq,
            event.id,
            event.project,
            event.at,
            &event.actor,
            &event.action,
            &event.subject,
            &event.detail,
        ));
        let content = content.expect("an entry is texts, numbers and JSON");
        Self { seq, hash: TokenDigest::of(content.as_bytes()).as_str().to_owned() }
    }
}

/// A log without its beginning, which was removed by age: the link of the last entry that went. It is said in an entry of the log
/// itself, so that it cannot be said by whoever only removes rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut(pub Link);

impl Cut {
    /// What the entry says was done.
    pub const ACTION: &'static str = "audit.cut";

    /// The cut as circumstances of `audit`.
    pub fn onto(&self, audit: Audit) -> Audit {
        audit.with("through", self.0.seq).with("hash", self.0.hash.as_str())
    }

    /// The cut that `event` speaks of, if it does of any.
    pub fn of(event: &AuditEvent) -> Option<Self> {
        let said = (event.detail.get("through")?.as_i64()?, event.detail.get("hash")?.as_str()?);
        (event.action == Self::ACTION).then(|| Self(Link { seq: said.0, hash: said.1.to_owned() }))
    }
}

/// Storage of the audit log.
pub trait AuditStore {
    /// Adds an entry, not linked yet.
    fn append_audit(&mut self, event: &AuditEvent) -> StoreResult<()>;
    /// Projects that have entries to link.
    fn projects_with_unlinked_audit(&mut self, limit: u32) -> StoreResult<Vec<ProjectId>>;
    /// Entries of a project that are not linked yet, oldest id first.
    fn unlinked_audit(&mut self, project: ProjectId, limit: u32) -> StoreResult<Vec<AuditEvent>>;
    /// The last link of a project.
    fn audit_head(&mut self, project: ProjectId) -> StoreResult<Option<Link>>;
    /// Moves the head from `from` to `to`; `false` when another node was faster.
    fn advance_audit_head(&mut self, project: ProjectId, from: Option<&Link>, to: &Link) -> StoreResult<bool>;
    /// Links an entry.
    fn link_audit(&mut self, id: AuditId, link: &Link) -> StoreResult<()>;
    /// Linked entries of a project after `seq`, in order.
    fn audit_log(&mut self, project: ProjectId, after_seq: i64, limit: u32) -> StoreResult<Vec<(AuditEvent, Link)>>;
    /// Removes linked entries of a project up to `through_seq`, the first ones first, and reports how many.
    fn sweep_audit(&mut self, project: ProjectId, through_seq: i64, limit: u32) -> StoreResult<u64>;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{entropy::OsEntropy, ids::IdentityId};

    #[test]
    fn a_link_hashes_a_json_array_of_the_entry_and_the_hash_before() {
        let at = Timestamp::from_millis(1_800_000_000_123);
        let project = ProjectId::mint(at, &OsEntropy);
        let actor = Actor::Identity(IdentityId::mint(at, &OsEntropy));
        let audit = Audit::new(project, actor, "session.started", &"session:\"é\"").with("amr", vec!["anon"]);
        let event = AuditEvent {
            id: AuditId::mint(at, &OsEntropy),
            project,
            at,
            actor: actor.to_string(),
            action: audit.action.to_owned(),
            subject: audit.subject,
            detail: audit.detail,
        };
        let hash = |before: Option<&str>, seq: i64| {
            let parts = json!([
                before,
                seq,
                event.id,
                event.project,
                event.at,
                event.actor,
                event.action,
                event.subject,
                event.detail
            ]);
            TokenDigest::of(parts.to_string().as_bytes()).as_str().to_owned()
        };
        let first = Link::after(None, &event);
        assert_eq!(first, Link { seq: 1, hash: hash(None, 1) });
        assert_eq!(Link::after(Some(&first), &event), Link { seq: 2, hash: hash(Some(&first.hash), 2) });
    }
}
