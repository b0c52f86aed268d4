//! The pages of the console, one file each.
//!
//! To add one: a file with a constant `PAGE`, its template in `templates/console/`, and a line in [`ALL`].

mod account;
mod administrators;
mod api_keys;
mod application;
mod applications;
mod audit;
mod connections;
mod endpoints;
mod home;
mod keys;
mod list;
mod mails;
mod once;
mod plots;
mod projects;
mod relays;
mod sessions;
mod targets;
mod throttles;
mod user;
mod users;
mod webhooks;

use axum::Router;

use super::words::Words;
use crate::{app::App, looks::Language};

/// Every page, in the order of the navigation.
pub const ALL: &[Page] = &[
    home::PAGE,
    plots::PAGE,
    users::PAGE,
    sessions::PAGE,
    connections::PAGE,
    endpoints::PAGE,
    projects::PAGE,
    applications::PAGE,
    api_keys::PAGE,
    webhooks::PAGE,
    targets::PAGE,
    relays::PAGE,
    mails::PAGE,
    audit::PAGE,
    throttles::PAGE,
    keys::PAGE,
    administrators::PAGE,
    account::PAGE,
];

/// A page.
pub struct Page {
    /// Its path, which those of everything that belongs to it begin with.
    pub path: &'static str,
    /// What the navigation calls it.
    pub(super) title: fn(Language) -> &'static str,
    /// Where the navigation has it.
    pub(super) group: Group,
    /// What it answers.
    pub(super) routes: fn() -> Router<App>,
    /// The paths of the changes it takes, all by POST: each is refused to whoever may only read, unless it is about themselves.
    pub changes: &'static [Change],
}

/// A change that a page takes.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    /// Of what everybody shares.
    Shared(&'static str),
    /// Of what only concerns whoever asks, such as their password.
    Own(&'static str),
}

/// The headings of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    Overview,
    People,
    Configuration,
    Security,
    Installation,
}

impl Group {
    pub(super) const EACH: [Self; 5] =
        [Self::Overview, Self::People, Self::Configuration, Self::Security, Self::Installation];

    pub(super) const fn title(self, words: &Words) -> &'static str {
        match self {
            Self::Overview => words.overview,
            Self::People => words.people,
            Self::Configuration => words.configuration,
            Self::Security => words.security,
            Self::Installation => words.installation,
        }
    }
}
