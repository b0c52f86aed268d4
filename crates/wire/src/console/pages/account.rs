//! Somebody's own account at the console: password, factors, sessions.

use askama::Template;
use axum::{
    Form,
    extract::State,
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use ringfence_core::{
    administrator::{ConsoleSession, MIN_PASSWORD, Passkey},
    ids::{ConsoleSessionId, PasskeyId},
    secret::{Password, RawToken},
};
use serde::Deserialize;

use super::{Change, Group, Page};
use crate::{
    app::App,
    console::{
        begin::{RecoveryPage, qr},
        fault::Answer,
        passkey::{NewPasskey, party},
        visit::Visit,
    },
    looks::{Look, texts},
};

pub(super) const PAGE: Page = Page {
    path: "/console/account",
    title: |language| Texts::of(language).title,
    group: Group::Installation,
    views: &[("/console/account", || get(show)), ("/console/account/totp", || get(show_totp))],
    changes: &[
        Change::Own("/console/account/password", || post(change_password)),
        Change::Own("/console/account/totp", || post(replace_totp)),
        Change::Own("/console/account/totp/remove", || post(remove_totp)),
        Change::Own("/console/account/passkey", || post(add_passkey)),
        Change::Own("/console/account/passkey/remove", || post(remove_passkey)),
        Change::Own("/console/account/recovery", || post(renew_recovery)),
        Change::Own("/console/account/session", || post(end_session)),
    ],
};

texts! {
    /// The words of this page.
    Texts {
        title: "Your account", "Votre compte", "Il tuo account", "Ihr Konto", "Su cuenta";
        generator: "Generator of one-time codes", "Générateur de codes à usage unique", "Generatore di codici monouso",
            "Generator für Einmalcodes", "Generador de códigos de un solo uso";
        enrolled: "enrolled", "enregistré", "registrato", "eingerichtet", "registrado";
        not_enrolled: "not enrolled", "non enregistré", "non registrato", "nicht eingerichtet", "no registrado";
        new_generator: "Enrol a new one", "En enregistrer un nouveau", "Registrane uno nuovo", "Neuen einrichten",
            "Registrar uno nuevo";
        remove: "Remove", "Retirer", "Rimuovi", "Entfernen", "Quitar";
        passkeys: "Passkeys", "Clés d’accès", "Passkey", "Passkeys", "Llaves de acceso";
        added: "Added", "Ajoutée", "Aggiunta", "Hinzugefügt", "Añadida";
        used: "Last used", "Dernier usage", "Ultimo uso", "Zuletzt benutzt", "Último uso";
        never: "never", "jamais", "mai", "nie", "nunca";
        left: "Recovery codes left", "Codes de secours restants", "Codici di recupero rimasti",
            "Übrige Wiederherstellungscodes", "Códigos de recuperación restantes";
        renew: "Make new recovery codes", "Faire de nouveaux codes de secours", "Crea nuovi codici di recupero",
            "Neue Wiederherstellungscodes", "Hacer códigos de recuperación nuevos";
        change_password: "Change password", "Changer le mot de passe", "Cambia password", "Passwort ändern",
            "Cambiar contraseña";
        sessions: "Your sessions", "Vos sessions", "Le tue sessioni", "Ihre Sitzungen", "Sus sesiones";
        began: "Began", "Début", "Inizio", "Beginn", "Inicio";
        seen: "Last seen", "Dernière activité", "Ultima attività", "Zuletzt gesehen", "Última actividad";
        by: "Proved by", "Prouvé par", "Provato con", "Bewiesen durch", "Probado con";
        this_one: "this one", "celle-ci", "questa", "diese", "esta";
        end: "End", "Fermer", "Chiudi", "Beenden", "Cerrar";
        others_end: "Your other sessions end with each of these changes.", "Vos autres sessions se ferment à chacun de ces changements.",
            "Le altre tue sessioni terminano a ognuna di queste modifiche.",
            "Bei jeder dieser Änderungen enden Ihre anderen Sitzungen.",
            "Sus otras sesiones terminan con cada uno de estos cambios.";
    }
}

#[derive(Template)]
#[template(path = "console/account.html")]
struct AccountPage<'a> {
    look: &'a Look,
    visit: &'a Visit,
    texts: &'static Texts,
    totp: bool,
    codes: u32,
    passkeys: Vec<Passkey>,
    sessions: Vec<ConsoleSession>,
    least: String,
    user: String,
    challenge: String,
    party: String,
}

#[derive(Template)]
#[template(path = "console/totp.html")]
struct TotpPage<'a> {
    look: &'a Look,
    visit: &'a Visit,
    texts: &'static Texts,
    qr: String,
    seed: String,
}

#[derive(Deserialize)]
struct Confirming {
    #[serde(default)]
    password: String,
}

#[derive(Deserialize)]
struct NewPassword {
    #[serde(default)]
    password: String,
    #[serde(default)]
    new_password: String,
}

#[derive(Deserialize)]
struct NewTotp {
    #[serde(default)]
    password: String,
    #[serde(default)]
    code: String,
}

#[derive(Deserialize)]
struct ConfirmedPasskey {
    #[serde(default)]
    password: String,
    // Not flattened: numbers in forms are text then.
    #[serde(default)]
    name: String,
    client_data: String,
    authenticator_data: String,
    public_key: String,
    alg: i64,
}

#[derive(Deserialize)]
struct WhichPasskey {
    id: PasskeyId,
    #[serde(default)]
    password: String,
}

#[derive(Deserialize)]
struct WhichSession {
    id: ConsoleSessionId,
}

async fn show(State(app): State<App>, visit: Visit) -> Answer {
    let (totp, codes, passkeys) = app.authority.own_factors(&visit.console).await?;
    let page = AccountPage {
        look: &visit.look,
        visit: &visit,
        texts: Texts::of(visit.language()),
        totp,
        codes,
        passkeys,
        sessions: app.authority.own_console_sessions(&visit.console).await?,
        least: visit.words.least.replace("{}", &MIN_PASSWORD.to_string()),
        user: visit.console.administrator.id.short(),
        challenge: app.authority.passkey_challenge(&visit.ctx, Some(visit.console.session.id))?,
        party: party(&app.settings.public_url).id,
    };
    Ok(visit.show(&page))
}

fn done() -> Response {
    Redirect::to("/console/account?done").into_response()
}

async fn change_password(State(app): State<App>, visit: Visit, Form(form): Form<NewPassword>) -> Answer {
    let confirmed = visit.confirm(&app, form.password).await?;
    app.authority.change_own_password(&visit.ctx, &confirmed, Password::new(form.new_password)).await?;
    Ok(done())
}

async fn show_totp(State(app): State<App>, visit: Visit) -> Answer {
    let seed = app.authority.new_totp(&visit.ctx, &visit.console).await?;
    let party = party(&app.settings.public_url).id;
    let page = TotpPage {
        look: &visit.look,
        visit: &visit,
        texts: Texts::of(visit.language()),
        qr: qr(&seed, &visit.console.administrator.name, &party)?,
        seed: seed.base32(),
    };
    Ok(visit.show(&page))
}

async fn replace_totp(State(app): State<App>, visit: Visit, Form(form): Form<NewTotp>) -> Answer {
    let confirmed = visit.confirm(&app, form.password).await?;
    app.authority.replace_totp(&visit.ctx, &confirmed, &form.code).await?;
    Ok(done())
}

async fn remove_totp(State(app): State<App>, visit: Visit, Form(form): Form<Confirming>) -> Answer {
    let confirmed = visit.confirm(&app, form.password).await?;
    app.authority.remove_totp(&visit.ctx, &confirmed).await?;
    Ok(done())
}

async fn add_passkey(State(app): State<App>, visit: Visit, Form(form): Form<ConfirmedPasskey>) -> Answer {
    let confirmed = visit.confirm(&app, form.password).await?;
    let ConfirmedPasskey { name, client_data, authenticator_data, public_key, alg, .. } = form;
    let new = NewPasskey { name, client_data, authenticator_data, public_key, alg }.try_into()?;
    app.authority.add_passkey(&visit.ctx, &confirmed, &new, &party(&app.settings.public_url)).await?;
    Ok(done())
}

async fn remove_passkey(State(app): State<App>, visit: Visit, Form(form): Form<WhichPasskey>) -> Answer {
    let confirmed = visit.confirm(&app, form.password).await?;
    app.authority.remove_passkey(&visit.ctx, &confirmed, form.id).await?;
    Ok(done())
}

async fn renew_recovery(State(app): State<App>, visit: Visit, Form(form): Form<Confirming>) -> Answer {
    let confirmed = visit.confirm(&app, form.password).await?;
    let codes = app.authority.renew_recovery_codes(&visit.ctx, &confirmed).await?;
    let codes = codes.iter().map(RawToken::expose).collect();
    Ok(visit.show(&RecoveryPage { look: &visit.look, words: visit.words, codes }))
}

async fn end_session(State(app): State<App>, visit: Visit, Form(form): Form<WhichSession>) -> Answer {
    app.authority.end_own_console_session(&visit.ctx, &visit.console, form.id).await?;
    Ok(done())
}
