//! What mails look like, in each language.

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    response::Html,
    routing::get,
};
use ringfence_core::error::{AuthError, Noun};
use serde::Deserialize;

use super::{Group, Page};
use crate::{
    app::App,
    console::{fault::Answer, visit::Visit},
    looks::{Language, Look, Policy, texts},
    mailbox::Letter,
};

const PATH: &str = "/console/mails";
/// Whom the samples speak for.
const SENDER: &str = "Example";

pub(super) const PAGE: Page = Page {
    path: PATH,
    title: |language| Texts::of(language).title,
    group: Group::Configuration,
    views: &[(PATH, || get(show)), ("/console/mails/{language}/{name}", || get(frame))],
    changes: &[],
};

texts! {
    /// The words of this page.
    Texts {
        title: "Mails", "Courriels", "E-mail", "Nachrichten", "Correos";
        lead: "What this server writes, with names of nobody. Who reads decides the language.",
            "Ce que ce serveur écrit, avec des noms de personne. La langue est celle du lecteur.",
            "Ciò che questo server scrive, con nomi di nessuno. La lingua è quella di chi legge.",
            "Was dieser Server schreibt, mit Namen von niemandem. Die Sprache bestimmt, wer liest.",
            "Lo que escribe este servidor, con nombres de nadie. El idioma es el de quien lee.";
        language: "Language of the mails", "Langue des courriels", "Lingua delle e-mail", "Sprache der Nachrichten", "Idioma de los correos";
        as_text: "As text", "En texte", "Come testo", "Als Text", "Como texto";
    }
}

#[derive(Template)]
#[template(path = "console/mails.html")]
struct MailsPage<'a> {
    look: &'a Look,
    visit: &'a Visit,
    texts: &'static Texts,
    language: Language,
    letters: Vec<(&'static str, Letter)>,
}

#[derive(Deserialize)]
struct Asked {
    language: Option<String>,
}

fn language(named: Option<&str>) -> Option<Language> {
    Language::EACH.into_iter().find(|language| Some(language.code()) == named)
}

fn letters(app: &App, language: Language) -> Vec<(&'static str, Letter)> {
    let letters = app.settings.letters.as_ref();
    letters.map(|letters| letters.samples(language.code(), SENDER)).unwrap_or_default()
}

async fn show(State(app): State<App>, visit: Visit, Query(asked): Query<Asked>) -> Answer {
    visit.view()?;
    let language = language(asked.language.as_deref()).unwrap_or(visit.language());
    let texts = Texts::of(visit.language());
    let letters = letters(&app, language);
    let page = MailsPage { look: &visit.look, visit: &visit, texts, language, letters };
    Ok(visit.look.show_under(Policy::SCRIPT_AND_FRAMES, &page))
}

/// The HTML of a mail for its frame, where it may do nothing.
async fn frame(State(app): State<App>, visit: Visit, Path((named, name)): Path<(String, String)>) -> Answer {
    visit.view()?;
    let found = language(Some(&named)).and_then(|language| {
        letters(&app, language).into_iter().find(|(own, _)| *own == name).map(|(_, letter)| letter.html)
    });
    let html = found.ok_or(AuthError::NotFound(Noun::Endpoint))?;
    Ok(Policy::FOREIGN.on(Html(html.replacen("<head>", "<head><base target=\"_blank\">", 1))))
}
