//! What is answered: people, sessions, tokens.

use ringfence_core::{
    authority::{Authenticated, TokenRequest, TokenSet},
    context::Ctx,
    error::AuthError,
    identity::Profile,
    session::Session,
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;

/// Tokens of a session (RFC 6749 §5.1), whose they are, and what time it is here: clocks of clients are wrong.
#[derive(Serialize, ToSchema)]
pub(super) struct Tokens {
    /// A JWT (RFC 9068).
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds until the access token ends.
    expires_in: u64,
    /// For the next tokens, once.
    refresh_token: String,
    /// Seconds until the session ends whatever is done.
    session_expires_in: u64,
    /// The session.
    session_id: String,
    /// Whose it is.
    identity: Person,
    /// The time of this answer.
    #[schema(format = DateTime)]
    server_time: String,
}

/// An identity, as itself sees it.
#[derive(Serialize, ToSchema)]
pub(super) struct Person {
    /// Its id, the `sub` of its tokens.
    id: String,
    /// `member`, `guest`, `external`, `endpoint` or `service`.
    kind: &'static str,
    /// Names and language.
    profile: ProfileMembers,
    /// Since when it is known.
    #[schema(format = DateTime)]
    created_at: String,
}

/// Profile claims, named as in OIDC.
#[derive(Default, Serialize, ToSchema)]
pub(super) struct ProfileMembers {
    /// First name.
    given_name: Option<String>,
    /// Last name.
    family_name: Option<String>,
    /// What others see.
    nickname: Option<String>,
    /// Telephone number.
    phone_number: Option<String>,
    /// BCP 47 language of messages.
    locale: Option<String>,
}

/// A session.
#[derive(Serialize, ToSchema)]
pub(super) struct SessionItem {
    /// Its id, the `sid` of its tokens.
    id: String,
    /// Whether it is the one that asks.
    current: bool,
    /// The face it was started through.
    face: String,
    /// How its owner proved who they are (RFC 8176).
    amr: Vec<String>,
    /// When.
    #[schema(format = DateTime)]
    auth_time: String,
    /// When it ends by itself.
    #[schema(format = DateTime)]
    expires_at: String,
}

/// Claims of access tokens beside ours.
#[derive(Serialize)]
pub(super) struct Claims {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    auth_time: i64,
    amr: Vec<String>,
}

impl Tokens {
    /// The first tokens of a session that has just begun.
    pub(super) async fn first(app: &App, ctx: &Ctx, who: &Authenticated) -> Result<Self, AuthError> {
        let set = app.authority.issue_tokens(ctx, who, wanted(who)).await?;
        Ok(Self::of(ctx, who, &set))
    }

    pub(super) fn of(ctx: &Ctx, who: &Authenticated, set: &TokenSet) -> Self {
        let session = who.session.as_deref();
        let left = |end: Timestamp| end.since(ctx.now).as_secs();
        Self {
            access_token: set.access.expose().to_owned(),
            token_type: "Bearer",
            expires_in: left(set.expires_at),
            refresh_token: set.refresh.expose().to_owned(),
            session_expires_in: session.map_or(0, |session| left(session.expires_at)),
            session_id: session.map(|session| session.id.to_string()).unwrap_or_default(),
            identity: Person::of(who),
            server_time: ctx.now.rfc3339(),
        }
    }
}

/// What tokens of `who` are to say.
pub(super) fn wanted(who: &Authenticated) -> TokenRequest<Claims> {
    let session = who.session.as_deref();
    let access = Claims {
        kind: who.identity.kind.as_str(),
        client_id: who.application.as_ref().map(|application| application.id.to_string()),
        auth_time: session.map_or(0, |session| session.auth_time.seconds()),
        amr: session.map(|session| session.amr.clone()).unwrap_or_default(),
    };
    TokenRequest { access, id: None }
}

impl Person {
    pub(super) fn of(who: &Authenticated) -> Self {
        let identity = &who.identity;
        let Profile { given_name, family_name, nickname, phone_number, locale, .. } = identity.profile.clone();
        Self {
            id: identity.id.to_string(),
            kind: identity.kind.as_str(),
            profile: ProfileMembers { given_name, family_name, nickname, phone_number, locale },
            created_at: identity.created_at.rfc3339(),
        }
    }
}

impl SessionItem {
    pub(super) fn of(session: Session, who: &Authenticated) -> Self {
        Self {
            current: who.session.as_ref().is_some_and(|own| own.id == session.id),
            id: session.id.to_string(),
            face: session.dialect,
            amr: session.amr,
            auth_time: session.auth_time.rfc3339(),
            expires_at: session.expires_at.rfc3339(),
        }
    }
}
