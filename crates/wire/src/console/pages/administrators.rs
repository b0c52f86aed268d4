//! Administrators: who looks after the installation.

use std::borrow::Borrow;

use askama::Template;
use axum::{
    Form,
    extract::State,
    response::{IntoResponse as _, Redirect},
    routing::{get, post},
};
use ringfence_core::{
    administrator::{Administrator, Role},
    authority::MintedAdministrator,
    caller::Scope,
    ids::AdministratorId,
};
use serde::Deserialize;

use super::{Change, Group, Page};
use crate::{
    app::App,
    console::{
        fault::{Answer, Fault},
        visit::Visit,
    },
    looks::{Look, texts},
};

pub(super) const PAGE: Page = Page {
    path: "/console/administrators",
    title: |language| Texts::of(language).title,
    group: Group::Installation,
    views: &[("/console/administrators", || get(show))],
    changes: &[
        Change::Shared("/console/administrators", || post(create)),
        Change::Shared("/console/administrators/role", || post(set_role)),
        Change::Shared("/console/administrators/reset", || post(reset)),
        Change::Shared("/console/administrators/delete", || post(delete)),
    ],
};

texts! {
    /// The words of this page.
    Texts {
        title: "Administrators", "Administrateurs", "Amministratori", "Administratoren", "Administradores";
        role: "Role", "Rôle", "Ruolo", "Rolle", "Rol";
        signed_in: "Last signed in", "Dernière connexion", "Ultimo accesso", "Zuletzt angemeldet", "Último acceso";
        never: "never", "jamais", "mai", "nie", "nunca";
        you: "you", "vous", "tu", "Sie", "usted";
        owner: "Owner", "Propriétaire", "Proprietario", "Eigentümer", "Propietario";
        operator: "Operator", "Opérateur", "Operatore", "Betreiber", "Operador";
        read_only: "Read-only", "Lecture seule", "Sola lettura", "Nur lesen", "Solo lectura";
        roles_text: "Owners may do everything, operators everything but look after administrators, read-only administrators change nothing.",
            "Les propriétaires peuvent tout, les opérateurs tout sauf gérer les administrateurs, la lecture seule ne change rien.",
            "I proprietari possono tutto, gli operatori tutto tranne gestire gli amministratori, la sola lettura non cambia nulla.",
            "Eigentümer dürfen alles, Betreiber alles außer Administratoren verwalten, „Nur lesen“ ändert nichts.",
            "Los propietarios pueden todo, los operadores todo salvo administrar administradores, solo lectura no cambia nada.";
        add: "Add an administrator", "Ajouter un administrateur", "Aggiungi un amministratore", "Administrator hinzufügen",
            "Añadir un administrador";
        add_button: "Add", "Ajouter", "Aggiungi", "Hinzufügen", "Añadir";
        set_role: "Set role", "Définir le rôle", "Imposta ruolo", "Rolle setzen", "Asignar rol";
        reset: "Reset factors", "Réinitialiser les facteurs", "Reimposta i fattori", "Faktoren zurücksetzen",
            "Restablecer factores";
        delete: "Delete", "Supprimer", "Elimina", "Löschen", "Eliminar";
        delete_question: "Delete this administrator?", "Supprimer cet administrateur ?", "Eliminare questo amministratore?",
            "Diesen Administrator löschen?", "¿Eliminar este administrador?";
        reset_question: "Take away password and factors?", "Retirer mot de passe et facteurs ?", "Togliere password e fattori?",
            "Passwort und Faktoren wegnehmen?", "¿Quitar contraseña y factores?";
        link: "One-time link", "Lien à usage unique", "Link monouso", "Einmal-Link", "Enlace de un solo uso";
        link_text: "Give this link to its owner by a way that nobody else reads. It works once, for 24 hours, and is not shown again.",
            "Donnez ce lien à son destinataire par une voie que personne d’autre ne lit. Il sert une fois, pendant 24 heures, et ne sera plus affiché.",
            "Dai questo link al destinatario per una via che nessun altro legge. Vale una volta, per 24 ore, e non sarà più mostrato.",
            "Geben Sie diesen Link auf einem Weg weiter, den sonst niemand liest. Er gilt einmal, 24 Stunden lang, und wird nicht wieder gezeigt.",
            "Entregue este enlace por una vía que nadie más lea. Vale una vez, durante 24 horas, y no se muestra de nuevo.";
    }
}

#[derive(Template)]
#[template(path = "console/administrators.html")]
struct AdministratorsPage<'a> {
    look: &'a Look,
    visit: &'a Visit,
    texts: &'static Texts,
    rows: Vec<Administrator>,
}

#[derive(Template)]
#[template(path = "console/link.html")]
struct LinkPage<'a> {
    look: &'a Look,
    visit: &'a Visit,
    texts: &'static Texts,
    name: &'a str,
    link: String,
}

#[derive(Deserialize)]
struct New {
    name: String,
    role: String,
    #[serde(default)]
    password: String,
}

#[derive(Deserialize)]
struct Which {
    id: AdministratorId,
    #[serde(default)]
    password: String,
}

#[derive(Deserialize)]
struct NewRole {
    id: AdministratorId,
    version: i64,
    role: String,
    #[serde(default)]
    password: String,
}

impl Texts {
    fn of_role(&self, role: impl Borrow<Role>) -> &'static str {
        match role.borrow() {
            Role::Owner => self.owner,
            Role::Operator => self.operator,
            Role::ReadOnly => self.read_only,
        }
    }
}

async fn show(State(app): State<App>, visit: Visit) -> Answer {
    let permit = visit.permit_installation(Scope::ProjectsRead)?;
    let rows = app.authority.administrators(&permit).await?;
    let page = AdministratorsPage { look: &visit.look, visit: &visit, texts: Texts::of(visit.language()), rows };
    Ok(visit.show(&page))
}

async fn create(State(app): State<App>, visit: Visit, Form(form): Form<New>) -> Answer {
    let permit = visit.permit_installation(Scope::All)?;
    visit.confirm(&app, form.password).await?;
    let role = Role::parse(&form.role).ok_or(Fault::Malformed)?;
    let made = app.authority.create_administrator(&visit.ctx, &permit, &form.name, role).await?;
    Ok(show_link(&app, &visit, &made))
}

async fn set_role(State(app): State<App>, visit: Visit, Form(form): Form<NewRole>) -> Answer {
    let permit = visit.permit_installation(Scope::All)?;
    visit.confirm(&app, form.password).await?;
    let role = Role::parse(&form.role).ok_or(Fault::Malformed)?;
    let (authority, seen) = (&app.authority, Some(form.version));
    authority.set_administrator_role(&visit.ctx, &permit, form.id, role, seen).await?;
    Ok(Redirect::to("/console/administrators?done").into_response())
}

async fn reset(State(app): State<App>, visit: Visit, Form(form): Form<Which>) -> Answer {
    let permit = visit.permit_installation(Scope::All)?;
    visit.confirm(&app, form.password).await?;
    let made = app.authority.reset_administrator(&visit.ctx, &permit, form.id).await?;
    Ok(show_link(&app, &visit, &made))
}

async fn delete(State(app): State<App>, visit: Visit, Form(form): Form<Which>) -> Answer {
    let permit = visit.permit_installation(Scope::All)?;
    visit.confirm(&app, form.password).await?;
    app.authority.delete_administrator(&visit.ctx, &permit, form.id).await?;
    Ok(Redirect::to("/console/administrators?done").into_response())
}

fn show_link(app: &App, visit: &Visit, made: &MintedAdministrator) -> axum::response::Response {
    let link = format!("{}/console/begin/{}", app.settings.public_url, made.link.expose());
    let (texts, name) = (Texts::of(visit.language()), made.administrator.name.as_str());
    visit.show(&LinkPage { look: &visit.look, visit, texts, name, link })
}
