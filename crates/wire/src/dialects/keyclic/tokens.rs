//! What a sign-in is answered: every member that any generation of clients reads.

use ringfence_core::{
    authority::{Authenticated, IdTokenRequest, TokenRequest, TokenSet},
    context::Ctx,
    error::AuthError,
    identity::{HeldIdentifier, Identifier},
    membership::Membership,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{APPLICATION, roles};
use crate::app::App;

/// Who its tokens are for when a request names no application.
const DEFAULT_KEY: &str = "com.keyclic.app";

/// Claims of the access token beside ours.
#[derive(Serialize)]
pub(super) struct Claims {
    roles: Vec<String>,
    username: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip: Option<String>,
}

/// Somebody who signed in, with what tokens and answers say of them.
pub(super) struct Bearer {
    who: Authenticated,
    login: String,
    held: Vec<HeldIdentifier>,
    roles: Vec<String>,
    places: Vec<(Membership, Option<String>)>,
}

impl Bearer {
    /// Reads what is said of `who`.
    pub(super) async fn of(app: &App, ctx: &Ctx, who: Authenticated) -> Result<Self, AuthError> {
        let held = app.authority.identifiers(who.identity.id).await?;
        let roles = app.authority.roles(ctx, &who, None).await?;
        let mut places = Vec::new();
        for (place, application) in app.authority.memberships(&who).await? {
            let mut names = app.authority.aliases(application.id).await?.into_iter();
            let key = names.find(|name| name.scheme == APPLICATION).map(|name| name.value);
            places.push((place, key));
        }
        Ok(Self { login: username(&held), roles: roles::with_everybodys(roles), who, held, places })
    }

    /// Who.
    pub(super) const fn who(&self) -> &Authenticated {
        &self.who
    }

    /// The tokens they are to have. The address is told only where the mount says nothing against it: it is personal data.
    pub(super) fn wanted(&self, app: &App, ctx: &Ctx, key: Option<&str>) -> TokenRequest<Claims> {
        let ip = ctx.address.filter(|_| app.option("token_ip") != Some("off"));
        let access = Claims {
            roles: self.roles.clone(),
            username: self.login.clone(),
            ip: ip.map(|address| address.to_string()),
        };
        let id = IdTokenRequest { audience: key.unwrap_or(DEFAULT_KEY).to_owned(), claims: self.id_claims() };
        TokenRequest { access, id: Some(id) }
    }

    fn id_claims(&self) -> Map<String, Value> {
        let mut claims = Map::new();
        claims.insert("preferred_username".to_owned(), self.login.clone().into());
        if let Some(held) = self.held.iter().find(|held| held.identifier.scheme() == Identifier::EMAIL) {
            claims.insert("email".to_owned(), held.identifier.value().into());
            claims.insert("email_verified".to_owned(), held.verified_at.is_some().into());
        }
        let profile = &self.who.identity.profile;
        for (name, value) in [("given_name", &profile.given_name), ("family_name", &profile.family_name)] {
            if let Some(value) = value {
                claims.insert(name.to_owned(), value.clone().into());
            }
        }
        claims
    }

    /// The answer that satisfies every generation.
    pub(super) fn answer(&self, set: &TokenSet) -> Value {
        let organization = |place: &Membership| json!({ "type": "Organization", "id": place.application });
        let administrator_of = self.places.iter().filter(|(place, _)| place.role == roles::ADMIN);
        let administrator_of = administrator_of
            .map(|(place, key)| json!({ "id": place.application, "token": key, "type": "Organization" }));
        let member_of = self
            .places
            .iter()
            .map(|(place, _)| json!({ "id": place.id, "organization": organization(place), "roles": [place.role] }));
        json!({
            "accessToken": set.access.expose(),
            "tokenType": "Bearer",
            "credentials": {
                "id": self.who.identity.id,
                "login": self.login,
                "roles": self.roles,
                "administratorOf": administrator_of.collect::<Value>(),
                "memberOf": member_of.collect::<Value>(),
            },
            "idToken": set.id.as_ref().map(ringfence_core::secret::RawToken::expose),
            "refreshToken": set.refresh.expose(),
        })
    }
}

/// What somebody logs in with: their address, or nothing where an identity provider gave none.
pub(super) fn username(held: &[HeldIdentifier]) -> String {
    let address = held.iter().find(|held| held.identifier.scheme() == Identifier::EMAIL);
    address.map(|held| held.identifier.value().to_owned()).unwrap_or_default()
}
