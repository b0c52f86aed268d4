//! The audit log as a chain: linking what is new, checking all of it, letting go of what is old (docs/adr/0005, 0031).

use std::time::Duration;

use super::{Authority, SWEEP_STEP, entry};
use crate::{
    audit::{Audit, AuditEvent, Cut, Link},
    caller::Actor,
    context::Ctx,
    error::AuthError,
    ids::{AuditId, ProjectId},
    store::Tx,
    time::Timestamp,
};

const LINK_STEP: u32 = 500;
/// Steps for one project before the others have their turn.
const LINK_STEPS: u32 = 100;
/// A log is cut at most once in such a time, so that a busy one is not full of entries that say so.
const CUT_EVERY: Duration = Duration::from_hours(24);

/// What a look at the audit chain of a project found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditVerdict {
    /// The number of the newest entry: all up to it are in place, or were removed by age, as an entry in place says.
    Intact(i64),
    /// The first entry that is not what its hash says, or is missing.
    BrokenAt(i64),
}

impl Authority {
    /// Links audit entries that are not linked yet and reports how many. Several nodes may try; one wins each step.
    ///
    /// A full step is followed by another: sign-ins come faster than one step each time that somebody calls.
    pub async fn link_audit(&self) -> Result<u64, AuthError> {
        let projects = self.store.read(|tx| Ok(tx.projects_with_unlinked_audit(LINK_STEP)?)).await?;
        let mut linked = 0;
        for project in projects {
            for _ in 0..LINK_STEPS {
                let step = self.link_audit_of(project).await?;
                linked += step;
                if step < u64::from(LINK_STEP) {
                    break;
                }
            }
        }
        Ok(linked)
    }

    async fn link_audit_of(&self, project: ProjectId) -> Result<u64, AuthError> {
        self.store
            .write(move |tx| {
                let events = tx.unlinked_audit(project, LINK_STEP)?;
                Ok(if link(tx, project, &events, None)? { events.len() as u64 } else { 0 })
            })
            .await
    }

    /// Recomputes the audit chain of a project.
    pub async fn verify_audit(&self, project: ProjectId) -> Result<AuditVerdict, AuthError> {
        self.store.read(move |tx| verdict(tx, project)).await
    }

    /// Removes what audit logs hold that is older than `kept_for`, in small steps, and reports how many entries.
    ///
    /// Each log is cut at its beginning. An entry at its end says where, with the hash of the last one that went, in the
    /// transaction in which the first ones go; so what stays can be verified, and what goes otherwise is missed.
    pub async fn sweep_audit(&self, ctx: &Ctx, kept_for: Duration) -> Result<u64, AuthError> {
        let mut removed = self.cut_audit_of(ctx, ProjectId::INSTALLATION, kept_for).await?;
        let mut after = None;
        loop {
            let page = self.store.read(move |tx| Ok(tx.projects(after, SWEEP_STEP)?)).await?;
            let Some(last) = page.last() else { return Ok(removed) };
            after = Some(last.id);
            for project in page {
                removed += self.cut_audit_of(ctx, project.id, kept_for).await?;
            }
        }
    }

    async fn cut_audit_of(&self, ctx: &Ctx, project: ProjectId, kept_for: Duration) -> Result<u64, AuthError> {
        let before = ctx.now - kept_for;
        let Some(cut) = self.cut_due(project, before).await? else { return Ok(0) };
        let audit = Audit::new(project, Actor::System, Cut::ACTION, &"audit_log");
        let event = entry(cut.onto(audit), ctx, AuditId::mint(ctx.now, self.entropy.as_ref()));
        let through = cut.0.seq;
        let first = move |tx: &mut dyn Tx| {
            let oldest = tx.audit_log(project, 0, 1)?.pop();
            if oldest.is_none_or(|(_, link)| link.seq > through) {
                return Ok(None);
            }
            let waiting = tx.unlinked_audit(project, LINK_STEP)?;
            // Too much waits to be linked, or another node was faster: the next sweep comes soon.
            if waiting.len() == LINK_STEP as usize || !link(tx, project, &waiting, Some(&event))? {
                return Ok(None);
            }
            Ok(Some(tx.sweep_audit(project, through, SWEEP_STEP)?))
        };
        let Some(mut step) = self.store.write(first).await? else { return Ok(0) };
        let mut removed = step;
        while step == u64::from(SWEEP_STEP) {
            step = self.store.write(move |tx| Ok(tx.sweep_audit(project, through, SWEEP_STEP)?)).await?;
            removed += step;
        }
        Ok(removed)
    }

    /// Where a log is to be cut: after the last entry of its beginning that is older than `before`.
    async fn cut_due(&self, project: ProjectId, before: Timestamp) -> Result<Option<Cut>, AuthError> {
        let oldest = self.store.read(move |tx| Ok(tx.audit_log(project, 0, 1)?.pop())).await?;
        if oldest.is_none_or(|(event, _)| event.at + CUT_EVERY >= before) {
            return Ok(None);
        }
        let mut last: Option<Link> = None;
        loop {
            let seq = last.as_ref().map_or(0, |link| link.seq);
            let page = self.store.read(move |tx| Ok(tx.audit_log(project, seq, LINK_STEP)?)).await?;
            let found = page.len();
            let old = page.into_iter().take_while(|(event, _)| event.at < before);
            let (count, newest) = old.fold((0, None), |(count, _), (_, link)| (count + 1, Some(link)));
            last = newest.or(last);
            if count < found || found == 0 {
                return Ok(last.map(Cut));
            }
        }
    }
}

/// Puts entries at the end of a chain, and `new` after them, which is not stored yet; `false`, with nothing written, when another
/// node was faster.
fn link(
    tx: &mut dyn Tx,
    project: ProjectId,
    waiting: &[AuditEvent],
    new: Option<&AuditEvent>,
) -> Result<bool, AuthError> {
    let head = tx.audit_head(project)?;
    let mut last = head.clone();
    let mut links = Vec::with_capacity(waiting.len() + 1);
    for event in waiting.iter().chain(new) {
        let link = Link::after(last.as_ref(), event);
        links.push((event.id, link.clone()));
        last = Some(link);
    }
    let Some(new_head) = last.filter(|_| !links.is_empty()) else { return Ok(false) };
    if !tx.advance_audit_head(project, head.as_ref(), &new_head)? {
        return Ok(false);
    }
    if let Some(event) = new {
        tx.append_audit(event)?;
    }
    for (id, link) in &links {
        tx.link_audit(*id, link)?;
    }
    Ok(true)
}

fn verdict(tx: &mut dyn Tx, project: ProjectId) -> Result<AuditVerdict, AuthError> {
    let oldest = tx.audit_log(project, 0, 1)?.pop().map(|(_, link)| link);
    let mut cut: Option<Cut> = None;
    // The hash before a log's beginning is in the cut, which comes later: the first entry is believed until then.
    let mut last: Option<Link> = None;
    loop {
        let seq = last.as_ref().map_or(0, |link| link.seq);
        let page = tx.audit_log(project, seq, LINK_STEP)?;
        if page.is_empty() {
            break;
        }
        for (event, link) in page {
            let begins = last.is_none() && link.seq > 1;
            if !begins && Link::after(last.as_ref(), &event) != link {
                return Ok(AuditVerdict::BrokenAt(last.map_or(1, |link| link.seq + 1)));
            }
            cut = Cut::of(&event).or(cut);
            last = Some(link);
        }
    }
    let end = last.as_ref().map_or(0, |link| link.seq);
    if tx.audit_head(project)? != last {
        return Ok(AuditVerdict::BrokenAt(end + 1));
    }
    let Some(oldest) = oldest.filter(|oldest| oldest.seq > 1) else { return Ok(AuditVerdict::Intact(end)) };
    // What was removed and by which entry.
    let Some(Cut(gone)) = cut else { return Ok(AuditVerdict::BrokenAt(1)) };
    if gone.seq + 1 < oldest.seq {
        return Ok(AuditVerdict::BrokenAt(gone.seq + 1));
    }
    // A sweep that was cut short has left some of what it may remove; then the last of these is there to compare.
    let fits = match tx.audit_log(project, gone.seq - 1, 1)?.pop() {
        Some((_, link)) if link.seq == gone.seq => link == gone,
        Some((event, link)) => Link::after(Some(&gone), &event) == link,
        None => false,
    };
    Ok(if fits { AuditVerdict::Intact(end) } else { AuditVerdict::BrokenAt(oldest.seq) })
}
