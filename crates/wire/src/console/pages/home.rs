//! Home: how the installation is.

use askama::Template;
use axum::{extract::State, routing::get};

use super::{Group, Page};
use crate::{
    app::{App, Finding, Verdict},
    console::{fault::Answer, visit::Visit},
    looks::{Look, texts},
};

pub(super) const PAGE: Page = Page {
    path: "/console",
    title: |language| Texts::of(language).title,
    group: Group::Overview,
    views: &[("/console", || get(show))],
    changes: &[],
};

texts! {
    /// The words of this page.
    Texts {
        title: "Health", "État", "Stato", "Zustand", "Estado";
        lead: "What “ringfence doctor” finds, here and now.", "Ce que trouve « ringfence doctor », ici et maintenant.",
            "Ciò che trova «ringfence doctor», qui e ora.", "Was „ringfence doctor“ hier und jetzt findet.",
            "Lo que encuentra «ringfence doctor», aquí y ahora.";
        open_here: "Connections open on this node", "Connexions ouvertes sur ce nœud", "Connessioni aperte su questo nodo",
            "Offene Verbindungen an diesem Knoten", "Conexiones abiertas en este nodo";
        check: "Check", "Contrôle", "Controllo", "Prüfung", "Comprobación";
        verdict: "Verdict", "Verdict", "Esito", "Ergebnis", "Resultado";
        says: "What it says", "Ce qu’il dit", "Che cosa dice", "Was sie sagt", "Qué dice";
        ok: "fine", "bon", "a posto", "gut", "bien";
        warn: "mind this", "à noter", "attenzione", "beachten", "atención";
        fail: "broken", "en panne", "guasto", "kaputt", "averiado";
        no_doctor: "This server examines nothing.", "Ce serveur n’examine rien.", "Questo server non esamina nulla.",
            "Dieser Server prüft nichts.", "Este servidor no examina nada.";
    }
}

#[derive(Template)]
#[template(path = "console/home.html")]
struct HomePage<'a> {
    look: &'a Look,
    visit: &'a Visit,
    texts: &'static Texts,
    findings: Vec<Finding>,
    open: String,
}

async fn show(State(app): State<App>, visit: Visit) -> Answer {
    visit.view()?;
    let findings = match &app.settings.doctor {
        Some(doctor) => doctor.examine().await,
        None => Vec::new(),
    };
    let open = visit.language().number(app.live.signed_in() as u64);
    let page = HomePage { look: &visit.look, visit: &visit, texts: Texts::of(visit.language()), findings, open };
    Ok(visit.show(&page))
}

impl Texts {
    const fn of_verdict(&self, verdict: Verdict) -> &'static str {
        match verdict {
            Verdict::Ok => self.ok,
            Verdict::Warn => self.warn,
            Verdict::Fail => self.fail,
        }
    }

    /// The class of its badge.
    const fn class_of(verdict: Verdict) -> &'static str {
        match verdict {
            Verdict::Ok => "good",
            Verdict::Warn => "warn",
            Verdict::Fail => "bad",
        }
    }
}
