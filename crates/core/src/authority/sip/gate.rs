//! An HA1B as a credential over HTTP: a static bearer that is as good as the SIP password, so it is off unless a project says
//! otherwise, speaks for the SIP user alone, and each use leaves a trace.

use std::sync::Arc;

use crate::{
    application::WayIn,
    audit::Audit,
    authority::{
        Authenticated, Authority,
        authenticate::{admit, allow_way, resolve},
        passwords::refuse_blocked,
        sessions::{start_session, with_session},
    },
    caller::{Actor, ScopeSet},
    context::Ctx,
    digest::{DigestAlgorithm, DigestHash},
    error::AuthError,
    ids::{IdentityId, ProjectId},
    project::ProjectRef,
    secret::RawToken,
    sip::SipUser,
    throttle::ThrottleKey,
};

impl Authority {
    /// Whoever's HA1B this is. The value names nobody, so failures are counted by address and by project.
    pub(in crate::authority) async fn by_digest(
        &self,
        ctx: &Ctx,
        reference: ProjectRef,
        ha1b: &RawToken,
        start: bool,
    ) -> Result<Authenticated, AuthError> {
        let (now, address, claim) = (ctx.now, ctx.address, DigestHash::presented(ha1b.expose()));
        let safe = self.sip_safe();
        let (project, keys, found) = self
            .store
            .read(move |tx| {
                let (project, application) = resolve(tx, &reference)?;
                admit(&project, application.as_ref(), None, None, None, now)?;
                if !project.policy.compat.digest_over_http {
                    return Err(AuthError::NotSupported("a SIP digest over HTTP"));
                }
                allow_way(application.as_ref(), WayIn::Password)?;
                let mut keys = vec![ThrottleKey::digests(project.id)];
                keys.extend(address.map(ThrottleKey::address));
                refuse_blocked(tx, &keys, now)?;
                let mut found = None;
                for lookup in claim.iter().flat_map(|claim| safe.lookups(claim.expose())) {
                    found = found.or(tx.sip_user_by_ha1b(&lookup)?);
                }
                let found = found.filter(|user| user.identity.project == project.id);
                let right = match (&found, &claim) {
                    (Some(user), Some(claim)) => safe.open(user)?.ha1b(DigestAlgorithm::Md5).same_as(claim),
                    _ => false,
                };
                Ok((project.id, keys, found.filter(|_| right)))
            })
            .await?;
        match found {
            Some(user) => self.accept_digest(ctx, user, start).await,
            None => Err(self.count_wrong_digest(ctx, project, keys).await?),
        }
    }

    async fn accept_digest(&self, ctx: &Ctx, judged: SipUser, start: bool) -> Result<Authenticated, AuthError> {
        // "pop" is none of this: nothing proves that the bearer has the password.
        let seed = self.session_seed(ctx, &["ha1b"]);
        let now = ctx.now;
        let who = self
            .commit(ctx, move |tx, log| {
                let id = judged.identity.id;
                // Held, so that a new password comes either before this look or after the session, and ends it.
                let identity = tx.identity_to_change(id)?.ok_or(AuthError::InvalidCredentials)?;
                let user = tx.sip_user(id)?.filter(|user| user.digests == judged.digests);
                let user = user.ok_or(AuthError::InvalidCredentials)?;
                let project = tx.project(identity.project)?.ok_or(AuthError::InvalidCredentials)?;
                let application = user.application.map(|id| tx.application(id)).transpose()?.flatten();
                admit(&project, application.as_ref(), Some(&identity), Some(&user.endpoint), None, now)?;
                let session = seed.session_at(&identity, Some(&user.endpoint), &project, None);
                log.record(Audit::new(project.id, Actor::Identity(id), "digest.used", &format_args!("identity:{id}")));
                let who = Authenticated {
                    identity: Arc::new(identity),
                    endpoint: Some(Arc::new(user.endpoint)),
                    project: Arc::new(project),
                    application: None,
                    session: None,
                    key: None,
                    scopes: ScopeSet::default(),
                };
                if !start {
                    return Ok(who);
                }
                start_session(tx, log, &session, None)?;
                Ok(with_session(who, session))
            })
            .await?;
        note_use(who.identity.id, ctx);
        Ok(who)
    }

    async fn count_wrong_digest(
        &self,
        ctx: &Ctx,
        project: ProjectId,
        keys: Vec<ThrottleKey>,
    ) -> Result<AuthError, AuthError> {
        let now = ctx.now;
        self.commit(ctx, move |tx, log| {
            for key in &keys {
                let failures = tx.count_failure(key, now, key.forgets_before(now))?;
                if !key.wait_after(failures).is_zero() {
                    tx.block(key, now + key.wait_after(failures))?;
                }
            }
            log.record(Audit::new(project, Actor::Anonymous, "digest.refused", &"nobody"));
            Ok(AuthError::InvalidCredentials)
        })
        .await
    }
}

/// A trace outside the database too: whoever switched this on should see how much it is still used.
fn note_use(identity: IdentityId, ctx: &Ctx) {
    metrics::counter!("ringfence_digest_over_http_total", "dialect" => ctx.dialect).increment(1);
    tracing::warn!(code = "digest_over_http", identity = %identity, dialect = ctx.dialect, "a SIP digest was taken for a credential");
}
