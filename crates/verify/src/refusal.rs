//! Why a token is refused.

/// Why a token is refused, closed. The codes are the server's own, and two more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("the token was refused: {}", self.code())]
pub enum Refusal {
    /// Not a compact JWS, or its JSON is not strict.
    Malformed,
    /// The algorithm is not the one of the key.
    Algorithm,
    /// The key is not one of the project's, or the token brings its own.
    Key,
    /// The signature does not verify.
    Signature,
    /// Another issuer.
    Issuer,
    /// Another audience.
    Audience,
    /// Not an access token of the native API.
    Type,
    /// A claim is missing or of the wrong JSON type.
    Claims,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYet,
    /// It lives longer than revocations are kept here.
    Lifetime,
    /// Its session was ended.
    Revoked,
    /// Something about its owner changed since it was made: a new token says what holds now, if there is one.
    Superseded,
    /// Whether it was revoked cannot be said: the feed has not been heard for too long, or not yet.
    Unconfirmed,
}

impl Refusal {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "token_malformed",
            Self::Algorithm => "token_alg",
            Self::Key => "token_key",
            Self::Signature => "token_signature",
            Self::Issuer => "token_issuer",
            Self::Audience => "token_audience",
            Self::Type => "token_type",
            Self::Claims => "token_claims",
            Self::Expired => "token_expired",
            Self::NotYet => "token_not_yet",
            Self::Lifetime => "token_lifetime",
            Self::Revoked => "session_revoked",
            Self::Superseded => "token_superseded",
            Self::Unconfirmed => "unconfirmed",
        }
    }

    /// The status to answer a request with: 401, or 503 where the token may be good and we cannot say.
    pub const fn status(self) -> u16 {
        match self {
            Self::Unconfirmed => 503,
            _ => 401,
        }
    }
}
