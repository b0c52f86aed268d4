//! Codecs between columns and the domain: id ↔ TEXT, time ↔ BIGINT, JSON ↔ TEXT.
//!
//! A damaged row is an error that names the column and never shows the value, which may be a secret.

use std::{borrow::Cow, str::FromStr};

use ringfence_core::{
    caller::{Scope, ScopeSet},
    ids::{
        AdministratorId, ApplicationId, AuditId, ConnectionId, ConsoleSessionId, CredentialId, EndpointGroupId,
        EventId, GuestTargetId, IdentityId, InvitationId, IssuerId, MembershipId, PasskeyId, ProjectId, SessionId,
        SipInvitationId, VerificationId, WebhookId,
    },
    password::PasswordHash,
    seal::{LookupHash, Sealed},
    secret::TokenDigest,
    store::StoreResult,
    time::Timestamp,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::sql::{Value, backend};

/// One row of an answer, read column by column in the order of the statement.
pub struct Row {
    columns: std::vec::IntoIter<Value<'static>>,
    read: usize,
}

#[derive(Debug, thiserror::Error)]
#[error("column {column} of a row is not {expected}")]
struct Damaged {
    column: usize,
    expected: &'static str,
}

impl Row {
    /// A row of these columns.
    pub fn new(columns: Vec<Value<'static>>) -> Self {
        Self { columns: columns.into_iter(), read: 0 }
    }

    fn next(&mut self) -> Option<Value<'static>> {
        self.read += 1;
        self.columns.next()
    }

    fn damaged<T>(&self, expected: &'static str) -> StoreResult<T> {
        Err(backend(Damaged { column: self.read, expected }))
    }

    /// Leaves columns unread: those of a row that an outer join did not find.
    pub fn skip(&mut self, columns: usize) {
        for _ in 0..columns {
            self.next();
        }
    }

    /// The next column as a text that may be absent.
    pub fn opt_text(&mut self) -> StoreResult<Option<String>> {
        match self.next() {
            Some(Value::Null) => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text.into_owned())),
            Some(Value::Int(_)) | None => self.damaged("a text"),
        }
    }

    /// The next column as a text.
    pub fn text(&mut self) -> StoreResult<String> {
        match self.opt_text()? {
            Some(text) => Ok(text),
            None => self.damaged("a text"),
        }
    }

    /// The next column as a number that may be absent.
    pub fn opt_int(&mut self) -> StoreResult<Option<i64>> {
        match self.next() {
            Some(Value::Null) => Ok(None),
            Some(Value::Int(number)) => Ok(Some(number)),
            Some(Value::Text(_)) | None => self.damaged("a number"),
        }
    }

    /// The next column as a number.
    pub fn int(&mut self) -> StoreResult<i64> {
        match self.opt_int()? {
            Some(number) => Ok(number),
            None => self.damaged("a number"),
        }
    }

    /// The next column as a count.
    pub fn count<T: TryFrom<i64>>(&mut self) -> StoreResult<T> {
        match T::try_from(self.int()?) {
            Ok(count) => Ok(count),
            Err(_) => self.damaged("a count"),
        }
    }

    /// The next column as a moment that may not have come.
    pub fn opt_time(&mut self) -> StoreResult<Option<Timestamp>> {
        Ok(self.opt_int()?.map(Timestamp::from_millis))
    }

    /// The next column as a moment.
    pub fn time(&mut self) -> StoreResult<Timestamp> {
        self.int().map(Timestamp::from_millis)
    }

    /// The next column as an id that may be absent.
    pub fn opt_id<T: FromStr>(&mut self) -> StoreResult<Option<T>> {
        match self.opt_text()?.map(|text| text.parse()) {
            None => Ok(None),
            Some(Ok(id)) => Ok(Some(id)),
            Some(Err(_)) => self.damaged("an id"),
        }
    }

    /// The next column as an id.
    pub fn id<T: FromStr>(&mut self) -> StoreResult<T> {
        match self.opt_id()? {
            Some(id) => Ok(id),
            None => self.damaged("an id"),
        }
    }

    /// The next column as a word of a closed vocabulary.
    pub fn word<T>(&mut self, parse: fn(&str) -> Option<T>) -> StoreResult<T> {
        match parse(&self.text()?) {
            Some(word) => Ok(word),
            None => self.damaged("a known word"),
        }
    }

    /// The next column as JSON that may be absent.
    pub fn opt_json<T: DeserializeOwned>(&mut self) -> StoreResult<Option<T>> {
        match self.opt_text()?.map(|text| serde_json::from_str(&text)) {
            None => Ok(None),
            Some(Ok(value)) => Ok(Some(value)),
            // The parser's message may quote the value.
            Some(Err(_)) => self.damaged("the JSON it should be"),
        }
    }

    /// The next column as JSON.
    pub fn json<T: DeserializeOwned>(&mut self) -> StoreResult<T> {
        match self.opt_json()? {
            Some(value) => Ok(value),
            None => self.damaged("the JSON it should be"),
        }
    }

    /// The next column as scopes. One that a newer node knows grants nothing here.
    pub fn scopes(&mut self) -> StoreResult<ScopeSet> {
        let names: Vec<Cow<'static, str>> = self.json()?;
        Ok(names.iter().filter_map(|name| Scope::parse(name)).collect())
    }
}

/// A value as JSON text.
pub fn json<T: Serialize>(value: &T) -> StoreResult<Value<'static>> {
    serde_json::to_string(value).map(|text| Value::Text(Cow::Owned(text))).map_err(backend)
}

/// As [`json`], when there may be none.
pub fn opt_json<T: Serialize>(value: Option<&T>) -> StoreResult<Value<'static>> {
    value.map_or(Ok(Value::Null), json)
}

macro_rules! ids {
    ($($id:ty),* $(,)?) => {
        $(impl From<$id> for Value<'_> {
            fn from(id: $id) -> Self {
                Self::Text(Cow::Owned(id.to_string()))
            }
        })*
    };
}
ids!(
    AdministratorId,
    ApplicationId,
    AuditId,
    ConnectionId,
    ConsoleSessionId,
    CredentialId,
    EndpointGroupId,
    EventId,
    GuestTargetId,
    IdentityId,
    InvitationId,
    IssuerId,
    MembershipId,
    PasskeyId,
    ProjectId,
    SessionId,
    SipInvitationId,
    VerificationId,
    WebhookId,
);

macro_rules! texts {
    ($($text:ty),* $(,)?) => {
        $(impl<'a> From<&'a $text> for Value<'a> {
            fn from(text: &'a $text) -> Self {
                Self::from(text.as_str())
            }
        })*
    };
}
texts!(String, TokenDigest, PasswordHash, Sealed, LookupHash);

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<u32> for Value<'_> {
    fn from(number: u32) -> Self {
        Self::Int(i64::from(number))
    }
}

impl From<Timestamp> for Value<'_> {
    fn from(moment: Timestamp) -> Self {
        Self::Int(moment.millis())
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A text that sorts like the bytes of `text` under every collation: its hex digits.
pub fn order_key(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len() * 2), |mut key, byte| {
        key.extend([byte >> 4, byte & 15].map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])));
        key
    })
}

/// Where a keyset page begins: after this id, or before the first one.
pub fn after<'a, T: Into<Value<'a>>>(id: Option<T>) -> Value<'a> {
    // The empty text sorts before every id, and `id > ''` still walks the index where `$1 IS NULL OR …` would not.
    id.map_or(Value::Text(Cow::Borrowed("")), Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(column: Value<'static>) -> Row {
        Row::new(vec![column])
    }

    fn text(content: &'static str) -> Value<'static> {
        Value::Text(Cow::Borrowed(content))
    }

    #[test]
    fn a_damaged_column_is_an_error_that_shows_no_value() {
        let refusals = [
            row(text("hunter22")).id::<SessionId>().err(),
            row(text("hunter22")).json::<Vec<String>>().err(),
            row(text("hunter22")).time().err(),
            row(text("hunter22")).word(|_| None::<()>).err(),
            row(Value::Int(22)).text().err(),
            row(Value::Int(-22)).count::<u32>().err(),
            row(Value::Null).text().err(),
            row(Value::Null).id::<SessionId>().err(),
            Row::new(Vec::new()).opt_text().err(),
        ];
        for refusal in refusals {
            let shown = format!("{:?}", refusal.unwrap());
            assert!(shown.contains("column: 1") && !shown.contains("22"), "{shown}");
        }
    }

    #[test]
    fn a_scope_of_a_newer_program_grants_nothing() {
        let scopes = row(text(r#"["tokens:issue","moon:land"]"#)).scopes().unwrap();
        assert!(scopes.iter().eq([Scope::TokensIssue]));
    }
}
