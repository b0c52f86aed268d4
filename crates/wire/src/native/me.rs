//! One's own account.

use std::sync::Arc;

use axum::extract::State;
use ringfence_core::authority::{Authenticated, ProfileChange};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use super::{answers::Person, body::Json, caller::Caller, problem::Problem};
use crate::app::App;

/// Who asks.
#[utoipa::path(
    get, path = "/me", tag = "account",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "Whoever asks", body = Person),
    ),
)]
pub(super) async fn show(Caller { who, .. }: Caller) -> axum::Json<Person> {
    axum::Json(Person::of(&who))
}

/// Members to change; null clears, absent leaves.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::option_option, reason = "null clears, absent leaves")]
pub(super) struct ProfileMembers {
    /// First name.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<String>)]
    given_name: Option<Option<String>>,
    /// Last name.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<String>)]
    family_name: Option<Option<String>>,
    /// What others see.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<String>)]
    nickname: Option<Option<String>>,
    /// Telephone number.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<String>)]
    phone_number: Option<Option<String>>,
    /// BCP 47 language of messages.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<String>)]
    locale: Option<Option<String>>,
}

impl From<ProfileMembers> for ProfileChange {
    fn from(members: ProfileMembers) -> Self {
        let ProfileMembers { given_name, family_name, nickname, phone_number, locale } = members;
        Self { given_name, family_name, nickname, phone_number, locale, attributes: None }
    }
}

/// Tells null from absent.
#[expect(clippy::option_option, reason = "null clears, absent leaves")]
fn said<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(input).map(Some)
}

/// Changes one's own profile.
#[utoipa::path(
    patch, path = "/me", tag = "account",
    request_body = ProfileMembers,
    security(("bearer" = [])),
    responses(
        (status = 200, description = "Changed", body = Person),
    ),
)]
pub(super) async fn change(
    State(app): State<App>,
    Caller { ctx, who }: Caller,
    Json(wanted): Json<ProfileMembers>,
) -> Result<axum::Json<Person>, Problem> {
    let identity = app.authority.change_profile(&ctx, &who, wanted.into()).await?;
    Ok(axum::Json(Person::of(&Authenticated { identity: Arc::new(identity), ..who })))
}
