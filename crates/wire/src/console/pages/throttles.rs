//! Who has to wait after too many failures, and letting them off.

use askama::Template;
use axum::{
    Form,
    extract::State,
    response::{IntoResponse as _, Redirect},
    routing::{get, post},
};
use ringfence_core::{
    caller::Scope,
    throttle::{ThrottleKey, Waiting},
};
use serde::Deserialize;

use super::{Change, Group, Page};
use crate::{
    app::App,
    console::{fault::Answer, visit::Visit},
    looks::{Look, texts},
};

/// The longest waits are shown.
const SHOWN: u32 = 200;

pub(super) const PAGE: Page = Page {
    path: "/console/throttled",
    title: |language| Texts::of(language).title,
    group: Group::Security,
    views: &[("/console/throttled", || get(show))],
    changes: &[Change::Shared("/console/throttled", || post(let_off))],
};

texts! {
    /// The words of this page.
    Texts {
        title: "Throttled", "Ralentis", "Rallentati", "Gebremst", "Frenados";
        lead: "Who has to wait after too many failures. Names are shown as digests only.",
            "Qui doit attendre après trop d’échecs. Les noms ne sont montrés que par leur empreinte.",
            "Chi deve attendere dopo troppi errori. I nomi sono mostrati solo come impronta.",
            "Wer nach zu vielen Fehlversuchen warten muss. Namen werden nur als Prüfsumme gezeigt.",
            "Quién debe esperar tras demasiados fallos. Los nombres solo se muestran como huella.";
        what: "What", "Quoi", "Che cosa", "Was", "Qué";
        failures: "Failures", "Échecs", "Errori", "Fehlversuche", "Fallos";
        until: "Until", "Jusqu’à", "Fino a", "Bis", "Hasta";
        let_off: "Let off", "Libérer", "Libera", "Freigeben", "Liberar";
    }
}

#[derive(Template)]
#[template(path = "console/throttled.html")]
struct ThrottledPage<'a> {
    look: &'a Look,
    visit: &'a Visit,
    texts: &'static Texts,
    rows: Vec<Waiting>,
}

#[derive(Deserialize)]
struct Which {
    key: String,
}

async fn show(State(app): State<App>, visit: Visit) -> Answer {
    let permit = visit.permit_installation(Scope::IdentitiesRead)?;
    let rows = app.authority.waiting(&visit.ctx, &permit, SHOWN).await?;
    Ok(visit.show(&ThrottledPage { look: &visit.look, visit: &visit, texts: Texts::of(visit.language()), rows }))
}

async fn let_off(State(app): State<App>, visit: Visit, Form(form): Form<Which>) -> Answer {
    let permit = visit.permit_installation(Scope::IdentitiesWrite)?;
    app.authority.let_off(&visit.ctx, &permit, ThrottleKey::stored(form.key)).await?;
    Ok(Redirect::to("/console/throttled?done").into_response())
}
