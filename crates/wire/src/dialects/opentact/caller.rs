//! Who asks.

use axum::extract::FromRequestParts;
use http::{header, request::Parts};
use ringfence_core::{
    application::Application,
    authority::{Authenticated, RoleNeeded},
    caller::{Permit, Scope},
    context::Ctx,
    error::AuthError,
    identity::IdentityKind,
    membership::{Membership, RoleLadder},
    project::ProjectRef,
    secret::Password,
    sip::SipUser,
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
        let passed = Passed::of(parts, app, Whose::Account, false).await?;
        Self::of(app, passed).await
    }
}

impl Caller {
    async fn of(app: &App, passed: Passed) -> Result<Self, Refusal> {
        let Passed { ctx, who, password } = passed;
        let (account, place) = standing(app, &ctx, &who).await.map_err(Refusal::at_the_gate)?;
        Ok(Self { ctx, who, password, account, place })
    }

    /// May manage what belongs to the account; an application's people see nothing of another.
    pub(super) async fn may_manage(&self, app: &App) -> Result<Permit, Refusal> {
        let permitted = app.authority.permit_in(&self.who, ProjectRef::Application(self.account.id), MANAGES).await?;
        Ok(permitted.0)
    }
}

/// A SIP user who passed the gate. `SIGNS_IN` says whether a password starts a session, which what is done then needs.
#[derive(Debug)]
pub(super) struct SipCaller<const SIGNS_IN: bool = false> {
    pub(super) ctx: Ctx,
    pub(super) who: Authenticated,
    pub(super) user: SipUser,
}

impl<const SIGNS_IN: bool> FromRequestParts<App> for SipCaller<SIGNS_IN> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let passed = Passed::of(parts, app, Whose::SipUser, SIGNS_IN).await?;
        Self::of(app, passed).await
    }
}

impl<const SIGNS_IN: bool> SipCaller<SIGNS_IN> {
    async fn of(app: &App, passed: Passed) -> Result<Self, Refusal> {
        let Passed { ctx, who, .. } = passed;
        if who.identity.kind != IdentityKind::Endpoint {
            return Err(AuthError::Forbidden { needs: Scope::IdentitiesRead }.into());
        }
        let user = app.authority.own_sip_user(&who).await.map_err(Refusal::at_the_gate)?;
        Ok(Self { ctx, who, user })
    }
}

/// Whoever wants a token: a password, an HA1B or a provider's token starts a session.
#[derive(Debug)]
pub(super) enum SigningIn {
    User(Box<Caller>),
    SipUser(Box<SipCaller>),
}

impl FromRequestParts<App> for SigningIn {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let passed = Passed::of(parts, app, Whose::Either, true).await?;
        if passed.who.identity.kind == IdentityKind::Endpoint {
            SipCaller::of(app, passed).await.map(|caller| Self::SipUser(Box::new(caller)))
        } else {
            Caller::of(app, passed).await.map(|caller| Self::User(Box::new(caller)))
        }
    }
}

/// Whom a route is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    Account,
    SipUser,
    /// Accounts, and SIP users by what only they have.
    Either,
}

/// Somebody who passed the gate of this mount's project.
struct Passed {
    ctx: Ctx,
    who: Authenticated,
    password: Option<Password>,
}

impl Passed {
    async fn of(parts: &mut Parts, app: &App, whose: Whose, start: bool) -> Result<Self, Refusal> {
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
        let presented = match (whose, means) {
            // An HA1B says nothing about anybody's account, however good it is (sheet, section 10).
            (Whose::Account, Means::Ha1b) => None,
            (Whose::SipUser, Means::Basic) | (_, Means::Ha1b) => shown.of_sip_user(app.project()),
            _ => shown.of_account(app.project()),
        };
        let presented = presented.ok_or_else(Refusal::unauthorized)?;
        let who = if start {
            app.authority.sign_in(&ctx, presented).await
        } else {
            app.authority.authenticate(&ctx, presented).await
        };
        let who = who.map_err(Refusal::at_the_gate)?;
        app.authority.require_place(&who, app.project()).await.map_err(Refusal::at_the_gate)?;
        if in_query {
            app.authority.accept_token_in_query(&ctx, &who).await.map_err(Refusal::at_the_gate)?;
        }
        Ok(Self { ctx, who, password })
    }
}

/// The account of somebody who passed the gate.
pub(super) async fn standing(
    app: &App,
    ctx: &Ctx,
    who: &Authenticated,
) -> Result<(Application, Membership), AuthError> {
    app.authority.home(ctx, who, account::KIND, account::fresh).await
}
