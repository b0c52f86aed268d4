//! What only this dialect keeps: below its name in the attributes of applications and of people.

use std::net::IpAddr;

use ipnet::IpNet;
use ringfence_core::{application::Application, context::Ctx, identity::Identity};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{NAME, error::Refusal};

/// What a project says beyond what every application does.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Attributes {
    /// The account that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) created_by: Option<String>,
    /// Whether only these addresses may come.
    pub(super) ip_filter_enabled: bool,
    pub(super) ip_filter: Vec<String>,
    /// Whether these addresses may not come.
    pub(super) ip_filter_deny_enabled: bool,
    pub(super) ip_filter_deny: Vec<String>,
    /// Users who may not come.
    pub(super) banned_users: Vec<BannedUser>,
}

/// A user who may not come.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct BannedUser {
    /// The id that its tokens show.
    pub(super) id: String,
}

impl From<BannedUser> for Value {
    fn from(banned: BannedUser) -> Self {
        serde_json::json!({ "id": banned.id })
    }
}

impl Attributes {
    /// What an application says; one that says something unreadable lets nobody in rather than everybody.
    pub(super) fn of(application: &Application) -> Self {
        let Some(own) = application.settings.attributes.get(NAME) else { return Self::default() };
        serde_json::from_value(own.clone()).unwrap_or_else(|cause| {
            tracing::error!(code = "attributes_unreadable", application.id = %application.id, %cause, "filters refuse all");
            Self { ip_filter_enabled: true, ..Self::default() }
        })
    }

    /// Refuses clients by their address.
    pub(super) fn filter_address(&self, ctx: &Ctx) -> Result<(), Refusal> {
        let listed =
            |ranges: &[String]| ctx.address.is_some_and(|client| ranges.iter().any(|range| covers(range, client)));
        if self.ip_filter_enabled && !listed(&self.ip_filter) {
            return Err(Refusal::filtered("error project ip filter"));
        }
        if self.ip_filter_deny_enabled && listed(&self.ip_filter_deny) {
            return Err(Refusal::filtered("error project deny ip filter"));
        }
        Ok(())
    }

    /// Refuses users who are banned.
    pub(super) fn filter_user(&self, id: &str) -> Result<(), Refusal> {
        if self.banned_users.iter().any(|banned| banned.id == id) {
            return Err(Refusal::filtered("error projectBanUserFilter by id"));
        }
        Ok(())
    }

    /// As kept with the application.
    pub(super) fn into_map(self) -> Map<String, Value> {
        let own = serde_json::to_value(self).unwrap_or_default();
        std::iter::once((NAME.to_owned(), own)).collect()
    }
}

fn covers(range: &str, client: IpAddr) -> bool {
    range.parse::<IpNet>().map_or_else(|_| range.parse() == Ok(client), |range| range.contains(&client))
}

/// What a person says beyond the profile: the members of these names.
pub(super) fn said(identity: &Identity, names: &[&str]) -> Map<String, Value> {
    let own = identity.attributes.get(NAME);
    let member = |name: &&str| Some(((*name).to_owned(), own?.get(*name)?.clone()));
    names.iter().filter_map(member).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_an_address_or_a_network() {
        let client = "192.0.2.7".parse().unwrap();
        assert!(covers("192.0.2.7", client) && covers("192.0.2.0/24", client));
        assert!(!covers("192.0.2.8", client) && !covers("198.51.100.0/24", client) && !covers("nonsense", client));
    }
}
