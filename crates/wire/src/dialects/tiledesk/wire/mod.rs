//! The answers, exactly as on the wire.

use ringfence_core::{ids::IdentityId, time::Timestamp};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

mod projects;

pub(super) use self::projects::{
    Invitation, Keys, Project, ProjectUser, USER_AVAILABLE, Waiting, WaitingAlready, role_type,
};

/// The scheme word of every token that goes out.
pub(super) const SCHEME: &str = "JWT ";

/// An account as sign-in shows it; also the claims of its tokens.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Account {
    #[serde(rename = "_id")]
    pub(super) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) firstname: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lastname: Option<String>,
    pub(super) emailverified: bool,
}

/// An account as stored.
#[derive(Debug, Serialize)]
pub(super) struct StoredAccount {
    #[serde(flatten)]
    pub(super) account: Account,
    pub(super) status: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) phone: Option<String>,
    /// `attributes`, `description`, `public_email`, `public_website`.
    #[serde(flatten)]
    pub(super) more: Map<String, Value>,
    #[serde(flatten)]
    pub(super) times: Times,
}

/// A guest; also the claims of its token.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Guest {
    #[serde(rename = "_id")]
    pub(super) id: String,
    pub(super) firstname: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lastname: Option<String>,
    /// `email` and `attributes`, as sent.
    #[serde(flatten)]
    pub(super) more: Map<String, Value>,
    #[serde(rename = "id")]
    pub(super) id_again: String,
    #[serde(rename = "fullName")]
    pub(super) full_name: String,
}

/// What every stored object carries.
#[derive(Debug, Serialize)]
pub(super) struct Times {
    #[serde(rename = "createdAt", serialize_with = "iso")]
    pub(super) created_at: Timestamp,
    #[serde(rename = "updatedAt", serialize_with = "iso")]
    pub(super) updated_at: Timestamp,
    #[serde(rename = "__v")]
    version: u32,
}

impl Times {
    pub(super) const fn new(created_at: Timestamp, updated_at: Timestamp) -> Self {
        Self { created_at, updated_at, version: 0 }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn iso<S: Serializer>(moment: &Timestamp, output: S) -> Result<S::Ok, S::Error> {
    output.serialize_str(&moment.rfc3339())
}

/// A sign-in that worked.
#[derive(Debug, Serialize)]
pub(super) struct SignedIn<U> {
    success: bool,
    /// With its scheme word.
    token: String,
    user: U,
}

impl<U> SignedIn<U> {
    pub(super) fn new(token: &str, user: U) -> Self {
        Self { success: true, token: format!("{SCHEME}{token}"), user }
    }
}

/// Something that worked, and what there is to say about it.
#[derive(Debug, Serialize)]
pub(super) struct Done {
    #[serde(skip_serializing_if = "Option::is_none")]
    success: Option<bool>,
    message: &'static str,
}

impl Done {
    /// With `success:true`.
    pub(super) const fn success(message: &'static str) -> Self {
        Self { success: Some(true), message }
    }

    /// Without it.
    pub(super) const fn plain(message: &'static str) -> Self {
        Self { success: None, message }
    }
}

/// A sign-up that worked.
#[derive(Debug, Serialize)]
pub(super) struct SignedUp {
    success: bool,
    msg: &'static str,
    user: StoredAccount,
}

impl SignedUp {
    pub(super) const fn new(user: StoredAccount) -> Self {
        Self { success: true, msg: "Successfully created new user.", user }
    }
}

/// An account that was changed.
#[derive(Debug, Serialize)]
pub(super) struct Updated {
    success: bool,
    #[serde(rename = "updatedUser")]
    user: StoredAccount,
}

impl Updated {
    pub(super) const fn new(user: StoredAccount) -> Self {
        Self { success: true, user }
    }
}

/// An account that something happened to.
#[derive(Debug, Serialize)]
pub(super) struct About {
    pub(super) message: &'static str,
    pub(super) user: StoredAccount,
}

/// What others may see of an account.
#[derive(Debug, Serialize)]
pub(super) struct PublicAccount {
    #[serde(rename = "_id")]
    pub(super) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) firstname: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lastname: Option<String>,
    #[serde(flatten)]
    pub(super) more: Map<String, Value>,
}

/// An account's id on the wire.
pub(super) fn account_id(id: IdentityId) -> String {
    id.short()
}
