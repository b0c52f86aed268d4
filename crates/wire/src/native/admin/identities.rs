//! Identities: members, guests and the rest.

use axum::extract::State;
use http::StatusCode;
use ringfence_core::{
    authority::{ProfileChange, Registration},
    error::Noun,
    identity::{Identifier, Identity, IdentityFilter, IdentityKind, Profile},
    project::ProjectRef,
    secret::Password,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::App,
    native::{
        account::IdentifierItem,
        body::Json,
        caller::{Admin, IdentitiesRead, IdentitiesWrite},
        input::{Asked, Listing, Named, Page, id},
        me::ProfileMembers,
        problem::Problem,
    },
};

/// An identity, as administrators see it.
#[derive(Serialize, ToSchema)]
pub(in crate::native) struct IdentityItem {
    /// Its id, the `sub` of its tokens.
    id: String,
    /// `member`, `guest`, `external`, `endpoint` or `service`.
    kind: &'static str,
    /// The application that it belongs to, for guests and users of trusted issuers.
    application_id: Option<String>,
    /// Profile claims, named as in OIDC.
    #[schema(value_type = Object)]
    profile: Value,
    /// What it is found by; absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    identifiers: Option<Vec<IdentifierItem>>,
    /// Since when an administrator forbids it to sign in.
    #[schema(format = DateTime)]
    suspended_at: Option<String>,
    /// Since when too many failures keep it out.
    #[schema(format = DateTime)]
    locked_at: Option<String>,
    /// Since when it is gone.
    #[schema(format = DateTime)]
    erased_at: Option<String>,
    /// Since when it is known.
    #[schema(format = DateTime)]
    created_at: String,
}

impl IdentityItem {
    fn of(identity: &Identity) -> Self {
        let standing = identity.standing;
        Self {
            id: identity.id.to_string(),
            kind: identity.kind.as_str(),
            application_id: identity.application.map(|id| id.to_string()),
            profile: serde_json::to_value(&identity.profile).unwrap_or_default(),
            identifiers: None,
            suspended_at: standing.suspended_at.map(Timestamp::rfc3339),
            locked_at: standing.locked_at.map(Timestamp::rfc3339),
            erased_at: standing.erased_at.map(Timestamp::rfc3339),
            created_at: identity.created_at.rfc3339(),
        }
    }

    async fn whole(app: &App, identity: &Identity) -> Result<axum::Json<Self>, Problem> {
        let held = app.authority.identifiers(identity.id).await?;
        let identifiers = Some(held.iter().map(IdentifierItem::of).collect());
        Ok(axum::Json(Self { identifiers, ..Self::of(identity) }))
    }
}

/// Which identities to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::native) struct Filter {
    /// `next` of the page before.
    after: Option<String>,
    /// Items on a page, 1 to 100.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// Only those of this kind: `member`, `guest`, `external`, `endpoint` or `service`.
    kind: Option<String>,
    /// Only the one that has this address.
    email: Option<String>,
}

/// The project's identities.
#[utoipa::path(
    get, path = "/admin/identities", tag = "administration", params(Filter),
    security(("bearer" = ["identities:read"])),
    responses((status = 200, description = "A page", body = Listing<IdentityItem>)),
)]
pub(in crate::native) async fn list(
    State(app): State<App>,
    admin: Admin<IdentitiesRead>,
    Asked(Filter { after, limit, kind, email }): Asked<Filter>,
) -> Result<axum::Json<Listing<IdentityItem>>, Problem> {
    let (page, list) = (Page::new(after, limit), admin.list("identities"));
    let kind = kind.map(|kind| IdentityKind::parse(&kind).ok_or(Problem::Query)).transpose()?;
    if let Some(email) = email {
        let found = app.authority.identity_by(&admin.permit, Identifier::email(&email)).await;
        let found = match found {
            Err(ringfence_core::error::AuthError::NotFound(_)) => Vec::new(),
            found => vec![IdentityItem::of(&found?)],
        };
        return Ok(axum::Json(Listing::whole(found)));
    }
    let (after, limit) = (page.after(&app, &list)?, page.limit()?);
    let found = app.authority.identities(&admin.permit, IdentityFilter { kind }, after, limit).await?;
    let position = |found: &Identity| found.id.to_string();
    Ok(axum::Json(page.of(&app, &list, found, position, |found| IdentityItem::of(&found))?))
}

/// A member who is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::native) struct NewMember {
    /// The address, which counts as proved.
    email: String,
    /// As the project's rules want it.
    #[schema(value_type = String, format = Password)]
    password: Password,
    /// First name.
    given_name: Option<String>,
    /// Last name.
    family_name: Option<String>,
    /// What others see.
    nickname: Option<String>,
    /// BCP 47 language of messages.
    locale: Option<String>,
}

/// Makes a member.
#[utoipa::path(
    post, path = "/admin/identities", tag = "administration",
    request_body = NewMember,
    security(("bearer" = ["identities:write"])),
    responses((status = 201, description = "Made", body = IdentityItem)),
)]
pub(in crate::native) async fn create(
    State(app): State<App>,
    admin: Admin<IdentitiesWrite>,
    Json(wanted): Json<NewMember>,
) -> Result<(StatusCode, axum::Json<IdentityItem>), Problem> {
    let NewMember { email, password, given_name, family_name, nickname, locale } = wanted;
    let registration = Registration {
        project: ProjectRef::Id(admin.permit.project()),
        email,
        password,
        profile: Profile { given_name, family_name, nickname, locale, ..Profile::default() },
        attributes: Map::new(),
        vouched: Some(admin.permit.clone()),
        verify: None,
    };
    let made = app.authority.register(&admin.ctx, registration).await?;
    Ok((StatusCode::CREATED, IdentityItem::whole(&app, &made).await?))
}

/// An identity.
#[utoipa::path(
    get, path = "/admin/identities/{identity}", tag = "administration",
    params(("identity" = String, Path, description = "Its id")),
    security(("bearer" = ["identities:read"])),
    responses((status = 200, description = "The identity", body = IdentityItem)),
)]
pub(in crate::native) async fn show(
    State(app): State<App>,
    admin: Admin<IdentitiesRead>,
    Named(identity): Named<String>,
) -> Result<axum::Json<IdentityItem>, Problem> {
    let found = app.authority.identity(&admin.permit, id(&identity, Noun::Identity)?).await?;
    IdentityItem::whole(&app, &found).await
}

/// What to change of an identity.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::native) struct IdentityChange {
    /// Members of the profile; null clears, absent leaves.
    profile: Option<ProfileMembers>,
    /// Whether it is forbidden to sign in; its sessions end.
    suspended: Option<bool>,
}

/// Changes an identity.
#[utoipa::path(
    patch, path = "/admin/identities/{identity}", tag = "administration",
    request_body = IdentityChange,
    params(("identity" = String, Path, description = "Its id")),
    security(("bearer" = ["identities:write"])),
    responses((status = 200, description = "Changed", body = IdentityItem)),
)]
pub(in crate::native) async fn change(
    State(app): State<App>,
    admin: Admin<IdentitiesWrite>,
    Named(identity): Named<String>,
    Json(wanted): Json<IdentityChange>,
) -> Result<axum::Json<IdentityItem>, Problem> {
    let (ctx, permit, id) = (&admin.ctx, &admin.permit, id(&identity, Noun::Identity)?);
    let mut found = app.authority.identity(permit, id).await?;
    if let Some(profile) = wanted.profile {
        found = app.authority.change_identity(ctx, permit, id, ProfileChange::from(profile)).await?;
    }
    if let Some(suspended) = wanted.suspended {
        found = app.authority.suspend_identity(ctx, permit, id, suspended).await?;
    }
    IdentityItem::whole(&app, &found).await
}

/// Erases an identity: nothing personal remains, and the id is never used again.
#[utoipa::path(
    delete, path = "/admin/identities/{identity}", tag = "administration",
    params(("identity" = String, Path, description = "Its id")),
    security(("bearer" = ["identities:write"])),
    responses((status = 204, description = "Erased")),
)]
pub(in crate::native) async fn erase(
    State(app): State<App>,
    admin: Admin<IdentitiesWrite>,
    Named(identity): Named<String>,
) -> Result<StatusCode, Problem> {
    app.authority.erase_identity(&admin.ctx, &admin.permit, id(&identity, Noun::Identity)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A password, or the hash of one from elsewhere.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::native) struct NewPassword {
    /// As the project's rules want it.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<Password>,
    /// A hash in its text form (PHC or an older scheme), from another system.
    password_hash: Option<String>,
}

/// Sets a password and ends every session.
#[utoipa::path(
    put, path = "/admin/identities/{identity}/password", tag = "administration",
    request_body = NewPassword,
    params(("identity" = String, Path, description = "Its id")),
    security(("bearer" = ["identities:write"])),
    responses((status = 204, description = "It counts")),
)]
pub(in crate::native) async fn set_password(
    State(app): State<App>,
    admin: Admin<IdentitiesWrite>,
    Named(identity): Named<String>,
    Json(wanted): Json<NewPassword>,
) -> Result<StatusCode, Problem> {
    let (ctx, permit, id) = (&admin.ctx, &admin.permit, id(&identity, Noun::Identity)?);
    app.authority.identity(permit, id).await?;
    match (wanted.password, wanted.password_hash) {
        (Some(new), None) => app.authority.set_password(ctx, permit, id, new).await?,
        (None, Some(hash)) => app.authority.import_password(ctx, permit, id, &hash).await?,
        _ => return Err(Problem::malformed("password")),
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Lets an identity try again that too many failures keep out.
#[utoipa::path(
    post, path = "/admin/identities/{identity}/unlock", tag = "administration",
    params(("identity" = String, Path, description = "Its id")),
    security(("bearer" = ["identities:write"])),
    responses((status = 204, description = "Unlocked")),
)]
pub(in crate::native) async fn unlock(
    State(app): State<App>,
    admin: Admin<IdentitiesWrite>,
    Named(identity): Named<String>,
) -> Result<StatusCode, Problem> {
    app.authority.unlock_identity(&admin.ctx, &admin.permit, id(&identity, Noun::Identity)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
