//! Devices and SIP accounts as a tree: a group (a Telnyx connection), its endpoints (credentials), their sessions (tokens).

use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    response::{IntoResponse as _, Redirect},
    routing::{get, post},
};
use ringfence_core::{
    authority::GroupChange,
    caller::Scope,
    endpoint::{Endpoint, EndpointFilter, GroupFilter, GroupNumber, GroupOrder, Window},
    error::{AuthError, Noun},
    ids::{IdentityId, ProjectId, SessionId},
    project::Project,
    session::{Session, SessionsOf},
};
use serde::Deserialize;

use super::{Change, Group, Page, applications, list::Asked, users};
use crate::{
    app::App,
    console::{
        fault::Answer,
        visit::{Chosen, Visit},
    },
    looks::{Look, texts},
};

const PATH: &str = "/console/endpoints";
/// Groups or endpoints on a page; each endpoint comes with its sessions.
const SHOWN: u32 = 20;
/// Sessions that are shown of one endpoint.
const SESSIONS: u32 = 50;

pub(super) const PAGE: Page = Page {
    path: PATH,
    title: |language| Texts::of(language).title,
    group: Group::People,
    views: &[(PATH, || get(show)), ("/console/endpoints/{project}/{group}", || get(show_group))],
    changes: &[
        Change::Shared("/console/endpoints/switch", || post(switch)),
        Change::Shared("/console/endpoints/end", || post(end)),
        Change::Shared("/console/endpoints/delete", || post(delete)),
    ],
};

texts! {
    /// The words of these pages.
    Texts {
        title: "Devices", "Appareils", "Dispositivi", "Geräte", "Dispositivos";
        lead: "A connection holds credentials, a credential gets tokens. What is ended in the tree ends with all below it.",
            "Une connexion contient des identifiants, un identifiant reçoit des jetons. Ce qui prend fin dans l’arbre emporte tout ce qui est dessous.",
            "Una connessione contiene credenziali, una credenziale riceve token. Ciò che finisce nell’albero finisce con tutto quanto sta sotto.",
            "Eine Verbindung hat Zugangsdaten, Zugangsdaten bekommen Token. Was im Baum endet, endet mit allem darunter.",
            "Una conexión tiene credenciales, una credencial recibe tokens. Lo que termina en el árbol termina con todo lo de abajo.";
        group: "Connection", "Connexion", "Connessione", "Verbindung", "Conexión";
        user_name: "User name", "Nom d’utilisateur", "Nome utente", "Benutzername", "Nombre de usuario";
        endpoints: "Credentials", "Identifiants", "Credenziali", "Zugangsdaten", "Credenciales";
        tag: "Tag", "Étiquette", "Etichetta", "Kennwort", "Etiqueta";
        tokens: "Tokens", "Jetons", "Token", "Token", "Tokens";
        no_tokens: "No token counts now.", "Aucun jeton n’est valable.", "Nessun token vale ora.", "Kein Token gilt jetzt.",
            "Ningún token vale ahora.";
        own: "Sign-ins of the connection itself", "Connexions de la connexion elle-même", "Accessi della connessione stessa",
            "Anmeldungen der Verbindung selbst", "Accesos de la propia conexión";
        delete: "Delete", "Supprimer", "Elimina", "Löschen", "Eliminar";
        delete_question: "Delete this credential? Its tokens and sockets end.", "Supprimer cet identifiant ? Ses jetons et sockets prennent fin.",
            "Eliminare questa credenziale? I suoi token e socket finiscono.", "Diese Zugangsdaten löschen? Ihre Token und Sockets enden.",
            "¿Eliminar esta credencial? Sus tokens y sockets terminan.";
        switch_question: "Switch it off? All below it ends.", "La désactiver ? Tout ce qui est dessous prend fin.",
            "Disattivarla? Tutto quanto sta sotto finisce.", "Abschalten? Alles darunter endet.", "¿Desactivarla? Todo lo de abajo termina.";
    }
}

#[derive(Template)]
#[template(path = "console/endpoints.html")]
struct EndpointsPage<'a> {
    look: &'a Look,
    visit: &'a Visit,
    texts: &'static Texts,
    words: &'static applications::Texts,
    chosen: Chosen,
    rows: Vec<Endpoint>,
    next: Option<String>,
}

/// Which part of a list, by how many are left out: these lists are not in the order of ids.
fn window(after: Option<&str>) -> Window {
    Window { offset: after.and_then(|after| after.parse().ok()).unwrap_or(0), limit: SHOWN }
}

/// The address of the next part, if there is one.
fn after(window: Window, total: u64, path: &str) -> Option<String> {
    let end = window.offset + u64::from(window.limit);
    (end < total).then(|| format!("{path}after={end}"))
}

async fn show(State(app): State<App>, visit: Visit, Query(asked): Query<Asked>) -> Answer {
    let chosen = visit.project(&app, asked.project.as_deref()).await?;
    let window = window(asked.after.as_deref());
    let (mut rows, mut next) = (Vec::new(), None);
    if let Some(project) = &chosen.project {
        let permit = visit.permit(Scope::IdentitiesRead, project.id)?;
        let filter = GroupFilter::default();
        let found = app.authority.endpoint_groups(&permit, filter, GroupOrder::NEWEST_FIRST, window).await?;
        next = after(window, found.total, &format!("{PATH}?project={}&", project.id));
        rows = found.items;
    }
    let language = visit.language();
    let (texts, words) = (Texts::of(language), applications::Texts::of(language));
    Ok(visit.show(&EndpointsPage { look: &visit.look, visit: &visit, texts, words, chosen, rows, next }))
}

#[derive(Template)]
#[template(path = "console/endpoint_group.html")]
struct GroupPage<'a> {
    look: &'a Look,
    visit: &'a Visit,
    texts: &'static Texts,
    words: &'static applications::Texts,
    users: &'static users::Texts,
    project: Project,
    /// The group's account, and so the group.
    account: Endpoint,
    /// Endpoints with their sessions, the account first.
    branches: Vec<(Endpoint, Vec<Session>)>,
    next: Option<String>,
}

async fn show_group(
    State(app): State<App>,
    visit: Visit,
    Path((project, number)): Path<(ProjectId, String)>,
    Query(asked): Query<Asked>,
) -> Answer {
    let (authority, permit) = (&app.authority, visit.permit(Scope::IdentitiesRead, project)?);
    let number = GroupNumber::parse(&number).ok_or(AuthError::NotFound(Noun::EndpointGroup))?;
    let account = authority.endpoint_group(&permit, number).await?;
    let window = window(asked.after.as_deref());
    let filter = EndpointFilter { group: Some(number), ..EndpointFilter::default() };
    let found = authority.endpoints(&visit.ctx, &permit, filter, window).await?;
    let next = after(window, found.total, &format!("{PATH}/{project}/{number}?"));
    let mut branches = Vec::new();
    for endpoint in std::iter::once(account.clone()).chain(found.items) {
        let of = SessionsOf::Identity(endpoint.id);
        let sessions = authority.sessions(&visit.ctx, &permit, of, None, SESSIONS).await?;
        branches.push((endpoint, sessions));
    }
    let language = visit.language();
    let page = GroupPage {
        look: &visit.look,
        visit: &visit,
        texts: Texts::of(language),
        words: applications::Texts::of(language),
        users: users::Texts::of(language),
        project: authority.project(&permit).await?,
        account,
        branches,
        next,
    };
    Ok(visit.show(&page))
}

#[derive(Deserialize)]
struct Switch {
    project: ProjectId,
    group: String,
    off: bool,
}

#[derive(Deserialize)]
struct Token {
    project: ProjectId,
    group: String,
    session: SessionId,
}

#[derive(Deserialize)]
struct Credential {
    project: ProjectId,
    group: String,
    endpoint: IdentityId,
}

fn back(project: ProjectId, group: &str) -> Answer {
    let number = GroupNumber::parse(group).ok_or(AuthError::NotFound(Noun::EndpointGroup))?;
    Ok(Redirect::to(&format!("{PATH}/{project}/{number}?done")).into_response())
}

async fn switch(State(app): State<App>, visit: Visit, Form(form): Form<Switch>) -> Answer {
    let permit = visit.permit(Scope::CredentialsWrite, form.project)?;
    let number = GroupNumber::parse(&form.group).ok_or(AuthError::NotFound(Noun::EndpointGroup))?;
    let change = GroupChange { disabled: Some(form.off), ..GroupChange::default() };
    app.authority.change_endpoint_group(&visit.ctx, &permit, number, change).await?;
    back(form.project, &form.group)
}

async fn end(State(app): State<App>, visit: Visit, Form(form): Form<Token>) -> Answer {
    let permit = visit.permit(Scope::SessionsWrite, form.project)?;
    let found = app.authority.session(&permit, form.session).await?;
    app.authority.revoke_sessions(&visit.ctx, &permit, SessionsOf::Session(found.id)).await?;
    back(form.project, &form.group)
}

async fn delete(State(app): State<App>, visit: Visit, Form(form): Form<Credential>) -> Answer {
    let permit = visit.permit(Scope::CredentialsWrite, form.project)?;
    app.authority.delete_endpoint(&visit.ctx, &permit, form.endpoint).await?;
    back(form.project, &form.group)
}
