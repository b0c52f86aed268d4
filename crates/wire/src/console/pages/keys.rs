//! Signing keys of a project and their rotation.

use askama::Template;
use axum::{
    Form,
    extract::{Query, State},
    response::{IntoResponse as _, Redirect},
    routing::{get, post},
};
use ringfence_core::{caller::Scope, ids::ProjectId, key::SigningKey};
use serde::Deserialize;

use super::{Change, Group, Page, list::Asked};
use crate::{
    app::App,
    console::{
        fault::Answer,
        visit::{Chosen, Visit},
    },
    looks::{Look, texts},
};

pub(super) const PAGE: Page = Page {
    path: "/console/keys",
    title: |language| Texts::of(language).title,
    group: Group::Security,
    views: &[("/console/keys", || get(show))],
    changes: &[Change::Shared("/console/keys/rotate", || post(rotate))],
};

texts! {
    /// The words of this page.
    Texts {
        title: "Signing keys", "Clés de signature", "Chiavi di firma", "Signaturschlüssel", "Claves de firma";
        lead: "A key signs for 90 days and verifies until the last token it signed has ended.",
            "Une clé signe pendant 90 jours et vérifie jusqu’à la fin du dernier jeton qu’elle a signé.",
            "Una chiave firma per 90 giorni e verifica fino alla fine dell’ultimo token firmato.",
            "Ein Schlüssel signiert 90 Tage lang und prüft, bis das letzte von ihm signierte Token endet.",
            "Una clave firma durante 90 días y verifica hasta que termina el último token que firmó.";
        set: "For", "Pour", "Per", "Für", "Para";
        alg: "Algorithm", "Algorithme", "Algoritmo", "Algorithmus", "Algoritmo";
        created: "Made", "Créée", "Creata", "Erzeugt", "Creada";
        state: "State", "État", "Stato", "Zustand", "Estado";
        signs: "signs", "signe", "firma", "signiert", "firma";
        verifies: "verifies until", "vérifie jusqu’à", "verifica fino a", "prüft bis", "verifica hasta";
        rotate: "Make new keys now", "Créer de nouvelles clés maintenant", "Crea ora nuove chiavi", "Jetzt neue Schlüssel erzeugen",
            "Crear claves nuevas ahora";
        rotate_question: "New tokens will be signed by new keys. Go on?", "Les nouveaux jetons seront signés par de nouvelles clés. Continuer ?",
            "I nuovi token saranno firmati da nuove chiavi. Continuare?", "Neue Tokens werden mit neuen Schlüsseln signiert. Weiter?",
            "Los tokens nuevos se firmarán con claves nuevas. ¿Continuar?";
    }
}

#[derive(Template)]
#[template(path = "console/keys.html")]
struct KeysPage<'a> {
    look: &'a Look,
    visit: &'a Visit,
    texts: &'static Texts,
    chosen: Chosen,
    rows: Vec<SigningKey>,
}

#[derive(Deserialize)]
struct Which {
    project: ProjectId,
}

async fn show(State(app): State<App>, visit: Visit, Query(asked): Query<Asked>) -> Answer {
    let chosen = visit.project(&app, asked.project.as_deref()).await?;
    let rows = match &chosen.project {
        None => Vec::new(),
        Some(project) => {
            let permit = visit.permit(Scope::ProjectsRead, project.id)?;
            app.authority.signing_keys(&visit.ctx, &permit).await?
        }
    };
    let texts = Texts::of(visit.language());
    Ok(visit.show(&KeysPage { look: &visit.look, visit: &visit, texts, chosen, rows }))
}

async fn rotate(State(app): State<App>, visit: Visit, Form(form): Form<Which>) -> Answer {
    let permit = visit.permit(Scope::KeysWrite, form.project)?;
    app.authority.rotate_keys(&visit.ctx, &permit).await?;
    Ok(Redirect::to(&format!("/console/keys?project={}&done", form.project)).into_response())
}
