//! Users of a project: by kind, or one by address or id.

use std::borrow::Borrow;

use askama::Template;
use axum::{
    extract::{Query, State},
    routing::{get, post},
};
use ringfence_core::{
    caller::Scope,
    error::AuthError,
    identity::{Identifier, Identity, IdentityFilter, IdentityKind},
    ids::{IdentityId, ProjectId},
};
use serde::Deserialize;

use super::{
    Change, Group, Page,
    list::{ASKED, Asked, next},
    user,
};
use crate::{
    app::App,
    console::{
        fault::Answer,
        visit::{Chosen, Visit},
    },
    looks::{Look, texts},
};

pub(super) const PAGE: Page = Page {
    path: "/console/users",
    title: |language| Texts::of(language).title,
    group: Group::People,
    views: &[("/console/users", || get(show)), ("/console/users/{project}/{identity}", || get(user::show))],
    changes: &[
        Change::Shared("/console/users/profile", || post(user::change)),
        Change::Shared("/console/users/suspend", || post(user::suspend)),
        Change::Shared("/console/users/unlock", || post(user::unlock)),
        Change::Shared("/console/users/revoke", || post(user::revoke)),
        Change::Shared("/console/users/erase", || post(user::erase)),
    ],
};

texts! {
    /// The words of the pages about users.
    Texts {
        title: "Users", "Utilisateurs", "Utenti", "Benutzer", "Usuarios";
        kind: "Kind", "Type", "Tipo", "Art", "Tipo";
        member: "Members", "Membres", "Membri", "Mitglieder", "Miembros";
        guest: "Guests", "Invités", "Ospiti", "Gäste", "Invitados";
        external: "External users", "Utilisateurs externes", "Utenti esterni", "Externe Benutzer", "Usuarios externos";
        endpoint: "Endpoints", "Terminaux", "Terminali", "Endgeräte", "Terminales";
        service: "Services", "Services", "Servizi", "Dienste", "Servicios";
        search: "E-mail address or id", "Adresse e-mail ou identifiant", "Indirizzo e-mail o id", "E-Mail-Adresse oder Id",
            "Dirección de correo o id";
        find: "Find", "Chercher", "Cerca", "Suchen", "Buscar";
        found_nobody: "Nobody has this address or id in this project.", "Personne n’a cette adresse ou cet identifiant dans ce projet.",
            "Nessuno ha questo indirizzo o id in questo progetto.", "Niemand hat in diesem Projekt diese Adresse oder Id.",
            "Nadie tiene esta dirección o id en este proyecto.";
        user: "User", "Utilisateur", "Utente", "Benutzer", "Usuario";
        id: "Id", "Identifiant", "Id", "Id", "Id";
        created: "Created", "Créé", "Creato", "Angelegt", "Creado";
        state: "State", "État", "Stato", "Zustand", "Estado";
        active: "active", "actif", "attivo", "aktiv", "activo";
        suspended: "suspended", "suspendu", "sospeso", "gesperrt", "suspendido";
        locked: "locked", "verrouillé", "bloccato", "verriegelt", "bloqueado";
        erased: "erased", "effacé", "cancellato", "gelöscht", "borrado";
        addresses: "Addresses", "Adresses", "Indirizzi", "Adressen", "Direcciones";
        verified: "verified", "vérifiée", "verificato", "bestätigt", "verificada";
        given_name: "Given name", "Prénom", "Nome", "Vorname", "Nombre";
        family_name: "Family name", "Nom de famille", "Cognome", "Nachname", "Apellido";
        nickname: "Nickname", "Surnom", "Soprannome", "Spitzname", "Apodo";
        profile: "Profile", "Profil", "Profilo", "Profil", "Perfil";
        suspend: "Suspend", "Suspendre", "Sospendi", "Sperren", "Suspender";
        resume: "Lift suspension", "Lever la suspension", "Revoca la sospensione", "Sperre aufheben", "Levantar la suspensión";
        unlock: "Unlock", "Déverrouiller", "Sblocca", "Entriegeln", "Desbloquear";
        erase: "Erase", "Effacer", "Cancella", "Löschen", "Borrar";
        erase_question: "Erase this user for good?", "Effacer définitivement cet utilisateur ?",
            "Cancellare definitivamente questo utente?", "Diesen Benutzer endgültig löschen?", "¿Borrar este usuario para siempre?";
        sessions: "Sessions", "Sessions", "Sessioni", "Sitzungen", "Sesiones";
        end_all: "End all sessions", "Fermer toutes les sessions", "Chiudi tutte le sessioni", "Alle Sitzungen beenden",
            "Cerrar todas las sesiones";
        end: "End", "Fermer", "Chiudi", "Beenden", "Cerrar";
        began: "Signed in", "Connexion", "Accesso", "Angemeldet", "Inicio";
        ends: "Ends", "Fin", "Fine", "Ende", "Fin";
        face: "Protocol", "Protocole", "Protocollo", "Protokoll", "Protocolo";
        by: "By", "Par", "Con", "Durch", "Por";
        connections: "Open connections", "Connexions ouvertes", "Connessioni aperte", "Offene Verbindungen",
            "Conexiones abiertas";
        node: "Node", "Nœud", "Nodo", "Knoten", "Nodo";
        since: "Since", "Depuis", "Da", "Seit", "Desde";
    }
}

impl Texts {
    pub(super) fn of_kind(&self, kind: impl Borrow<IdentityKind>) -> &'static str {
        match kind.borrow() {
            IdentityKind::Member => self.member,
            IdentityKind::Guest => self.guest,
            IdentityKind::External => self.external,
            IdentityKind::Endpoint => self.endpoint,
            IdentityKind::Service => self.service,
        }
    }

    /// How somebody stands, with the class of its badge.
    pub(super) const fn of_standing(&self, of: &Identity) -> (&'static str, &'static str) {
        let standing = &of.standing;
        match (standing.erased_at, standing.suspended_at, standing.locked_at) {
            (Some(_), _, _) => (self.erased, ""),
            (None, Some(_), _) => (self.suspended, "bad"),
            (None, None, Some(_)) => (self.locked, "warn"),
            (None, None, None) => (self.active, "good"),
        }
    }

    /// What somebody is called in lists: by name, else by id.
    pub(super) fn called(identity: &Identity) -> String {
        let profile = &identity.profile;
        let names: Vec<_> =
            [&profile.given_name, &profile.family_name].into_iter().flatten().map(String::as_str).collect();
        match &profile.nickname {
            _ if !names.is_empty() => names.join(" "),
            Some(nickname) if !nickname.is_empty() => nickname.clone(),
            _ => identity.id.short(),
        }
    }
}

#[derive(Deserialize)]
struct Wanted {
    project: Option<String>,
    after: Option<String>,
    kind: Option<String>,
    #[serde(default)]
    q: String,
}

#[derive(Template)]
#[template(path = "console/users.html")]
struct UsersPage<'a> {
    look: &'a Look,
    visit: &'a Visit,
    texts: &'static Texts,
    chosen: Chosen,
    kind: IdentityKind,
    q: String,
    rows: Vec<Identity>,
    next: Option<String>,
}

async fn show(State(app): State<App>, visit: Visit, Query(wanted): Query<Wanted>) -> Answer {
    let Wanted { project, after, kind, q } = wanted;
    let asked = Asked { project, after };
    let chosen = visit.project(&app, asked.project.as_deref()).await?;
    let kind = kind.as_deref().and_then(IdentityKind::parse).unwrap_or(IdentityKind::Member);
    let q = q.trim().to_owned();
    let mut rows = match &chosen.project {
        None => Vec::new(),
        Some(project) if q.is_empty() => {
            let permit = visit.permit(Scope::IdentitiesRead, project.id)?;
            app.authority.identities(&permit, IdentityFilter { kind: Some(kind) }, asked.after(), ASKED).await?
        }
        Some(project) => found(&app, &visit, project.id, &q).await?.into_iter().collect(),
    };
    let more = format!("&kind={}", kind.as_str());
    let next = next(&mut rows, "/console/users", &chosen, &more, |row| row.id);
    let texts = Texts::of(visit.language());
    let page = UsersPage { look: &visit.look, visit: &visit, texts, chosen, kind, q, rows, next };
    Ok(visit.show(&page))
}

/// Who has this address or id, if anybody: an index answers, however many people there are.
async fn found(app: &App, visit: &Visit, project: ProjectId, q: &str) -> Result<Option<Identity>, AuthError> {
    let permit = visit.permit(Scope::IdentitiesRead, project)?;
    let id = q.parse().ok().or_else(|| IdentityId::from_short(q));
    let found = match id {
        Some(id) => app.authority.identity(&permit, id).await,
        None => app.authority.identity_by(&permit, Identifier::email(q)).await,
    };
    match found {
        Err(AuthError::NotFound(_)) => Ok(None),
        found => found.map(Some),
    }
}
