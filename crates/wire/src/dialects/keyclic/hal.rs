//! Answers in HAL: a media type, links with templates, pages.

use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};
use ringfence_core::{
    error::{AuthError, Noun, Rule},
    time::Timestamp,
};
use serde_json::{Map, Value, json};

use super::error::Refusal;

/// The media type of nearly everything.
pub(super) const HAL: HeaderValue = HeaderValue::from_static("application/hal+json;charset=UTF-8");

/// An answer in HAL.
pub(super) fn hal(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, HAL)], body.to_string()).into_response()
}

/// A link to a resource that has one parameter.
pub(super) fn link(href: &str, parameter: &str, value: &dyn std::fmt::Display) -> Value {
    json!({ "href": href, "iriTemplate": { "mapping": { parameter: value.to_string() } } })
}

/// A moment as its clients read it: seconds and an offset.
pub(super) fn date(moment: Timestamp) -> String {
    let text = moment.rfc3339();
    format!("{}+00:00", text.split('.').next().unwrap_or_default())
}

/// The answer to a path or a method that is not here.
pub(super) async fn nothing_here() -> Refusal {
    AuthError::NotFound(Noun::Endpoint).into()
}

/// Which page is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paging {
    page: u32,
    limit: u32,
}

/// Pages are never larger.
const MOST: u32 = 50;

impl Paging {
    /// Reads `page` (default 1) and `limit` (default 10) of a query; anything else in it is let be.
    pub(super) fn of(query: Option<&str>) -> Result<Self, AuthError> {
        let mut paging = Self { page: 1, limit: 10 };
        for (name, value) in query.unwrap_or_default().split('&').filter_map(|pair| pair.split_once('=')) {
            let number = || value.parse::<u32>().ok().filter(|number| *number > 0);
            match name {
                "page" => paging.page = number().ok_or(AuthError::invalid("page", Rule::Malformed))?,
                "limit" => paging.limit = number().ok_or(AuthError::invalid("limit", Rule::Malformed))?.min(MOST),
                _ => {}
            }
        }
        Ok(paging)
    }

    /// How many come before this page.
    pub(super) const fn skip(self) -> u32 {
        (self.page - 1).saturating_mul(self.limit)
    }

    /// How many are on it.
    pub(super) const fn limit(self) -> u32 {
        self.limit
    }

    /// A page in the words of both generations.
    pub(super) fn page(self, path: &str, items: &[Value], total: u32) -> Value {
        let pages = total.div_ceil(self.limit).max(1);
        let href = |page: u32| json!({ "href": format!("{path}?page={page}&limit={}", self.limit) });
        let mut links = Map::new();
        for (name, page) in [("self", self.page), ("first", 1), ("last", pages)] {
            links.insert(name.to_owned(), href(page));
        }
        if self.page < pages {
            links.insert("next".to_owned(), href(self.page + 1));
        }
        if self.page > 1 {
            links.insert("previous".to_owned(), href((self.page - 1).min(pages)));
        }
        json!({
            "page": self.page,
            "limit": self.limit,
            "pages": pages,
            "total": total,
            "itemsPerPage": self.limit,
            "totalItems": total,
            "_links": links,
            "_embedded": { "items": items, "item": items },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n91_a_page_is_a_small_number_or_a_refusal() {
        let read = |query: &str| Paging::of(Some(query)).map(|paging| (paging.skip(), paging.limit())).ok();
        assert_eq!(read(""), Some((0, 10)));
        assert_eq!(read("page=3&limit=20&other=x"), Some((40, 20)));
        assert_eq!(read("limit=1000"), Some((0, 50)));
        assert_eq!(read("page=4294967295&limit=50"), Some((u32::MAX, 50)));
        for bad in ["page=0", "page=-1", "limit=x", "page=1%20OR%201=1", "page=", "page=99999999999"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn dates_have_seconds_and_an_offset() {
        assert_eq!(date(Timestamp::from_millis(1_519_725_600_999)), "2018-02-27T10:00:00+00:00");
    }
}
