//! The audit log of a project or of the installation, newest first, and whether its chain is whole (ATTACKS N98).

use askama::Template;
use axum::{
    extract::{Query, State},
    routing::get,
};
use ringfence_core::{
    audit::{AuditEvent, Link},
    authority::AuditVerdict,
    caller::Scope,
    ids::ProjectId,
};
use serde::Deserialize;
use serde_json::Value;

use super::{Group, Page};
use crate::{
    app::App,
    console::{
        fault::Answer,
        visit::{Chosen, Visit},
    },
    looks::{Look, texts},
};

/// Entries of a page.
const ROWS: i64 = 50;
/// What stands for the installation among the projects.
const INSTALLATION: &str = "installation";

pub(super) const PAGE: Page = Page {
    path: "/console/audit",
    title: |language| Texts::of(language).title,
    group: Group::Security,
    views: &[("/console/audit", || get(show))],
    changes: &[],
};

texts! {
    /// The words of this page.
    Texts {
        title: "Audit log", "Journal d’audit", "Registro di audit", "Audit-Protokoll", "Registro de auditoría";
        verify: "Verify the chain", "Vérifier la chaîne", "Verifica la catena", "Kette prüfen", "Verificar la cadena";
        intact: "The chain is whole. Entries:", "La chaîne est intacte. Entrées :", "La catena è integra. Voci:",
            "Die Kette ist unversehrt. Einträge:", "La cadena está íntegra. Entradas:";
        broken: "The chain is broken at entry", "La chaîne est rompue à l’entrée", "La catena è interrotta alla voce",
            "Die Kette ist unterbrochen bei Eintrag", "La cadena está rota en la entrada";
        entry: "Entry", "Entrée", "Voce", "Eintrag", "Entrada";
        at: "When", "Quand", "Quando", "Wann", "Cuándo";
        actor: "Who", "Qui", "Chi", "Wer", "Quién";
        action: "What", "Quoi", "Che cosa", "Was", "Qué";
        subject: "On what", "Sur quoi", "Su che cosa", "Woran", "Sobre qué";
        detail: "Circumstances", "Circonstances", "Circostanze", "Umstände", "Circunstancias";
        older: "Older", "Plus anciens", "Più vecchie", "Ältere", "Más antiguas";
        gone: "Removed by age: all up to entry", "Supprimées en raison de leur âge : toutes jusqu’à l’entrée",
            "Rimosse per età: tutte fino alla voce", "Wegen ihres Alters entfernt: alle bis Eintrag",
            "Eliminadas por antigüedad: todas hasta la entrada";
        newest: "Newest", "Plus récents", "Più recenti", "Neueste", "Más recientes";
    }
}

#[derive(Deserialize)]
struct Asked {
    project: Option<String>,
    before: Option<i64>,
    verify: Option<String>,
}

struct Row {
    event: AuditEvent,
    link: Link,
    actor: String,
    subject: String,
    detail: String,
}

/// An id by its end, where ids differ; the whole of it stands behind.
fn brief(text: &str) -> String {
    match text.split_once(':').map(|(noun, id)| (noun, id.get(24..36), id.len())) {
        Some((noun, Some(end), 36)) => format!("{noun} …{end}"),
        _ => text.to_owned(),
    }
}

#[derive(Template)]
#[template(path = "console/audit.html")]
struct AuditPage<'a> {
    look: &'a Look,
    visit: &'a Visit,
    texts: &'static Texts,
    chosen: Chosen,
    /// The project as the address names it.
    named: String,
    rows: Vec<Row>,
    older: Option<i64>,
    /// The last entry that was removed by age, where this page reaches to it.
    gone: Option<i64>,
    verdict: Option<AuditVerdict>,
}

async fn show(State(app): State<App>, visit: Visit, Query(asked): Query<Asked>) -> Answer {
    let named = asked.project.as_deref().filter(|named| *named != INSTALLATION);
    let mut chosen = visit.project(&app, named).await?;
    if named.is_none() {
        chosen.project = None;
    }
    let project = chosen.project.as_ref().map_or(ProjectId::INSTALLATION, |project| project.id);
    let permit = visit.permit(Scope::ProjectsRead, project)?;
    let (oldest, newest) = app.authority.audit_span(&permit).await?;
    let gone = oldest - 1;
    let end = asked.before.map_or(newest, |before| before.saturating_sub(1).clamp(gone, newest.max(gone)));
    let begin = (end - ROWS).max(gone);
    let limit = u32::try_from(end - begin).unwrap_or(0);
    let mut found = if limit == 0 { Vec::new() } else { app.authority.audit_log(&permit, begin, limit).await? };
    found.reverse();
    let verdict = match asked.verify {
        Some(_) => Some(app.authority.verify_own_audit(&permit).await?),
        None => None,
    };
    let page = AuditPage {
        look: &visit.look,
        visit: &visit,
        texts: Texts::of(visit.language()),
        named: named.map_or_else(|| INSTALLATION.to_owned(), str::to_owned),
        chosen,
        rows: found.into_iter().map(row).collect(),
        older: (begin > gone).then_some(begin + 1),
        gone: (gone > 0 && begin == gone).then_some(gone),
        verdict,
    };
    Ok(visit.show(&page))
}

fn row((event, link): (AuditEvent, Link)) -> Row {
    let word = |(name, value): (&String, &Value)| match value {
        Value::String(text) => format!("{name} {text}"),
        other => format!("{name} {other}"),
    };
    let detail = event.detail.iter().map(word).collect::<Vec<_>>().join(", ");
    let (actor, subject) = (brief(&event.actor), brief(&event.subject));
    Row { event, link, actor, subject, detail }
}
