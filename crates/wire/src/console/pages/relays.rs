//! What SIP servers and relays of media know us by: domains of projects, and the secret that relays share with us.

use askama::Template;
use axum::{
    Form,
    extract::{Query, State},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use ringfence_core::{
    authority::{SipDomainChange, SipDomainRef, SipDomainRequest},
    caller::Scope,
    ids::ProjectId,
    sip::SipDomain,
    time::Timestamp,
    turn::{TurnSecret, TurnSecrets},
};
use serde::Deserialize;
use serde_json::Map;

use super::{
    Change, Group, Page, applications,
    list::{ASKED, Asked, next},
    once,
};
use crate::{
    app::App,
    console::{
        fault::{Answer, Fault},
        visit::{Chosen, Visit},
    },
    looks::{Look, texts},
};

const PATH: &str = "/console/relays";

pub(super) const PAGE: Page = Page {
    path: PATH,
    title: |language| Texts::of(language).title,
    group: Group::Configuration,
    views: &[(PATH, || get(show))],
    changes: &[
        Change::Shared("/console/relays/domain/add", || post(add)),
        Change::Shared("/console/relays/domain/switch", || post(switch)),
        Change::Shared("/console/relays/domain/delete", || post(delete)),
        Change::Shared("/console/relays/turn/show", || post(show_turn)),
        Change::Shared("/console/relays/turn/prepare", || post(prepare)),
        Change::Shared("/console/relays/turn/adopt", || post(adopt)),
    ],
};

texts! {
    /// The words of this page.
    Texts {
        title: "SIP and TURN", "SIP et TURN", "SIP e TURN", "SIP und TURN", "SIP y TURN";
        domains: "SIP domains", "Domaines SIP", "Domini SIP", "SIP-Domänen", "Dominios SIP";
        domain: "Domain", "Domaine", "Dominio", "Domäne", "Dominio";
        add: "Add a domain", "Ajouter un domaine", "Aggiungi un dominio", "Domäne hinzufügen", "Añadir un dominio";
        delete: "Delete", "Supprimer", "Elimina", "Löschen", "Eliminar";
        delete_question: "Delete this domain with all its users?", "Supprimer ce domaine avec tous ses utilisateurs ?",
            "Eliminare questo dominio con tutti i suoi utenti?", "Diese Domäne mit allen ihren Benutzern löschen?",
            "¿Eliminar este dominio con todos sus usuarios?";
        switch_question: "Switch this domain off? Its users are signed out.", "Désactiver ce domaine ? Ses utilisateurs sont déconnectés.",
            "Disattivare questo dominio? I suoi utenti vengono disconnessi.", "Diese Domäne abschalten? Ihre Benutzer werden abgemeldet.",
            "¿Desactivar este dominio? Sus usuarios quedan desconectados.";
        turn: "TURN secret", "Secret TURN", "Segreto TURN", "TURN-Geheimnis", "Secreto TURN";
        turn_about: "Relays recompute our credentials from it and ask nobody. It is one for the whole installation.",
            "Les relais recalculent nos identifiants à partir de lui et ne demandent à personne. Il est unique pour toute l’installation.",
            "I relay ricalcolano le nostre credenziali da esso e non chiedono a nessuno. È uno per tutta l’installazione.",
            "Relais rechnen unsere Zugangsdaten daraus nach und fragen niemanden. Es ist eines für die ganze Installation.",
            "Los relés recalculan nuestras credenciales con él y no preguntan a nadie. Es uno para toda la instalación.";
        turn_none: "There is no secret yet: clients get no relay.", "Il n’y a pas encore de secret : les clients n’ont pas de relais.",
            "Non c’è ancora un segreto: i client non hanno relay.", "Es gibt noch kein Geheimnis: Clients bekommen kein Relais.",
            "Aún no hay secreto: los clientes no tienen relé.";
        since: "In use since", "Utilisé depuis", "In uso da", "In Gebrauch seit", "En uso desde";
        previous: "The one before still counts at relays.", "Le précédent reste valable auprès des relais.",
            "Il precedente vale ancora presso i relay.", "Das vorige gilt bei Relais noch.", "El anterior aún vale en los relés.";
        show: "Show for relays", "Afficher pour les relais", "Mostra per i relay", "Für Relais zeigen", "Mostrar para los relés";
        current: "static-auth-secret", "static-auth-secret", "static-auth-secret", "static-auth-secret", "static-auth-secret";
        prepare: "Prepare a new secret", "Préparer un nouveau secret", "Prepara un nuovo segreto", "Neues Geheimnis vorbereiten",
            "Preparar un secreto nuevo";
        prepare_text: "Give it to every relay beside the present one, then adopt it. Relays with a database: run “ringfence turn rotate” instead.",
            "Donnez-le à chaque relais à côté de l’actuel, puis adoptez-le. Relais avec base de données : lancez plutôt « ringfence turn rotate ».",
            "Datelo a ogni relay accanto a quello attuale, poi adottatelo. Relay con database: usate «ringfence turn rotate».",
            "Geben Sie es jedem Relais neben dem jetzigen, dann übernehmen. Relais mit Datenbank: stattdessen „ringfence turn rotate“.",
            "Déselo a cada relé junto al actual y luego adóptelo. Relés con base de datos: use «ringfence turn rotate».";
        adopt: "The relays have it: adopt", "Les relais l’ont : adopter", "I relay ce l’hanno: adotta", "Die Relais haben es: übernehmen",
            "Los relés lo tienen: adoptar";
    }
}

/// How the secret of relays is.
enum Turn {
    None,
    /// In use since then; whether the one before counts still.
    Since(Timestamp, bool),
}

#[derive(Template)]
#[template(path = "console/relays.html")]
struct RelaysPage<'a> {
    look: &'a Look,
    visit: &'a Visit,
    texts: &'static Texts,
    words: &'static applications::Texts,
    chosen: Chosen,
    rows: Vec<SipDomain>,
    next: Option<String>,
    /// Only for whoever may change the installation.
    turn: Option<Turn>,
}

async fn show(State(app): State<App>, visit: Visit, Query(asked): Query<Asked>) -> Answer {
    let chosen = visit.project(&app, asked.project.as_deref()).await?;
    let mut rows = match &chosen.project {
        None => Vec::new(),
        Some(project) => {
            let permit = visit.permit(Scope::ProjectsRead, project.id)?;
            app.authority.sip_domains(&permit, None, asked.after(), ASKED).await?
        }
    };
    let next = next(&mut rows, PATH, &chosen, "", |row| row.group.id);
    let turn = match visit.caller().permit_installation() {
        Ok(permit) => {
            let found = app.authority.turn_secrets(&permit).await?;
            Some(found.map_or(Turn::None, |found| Turn::Since(found.since, found.previous.is_some())))
        }
        Err(_) => None,
    };
    let language = visit.language();
    let (texts, words) = (Texts::of(language), applications::Texts::of(language));
    Ok(visit.show(&RelaysPage { look: &visit.look, visit: &visit, texts, words, chosen, rows, next, turn }))
}

#[derive(Deserialize)]
struct Domain {
    project: ProjectId,
    name: String,
}

#[derive(Deserialize)]
struct Switch {
    project: ProjectId,
    name: String,
    off: bool,
}

fn done(project: ProjectId) -> Response {
    Redirect::to(&format!("{PATH}?project={project}&done")).into_response()
}

async fn add(State(app): State<App>, visit: Visit, Form(form): Form<Domain>) -> Answer {
    let permit = visit.permit(Scope::ProjectsWrite, form.project)?;
    let name = form.name.trim().to_lowercase();
    let wanted = SipDomainRequest { name, application: None, attributes: Map::new() };
    app.authority.create_sip_domain(&visit.ctx, &permit, wanted).await?;
    Ok(done(form.project))
}

async fn switch(State(app): State<App>, visit: Visit, Form(form): Form<Switch>) -> Answer {
    let permit = visit.permit(Scope::ProjectsWrite, form.project)?;
    let change = SipDomainChange { disabled: Some(form.off), ..SipDomainChange::default() };
    app.authority.change_sip_domain(&visit.ctx, &permit, SipDomainRef::named(form.name), change).await?;
    Ok(done(form.project))
}

async fn delete(State(app): State<App>, visit: Visit, Form(form): Form<Domain>) -> Answer {
    let permit = visit.permit(Scope::ProjectsWrite, form.project)?;
    app.authority.delete_sip_domain(&visit.ctx, &permit, SipDomainRef::named(form.name)).await?;
    Ok(done(form.project))
}

async fn show_turn(State(app): State<App>, visit: Visit) -> Answer {
    let permit = visit.caller().permit_installation()?;
    let found = app.authority.turn_secrets(&permit).await?;
    let texts = Texts::of(visit.language());
    let values = found.iter().flat_map(TurnSecrets::valid);
    let values = values.map(|secret| (texts.current, secret.expose().to_owned())).collect();
    Ok(once::show(&visit, texts.turn, values, texts.turn_about, PATH.to_owned()))
}

#[derive(Template)]
#[template(path = "console/turn.html")]
struct TurnPage<'a> {
    look: &'a Look,
    visit: &'a Visit,
    texts: &'static Texts,
    secret: TurnSecret,
}

async fn prepare(State(app): State<App>, visit: Visit) -> Answer {
    visit.caller().permit_installation()?;
    let secret = app.authority.fresh_turn_secret();
    let texts = Texts::of(visit.language());
    Ok(visit.show(&TurnPage { look: &visit.look, visit: &visit, texts, secret }))
}

#[derive(Deserialize)]
struct Adoption {
    secret: String,
}

async fn adopt(State(app): State<App>, visit: Visit, Form(form): Form<Adoption>) -> Answer {
    let permit = visit.caller().permit_installation()?;
    let secret = TurnSecret::parse(form.secret).ok_or(Fault::Malformed)?;
    app.authority.adopt_turn_secret(&visit.ctx, &permit, secret).await?;
    Ok(Redirect::to(&format!("{PATH}?done")).into_response())
}
