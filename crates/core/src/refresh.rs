//! Refresh tokens: one family per session, in which each token is used once.
//!
//! A token names its family and proves to be of it by one secret, and says which of the family it is by another. So a token of
//! long ago is told from one that nobody issued, though only the digests of the family, of the newest token and of the one
//! before are stored.

use crate::{
    entropy::{Entropy, random},
    ids::SessionId,
    seal::Sealed,
    secret::{RawToken, TokenDigest, TokenKind},
    store::StoreResult,
    time::Timestamp,
};

/// The random bytes that name and prove the family, at the start of each of its tokens.
const FAMILY: usize = 16;

/// The refresh tokens of one session.
#[derive(Clone, Debug, PartialEq)]
pub struct RefreshFamily {
    /// The session that they renew the access tokens of.
    pub session: SessionId,
    /// The digest of what its tokens have in common.
    pub name: TokenDigest,
    /// How often it was rotated.
    pub generation: i64,
    /// The digest of the newest token.
    pub newest: TokenDigest,
    /// The digest of the token before.
    pub previous: Option<TokenDigest>,
    /// When the newest was issued.
    pub rotated_at: Timestamp,
    /// What the token before was answered, sealed.
    pub answer: Option<Sealed>,
}

/// A step of a family to its next token.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// The family.
    pub name: TokenDigest,
    /// The digest of the token that is used up.
    pub from: TokenDigest,
    /// The digest of the token that takes its place.
    pub to: TokenDigest,
    /// The answer that goes with it, sealed.
    pub answer: Sealed,
    /// When.
    pub at: Timestamp,
}

/// The first token of a new family.
pub fn first_token(entropy: &dyn Entropy) -> RawToken {
    TokenKind::Refresh.assemble(&[random::<FAMILY>(entropy), random(entropy), random(entropy)].concat())
}

/// The token that follows `token` in its family; none if it is no refresh token.
pub fn next_token(token: &RawToken, entropy: &dyn Entropy) -> Option<RawToken> {
    let secret = TokenKind::Refresh.secret(token)?;
    let fresh: [u8; 32] = random(entropy);
    Some(TokenKind::Refresh.assemble(&[&secret[..FAMILY], &fresh].concat()))
}

/// The digest of what the tokens of a family have in common; none if it is no refresh token.
pub fn family_name(token: &RawToken) -> Option<TokenDigest> {
    let secret = TokenKind::Refresh.secret(token)?;
    Some(TokenDigest::of(&secret[..FAMILY]))
}

/// Storage of refresh families. A family goes with its session.
pub trait RefreshStore {
    /// Adds a family; `false` when the session has one.
    fn insert_refresh_family(&mut self, family: &RefreshFamily) -> StoreResult<bool>;
    /// A family by what its tokens have in common.
    fn refresh_family(&mut self, name: &TokenDigest) -> StoreResult<Option<RefreshFamily>>;
    /// Takes the step if its token still is the newest; of concurrent callers exactly one does.
    fn rotate_refresh(&mut self, step: &Rotation) -> StoreResult<bool>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::OsEntropy;

    #[test]
    fn tokens_of_a_family_share_its_name_and_nothing_else() {
        let first = first_token(&OsEntropy);
        let second = next_token(&first, &OsEntropy).unwrap();
        assert_eq!(family_name(&first), family_name(&second));
        assert_ne!(first.digest(), second.digest());
        assert_ne!(family_name(&first), family_name(&first_token(&OsEntropy)));
        assert_eq!(TokenKind::of(&second), Some(TokenKind::Refresh));
    }

    #[test]
    fn n19_another_kind_of_token_has_no_family() {
        for kind in [TokenKind::ApiKey, TokenKind::Verification] {
            assert_eq!(family_name(&kind.mint(&OsEntropy)), None);
        }
    }
}
