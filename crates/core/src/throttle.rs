//! Throttling of failed authentication (SP 800-63B §5.2.2) and of mail that anybody can have sent: counters in the store, so
//! that a restart forgets nothing.

use std::{net::IpAddr, time::Duration};

use crate::{
    identity::Identifier,
    ids::{AdministratorId, ProjectId},
    secret::TokenDigest,
    store::StoreResult,
    time::Timestamp,
    verification::Purpose,
};

/// Consecutive failures after which an identity is locked until its password is reset.
pub const MAX_CONSECUTIVE_FAILURES: u32 = 100;

/// Failures that cost no wait, for people who mistype.
const FREE_FAILURES: u32 = 5;
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// Failures an address may make within [`ADDRESS_WINDOW`] before it waits; many people may share one.
const ADDRESS_FAILURES: u32 = 60;
/// How long an address's failures are remembered.
const ADDRESS_WINDOW: Duration = Duration::from_mins(10);
/// Wrong digests that a whole project may be shown within the same time: they name nobody whose failures they could be.
const DIGEST_FAILURES: u32 = 600;

/// Mails of one purpose that an address is sent within [`MAIL_WINDOW`]; who reads them needs one, and anybody can ask.
const MAILS: u32 = 5;
/// How long no more are sent then, and how long they are remembered.
const MAIL_WINDOW: Duration = Duration::from_hours(1);

/// What failures are counted under, and mails that anybody can have sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ThrottleKey(String);

impl ThrottleKey {
    /// Under the identifier somebody tries, known or not, so that the answer tells nothing.
    pub fn identifier(project: ProjectId, identifier: &Identifier) -> Self {
        let name = format!("{project}\n{}\n{}", identifier.scheme(), identifier.value());
        Self(format!("id:{}", TokenDigest::of(name.as_bytes()).as_str()))
    }

    /// Under the client's address; an IPv6 /64 is one client.
    pub fn address(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(v4) => format!("ip:{v4}"),
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments();
                format!("ip:{a:x}:{b:x}:{c:x}:{d:x}::/64")
            }
        })
    }

    /// Under a project, for SIP digests.
    pub fn digests(project: ProjectId) -> Self {
        Self(format!("sip:{project}"))
    }

    /// Under the address that mails of this purpose go to, held by somebody or not, so that the work tells nothing.
    pub fn mail(project: ProjectId, purpose: Purpose, address: &Identifier) -> Self {
        let name = format!("{project}\n{}\n{}\n{}", purpose.as_str(), address.scheme(), address.value());
        Self(format!("mail:{}", TokenDigest::of(name.as_bytes()).as_str()))
    }

    /// Under the name that somebody tries at the console, an administrator's or not.
    pub fn administrator(name: &str) -> Self {
        Self(format!("admin:{}", TokenDigest::of(name.as_bytes()).as_str()))
    }

    /// Under an administrator, for second factors.
    pub fn factor(administrator: AdministratorId) -> Self {
        Self(format!("factor:{administrator}"))
    }

    /// A key as stored.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The stored text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Failures after which many who share this key wait a minute.
    fn shared_limit(&self) -> Option<u32> {
        match self.0.split_once(':') {
            Some(("ip", _)) => Some(ADDRESS_FAILURES),
            Some(("sip", _)) => Some(DIGEST_FAILURES),
            _ => None,
        }
    }

    fn is_mail(&self) -> bool {
        self.0.starts_with("mail:")
    }

    /// What was counted before this moment no longer counts.
    pub fn forgets_before(&self, now: Timestamp) -> Timestamp {
        match self {
            shared if shared.shared_limit().is_some() => now - ADDRESS_WINDOW,
            mail if mail.is_mail() => now - MAIL_WINDOW,
            _ => Timestamp::from_millis(i64::MIN),
        }
    }

    /// How long to wait after so many.
    pub fn wait_after(&self, failures: u32) -> Duration {
        if self.is_mail() {
            return if failures < MAILS { Duration::ZERO } else { MAIL_WINDOW };
        }
        if let Some(limit) = self.shared_limit() {
            return if failures < limit { Duration::ZERO } else { Duration::from_mins(1) };
        }
        match failures.checked_sub(FREE_FAILURES) {
            None => Duration::ZERO,
            Some(doublings) => Duration::from_secs(1 << doublings.min(12)).min(LONGEST_WAIT),
        }
    }
}

/// A counter as stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Throttle {
    /// Failures in a row.
    pub failures: u32,
    /// No attempt is looked at before this.
    pub blocked_until: Option<Timestamp>,
}

/// A counter whose wait is not over, by its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// What is counted; of a name that somebody tries it holds a digest only.
    pub key: ThrottleKey,
    /// Failures in a row.
    pub failures: u32,
    /// Until when nothing is looked at.
    pub until: Timestamp,
}

/// Storage of failure counters.
pub trait ThrottleStore {
    /// Counters whose wait is not over at `now`, the longest first.
    fn waiting(&mut self, now: Timestamp, limit: u32) -> StoreResult<Vec<Waiting>>;
    /// The counter, if any failure was recorded.
    fn throttle(&mut self, key: &ThrottleKey) -> StoreResult<Option<Throttle>>;
    /// Counts one more failure atomically and returns the new count; one before `forgets_before` starts anew.
    fn count_failure(&mut self, key: &ThrottleKey, now: Timestamp, forgets_before: Timestamp) -> StoreResult<u32>;
    /// Refuses attempts until `until`; never shortens a wait.
    fn block(&mut self, key: &ThrottleKey, until: Timestamp) -> StoreResult<()>;
    /// Forgets the failures.
    fn reset_throttle(&mut self, key: &ThrottleKey) -> StoreResult<()>;
    /// Removes up to `limit` counters without a failure since `before`, and reports how many.
    fn sweep_throttles(&mut self, before: Timestamp, limit: u32) -> StoreResult<u64>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n73_addresses_of_one_slash_64_share_a_bucket() {
        let key = |text: &str| ThrottleKey::address(text.parse().unwrap());
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_eq!(key("::ffff:192.0.2.7"), key("192.0.2.7"));
    }

    #[test]
    fn waits_grow_to_an_hour() {
        let key = ThrottleKey("id:x".to_owned());
        let waits: Vec<_> = [1, 4, 5, 6, 10, 16, 17, 99].map(|n| key.wait_after(n).as_secs()).into();
        assert_eq!(waits, [0, 0, 1, 2, 32, 2048, 3600, 3600]);
    }
}
