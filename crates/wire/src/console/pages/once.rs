//! A secret that was just made, shown this once: no list and no page has it later.

use askama::Template;
use axum::response::Response;

use crate::{
    console::visit::Visit,
    looks::{Look, texts},
};

texts! {
    /// The words of this page.
    Texts {
        once: "Copy it now: it is shown this once.", "Copiez-le maintenant : il n’est affiché qu’une fois.",
            "Copialo ora: viene mostrato solo questa volta.", "Jetzt kopieren: Es wird nur dieses eine Mal gezeigt.",
            "Cópielo ahora: solo se muestra esta vez.";
    }
}

#[derive(Template)]
#[template(path = "console/once.html")]
struct OncePage<'a> {
    look: &'a Look,
    visit: &'a Visit,
    texts: &'static Texts,
    title: &'a str,
    /// What each is called, and what it is.
    values: Vec<(&'a str, String)>,
    /// What is to be known about it.
    about: &'a str,
    back: String,
}

/// The page that shows `values` and leads `back`.
pub(super) fn show(visit: &Visit, title: &str, values: Vec<(&str, String)>, about: &str, back: String) -> Response {
    let texts = Texts::of(visit.language());
    visit.show(&OncePage { look: &visit.look, visit, texts, title, values, about, back })
}
