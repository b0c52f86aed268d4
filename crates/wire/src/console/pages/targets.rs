//! What guests may reach, such as assistants.

use askama::Template;
use axum::{
    Form,
    extract::{Query, State},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use ringfence_core::{
    caller::Scope,
    ids::{GuestTargetId, ProjectId},
    project::GuestTarget,
};
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

const PATH: &str = "/console/targets";

pub(super) const PAGE: Page = Page {
    path: PATH,
    title: |language| Texts::of(language).title,
    group: Group::Configuration,
    views: &[(PATH, || get(show))],
    changes: &[
        Change::Shared("/console/targets/add", || post(add)),
        Change::Shared("/console/targets/remove", || post(remove)),
    ],
};

texts! {
    /// The words of this page.
    Texts {
        title: "Assistants", "Assistants", "Assistenti", "Assistenten", "Asistentes";
        lead: "What visitors may reach without an account: an assistant, a queue. A guest of one reaches nothing else.",
            "Ce que les visiteurs peuvent joindre sans compte : un assistant, une file. Un invité de l’un ne joint rien d’autre.",
            "Ciò che i visitatori possono raggiungere senza account: un assistente, una coda. Un ospite di uno non raggiunge altro.",
            "Was Besucher ohne Konto erreichen: einen Assistenten, eine Warteschlange. Ein Gast des einen erreicht nichts anderes.",
            "Lo que los visitantes pueden alcanzar sin cuenta: un asistente, una cola. Un invitado de uno no alcanza nada más.";
        kind: "Kind", "Type", "Tipo", "Art", "Tipo";
        name: "Name on the wire", "Nom sur le réseau", "Nome sulla rete", "Name im Protokoll", "Nombre en la red";
        created: "Created", "Créé", "Creato", "Angelegt", "Creado";
        add: "Add", "Ajouter", "Aggiungi", "Hinzufügen", "Añadir";
        remove: "Remove", "Retirer", "Rimuovi", "Entfernen", "Quitar";
        question: "Remove it? Guests can no longer reach it.", "Le retirer ? Les invités ne pourront plus le joindre.",
            "Rimuoverlo? Gli ospiti non potranno più raggiungerlo.", "Entfernen? Gäste erreichen ihn dann nicht mehr.",
            "¿Quitarlo? Los invitados ya no podrán alcanzarlo.";
    }
}

#[derive(Template)]
#[template(path = "console/targets.html")]
struct TargetsPage<'a> {
    look: &'a Look,
    visit: &'a Visit,
    texts: &'static Texts,
    chosen: Chosen,
    rows: Vec<GuestTarget>,
}

#[derive(Deserialize)]
struct New {
    project: ProjectId,
    kind: String,
    name: String,
}

#[derive(Deserialize)]
struct Which {
    project: ProjectId,
    target: GuestTargetId,
}

async fn show(State(app): State<App>, visit: Visit, Query(asked): Query<Asked>) -> Answer {
    let chosen = visit.project(&app, asked.project.as_deref()).await?;
    let rows = match &chosen.project {
        None => Vec::new(),
        Some(project) => app.authority.guest_targets(&visit.permit(Scope::ProjectsRead, project.id)?).await?,
    };
    let texts = Texts::of(visit.language());
    Ok(visit.show(&TargetsPage { look: &visit.look, visit: &visit, texts, chosen, rows }))
}

fn done(project: ProjectId) -> Response {
    Redirect::to(&format!("{PATH}?project={project}&done")).into_response()
}

async fn add(State(app): State<App>, visit: Visit, Form(form): Form<New>) -> Answer {
    let permit = visit.permit(Scope::ProjectsWrite, form.project)?;
    let [kind, name] = [form.kind, form.name].map(|text| text.trim().to_owned());
    app.authority.add_guest_target(&visit.ctx, &permit, kind, name).await?;
    Ok(done(form.project))
}

async fn remove(State(app): State<App>, visit: Visit, Form(form): Form<Which>) -> Answer {
    let permit = visit.permit(Scope::ProjectsWrite, form.project)?;
    app.authority.remove_guest_target(&visit.ctx, &permit, form.target).await?;
    Ok(done(form.project))
}
