//! Endpoints: devices and SIP accounts, in groups that are switched on and off as one.
//!
//! An endpoint is an [`Identity`](crate::identity::Identity) of kind `Endpoint` and what is listed here. A group has an account
//! of its own, which is an endpoint too, so that groups and endpoints share one space of user names and one way in.

use std::{fmt, sync::Arc, time::Duration};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    entropy::{Entropy, random},
    ids::{EndpointGroupId, IdentityId, ProjectId},
    seal::Sealed,
    store::StoreResult,
    time::Timestamp,
};

/// The longest life of a token that a back end gets for an endpoint.
pub const LONGEST_TOKEN: Duration = Duration::from_hours(24);

/// A group of endpoints.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EndpointGroup {
    /// Its id.
    pub id: EndpointGroupId,
    /// Its name for protocols whose ids are numbers.
    pub number: GroupNumber,
    /// Its project.
    pub project: ProjectId,
    /// The endpoint that signs in as the group itself.
    pub account: IdentityId,
    /// What people call it.
    pub name: String,
    /// What only one dialect knows, under its name; opaque here.
    pub attributes: Map<String, Value>,
    /// The profile that its outbound calls follow, a name from elsewhere.
    pub outbound_profile: Option<String>,
    /// Since when neither it nor its endpoints may sign in.
    pub disabled_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// An endpoint and its group.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Endpoint {
    /// The identity.
    pub id: IdentityId,
    /// Its group, which many share.
    pub group: Arc<EndpointGroup>,
    /// What it signs in as: the value of its identifier of the scheme `sip`.
    pub user_name: String,
    /// What it signs in with. Kept readable for whoever configures the device.
    #[serde(skip)]
    pub secret: Sealed,
    /// What people call it.
    pub name: String,
    /// A word that endpoints are listed by.
    pub tag: Option<String>,
    /// When it ends by itself, for good.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Endpoint {
    /// Whether its end has come.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// Whether it is the account of its group, whose password a person may have chosen.
    pub fn is_group_account(&self) -> bool {
        self.id == self.group.account
    }

    /// Whether it is a SIP user, whose name is an address; their passwords may have been chosen too.
    pub fn is_sip_user(&self) -> bool {
        self.user_name.contains('@')
    }

    /// Login and domain of a SIP user.
    pub fn sip_address(&self) -> Option<(&str, &str)> {
        self.user_name.split_once('@').filter(|(login, _)| !login.is_empty())
    }

    /// `moment`, or the end of the endpoint if that comes first.
    pub fn at_most(&self, moment: Timestamp) -> Timestamp {
        self.expires_at.map_or(moment, |end| end.min(moment))
    }

    /// The context that its secret is sealed with.
    pub(crate) fn seal_context(id: IdentityId) -> String {
        format!("endpoint:{id}")
    }
}

/// A positive number of 19 digits: 41 bits of time, 22 of entropy. A name, never a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct GroupNumber(i64);

impl GroupNumber {
    /// 2015-01-01: early enough for 19 digits today, late enough for 41 bits until 2084.
    const EPOCH: Timestamp = Timestamp::from_seconds(1_420_070_400);
    const RANDOM_BITS: u32 = 22;

    /// A number of this moment.
    pub fn mint(now: Timestamp, entropy: &dyn Entropy) -> Self {
        let millis = i64::try_from(now.since(Self::EPOCH).as_millis()).unwrap_or(0) & ((1 << 41) - 1);
        let tail = i64::from(u32::from_be_bytes(random(entropy)) >> (u32::BITS - Self::RANDOM_BITS));
        Self(millis << Self::RANDOM_BITS | tail)
    }

    /// As stored.
    pub const fn stored(number: i64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Reads decimal digits in their one spelling.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
        text.parse().ok().filter(|_| plain).map(Self)
    }
}

impl fmt::Display for GroupNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Which endpoints to list. Accounts of groups are not among them.
#[derive(Clone, Debug, Default)]
pub struct EndpointFilter {
    /// Only those of this group.
    pub group: Option<GroupNumber>,
    /// Only the one with this user name.
    pub user_name: Option<String>,
    /// Only those with exactly this name.
    pub name: Option<String>,
    /// Only those with this tag.
    pub tag: Option<String>,
    /// Only those that have expired, or only those that have not.
    pub expired: Option<bool>,
}

/// Which groups to list.
#[derive(Clone, Debug, Default)]
pub struct GroupFilter {
    /// Only those whose name contains this text, whatever its case.
    pub name_contains: Option<String>,
    /// Only those whose outbound calls follow this profile.
    pub outbound_profile: Option<String>,
}

/// In which order to list groups; equals by age, in the same direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupOrder {
    /// By what.
    pub by: GroupKey,
    /// Whether from the last to the first.
    pub descending: bool,
}

impl GroupOrder {
    /// From the youngest to the oldest.
    pub const NEWEST_FIRST: Self = Self { by: GroupKey::Age, descending: true };
}

/// What groups are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupKey {
    /// By age.
    Age,
    /// By name, whatever its case.
    Name,
    /// Those that are switched off first.
    Active,
}

/// A part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// So many are left out.
    pub offset: u64,
    /// At most so many are given.
    pub limit: u32,
}

/// A part of a list, and how long the whole is.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed<T> {
    /// The part.
    pub items: Vec<T>,
    /// The length of the whole.
    pub total: u64,
}

/// A text as it is searched and sorted, whatever its case.
pub fn folded(text: &str) -> String {
    text.to_lowercase()
}

/// Storage of endpoints and their groups.
pub trait EndpointStore {
    /// Adds a group; `false` when its number is taken.
    fn insert_endpoint_group(&mut self, group: &EndpointGroup) -> StoreResult<bool>;
    /// The account of the group that has this number, with the group.
    fn endpoint_group(&mut self, project: ProjectId, number: GroupNumber) -> StoreResult<Option<Endpoint>>;
    /// The same, and nobody else changes or deletes the group before this transaction ends.
    fn endpoint_group_to_change(&mut self, project: ProjectId, number: GroupNumber) -> StoreResult<Option<Endpoint>>;
    /// Has nobody else change an endpoint of a group, or sign it in, before this transaction ends.
    fn hold_endpoints(&mut self, group: EndpointGroupId) -> StoreResult<()>;
    /// The accounts of groups of a project, with the groups.
    fn endpoint_groups(
        &mut self,
        project: ProjectId,
        filter: &GroupFilter,
        order: GroupOrder,
        window: Window,
    ) -> StoreResult<Listed<Endpoint>>;
    /// Replaces name, attributes, profile and standing.
    fn update_endpoint_group(&mut self, group: &EndpointGroup) -> StoreResult<()>;
    /// Removes a group with its endpoints and their identifiers; their identities stay, erased.
    fn delete_endpoint_group(&mut self, id: EndpointGroupId, at: Timestamp) -> StoreResult<bool>;

    /// Adds what makes an identity an endpoint.
    fn insert_endpoint(&mut self, endpoint: &Endpoint) -> StoreResult<()>;
    /// An endpoint with its group; accounts of groups are endpoints too.
    fn endpoint(&mut self, id: IdentityId) -> StoreResult<Option<Endpoint>>;
    /// Endpoints of a project, newest first.
    fn endpoints(
        &mut self,
        project: ProjectId,
        filter: &EndpointFilter,
        now: Timestamp,
        window: Window,
    ) -> StoreResult<Listed<Endpoint>>;
    /// How many endpoints of a project have this tag.
    fn endpoints_tagged(&mut self, project: ProjectId, tag: &str) -> StoreResult<u64>;
    /// Replaces group, user name, secret, name, tag and end.
    fn update_endpoint(&mut self, endpoint: &Endpoint) -> StoreResult<()>;
    /// Removes what makes an identity an endpoint; `false` when it is none, or the account of a group, which goes with it.
    fn delete_endpoint(&mut self, id: IdentityId) -> StoreResult<bool>;
    /// Endpoints of all projects in order of id, after `after`, for rewrapping.
    fn all_endpoints(&mut self, after: Option<IdentityId>, limit: u32) -> StoreResult<Vec<Endpoint>>;
    /// Replaces the sealed secret by the same under another master key.
    fn rewrap_endpoint(&mut self, id: IdentityId, secret: &Sealed) -> StoreResult<()>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::OsEntropy;

    #[test]
    fn a_group_number_has_19_digits_for_decades_and_grows() {
        for year in [2026, 2050, 2083] {
            let now = Timestamp::parse_rfc3339(&format!("{year}-06-01T00:00:00Z")).unwrap();
            let [one, two] = [0, 1].map(|ms| GroupNumber::mint(now + Duration::from_millis(ms), &OsEntropy));
            assert_eq!(one.to_string().len(), 19, "{year}");
            assert!(one < two);
            assert_eq!(GroupNumber::parse(&one.to_string()), Some(one));
        }
    }

    #[test]
    fn what_is_not_a_group_number_is_none() {
        for text in ["", "0", "012", "+1", "-1", "1.0", "9223372036854775808", "١", "1 "] {
            assert_eq!(GroupNumber::parse(text), None, "{text}");
        }
    }
}
