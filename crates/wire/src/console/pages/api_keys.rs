//! API keys of back ends: made and shown once, replaced while the old one still counts, revoked.

use askama::Template;
use axum::{
    Form,
    extract::{Query, State},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use ringfence_core::{
    authority::{ApiKeyRequest, MintedApiKey},
    caller::{Scope, ScopeSet},
    credential::Credential,
    ids::{CredentialId, ProjectId},
};
use serde::Deserialize;

use super::{
    Change, Group, Page,
    list::{ASKED, Asked, next},
    once,
};
use crate::{
    app::App,
    console::{
        fault::Answer,
        visit::{Chosen, Visit},
    },
    looks::{Look, texts},
};

const PATH: &str = "/console/api-keys";

pub(super) const PAGE: Page = Page {
    path: PATH,
    title: |language| Texts::of(language).title,
    group: Group::Configuration,
    views: &[(PATH, || get(show))],
    changes: &[
        Change::Shared("/console/api-keys/make", || post(make)),
        Change::Shared("/console/api-keys/replace", || post(replace)),
        Change::Shared("/console/api-keys/revoke", || post(revoke)),
    ],
};

texts! {
    /// The words of this page.
    Texts {
        title: "API keys", "Clés d’API", "Chiavi API", "API-Schlüssel", "Claves de API";
        lead: "For back ends. To change one without a gap: replace it, give the new one to the back end, then revoke the old one.",
            "Pour les serveurs. Pour en changer sans interruption : remplacez-la, donnez la nouvelle au serveur, puis révoquez l’ancienne.",
            "Per i server. Per cambiarne una senza interruzioni: sostituiscila, dai la nuova al server, poi revoca la vecchia.",
            "Für Server. Zum Wechsel ohne Lücke: ersetzen, dem Server den neuen geben, dann den alten widerrufen.",
            "Para servidores. Para cambiarla sin cortes: reemplácela, dé la nueva al servidor y luego revoque la antigua.";
        name: "Name", "Nom", "Nome", "Name", "Nombre";
        begins: "Begins with", "Commence par", "Inizia con", "Beginnt mit", "Empieza por";
        scopes: "Scopes", "Droits", "Diritti", "Rechte", "Permisos";
        created: "Created", "Créée", "Creata", "Angelegt", "Creada";
        state: "State", "État", "Stato", "Zustand", "Estado";
        counts: "counts", "valable", "valida", "gilt", "vale";
        over: "over", "terminée", "finita", "vorbei", "terminada";
        make: "New key", "Nouvelle clé", "Nuova chiave", "Neuer Schlüssel", "Clave nueva";
        replace: "Replace", "Remplacer", "Sostituisci", "Ersetzen", "Reemplazar";
        revoke: "Revoke", "Révoquer", "Revoca", "Widerrufen", "Revocar";
        question: "Revoke this key? Who uses it is refused from now on.", "Révoquer cette clé ? Qui l’utilise sera refusé dès maintenant.",
            "Revocare questa chiave? Chi la usa verrà rifiutato da subito.", "Diesen Schlüssel widerrufen? Wer ihn benutzt, wird ab sofort abgewiesen.",
            "¿Revocar esta clave? Quien la use será rechazado desde ahora.";
        old_counts: "The old key counts until you revoke it.", "L’ancienne clé reste valable jusqu’à ce que vous la révoquiez.",
            "La vecchia chiave vale finché non la revochi.", "Der alte Schlüssel gilt, bis Sie ihn widerrufen.",
            "La clave antigua vale hasta que la revoque.";
    }
}

#[derive(Template)]
#[template(path = "console/api_keys.html")]
struct KeysPage<'a> {
    look: &'a Look,
    visit: &'a Visit,
    texts: &'static Texts,
    chosen: Chosen,
    rows: Vec<Credential>,
    next: Option<String>,
}

async fn show(State(app): State<App>, visit: Visit, Query(asked): Query<Asked>) -> Answer {
    let chosen = visit.project(&app, asked.project.as_deref()).await?;
    let mut rows = match &chosen.project {
        None => Vec::new(),
        Some(project) => {
            app.authority.api_keys(&visit.permit(Scope::ProjectsRead, project.id)?, asked.after(), ASKED).await?
        }
    };
    let next = next(&mut rows, PATH, &chosen, "", |row| row.id);
    let texts = Texts::of(visit.language());
    Ok(visit.show(&KeysPage { look: &visit.look, visit: &visit, texts, chosen, rows, next }))
}

/// The scopes as people write them: one word each.
fn listed(scopes: &ScopeSet) -> String {
    scopes.iter().map(Scope::as_str).collect::<Vec<_>>().join(" ")
}

/// A form whose scopes are boxes, each under its own name with `on`.
#[derive(Deserialize)]
struct New {
    project: ProjectId,
    label: String,
    #[serde(flatten)]
    boxes: std::collections::BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Which {
    project: ProjectId,
    key: CredentialId,
}

async fn make(State(app): State<App>, visit: Visit, Form(form): Form<New>) -> Answer {
    let permit = visit.permit(Scope::CredentialsWrite, form.project)?;
    let scopes = form.boxes.keys().filter_map(|name| Scope::parse(name)).collect();
    let wanted = ApiKeyRequest { label: form.label, scopes, application: None, expires_at: None, value: None };
    let made = app.authority.create_api_key(&visit.ctx, &permit, wanted).await?;
    Ok(minted(&visit, form.project, &made, ""))
}

async fn replace(State(app): State<App>, visit: Visit, Form(form): Form<Which>) -> Answer {
    let permit = visit.permit(Scope::CredentialsWrite, form.project)?;
    let made = app.authority.replace_api_key(&visit.ctx, &permit, form.key).await?;
    Ok(minted(&visit, form.project, &made, Texts::of(visit.language()).old_counts))
}

fn minted(visit: &Visit, project: ProjectId, made: &MintedApiKey, about: &str) -> Response {
    let back = format!("{PATH}?project={project}&done");
    let values = vec![(made.credential.label.as_str(), made.value.expose().to_owned())];
    once::show(visit, Texts::of(visit.language()).make, values, about, back)
}

async fn revoke(State(app): State<App>, visit: Visit, Form(form): Form<Which>) -> Answer {
    let permit = visit.permit(Scope::CredentialsWrite, form.project)?;
    app.authority.revoke_api_key(&visit.ctx, &permit, form.key).await?;
    Ok(Redirect::to(&format!("{}?project={}&done", PATH, form.project)).into_response())
}
