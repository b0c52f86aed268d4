//! Webhooks: servers that are told of security events, what they were told, and telling them again.

use askama::Template;
use axum::{
    Form,
    extract::{Path, Query, State},
    response::{IntoResponse as _, Redirect},
    routing::{get, post},
};
use ringfence_core::{
    authority::{WebhookChange, WebhookRequest},
    caller::Scope,
    error::{AuthError, Noun},
    ids::{EventId, ProjectId, WebhookId},
    outbox::{EventKind, OutboxEvent},
    project::Project,
    webhook::{Delivery, DeliveryState, Webhook},
};
use serde::Deserialize;

use super::{
    Change, Group, Page,
    list::{ASKED, Asked, next_at},
    once, projects,
};
use crate::{
    app::App,
    console::{
        fault::Answer,
        visit::{Chosen, Visit},
    },
    looks::{Look, texts},
};

const PATH: &str = "/console/webhooks";

pub(super) const PAGE: Page = Page {
    path: PATH,
    title: |language| Texts::of(language).title,
    group: Group::Configuration,
    views: &[(PATH, || get(show)), ("/console/webhooks/{project}/{webhook}", || get(show_deliveries))],
    changes: &[
        Change::Shared("/console/webhooks/make", || post(make)),
        Change::Shared("/console/webhooks/switch", || post(switch)),
        Change::Shared("/console/webhooks/delete", || post(delete)),
        Change::Shared("/console/webhooks/replay", || post(replay)),
    ],
};

texts! {
    /// The words of these pages.
    Texts {
        title: "Webhooks", "Webhooks", "Webhook", "Webhooks", "Webhooks";
        lead: "Servers that are told of security events by signed requests. What fails is tried again for about a day, then given up.",
            "Des serveurs informés des événements de sécurité par des requêtes signées. Ce qui échoue est retenté environ un jour, puis abandonné.",
            "Server informati degli eventi di sicurezza con richieste firmate. Ciò che non riesce si ritenta per circa un giorno, poi si abbandona.",
            "Server, die durch signierte Anfragen von Sicherheitsereignissen erfahren. Was scheitert, wird etwa einen Tag lang wiederholt, dann aufgegeben.",
            "Servidores que conocen los eventos de seguridad por peticiones firmadas. Lo que falla se reintenta durante un día, luego se abandona.";
        one: "Webhook", "Webhook", "Webhook", "Webhook", "Webhook";
        url: "Address", "Adresse", "Indirizzo", "Adresse", "Dirección";
        url_hint: "HTTPS, and not in a private network unless the operator allows that.",
            "HTTPS, et pas dans un réseau privé sauf si l’exploitant le permet.",
            "HTTPS, e non in una rete privata a meno che il gestore lo permetta.",
            "HTTPS, und nicht in einem privaten Netz, außer der Betreiber erlaubt das.",
            "HTTPS, y no en una red privada salvo que el operador lo permita.";
        events: "Events", "Événements", "Eventi", "Ereignisse", "Eventos";
        every: "all", "tous", "tutti", "alle", "todos";
        events_hint: "None chosen means all.", "Aucun choisi : tous.", "Nessuno scelto: tutti.", "Keines gewählt: alle.",
            "Ninguno elegido: todos.";
        paused: "paused until", "en pause jusqu’à", "in pausa fino a", "pausiert bis", "en pausa hasta";
        make: "New webhook", "Nouveau webhook", "Nuovo webhook", "Neuer Webhook", "Webhook nuevo";
        secret: "Signing secret", "Secret de signature", "Segreto di firma", "Signaturgeheimnis", "Secreto de firma";
        secret_about: "The server verifies requests with it, as Standard Webhooks has it.",
            "Le serveur vérifie les requêtes avec, selon Standard Webhooks.",
            "Il server verifica con esso le richieste, secondo Standard Webhooks.",
            "Damit prüft der Server Anfragen, wie es Standard Webhooks vorsieht.",
            "El servidor verifica con él las peticiones, según Standard Webhooks.";
        delete: "Delete", "Supprimer", "Elimina", "Löschen", "Eliminar";
        question: "Delete this webhook, with everything that it was still to be told?",
            "Supprimer ce webhook, avec tout ce qui devait encore lui être dit ?",
            "Eliminare questo webhook, con tutto ciò che doveva ancora ricevere?",
            "Diesen Webhook löschen, mit allem, was ihm noch mitzuteilen war?",
            "¿Eliminar este webhook, con todo lo que aún debía recibir?";
        switch_question: "Switch it off? What happens until it is on again is not told to it.",
            "Le désactiver ? Ce qui se passe avant sa réactivation ne lui sera pas dit.",
            "Disattivarlo? Ciò che accade fino alla riattivazione non gli viene detto.",
            "Abschalten? Was bis zum Einschalten geschieht, wird ihm nicht mitgeteilt.",
            "¿Desactivarlo? Lo que ocurra hasta que se active no se le dirá.";
        deliveries: "Deliveries", "Envois", "Consegne", "Zustellungen", "Entregas";
        deliveries_about: "Newest first; kept for a week after they ended.", "Du plus récent au plus ancien ; gardés une semaine après leur fin.",
            "Dalla più recente; conservate una settimana dopo la fine.", "Neueste zuerst; eine Woche nach ihrem Ende aufbewahrt.",
            "De la más reciente a la más antigua; se guardan una semana tras su fin.";
        which: "Which", "Lesquels", "Quali", "Welche", "Cuáles";
        any: "All", "Tous", "Tutte", "Alle", "Todas";
        only_dead: "Only those given up", "Seulement les abandonnés", "Solo quelle abbandonate", "Nur aufgegebene",
            "Solo las abandonadas";
        event: "Event", "Événement", "Evento", "Ereignis", "Evento";
        not_kept: "not kept any more", "n’est plus gardé", "non più conservato", "nicht mehr aufbewahrt", "ya no se guarda";
        pending: "pending", "en attente", "in attesa", "ausstehend", "pendiente";
        delivered: "delivered", "livré", "consegnato", "zugestellt", "entregado";
        dead: "given up", "abandonné", "abbandonato", "aufgegeben", "abandonado";
        attempts: "Attempts", "Essais", "Tentativi", "Versuche", "Intentos";
        answer: "Last answer", "Dernière réponse", "Ultima risposta", "Letzte Antwort", "Última respuesta";
        when: "Ended, or due", "Fin, ou prévu", "Fine, o previsto", "Beendet oder fällig", "Fin, o previsto";
        replay: "Tell again", "Redire", "Ripeti", "Erneut zustellen", "Repetir";
        replay_dead: "Tell again all that was given up", "Redire tout ce qui fut abandonné", "Ripeti tutto ciò che fu abbandonato",
            "Alles Aufgegebene erneut zustellen", "Repetir todo lo abandonado";
    }
}

impl Texts {
    /// Where a delivery stands, with the class of its badge.
    const fn of_state(&self, delivery: &Delivery) -> (&'static str, &'static str) {
        match delivery.state() {
            DeliveryState::Pending => (self.pending, ""),
            DeliveryState::Delivered => (self.delivered, "good"),
            DeliveryState::Dead => (self.dead, "bad"),
        }
    }
}

#[derive(Template)]
#[template(path = "console/webhooks.html")]
struct WebhooksPage<'a> {
    look: &'a Look,
    visit: &'a Visit,
    texts: &'static Texts,
    words: &'static projects::Texts,
    chosen: Chosen,
    rows: Vec<Webhook>,
}

/// What a webhook is told of, as people write it.
fn listed(webhook: &Webhook, texts: &Texts) -> String {
    if webhook.kinds.is_empty() {
        return texts.every.to_owned();
    }
    webhook.kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(" ")
}

async fn show(State(app): State<App>, visit: Visit, Query(asked): Query<Asked>) -> Answer {
    let chosen = visit.project(&app, asked.project.as_deref()).await?;
    let rows = match &chosen.project {
        None => Vec::new(),
        Some(project) => app.authority.webhooks(&visit.permit(Scope::ProjectsRead, project.id)?).await?,
    };
    let language = visit.language();
    let (texts, words) = (Texts::of(language), projects::Texts::of(language));
    Ok(visit.show(&WebhooksPage { look: &visit.look, visit: &visit, texts, words, chosen, rows }))
}

/// A form whose kinds of events are boxes, each under its own name with `on`.
#[derive(Deserialize)]
struct New {
    project: ProjectId,
    url: String,
    #[serde(flatten)]
    boxes: std::collections::BTreeMap<String, String>,
}

async fn make(State(app): State<App>, visit: Visit, Form(form): Form<New>) -> Answer {
    let permit = visit.permit(Scope::ProjectsWrite, form.project)?;
    let kinds = form.boxes.keys().filter_map(|name| EventKind::parse(name)).collect();
    let wanted = WebhookRequest { url: form.url.trim().to_owned(), kinds, secret: None };
    let (_, secret) = app.authority.create_webhook(&visit.ctx, &permit, wanted).await?;
    let texts = Texts::of(visit.language());
    let values = vec![(texts.secret, secret.text().expose().to_owned())];
    let back = format!("{PATH}?project={}&done", form.project);
    Ok(once::show(&visit, texts.make, values, texts.secret_about, back))
}

#[derive(Deserialize)]
struct Switch {
    project: ProjectId,
    webhook: WebhookId,
    off: bool,
}

async fn switch(State(app): State<App>, visit: Visit, Form(form): Form<Switch>) -> Answer {
    let permit = visit.permit(Scope::ProjectsWrite, form.project)?;
    let change = WebhookChange { enabled: Some(!form.off), ..WebhookChange::default() };
    app.authority.change_webhook(&visit.ctx, &permit, form.webhook, change).await?;
    Ok(Redirect::to(&format!("{PATH}/{}/{}?done", form.project, form.webhook)).into_response())
}

#[derive(Deserialize)]
struct Which {
    project: ProjectId,
    webhook: WebhookId,
}

async fn delete(State(app): State<App>, visit: Visit, Form(form): Form<Which>) -> Answer {
    let permit = visit.permit(Scope::ProjectsWrite, form.project)?;
    app.authority.delete_webhook(&visit.ctx, &permit, form.webhook).await?;
    Ok(Redirect::to(&format!("{PATH}?project={}&done", form.project)).into_response())
}

#[derive(Template)]
#[template(path = "console/webhook.html")]
struct DeliveriesPage<'a> {
    look: &'a Look,
    visit: &'a Visit,
    texts: &'static Texts,
    words: &'static projects::Texts,
    project: Project,
    webhook: Webhook,
    dead: bool,
    rows: Vec<(Delivery, Option<OutboxEvent>)>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Part {
    dead: Option<String>,
    after: Option<String>,
}

async fn show_deliveries(
    State(app): State<App>,
    visit: Visit,
    Path((project, id)): Path<(ProjectId, WebhookId)>,
    Query(part): Query<Part>,
) -> Answer {
    let (authority, permit) = (&app.authority, visit.permit(Scope::ProjectsRead, project)?);
    let mut all = authority.webhooks(&permit).await?.into_iter();
    let webhook = all.find(|webhook| webhook.id == id).ok_or(AuthError::NotFound(Noun::Webhook))?;
    let dead = part.dead.is_some_and(|dead| dead == "true");
    let before: Option<EventId> = part.after.and_then(|after| after.parse().ok());
    let mut rows = authority.deliveries(&permit, id, dead, before, ASKED).await?;
    let next = next_at(&mut rows, &format!("{PATH}/{project}/{id}?dead={dead}&"), |(delivery, _)| delivery.event);
    let language = visit.language();
    let page = DeliveriesPage {
        look: &visit.look,
        visit: &visit,
        texts: Texts::of(language),
        words: projects::Texts::of(language),
        project: authority.project(&permit).await?,
        webhook,
        dead,
        rows,
        next,
    };
    Ok(visit.show(&page))
}

/// One event, or everything that was given up.
#[derive(Deserialize)]
struct Replay {
    project: ProjectId,
    webhook: WebhookId,
    event: Option<EventId>,
}

async fn replay(State(app): State<App>, visit: Visit, Form(form): Form<Replay>) -> Answer {
    let permit = visit.permit(Scope::ProjectsWrite, form.project)?;
    app.authority.replay_deliveries(&visit.ctx, &permit, form.webhook, form.event).await?;
    Ok(Redirect::to(&format!("{PATH}/{}/{}?done", form.project, form.webhook)).into_response())
}
