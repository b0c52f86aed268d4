//! What stands in the address of a request: names in the path, questions in the query, places in lists.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Path, Query};
use http::request::Parts;
use ringfence_core::{
    endpoint::{Listed, Window},
    error::{AuthError, Noun},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::{IntoParams, ToSchema};

use super::problem::Problem;
use crate::app::App;

/// Names in the path.
#[derive(Debug)]
pub(super) struct Named<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let read = Path::from_request_parts(parts, app).await;
        read.map(|Path(names)| Self(names)).map_err(|_| Problem::Path)
    }
}

/// A query of exactly the members that are known.
#[derive(Debug)]
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<App> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let read = Query::from_request_parts(parts, app).await;
        read.map(|Query(asked)| Self(asked)).map_err(|_| Problem::Query)
    }
}

/// The id that a text is; what is none names nothing.
pub(super) fn id<T: FromStr>(text: &str, noun: Noun) -> Result<T, AuthError> {
    text.parse().map_err(|_| AuthError::NotFound(noun))
}

/// Where a page of a list begins.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// `next` of the page before.
    after: Option<String>,
    /// Items on a page, 1 to 100.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// A page of a list.
#[derive(Serialize, ToSchema)]
pub(super) struct Listing<T> {
    items: Vec<T>,
    /// Where the next page begins, if there is one.
    next: Option<String>,
}

impl<T> Listing<T> {
    /// A list that is never long enough for pages.
    pub(super) const fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}

impl Page {
    /// A page that was asked for among other things.
    pub(super) const fn new(after: Option<String>, limit: Option<u32>) -> Self {
        Self { after, limit }
    }

    /// The part of a list that has no ids to go on from: its cursors count.
    pub(super) fn window(&self, app: &App, list: &str) -> Result<Window, Problem> {
        Ok(Window { offset: self.after(app, list)?.unwrap_or(0), limit: self.limit()? })
    }

    /// The page of such a part.
    pub(super) fn part<F, T>(
        app: &App,
        list: &str,
        window: Window,
        found: Listed<F>,
        shown: impl FnMut(F) -> T,
    ) -> Listing<T> {
        let end = window.offset + found.items.len() as u64;
        let next = (end < found.total).then(|| app.authority.cursor(list, &end.to_string()));
        Listing { items: found.items.into_iter().map(shown).collect(), next }
    }

    /// How many items at most.
    pub(super) fn limit(&self) -> Result<u32, Problem> {
        match self.limit {
            None => Ok(20),
            Some(limit @ 1..=100) => Ok(limit),
            Some(_) => Err(Problem::Query),
        }
    }

    /// After which item of this list the page begins.
    pub(super) fn after<T: FromStr>(&self, app: &App, list: &str) -> Result<Option<T>, Problem> {
        let read = |cursor: &String| app.authority.position(list, cursor)?.parse().ok();
        self.after.as_ref().map(|cursor| read(cursor).ok_or(Problem::Cursor)).transpose()
    }

    /// The page of what was found, whose last item stands at `position`.
    pub(super) fn of<F, T>(
        &self,
        app: &App,
        list: &str,
        found: Vec<F>,
        position: impl Fn(&F) -> String,
        shown: impl FnMut(F) -> T,
    ) -> Result<Listing<T>, Problem> {
        let full = found.len() == self.limit()? as usize;
        let next = found.last().filter(|_| full).map(|last| app.authority.cursor(list, &position(last)));
        Ok(Listing { items: found.into_iter().map(shown).collect(), next })
    }
}
