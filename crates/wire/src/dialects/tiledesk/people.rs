//! People as this dialect shows them: accounts by 24 digits, guests by UUID, users of an integrator by its own id.

use ringfence_core::{
    authority::{Authenticated, Authority},
    error::AuthError,
    identity::{Identifier, Identity, IdentityKind},
    ids::IdentityId,
};
use serde_json::Value;

use super::{
    attributes::said,
    wire::{Account, Guest, StoredAccount, Times, account_id},
};

/// An account with its address.
pub(super) async fn account(authority: &Authority, identity: &Identity) -> Result<Account, AuthError> {
    let held = authority.identifiers(identity.id).await?;
    let address = held.into_iter().find(|held| held.identifier.scheme() == Identifier::EMAIL);
    Ok(Account {
        id: account_id(identity.id),
        firstname: identity.profile.given_name.clone(),
        lastname: identity.profile.family_name.clone(),
        emailverified: address.as_ref().is_some_and(|held| held.verified_at.is_some()),
        email: address.map(|held| held.identifier.value().to_owned()),
    })
}

/// An account with everything that is stored of it, and nothing of its password.
pub(super) async fn stored(authority: &Authority, identity: &Identity) -> Result<StoredAccount, AuthError> {
    Ok(StoredAccount {
        account: account(authority, identity).await?,
        status: if identity.standing.is_active() { 100 } else { 0 },
        phone: identity.profile.phone_number.clone(),
        more: said(identity, &["attributes", "description", "public_email", "public_website"]),
        times: Times::new(identity.created_at, identity.updated_at),
    })
}

/// A guest; one who gave no name is called after its id.
pub(super) fn guest(identity: &Identity) -> Guest {
    let id = guest_id(identity.id);
    let firstname = identity.profile.given_name.clone().unwrap_or_else(|| format!("guest#{}", &id[..4]));
    let lastname = identity.profile.family_name.clone();
    Guest {
        full_name: format!("{firstname} {}", lastname.as_deref().unwrap_or_default()),
        firstname,
        lastname,
        more: said(identity, &["email", "attributes"]),
        id_again: id.clone(),
        id,
    }
}

/// The `_id` of whoever asks, as text.
pub(super) fn id(who: &Authenticated) -> String {
    match who.identity.kind {
        IdentityKind::Guest => guest_id(who.identity.id),
        IdentityKind::External => match claim(who, "_id") {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => who.identity.id.to_string(),
        },
        IdentityKind::Member | IdentityKind::Endpoint | IdentityKind::Service => account_id(who.identity.id),
    }
}

/// A claim of the assertion that `who` showed.
pub(super) fn claim<'a>(who: &'a Authenticated, name: &str) -> Option<&'a Value> {
    who.session.as_ref()?.claims.as_ref()?.get(name)
}

/// A guest's id as clients expect it: a UUID of version 4 (sheet section 1), which begins with the random half, so that
/// names made of its first digits tell guests apart. It holds the same 96 bits as ours.
fn guest_id(id: IdentityId) -> String {
    let short = id.short();
    let (time, random) = short.split_at(12);
    format!("{}-{}-4000-8000-{time}", &random[..8], &random[8..])
}
