//! Sign-in at an identity provider by a browser that is sent there and comes back with a code (RFC 6749 4.1).
//!
//! Nothing is stored in between: what must be known when the browser comes back travels with it, sealed, beside the state that
//! the provider gives back. Only the browser that left can come back (RFC 9700 4.7), and only soon.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use subtle::ConstantTimeEq as _;

use super::{
    Authenticated, Authority,
    authenticate::{admit, allow_way, resolve},
};
use crate::{
    application::WayIn,
    context::Ctx,
    entropy::random,
    error::AuthError,
    federation::{CodeAnswer, CodeRequest, IdentityProvider, ProviderToken},
    ids::ProjectId,
    project::ProjectRef,
    seal::Sealed,
    secret::{RawToken, TokenDigest},
    time::Timestamp,
};

/// How long somebody may take at the provider.
const LIFETIME: Duration = Duration::from_mins(10);
/// What tickets are sealed for.
const PLACE: &str = "provider_sign_in";
/// How much a face may send along.
const MAX_CARRIED: usize = 1024;

/// A browser that leaves for a provider.
#[derive(Debug)]
pub struct Departure {
    /// Where it goes.
    pub url: String,
    /// What it must show when it comes back.
    pub ticket: RawToken,
}

/// A browser that comes back.
#[derive(Debug)]
pub struct Return {
    /// What it left with.
    pub ticket: RawToken,
    /// What the provider gave back.
    pub state: String,
    /// What the provider gave.
    pub code: RawToken,
    /// Who the provider says it is.
    pub issuer: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Ticket {
    project: ProjectId,
    provider: String,
    state: String,
    nonce: String,
    verifier: String,
    redirect_uri: String,
    carried: String,
    expires_at: Timestamp,
}

impl Authority {
    /// Sends a browser to a provider; `carried` comes back with it, unseen and unchanged.
    pub async fn begin_provider_sign_in(
        &self,
        ctx: &Ctx,
        project: ProjectRef,
        provider: &'static str,
        redirect_uri: String,
        carried: String,
    ) -> Result<Departure, AuthError> {
        if carried.len() > MAX_CARRIED {
            return Err(AuthError::NotSupported("so long an address"));
        }
        let (project, settings, adapter) = self.provider_of(ctx, project, provider).await?;
        let fresh = || URL_SAFE_NO_PAD.encode(random::<32>(self.entropy.as_ref()));
        let ticket = Ticket {
            project,
            provider: provider.to_owned(),
            state: fresh(),
            nonce: fresh(),
            verifier: fresh(),
            redirect_uri,
            carried,
            expires_at: ctx.now + LIFETIME,
        };
        let wanted = CodeRequest {
            redirect_uri: ticket.redirect_uri.clone(),
            state: ticket.state.clone(),
            nonce: ticket.nonce.clone(),
            challenge: TokenDigest::of(ticket.verifier.as_bytes()).as_str().to_owned(),
        };
        let url = adapter.sign_in_url(&settings, &wanted, ctx.now).await?;
        let text = serde_json::to_vec(&ticket).map_err(AuthError::internal)?;
        let sealed = self.sealer.seal(&text, PLACE, self.entropy.as_ref());
        Ok(Departure { url, ticket: RawToken::new(sealed.as_str()) })
    }

    /// Signs in whoever comes back from a provider, and returns what was sent along.
    ///
    /// [`AuthError::VerificationInvalid`] unless it is the browser that left, and soon enough.
    pub async fn finish_provider_sign_in(
        &self,
        ctx: &Ctx,
        project: ProjectRef,
        provider: &'static str,
        back: Return,
    ) -> Result<(Authenticated, String), AuthError> {
        let ticket = self.open_ticket(&back.ticket)?;
        let same_state: bool = ticket.state.as_bytes().ct_eq(back.state.as_bytes()).into();
        if !same_state || ticket.provider != provider || ticket.expires_at <= ctx.now {
            return Err(AuthError::VerificationInvalid);
        }
        let (id, settings, adapter) = self.provider_of(ctx, project.clone(), provider).await?;
        if id != ticket.project {
            return Err(AuthError::VerificationInvalid);
        }
        let answer = CodeAnswer {
            code: back.code,
            issuer: back.issuer,
            redirect_uri: ticket.redirect_uri,
            verifier: RawToken::new(ticket.verifier),
        };
        let token = adapter.redeem(&settings, &answer, ctx.now).await?;
        let shown = ProviderToken { token, nonce: Some(ticket.nonce) };
        let who = self.by_provider(ctx, project, provider, &shown, true).await?;
        Ok((who, ticket.carried))
    }

    /// Whatever does not open was not made here, or for something else.
    fn open_ticket(&self, ticket: &RawToken) -> Result<Ticket, AuthError> {
        let sealed = Sealed::stored(ticket.expose().to_owned());
        let text = self.sealer.open(&sealed, PLACE).map_err(|_| AuthError::VerificationInvalid)?;
        serde_json::from_slice(&text).map_err(AuthError::internal)
    }

    /// The project, what it says of the provider, and the provider.
    async fn provider_of(
        &self,
        ctx: &Ctx,
        reference: ProjectRef,
        name: &'static str,
    ) -> Result<(ProjectId, Value, Arc<dyn IdentityProvider>), AuthError> {
        let (now, sealer) = (ctx.now, Arc::clone(&self.sealer));
        let unknown = || AuthError::NotSupported("this identity provider");
        let adapter = self.providers.get(name).ok_or_else(unknown)?;
        let (project, settings) = self
            .store
            .read(move |tx| {
                let (project, application) = resolve(tx, &reference)?;
                admit(&project, application.as_ref(), None, None, None, now)?;
                allow_way(application.as_ref(), WayIn::Federated)?;
                let said = project.policy.federation.only(name).ok_or_else(unknown)?;
                let opened = said.opened(project.id, &sealer)?;
                Ok((project.id, opened.get(name).cloned().unwrap_or_default()))
            })
            .await?;
        Ok((project, settings, adapter))
    }
}
