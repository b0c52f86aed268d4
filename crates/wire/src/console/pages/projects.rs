//! Projects of the installation: made, chosen, switched off and on.

use askama::Template;
use axum::{
    Form,
    extract::{Query, State},
    response::{IntoResponse as _, Redirect},
    routing::{get, post},
};
use ringfence_core::{
    authority::ProjectRequest,
    caller::Scope,
    ids::ProjectId,
    project::{Project, ProjectPolicy},
};
use serde::Deserialize;

use super::{
    Change, Group, Page, api_keys, applications,
    list::{ASKED, Asked, next_at},
    users, webhooks,
};
use crate::{
    app::App,
    console::{fault::Answer, visit::Visit},
    looks::{Look, texts},
};

const PATH: &str = "/console/projects";

pub(super) const PAGE: Page = Page {
    path: PATH,
    title: |language| Texts::of(language).title,
    group: Group::Configuration,
    views: &[(PATH, || get(show))],
    changes: &[
        Change::Shared("/console/projects/make", || post(make)),
        Change::Shared("/console/projects/switch", || post(switch)),
    ],
};

/// Where a row leads: pages about one project.
const LEADS: [&Page; 4] = [&users::PAGE, &applications::PAGE, &api_keys::PAGE, &webhooks::PAGE];

texts! {
    /// The words of this page.
    Texts {
        title: "Projects", "Projets", "Progetti", "Projekte", "Proyectos";
        lead: "Each has its own users and its own issuer; nothing of one is seen from another.",
            "Chacun a ses propres utilisateurs et son propre émetteur ; rien de l’un n’est vu depuis un autre.",
            "Ognuno ha i propri utenti e il proprio emittente; nulla dell’uno si vede da un altro.",
            "Jedes hat eigene Benutzer und einen eigenen Aussteller; nichts des einen ist vom anderen aus zu sehen.",
            "Cada uno tiene sus propios usuarios y su propio emisor; nada de uno se ve desde otro.";
        name: "Name", "Nom", "Nome", "Name", "Nombre";
        id: "Id", "Identifiant", "Id", "Id", "Id";
        pages: "Pages", "Pages", "Pagine", "Seiten", "Páginas";
        created: "Created", "Créé", "Creato", "Angelegt", "Creado";
        state: "State", "État", "Stato", "Zustand", "Estado";
        on: "on", "actif", "attivo", "an", "activo";
        off: "switched off", "désactivé", "disattivato", "abgeschaltet", "desactivado";
        make: "New project", "Nouveau projet", "Nuovo progetto", "Neues Projekt", "Proyecto nuevo";
        switch_off: "Switch off", "Désactiver", "Disattiva", "Abschalten", "Desactivar";
        switch_on: "Switch on", "Activer", "Attiva", "Einschalten", "Activar";
        question: "Switch it off? Nobody can sign in, and all its sessions end.",
            "Le désactiver ? Plus personne ne peut se connecter, et toutes ses sessions prennent fin.",
            "Disattivarlo? Nessuno potrà accedere e tutte le sue sessioni finiranno.",
            "Abschalten? Niemand kann sich anmelden, und alle seine Sitzungen enden.",
            "¿Desactivarlo? Nadie podrá entrar y todas sus sesiones terminarán.";
    }
}

#[derive(Template)]
#[template(path = "console/projects.html")]
struct ProjectsPage<'a> {
    look: &'a Look,
    visit: &'a Visit,
    texts: &'static Texts,
    leads: [(&'static str, &'static str); 4],
    rows: Vec<Project>,
    next: Option<String>,
}

async fn show(State(app): State<App>, visit: Visit, Query(asked): Query<Asked>) -> Answer {
    let mut rows = app.authority.projects(&visit.view()?, asked.after(), ASKED).await?;
    let next = next_at(&mut rows, &format!("{PATH}?"), |row| row.id);
    let language = visit.language();
    let leads = LEADS.map(|page| (page.path, (page.title)(language)));
    Ok(visit.show(&ProjectsPage { look: &visit.look, visit: &visit, texts: Texts::of(language), leads, rows, next }))
}

#[derive(Deserialize)]
struct New {
    name: String,
}

#[derive(Deserialize)]
struct Switch {
    project: ProjectId,
    off: bool,
}

async fn make(State(app): State<App>, visit: Visit, Form(form): Form<New>) -> Answer {
    let permit = visit.caller().permit_installation()?;
    let wanted = ProjectRequest { name: form.name.trim().to_owned(), policy: ProjectPolicy::default() };
    let made = app.authority.create_project(&visit.ctx, &permit, wanted).await?;
    // What a project needs next; and in a long list the new one is not on the first page.
    Ok(Redirect::to(&format!("{}?project={}&done", applications::PAGE.path, made.id)).into_response())
}

async fn switch(State(app): State<App>, visit: Visit, Form(form): Form<Switch>) -> Answer {
    let permit = visit.permit(Scope::ProjectsWrite, form.project)?;
    app.authority.disable_project(&visit.ctx, &permit, form.off).await?;
    Ok(Redirect::to(&format!("{PATH}?done")).into_response())
}
