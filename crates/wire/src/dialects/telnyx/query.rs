//! Queries of lists: pages, filters, order (sheet, 1.1).

use axum::extract::{FromRequestParts, Query as Pairs};
use http::request::Parts;
use ringfence_core::endpoint::{EndpointFilter, GroupFilter, GroupKey, GroupNumber, GroupOrder, Listed, Window};

use super::error::{Fault, Refusal};
use crate::app::App;

/// The parameters of a query; the last of the same name counts, unknown ones are ignored.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl FromRequestParts<App> for Query {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let pairs = Pairs::from_request_parts(parts, app).await;
        let Pairs(pairs) = pairs.map_err(|_| Refusal::of_query(Fault::of_parameter("", "The query is malformed.")))?;
        Ok(Self(pairs))
    }
}

/// Which page of a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    /// From 1 on.
    pub(super) number: u64,
    pub(super) size: u32,
}

impl Page {
    /// The part of the list that is on the page.
    pub(super) fn window(self) -> Window {
        Window { offset: (self.number - 1).saturating_mul(u64::from(self.size)), limit: self.size }
    }
}

const LARGEST_PAGE: u64 = 250;

impl Query {
    fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().rev().find(|(given, _)| given == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    fn owned(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    fn number(&self, name: &str, default: u64, most: u64) -> Result<u64, Refusal> {
        let Some(text) = self.get(name) else { return Ok(default) };
        // Digits only: `parse` would take a sign.
        let number = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        number.filter(|number| (1..=most).contains(number)).ok_or_else(|| refusal(name))
    }

    /// The page asked for.
    pub(super) fn page(&self, default_size: u32) -> Result<Page, Refusal> {
        let number = self.number("page[number]", 1, u64::MAX)?;
        let size = self.number("page[size]", u64::from(default_size), LARGEST_PAGE)?;
        Ok(Page { number, size: u32::try_from(size).unwrap_or(default_size) })
    }

    /// The order of connections: the newest first unless another one is asked for.
    pub(super) fn order(&self) -> Result<GroupOrder, Refusal> {
        let Some(text) = self.get("sort") else { return Ok(GroupOrder::NEWEST_FIRST) };
        let by = match text.strip_prefix('-').unwrap_or(text) {
            "created_at" => GroupKey::Age,
            "connection_name" => GroupKey::Name,
            "active" => GroupKey::Active,
            _ => return Err(refusal("sort")),
        };
        Ok(GroupOrder { by, descending: text.starts_with('-') })
    }

    /// Which connections; `None` where none can match: ours have no domain name.
    pub(super) fn connections(&self) -> Option<GroupFilter> {
        if self.get("filter[fqdn]").is_some() {
            return None;
        }
        let profile = self.owned("filter[outbound_voice_profile_id]");
        Some(GroupFilter {
            name_contains: self.owned("filter[connection_name][contains]"),
            outbound_profile: profile.or_else(|| self.owned("filter[outbound.outbound_voice_profile_id]")),
        })
    }

    /// Which credentials; `None` where none can match, because they are asked of something that has none.
    pub(super) fn credentials(&self) -> Result<Option<EndpointFilter>, Refusal> {
        let expired = match self.get("filter[status]") {
            None => None,
            Some("expired") => Some(true),
            Some("active") => Some(false),
            Some(_) => return Err(refusal("filter[status]")),
        };
        let resource = self.get("filter[resource_id]");
        let group = resource.and_then(|name| GroupNumber::parse(name.strip_prefix("connection:")?));
        if resource.is_some() && group.is_none() {
            return Ok(None);
        }
        Ok(Some(EndpointFilter {
            group,
            user_name: self.owned("filter[sip_username]"),
            name: self.owned("filter[name]"),
            tag: self.owned("filter[tag]"),
            expired,
        }))
    }
}

fn refusal(name: &str) -> Refusal {
    Refusal::of_query(Fault::of_parameter(name, format!("The value of {name} is not valid.")))
}

/// A list without anything in it.
pub(super) fn nothing<T>() -> Listed<T> {
    Listed { items: Vec::new(), total: 0 }
}
