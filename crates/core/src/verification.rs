//! One-time verifications: a secret sent out of band proves control of an address, once.
//!
//! Only the digest is stored. Redeeming is a race that exactly one caller wins.

use std::time::Duration;

use crate::{
    identity::Identifier,
    ids::{ApplicationId, IdentityId, ProjectId, VerificationId},
    secret::TokenDigest,
    store::StoreResult,
    time::Timestamp,
};

/// What redeeming a verification entitles its holder to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Set a new password.
    PasswordReset,
    /// Have an e-mail address count as proved.
    EmailVerification,
    /// Have a new e-mail address take the place of the present one.
    EmailChange,
    /// Have a guest become one with the account that holds the address it wanted. Handed to the guest, never mailed.
    GuestMerge,
}

impl Purpose {
    /// Every purpose there is.
    pub const ALL: [Self; 4] = [Self::PasswordReset, Self::EmailVerification, Self::EmailChange, Self::GuestMerge];

    /// How long a fresh secret stays open.
    pub const fn lifetime(self) -> Duration {
        match self {
            Self::PasswordReset | Self::GuestMerge => Duration::from_mins(10),
            Self::EmailVerification | Self::EmailChange => Duration::from_mins(15),
        }
    }

    /// The stored text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PasswordReset => "password_reset",
            Self::EmailVerification => "email_verification",
            Self::EmailChange => "email_change",
            Self::GuestMerge => "guest_merge",
        }
    }

    /// Reads the stored text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == text)
    }
}

/// An open or closed verification.
#[derive(Clone, Debug, PartialEq)]
pub struct Verification {
    /// Its id.
    pub id: VerificationId,
    /// Its project.
    pub project: ProjectId,
    /// The application it was asked through.
    pub application: Option<ApplicationId>,
    /// Whose it is.
    pub identity: IdentityId,
    /// What it is for.
    pub purpose: Purpose,
    /// The address it was sent to.
    pub identifier: Identifier,
    /// The digest of its secret.
    pub digest: TokenDigest,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// Storage of verifications.
pub trait VerificationStore {
    /// Adds a verification.
    fn insert_verification(&mut self, verification: &Verification) -> StoreResult<()>;
    /// The open verification with this secret: not redeemed, not superseded, not expired.
    fn open_verification(
        &mut self,
        digest: &TokenDigest,
        purpose: Purpose,
        now: Timestamp,
    ) -> StoreResult<Option<Verification>>;
    /// Closes the open verification with this secret; of concurrent callers exactly one gets it.
    fn redeem_verification(
        &mut self,
        digest: &TokenDigest,
        purpose: Purpose,
        now: Timestamp,
    ) -> StoreResult<Option<Verification>>;
    /// Closes all open verifications of this purpose, because a newer one or a newer password takes their place.
    fn supersede_verifications(&mut self, identity: IdentityId, purpose: Purpose, now: Timestamp) -> StoreResult<()>;
    /// Removes up to `limit` verifications that ended before `before`, and reports how many.
    fn sweep_verifications(&mut self, before: Timestamp, limit: u32) -> StoreResult<u64>;
}
