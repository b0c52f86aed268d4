//! What a project has besides applications, and whom applications trust.

use anyhow::{Context as _, Result, bail};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ringfence_core::{
    application::Application,
    authority::{ApiKeyRequest, ProfileChange, Registration},
    caller::{Permit, Scope, ScopeSet},
    credential::Credential,
    entropy::{Entropy, random},
    error::{AuthError, Rule},
    identity::{Identifier, Identity, Profile},
    ids::IssuerId,
    project::ProjectRef,
    secret::{Password, RawToken},
};
use serde_json::{Map, Value};

use super::{
    Action,
    file::{ApiKeyEntry, ApplicationEntry, IdentityEntry},
    plan::Made,
    walk::{PAGE, Place, Walk, found},
};
use crate::exit::{Refused, explain};

/// Where an identity keeps what it is in the project as a whole.
const PROJECT_ATTRIBUTES: &str = "project";

impl Walk<'_> {
    pub(super) async fn issuers(
        &mut self,
        place: &Place<'_>,
        entry: &ApplicationEntry,
        application: Option<&Application>,
    ) -> Result<()> {
        let mut kept = Vec::new();
        for wanted in &entry.trusted_issuer {
            let what = place.name("trusted_issuer", &format!("{}/{}", entry.name, wanted.profile));
            refuse_unknown_profile(&wanted.profile)?;
            let (Some(permit), Some(application)) = (&place.permit, application) else {
                self.plan.say(Action::Create, what, None);
                continue;
            };
            let present = self.trusted(permit, application, &wanted.profile, wanted.secret.as_ref()).await?;
            if !present.is_empty() {
                kept.extend(present);
                self.plan.say(Action::Leave, what, None);
                continue;
            }
            self.plan.say(Action::Create, what.clone(), None);
            if self.acts() {
                let (made, given) = (wanted.secret.is_none(), wanted.secret.clone());
                let trusted = self.authority.trust_issuer(&self.ctx, permit, application.id, &wanted.profile, given);
                let value = trusted.await.map_err(explain)?;
                kept.extend(self.trusted(permit, application, &wanted.profile, Some(&value)).await?);
                if made {
                    self.plan.made.push(Made { what: format!("{what} secret"), value });
                }
            }
        }
        match (&place.permit, application) {
            (Some(permit), Some(application)) if self.manner.prune => {
                self.prune_issuers(place, permit, application, &kept).await
            }
            _ => Ok(()),
        }
    }

    /// The issuers of a profile with this secret, or with any if none is given.
    async fn trusted(
        &self,
        permit: &Permit,
        application: &Application,
        profile: &str,
        secret: Option<&RawToken>,
    ) -> Result<Vec<IssuerId>> {
        let issuers = self.authority.issuers(permit, application.id).await.map_err(explain)?;
        let of_profile: Vec<_> = issuers.iter().filter(|issuer| issuer.profile == profile).collect();
        let Some(secret) = secret else { return Ok(of_profile.iter().map(|issuer| issuer.id).collect()) };
        let trusted = self.authority.issuer_with(permit, application.id, profile, secret);
        Ok(trusted.await.map_err(explain)?.into_iter().collect())
    }

    async fn prune_issuers(
        &mut self,
        place: &Place<'_>,
        permit: &Permit,
        application: &Application,
        kept: &[IssuerId],
    ) -> Result<()> {
        let issuers = self.authority.issuers(permit, application.id).await.map_err(explain)?;
        for extra in issuers.into_iter().filter(|issuer| !kept.contains(&issuer.id)) {
            let what = place.name("trusted_issuer", &format!("{}/{}", application.name, extra.profile));
            self.plan.say(Action::Delete, what, Some(format!("revoked: {}", extra.id)));
            if self.acts() {
                let revoked = self.authority.revoke_issuer(&self.ctx, permit, application.id, extra.id);
                revoked.await.map_err(explain)?;
            }
        }
        Ok(())
    }

    pub(super) async fn guest_targets(&mut self, place: &Place<'_>) -> Result<()> {
        let present = match &place.permit {
            Some(permit) => self.authority.guest_targets(permit).await.map_err(explain)?,
            None => Vec::new(),
        };
        for wanted in &place.entry.guest_target {
            let known = present.iter().any(|target| target.kind == wanted.kind && target.name == wanted.id);
            let what = place.name("guest_target", &format!("{}/{}", wanted.kind, wanted.id));
            self.plan.say(if known { Action::Leave } else { Action::Create }, what, None);
            if let (Some(permit), false, true) = (&place.permit, known, self.acts()) {
                let (kind, name) = (wanted.kind.clone(), wanted.id.clone());
                self.authority.add_guest_target(&self.ctx, permit, kind, name).await.map_err(explain)?;
            }
        }
        let Some(permit) = place.permit.as_ref().filter(|_| self.manner.prune) else { return Ok(()) };
        let named = |kind: &str, name: &str| place.entry.guest_target.iter().any(|e| e.kind == kind && e.id == name);
        for extra in present.into_iter().filter(|target| !named(&target.kind, &target.name)) {
            let what = place.name("guest_target", &format!("{}/{}", extra.kind, extra.name));
            self.plan.say(Action::Delete, what, None);
            if self.acts() {
                self.authority.remove_guest_target(&self.ctx, permit, extra.id).await.map_err(explain)?;
            }
        }
        Ok(())
    }

    pub(super) async fn api_keys(&mut self, place: &Place<'_>) -> Result<()> {
        let present = match &place.permit {
            Some(permit) => self.all_api_keys(permit).await?,
            None => Vec::new(),
        };
        let mut kept = Vec::new();
        for wanted in &place.entry.api_key {
            let what = place.name("api_key", &wanted.name);
            let scopes = wanted.scopes().with_context(|| what.clone())?;
            if let Some(key) = wanted.among(&present) {
                if key.scopes != scopes {
                    return Err(Refused::because(format_args!(
                        "{what} has other scopes; they are fixed when a key is made, so give it a new name and value"
                    )));
                }
                kept.push(key.id);
                self.plan.say(Action::Leave, what, key.revoked_at.map(|_| "revoked".to_owned()));
                continue;
            }
            self.plan.say(Action::Create, what.clone(), None);
            let Some(permit) = place.permit.as_ref().filter(|_| self.acts()) else { continue };
            let request = ApiKeyRequest {
                label: wanted.name.clone(),
                scopes,
                application: None,
                expires_at: None,
                value: wanted.value.clone(),
            };
            let minted = self.authority.create_api_key(&self.ctx, permit, request).await.map_err(explain)?;
            kept.push(minted.credential.id);
            if wanted.value.is_none() {
                self.plan.made.push(Made { what, value: minted.value });
            }
        }
        let Some(permit) = place.permit.as_ref().filter(|_| self.manner.prune) else { return Ok(()) };
        for extra in present.iter().filter(|key| key.revoked_at.is_none() && !kept.contains(&key.id)) {
            let note = Some(format!("revoked: {}", extra.id));
            self.plan.say(Action::Delete, place.name("api_key", &extra.label), note);
            if self.acts() {
                self.authority.revoke_api_key(&self.ctx, permit, extra.id).await.map_err(explain)?;
            }
        }
        Ok(())
    }

    async fn all_api_keys(&self, permit: &Permit) -> Result<Vec<Credential>> {
        let mut all: Vec<Credential> = Vec::new();
        loop {
            let after = all.last().map(|key| key.id);
            let page = self.authority.api_keys(permit, after, PAGE).await.map_err(explain)?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }

    pub(super) async fn identities(&mut self, place: &Place<'_>) -> Result<()> {
        for wanted in &place.entry.identity {
            let what = place.name("identity", &wanted.email);
            self.identity(place, wanted, &what).await.with_context(|| what.clone())?;
        }
        Ok(())
    }

    async fn identity(&mut self, place: &Place<'_>, wanted: &IdentityEntry, what: &str) -> Result<()> {
        let present = match &place.permit {
            Some(permit) => found(self.authority.identity_by(permit, Identifier::email(&wanted.email)).await)?,
            None => None,
        };
        let (Some(permit), Some(present)) = (&place.permit, present) else {
            self.plan.say(Action::Create, what, None);
            return match place.permit.as_ref().filter(|_| self.acts()) {
                Some(permit) => self.register(permit, wanted, what).await,
                None => Ok(()),
            };
        };
        let change = wanted.change_of(&present);
        // A password that its owner changed is theirs.
        let note = wanted.password.as_ref().map(|_| "password as it is".to_owned());
        self.plan.say(if change.is_some() { Action::Change } else { Action::Leave }, what, note);
        if let Some(change) = change.filter(|_| self.acts()) {
            self.authority.change_identity(&self.ctx, permit, present.id, change).await.map_err(explain)?;
        }
        Ok(())
    }

    async fn register(&mut self, permit: &Permit, wanted: &IdentityEntry, what: &str) -> Result<()> {
        let password = wanted.password.clone().unwrap_or_else(|| generated_password(self.authority.entropy().as_ref()));
        let mut attributes = Map::new();
        if let Some(roles) = wanted.roles() {
            attributes.insert(PROJECT_ATTRIBUTES.to_owned(), Value::Object(roles));
        }
        let registration = Registration {
            project: ProjectRef::Id(permit.project()),
            email: wanted.email.clone(),
            password: password.clone(),
            profile: Profile { nickname: wanted.nickname.clone(), ..Profile::default() },
            attributes,
            vouched: Some(permit.clone()),
            verify: None,
        };
        self.authority.register(&self.ctx, registration).await.map_err(explain)?;
        if wanted.password.is_none() {
            self.plan.made.push(Made { what: format!("{what} password"), value: RawToken::new(password.expose()) });
        }
        Ok(())
    }
}

/// A password of 120 random bits.
pub fn generated_password(entropy: &dyn Entropy) -> Password {
    Password::new(URL_SAFE_NO_PAD.encode(random::<15>(entropy)))
}

fn refuse_unknown_profile(profile: &str) -> Result<()> {
    let known: Vec<_> = ringfence_wire::assertion_profiles().iter().map(|known| known.name).collect();
    if known.contains(&profile) {
        return Ok(());
    }
    Err(explain(AuthError::invalid("profile", Rule::Malformed))).with_context(|| {
        format!("trusted_issuer: this version knows no profile `{profile}`, only {}", known.join(", "))
    })
}

impl ApiKeyEntry {
    fn scopes(&self) -> Result<ScopeSet> {
        scopes(&self.scopes)
    }

    /// The key that this is already: by its value, or by its name if it has none.
    fn among<'k>(&self, present: &'k [Credential]) -> Option<&'k Credential> {
        match &self.value {
            Some(value) => present.iter().find(|key| key.lookup.as_ref() == Some(&value.digest())),
            None => present.iter().find(|key| key.label == self.name && key.revoked_at.is_none()),
        }
    }
}

/// Reads scopes, of which there must be one.
pub fn scopes(texts: &[String]) -> Result<ScopeSet> {
    if texts.is_empty() {
        bail!("scopes: at least one is needed; * is everything");
    }
    let known = || Scope::EACH.map(Scope::as_str).join(", ");
    let read = texts.iter().map(|text| {
        Scope::parse(text).ok_or_else(|| Refused::because(format_args!("no scope `{text}`; there are {}", known())))
    });
    read.collect()
}

impl IdentityEntry {
    fn roles(&self) -> Option<Map<String, Value>> {
        let roles = self.roles.as_ref()?;
        Some(Map::from_iter([("roles".to_owned(), Value::from(roles.clone()))]))
    }

    /// What to change; `None` when it is as the file says.
    fn change_of(&self, present: &Identity) -> Option<ProfileChange> {
        let nickname = self.nickname.clone().filter(|wanted| present.profile.nickname.as_ref() != Some(wanted));
        let known = present.attributes.get(PROJECT_ATTRIBUTES).and_then(|own| own.get("roles"));
        let roles = self.roles().filter(|wanted| known != wanted.get("roles"));
        (nickname.is_some() || roles.is_some()).then(|| ProfileChange {
            nickname: nickname.map(Some),
            attributes: roles.map(|roles| (PROJECT_ATTRIBUTES, roles)),
            ..ProfileChange::default()
        })
    }
}
