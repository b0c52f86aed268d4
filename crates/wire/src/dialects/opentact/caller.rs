//! Who asks.

use axum::extract::FromRequestParts;
use http::{header, request::Parts};
use ringfence_core::{
    application::Application,
    authority::{Authenticated, RoleNeeded},
    context::Ctx,
    error::AuthError,
    membership::{Membership, RoleLadder},
    secret::Password,
};

use super::{
    account,
    error::Refusal,
    schemes::{Means, Shown},
};
use crate::{app::App, extract::Circumstances};

/// Roles in an account, and the one in the project as a whole that stands above them.
static LADDER: RoleLadder = RoleLadder(&[MEMBER, OWNER, ADMINISTRATOR]);
/// The role of those whom an owner added.
pub(super) const MEMBER: &str = "member";
/// The role of who founded the account.
pub(super) const OWNER: &str = "owner";
/// The role in the project of those who see everybody; also how it is shown.
pub(super) const ADMINISTRATOR: &str = "Admin";
/// What it takes to see and manage the users of an account.
pub(super) const MANAGES: RoleNeeded = RoleNeeded { ladder: &LADDER, least: OWNER };

/// Somebody with an account who passed the gate.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) ctx: Ctx,
    pub(super) who: Authenticated,
    /// The password that they showed with this request.
    pub(super) password: Option<Password>,
    /// Their account.
    pub(super) account: Application,
    /// Their place in it.
    pub(super) place: Membership,
}

impl FromRequestParts<App> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        Self::admit(parts, app, false).await
    }
}

/// The same for who wants a session: a password starts one.
#[derive(Debug)]
pub(super) struct SigningIn(pub(super) Caller);

impl FromRequestParts<App> for SigningIn {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        Caller::admit(parts, app, true).await.map(Self)
    }
}

impl Caller {
    async fn admit(parts: &mut Parts, app: &App, start: bool) -> Result<Self, Refusal> {
        let Ok(Circumstances(ctx)) = Circumstances::from_request_parts(parts, app).await;
        let shown = Shown::in_request(parts)?.ok_or_else(Refusal::unauthorized)?;
        let (means, in_query) = (shown.means, shown.in_query);
        if in_query && !app.authority.compat(app.project()).await?.token_in_query {
            return Err(Refusal::token_in_query());
        }
        // Browsers say where they are, back ends do not: a key in a page is a key for everybody (ATTACKS N87).
        if means == Means::Key && parts.headers.contains_key(header::ORIGIN) {
            return Err(Refusal::unauthorized());
        }
        let password = shown.pair().map(|(_, password)| password);
        let presented = shown.of_account(app.project()).ok_or_else(Refusal::unauthorized)?;
        let who = match start {
            true => app.authority.sign_in(&ctx, presented).await,
            false => app.authority.authenticate(&ctx, presented).await,
        };
        let who = who.map_err(Refusal::at_the_gate)?;
        let (account, place) = standing(app, &ctx, &who).await.map_err(Refusal::at_the_gate)?;
        if in_query {
            app.authority.accept_token_in_query(&ctx, &who).await.map_err(Refusal::at_the_gate)?;
        }
        Ok(Self { ctx, who, password, account, place })
    }
}

/// The account of somebody who passed the gate, if they belong here.
pub(super) async fn standing(
    app: &App,
    ctx: &Ctx,
    who: &Authenticated,
) -> Result<(Application, Membership), AuthError> {
    app.authority.require_place(who, app.project()).await?;
    app.authority.home(ctx, who, account::KIND, account::fresh).await
}
