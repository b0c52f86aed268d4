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

use axum::{Router, routing::MethodRouter};

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
    /// What it shows, by path.
    pub(super) views: &'static [(&'static str, Taker)],
    /// The changes it takes, all by POST: each is refused to whoever may only read, unless it is about themselves.
    pub changes: &'static [Change],
}

/// What takes the requests to a path.
type Taker = fn() -> MethodRouter<App>;

impl Page {
    /// Everything that it answers: no change is taken that is not in the list.
    pub(super) fn routes(&self) -> Router<App> {
        let changes =
            self.changes.iter().map(|(Change::Shared(path, taker) | Change::Own(path, taker))| (*path, *taker));
        let all = self.views.iter().copied().chain(changes);
        all.fold(Router::new(), |router, (path, taker)| router.route(path, taker()))
    }
}

/// A change that a page takes.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    /// Of what everybody shares.
    Shared(&'static str, Taker),
    /// Of what only concerns whoever asks, such as their password.
    Own(&'static str, Taker),
}

impl Change {
    /// Where it is sent.
    pub const fn path(&self) -> &'static str {
        match self {
            Self::Shared(path, _) | Self::Own(path, _) => path,
        }
    }

    /// Whether it is about whoever asks alone.
    pub const fn is_own(&self) -> bool {
        matches!(self, Self::Own(..))
    }
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
