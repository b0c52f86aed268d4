//! Open connections of a project on all nodes, and the end of one. What is ended is its session, for its client would only
//! come back.

use askama::Template;
use axum::{
    Form,
    extract::{Query, State},
    response::{IntoResponse as _, Redirect},
    routing::{get, post},
};
use ringfence_core::{
    authority::Connected,
    caller::Scope,
    identity::{Identifier, IdentityKind},
    ids::{ProjectId, SessionId},
    presence::PresenceFilter,
    session::SessionsOf,
};
use serde::Deserialize;

use super::{
    Change, Group, Page,
    list::{ASKED, next},
    users,
};
use crate::{
    app::App,
    console::{
        fault::Answer,
        visit::{Chosen, Visit},
    },
    dialects::ALL as DIALECTS,
    looks::{Look, texts},
};

const PATH: &str = "/console/connections";

pub(super) const PAGE: Page = Page {
    path: PATH,
    title: |language| Texts::of(language).title,
    group: Group::People,
    views: &[(PATH, || get(show))],
    changes: &[Change::Shared("/console/connections/end", || post(end))],
};

texts! {
    /// The words of this page.
    Texts {
        title: "Live connections", "Connexions ouvertes", "Connessioni attive", "Offene Verbindungen", "Conexiones abiertas";
        lead: "On all nodes. Who is cut off loses the session, its tokens and its sockets within a second.",
            "Sur tous les nœuds. Qui est coupé perd sa session, ses jetons et ses sockets en une seconde.",
            "Su tutti i nodi. Chi viene tagliato fuori perde sessione, token e socket entro un secondo.",
            "Auf allen Knoten. Wer abgeschnitten wird, verliert Sitzung, Token und Sockets binnen einer Sekunde.",
            "En todos los nodos. A quien se corta se le acaban la sesión, los tokens y los sockets en un segundo.";
        every_face: "All protocols", "Tous les protocoles", "Tutti i protocolli", "Alle Protokolle", "Todos los protocolos";
        every_node: "All nodes", "Tous les nœuds", "Tutti i nodi", "Alle Knoten", "Todos los nodos";
        only_node: "Only on {}", "Seulement sur {}", "Solo su {}", "Nur auf {}", "Solo en {}";
        nobody: "Nobody is connected.", "Personne n’est connecté.", "Nessuno è connesso.", "Niemand ist verbunden.",
            "No hay nadie conectado.";
        member: "member", "membre", "membro", "Mitglied", "miembro";
        guest: "guest", "invité", "ospite", "Gast", "invitado";
        external: "external", "externe", "esterno", "extern", "externo";
        endpoint: "device", "appareil", "dispositivo", "Gerät", "dispositivo";
        service: "service", "service", "servizio", "Dienst", "servicio";
        kick: "Cut off", "Couper", "Taglia fuori", "Abschneiden", "Cortar";
        question: "End this session and its connections?", "Fermer cette session et ses connexions ?",
            "Chiudere questa sessione e le sue connessioni?", "Diese Sitzung und ihre Verbindungen beenden?",
            "¿Terminar esta sesión y sus conexiones?";
    }
}

impl Texts {
    const fn one(&self, kind: IdentityKind) -> &'static str {
        match kind {
            IdentityKind::Member => self.member,
            IdentityKind::Guest => self.guest,
            IdentityKind::External => self.external,
            IdentityKind::Endpoint => self.endpoint,
            IdentityKind::Service => self.service,
        }
    }
}

#[derive(Template)]
#[template(path = "console/connections.html")]
struct ConnectionsPage<'a> {
    look: &'a Look,
    visit: &'a Visit,
    texts: &'static Texts,
    users: &'static users::Texts,
    chosen: Chosen,
    faces: Vec<&'static str>,
    face: String,
    node: String,
    rows: Vec<Connected>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Asked {
    project: Option<String>,
    after: Option<String>,
    #[serde(default)]
    face: String,
    #[serde(default)]
    node: String,
}

#[derive(Deserialize)]
struct Which {
    project: ProjectId,
    session: SessionId,
}

async fn show(State(app): State<App>, visit: Visit, Query(asked): Query<Asked>) -> Answer {
    let chosen = visit.project(&app, asked.project.as_deref()).await?;
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let mut rows = match &chosen.project {
        None => Vec::new(),
        Some(project) => {
            let permit = visit.permit(Scope::IdentitiesRead, project.id)?;
            let filter = PresenceFilter { dialect: some(&asked.face), node: some(&asked.node), identity: None };
            let after = asked.after.as_ref().and_then(|after| after.parse().ok());
            app.authority.connections(&visit.ctx, &permit, filter, after, ASKED).await?
        }
    };
    let filters: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("face", &asked.face)
        .append_pair("node", &asked.node)
        .finish();
    let next = next(&mut rows, PATH, &chosen, &format!("&{filters}"), |row| row.presence.connection);
    let page = ConnectionsPage {
        look: &visit.look,
        visit: &visit,
        texts: Texts::of(visit.language()),
        users: users::Texts::of(visit.language()),
        chosen,
        faces: std::iter::once("native").chain(DIALECTS.iter().map(|dialect| dialect.name)).collect(),
        face: asked.face,
        node: asked.node,
        rows,
        next,
    };
    Ok(visit.show(&page))
}

/// What somebody is called: their address, the name they gave, or their id.
fn called(open: &Connected) -> String {
    let Some(person) = &open.person else { return open.presence.identity.short() };
    let mut held = person.identifiers.iter().map(|held| &held.identifier);
    let address = held.find(|identifier| identifier.scheme() == Identifier::EMAIL);
    let name = address.map(|address| address.value().to_owned()).or_else(|| person.identity.profile.nickname.clone());
    name.unwrap_or_else(|| open.presence.identity.short())
}

async fn end(State(app): State<App>, visit: Visit, Form(form): Form<Which>) -> Answer {
    let permit = visit.permit(Scope::SessionsWrite, form.project)?;
    let found = app.authority.session(&permit, form.session).await?;
    app.authority.revoke_sessions(&visit.ctx, &permit, SessionsOf::Session(found.id)).await?;
    Ok(Redirect::to(&format!("{}?project={}&done", PATH, form.project)).into_response())
}
