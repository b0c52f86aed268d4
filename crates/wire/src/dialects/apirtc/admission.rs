//! Who may be who on the channel (sheet, 1.6).

use http::Uri;
use ringfence_core::{
    application::Application,
    authority::{Authenticated, GuestTicket, PresentedCredential},
    context::Ctx,
    error::{AuthError, Noun, Rule},
    identity::Profile,
    project::ProjectRef,
    secret::{RawToken, TokenKind},
};
use serde_json::{Map, Value};

use super::{API_KEY, assertion, error::channel_text, person, query::Parameters};
use crate::app::App;

/// What a channel is asked for with: the namespace and the query of its requests.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    /// The namespace, without slashes; empty is the plain one. A ticket otherwise.
    pub(super) namespace: &'a str,
    /// The address of the request, whose query says the rest.
    pub(super) uri: &'a Uri,
    /// The page's origin, if a page asks.
    pub(super) origin: Option<&'a str>,
}

/// Somebody who may have the channel, and as whom.
#[derive(Clone, Debug)]
pub(super) struct Admitted {
    pub(super) who: Authenticated,
    /// Where.
    pub(super) application: Application,
    /// The name on the channel.
    pub(super) user_id: String,
    /// What the client says of its user; public and unproved.
    pub(super) user_data: Map<String, Value>,
    /// Groups whose members hear of this user.
    pub(super) groups: Vec<String>,
    /// Groups that this user hears of.
    pub(super) subscriptions: Vec<String>,
}

/// The text of a refusal, as the library reads it. The channel sends it and closes the line itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused(pub(super) String);

/// The longest name that the library takes (sheet, 1.2).
const LONGEST_NAME: usize = 128;

/// Judges who asks for a channel.
pub(super) async fn admit(app: &App, ctx: &Ctx, asked: Asked<'_>) -> Result<Admitted, Refused> {
    let mut showed_token = false;
    judge(app, ctx, &asked, &mut showed_token).await.map_err(|refusal| {
        crate::problem::log_refusal(&refusal);
        Refused(channel_text(&refusal, showed_token))
    })
}

async fn judge(app: &App, ctx: &Ctx, asked: &Asked<'_>, showed_token: &mut bool) -> Result<Admitted, AuthError> {
    let query = Parameters::of(asked.uri)?;
    let name = query.required("channelId")?;
    if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(AuthError::invalid("channelId", Rule::Malformed));
    }
    let place = application(query.required("apiKey")?);
    let (_, found) = app.authority.find_application(place.clone()).await?;
    if !found.settings.allows_origin(asked.origin) {
        return Err(AuthError::ApplicationMismatch);
    }
    let token = shown(&query);
    *showed_token = token.is_some();
    let ticket = (!asked.namespace.is_empty()).then(|| RawToken::new(asked.namespace));
    let who = match (token, ticket) {
        (Some(token), _) => by_token(app, ctx, place, token, name).await?,
        (None, Some(ticket)) if TokenKind::of(&ticket) == Some(TokenKind::SocketTicket) => {
            let who = app.authority.authenticate(ctx, PresentedCredential::SocketTicket(ticket)).await?;
            as_named(app, ctx, place, who, name).await?
        }
        (None, ticket) => as_guest(app, ctx, place, found.id, ticket, name).await?,
    };
    Ok(Admitted {
        application: found,
        user_id: name.to_owned(),
        user_data: query.one("userData").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default(),
        groups: groups(query.one("presenceGroup")),
        subscriptions: groups(query.one("subscribeToPresenceGroup")),
        who,
    })
}

/// The application of an apiKey.
pub(super) fn application(key: &str) -> ProjectRef {
    ProjectRef::Alias { scheme: API_KEY, value: key.to_owned() }
}

/// The token in a query; the library says `null` for none (sheet, 1.6).
pub(super) fn shown(query: &Parameters) -> Option<RawToken> {
    query.one("token").filter(|token| *token != "null").map(RawToken::new)
}

/// Whoever a token speaks of, if it speaks of `name` in this place: one of ours, or one of the application's back end.
pub(super) async fn by_token(
    app: &App,
    ctx: &Ctx,
    place: ProjectRef,
    token: RawToken,
    name: &str,
) -> Result<Authenticated, AuthError> {
    if assertion::is_ours(&token) {
        let who = app.authority.authenticate(ctx, PresentedCredential::AccessToken(token)).await?;
        return as_named(app, ctx, place, who, name).await;
    }
    let presented = PresentedCredential::Assertion {
        project: place,
        jwt: token,
        profile: &assertion::PROFILE,
        claimed: Some(name.to_owned()),
    };
    app.authority.authenticate(ctx, presented).await
}

/// The same, if they are who they say they are, and may be here. What another face gave is good there and not here.
async fn as_named(
    app: &App,
    ctx: &Ctx,
    place: ProjectRef,
    who: Authenticated,
    name: &str,
) -> Result<Authenticated, AuthError> {
    let from_here = who.session.as_ref().is_some_and(|session| session.dialect == ctx.dialect);
    if !from_here || person::user_id(app, &who).await? != name {
        return Err(AuthError::InvalidCredentials);
    }
    app.authority.enter_application(&who, place).await?;
    Ok(who)
}

/// A guest by a name that is nobody's. With the ticket of the page it is the same guest again after a lost line.
async fn as_guest(
    app: &App,
    ctx: &Ctx,
    place: ProjectRef,
    home: ringfence_core::ids::ApplicationId,
    ticket: Option<RawToken>,
    name: &str,
) -> Result<Authenticated, AuthError> {
    if name.trim() != name {
        return Err(AuthError::invalid("channelId", Rule::Malformed));
    }
    app.authority.refuse_known_name(place.clone(), name).await?;
    let visit = |ticket| PresentedCredential::Guest {
        project: place.clone(),
        profile: Profile::default(),
        attributes: person::attributes(name),
        target: None,
        ticket,
    };
    let Some(ticket) = ticket else { return app.authority.sign_in(ctx, visit(None)).await };
    let known = app.authority.sign_in(ctx, visit(Some(GuestTicket::Known(ticket.clone())))).await;
    let who = match known {
        Err(AuthError::NotFound(Noun::Session)) => {
            return app.authority.sign_in(ctx, visit(Some(GuestTicket::New(ticket)))).await;
        }
        known => known?,
    };
    let same_place = who.application.as_ref().is_some_and(|application| application.id == home);
    if !same_place || person::user_id(app, &who).await? != name {
        return Err(AuthError::InvalidCredentials);
    }
    Ok(who)
}

/// Groups of presence at most, and characters of a name.
pub(super) const MOST_GROUPS: usize = 16;
const LONGEST_GROUP: usize = 64;

/// A list of groups in a query; the default one when nothing sensible is said (sheet, 1.6).
fn groups(text: Option<&str>) -> Vec<String> {
    let said = text.and_then(|text| serde_json::from_str(text).ok());
    tidy(said.unwrap_or_else(|| vec!["default".to_owned()]))
}

/// Names of groups that are any, each once.
pub(super) fn tidy(mut groups: Vec<String>) -> Vec<String> {
    groups.retain(|group| !group.is_empty() && group.chars().count() <= LONGEST_GROUP);
    groups.sort();
    groups.dedup();
    groups.truncate(MOST_GROUPS);
    groups
}
