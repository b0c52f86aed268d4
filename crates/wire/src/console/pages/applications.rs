//! Applications of a project, which requests name by their publishable keys.

use std::fmt::Write as _;

use askama::Template;
use axum::{
    Form,
    extract::{Query, State},
    response::{IntoResponse as _, Redirect},
    routing::{get, post},
};
use ringfence_core::{
    application::{Alias, Application, ApplicationSettings},
    authority::ApplicationRequest,
    caller::Scope,
    entropy::{Entropy, random},
    ids::ProjectId,
};
use serde::Deserialize;

use super::{
    Change, Group, Page, application,
    list::{ASKED, Asked, next},
};
use crate::{
    app::App,
    console::{
        fault::Answer,
        visit::{Chosen, Visit},
    },
    looks::{Look, texts},
};

const PATH: &str = "/console/applications";
/// The scheme of publishable keys among the names of applications.
pub(super) const PUBLISHABLE_KEY: &str = "publishable_key";

pub(super) const PAGE: Page = Page {
    path: PATH,
    title: |language| Texts::of(language).title,
    group: Group::Configuration,
    views: &[(PATH, || get(show)), ("/console/applications/{project}/{application}", || get(application::show))],
    changes: &[
        Change::Shared("/console/applications/make", || post(make)),
        Change::Shared("/console/applications/configure", || post(application::configure)),
        Change::Shared("/console/applications/switch", || post(application::switch)),
        Change::Shared("/console/applications/key/add", || post(application::add_key)),
        Change::Shared("/console/applications/key/remove", || post(application::remove_key)),
        Change::Shared("/console/applications/issuer/trust", || post(application::trust)),
        Change::Shared("/console/applications/issuer/revoke", || post(application::revoke)),
    ],
};

texts! {
    /// The words of the pages about applications.
    Texts {
        title: "Applications", "Applications", "Applicazioni", "Anwendungen", "Aplicaciones";
        lead: "What requests come from: a widget, a site, an app. Each has its publishable keys, its ways to sign in and whom it trusts.",
            "D’où viennent les requêtes : un widget, un site, une appli. Chacune a ses clés publiables, ses modes de connexion et ceux à qui elle fait confiance.",
            "Da dove arrivano le richieste: un widget, un sito, un’app. Ognuna ha le sue chiavi pubblicabili, i suoi modi di accesso e di chi si fida.",
            "Woher Anfragen kommen: ein Widget, eine Seite, eine App. Jede hat ihre öffentlichen Schlüssel, ihre Anmeldewege und wem sie vertraut.",
            "De dónde vienen las peticiones: un widget, un sitio, una app. Cada una tiene sus claves publicables, sus formas de entrar y en quién confía.";
        name: "Name", "Nom", "Nome", "Name", "Nombre";
        id: "Id", "Identifiant", "Id", "Id", "Id";
        created: "Created", "Créée", "Creata", "Angelegt", "Creada";
        state: "State", "État", "Stato", "Zustand", "Estado";
        on: "on", "active", "attiva", "an", "activa";
        off: "switched off", "désactivée", "disattivata", "abgeschaltet", "desactivada";
        make: "New application", "Nouvelle application", "Nuova applicazione", "Neue Anwendung", "Aplicación nueva";
        switch_off: "Switch off", "Désactiver", "Disattiva", "Abschalten", "Desactivar";
        switch_on: "Switch on", "Activer", "Attiva", "Einschalten", "Activar";
        switch_question: "Switch it off? All its sessions end.", "La désactiver ? Toutes ses sessions prennent fin.",
            "Disattivarla? Tutte le sue sessioni finiscono.", "Abschalten? Alle ihre Sitzungen enden.",
            "¿Desactivarla? Todas sus sesiones terminan.";
        ways: "Ways to sign in", "Modes de connexion", "Modi di accesso", "Anmeldewege", "Formas de entrar";
        way_password: "Address and password", "Adresse et mot de passe", "Indirizzo e password", "Adresse und Passwort",
            "Dirección y contraseña";
        way_guest: "As a guest", "En invité", "Come ospite", "Als Gast", "Como invitado";
        way_assertion: "By a trusted issuer", "Par un émetteur de confiance", "Tramite un emittente fidato",
            "Durch einen vertrauten Aussteller", "Por un emisor de confianza";
        way_federated: "By an identity provider", "Par un fournisseur d’identité", "Tramite un provider di identità",
            "Durch einen Identitätsanbieter", "Por un proveedor de identidad";
        origins: "Origins of pages that may use it", "Origines des pages qui peuvent l’utiliser",
            "Origini delle pagine che possono usarla", "Ursprünge von Seiten, die sie benutzen dürfen",
            "Orígenes de las páginas que pueden usarla";
        origins_hint: "One a line, such as https://www.example.org; * means any.", "Une par ligne, p. ex. https://www.example.org ; * signifie toutes.",
            "Una per riga, ad es. https://www.example.org; * significa tutte.", "Einer je Zeile, etwa https://www.example.org; * heißt alle.",
            "Uno por línea, p. ej. https://www.example.org; * significa todos.";
        keys: "Publishable keys", "Clés publiables", "Chiavi pubblicabili", "Öffentliche Schlüssel", "Claves publicables";
        keys_about: "They stand in pages and are no secrets. To change one without a gap: add another, put it into your pages, then remove the old one.",
            "Elles figurent dans les pages et ne sont pas secrètes. Pour en changer sans interruption : ajoutez-en une, mettez-la dans vos pages, puis retirez l’ancienne.",
            "Stanno nelle pagine e non sono segrete. Per cambiarne una senza interruzioni: aggiungine un’altra, mettila nelle pagine, poi rimuovi la vecchia.",
            "Sie stehen in Seiten und sind nicht geheim. Zum Wechsel ohne Lücke: einen hinzufügen, in die Seiten setzen, dann den alten entfernen.",
            "Están en las páginas y no son secretas. Para cambiar una sin cortes: añada otra, póngala en sus páginas y quite la antigua.";
        other_names: "Other names", "Autres noms", "Altri nomi", "Weitere Namen", "Otros nombres";
        add_key: "Add a key", "Ajouter une clé", "Aggiungi una chiave", "Schlüssel hinzufügen", "Añadir una clave";
        remove: "Remove", "Retirer", "Rimuovi", "Entfernen", "Quitar";
        remove_question: "Remove this key? Pages that name it are refused.", "Retirer cette clé ? Les pages qui la nomment seront refusées.",
            "Rimuovere questa chiave? Le pagine che la nominano verranno rifiutate.", "Diesen Schlüssel entfernen? Seiten, die ihn nennen, werden abgewiesen.",
            "¿Quitar esta clave? Las páginas que la nombren serán rechazadas.";
        pair: "ApiRTC: apiKey and secret", "ApiRTC : apiKey et secret", "ApiRTC: apiKey e secret", "ApiRTC: apiKey und secret",
            "ApiRTC: apiKey y secret";
        pair_about: "What ApiRTC’s documentation calls apiKey is the publishable key. What it calls secret signs the tokens of your back end (HS256); it is shown once.",
            "Ce que la documentation d’ApiRTC appelle apiKey est la clé publiable. Ce qu’elle appelle secret signe les jetons de votre serveur (HS256) ; il n’est affiché qu’une fois.",
            "Ciò che la documentazione di ApiRTC chiama apiKey è la chiave pubblicabile. Ciò che chiama secret firma i token del vostro server (HS256); viene mostrato una volta.",
            "Was die Dokumentation von ApiRTC apiKey nennt, ist der öffentliche Schlüssel. Was sie secret nennt, signiert die Token Ihres Servers (HS256); es wird einmal gezeigt.",
            "Lo que la documentación de ApiRTC llama apiKey es la clave publicable. Lo que llama secret firma los tokens de su servidor (HS256); se muestra una vez.";
        new_secret: "New secret", "Nouveau secret", "Nuovo secret", "Neues Geheimnis", "Secret nuevo";
        overlap: "Older secrets count until you revoke them.", "Les secrets plus anciens restent valables jusqu’à leur révocation.",
            "I segreti precedenti valgono finché non vengono revocati.", "Ältere Geheimnisse gelten, bis Sie sie widerrufen.",
            "Los secretos anteriores valen hasta que los revoque.";
        issuers: "Trusted issuers", "Émetteurs de confiance", "Emittenti fidati", "Vertraute Aussteller", "Emisores de confianza";
        profile: "Form of its tokens", "Forme de ses jetons", "Forma dei suoi token", "Form seiner Token", "Forma de sus tokens";
        jwk: "Its public key as JWK, or nothing for a shared secret", "Sa clé publique en JWK, ou rien pour un secret partagé",
            "La sua chiave pubblica come JWK, o nulla per un segreto condiviso", "Sein öffentlicher Schlüssel als JWK, oder nichts für ein gemeinsames Geheimnis",
            "Su clave pública como JWK, o nada para un secreto compartido";
        trust: "Trust an issuer", "Faire confiance à un émetteur", "Fidati di un emittente", "Einem Aussteller vertrauen",
            "Confiar en un emisor";
        trusted: "trusted", "de confiance", "fidato", "vertraut", "de confianza";
        ended: "ended", "terminé", "terminato", "beendet", "terminado";
        revoke: "Revoke", "Révoquer", "Revoca", "Widerrufen", "Revocar";
        revoke_question: "Revoke it? What it signed ends now.", "Le révoquer ? Ce qu’il a signé prend fin maintenant.",
            "Revocarlo? Ciò che ha firmato finisce ora.", "Widerrufen? Was er signiert hat, endet jetzt.",
            "¿Revocarlo? Lo que firmó termina ahora.";
    }
}

#[derive(Template)]
#[template(path = "console/applications.html")]
struct ApplicationsPage<'a> {
    look: &'a Look,
    visit: &'a Visit,
    texts: &'static Texts,
    chosen: Chosen,
    rows: Vec<Application>,
    next: Option<String>,
}

async fn show(State(app): State<App>, visit: Visit, Query(asked): Query<Asked>) -> Answer {
    let chosen = visit.project(&app, asked.project.as_deref()).await?;
    let mut rows = match &chosen.project {
        None => Vec::new(),
        Some(project) => {
            app.authority.applications(&visit.permit(Scope::ProjectsRead, project.id)?, asked.after(), ASKED).await?
        }
    };
    let next = next(&mut rows, PATH, &chosen, "", |row| row.id);
    let texts = Texts::of(visit.language());
    Ok(visit.show(&ApplicationsPage { look: &visit.look, visit: &visit, texts, chosen, rows, next }))
}

#[derive(Deserialize)]
struct New {
    project: ProjectId,
    name: String,
}

/// A publishable key: a name that nobody else has, and no secret.
pub(super) fn fresh_key(entropy: &dyn Entropy) -> Alias {
    let value = random::<16>(entropy).iter().fold(String::new(), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    });
    Alias { scheme: PUBLISHABLE_KEY.to_owned(), value }
}

async fn make(State(app): State<App>, visit: Visit, Form(form): Form<New>) -> Answer {
    let permit = visit.permit(Scope::ProjectsWrite, form.project)?;
    let aliases = vec![fresh_key(app.authority.entropy().as_ref())];
    let wanted =
        ApplicationRequest { name: form.name.trim().to_owned(), settings: ApplicationSettings::default(), aliases };
    let made = app.authority.create_application(&visit.ctx, &permit, wanted).await?;
    Ok(Redirect::to(&application::address(form.project, made.id, true)).into_response())
}
