//! SIP domains: made, changed, switched off, deleted. Their names stay.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::SipDomainRef;
use crate::{
    audit::Audit,
    authority::{Authority, Log, endpoint_groups::merge_patch, endpoints::put_endpoint},
    caller::{Actor, Permit},
    context::Ctx,
    endpoint::{Endpoint, EndpointGroup, GroupNumber},
    error::{AuthError, Noun},
    event::SecurityEvent,
    ids::{ApplicationId, EndpointGroupId},
    session::SessionsOf,
    sip::{SipDomain, check_domain},
};

/// What a domain is to be.
#[derive(Clone, Debug)]
pub struct SipDomainRequest {
    /// Its name and digest realm.
    pub name: String,
    /// The application whose people manage it.
    pub application: Option<ApplicationId>,
    /// What only one dialect knows, under its name.
    pub attributes: Map<String, Value>,
}

/// What is to change of a domain. Its name cannot: every hash and every phone has it.
#[derive(Clone, Debug, Default)]
pub struct SipDomainChange {
    /// A merge patch (RFC 7396) of the attributes.
    pub attributes: Map<String, Value>,
    /// Whether it is switched off; `None` leaves it.
    pub disabled: Option<bool>,
}

impl Authority {
    /// Makes a domain. Refuses with `Conflict(SipDomain)` when anybody in the installation has the name.
    pub async fn create_sip_domain(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        wanted: SipDomainRequest,
    ) -> Result<SipDomain, AuthError> {
        check_domain(&wanted.name)?;
        let (permit, now) = (permit.clone(), ctx.now);
        let identity = self.fresh_endpoint_identity(ctx, permit.project());
        let group = Arc::new(EndpointGroup {
            id: EndpointGroupId::mint(now, self.entropy.as_ref()),
            number: GroupNumber::mint(now, self.entropy.as_ref()),
            project: permit.project(),
            account: identity.id,
            name: wanted.name.clone(),
            attributes: wanted.attributes,
            outbound_profile: None,
            disabled_at: None,
            created_at: now,
            updated_at: now,
        });
        // A group has an account; nobody is told the secret of this one, and no login is empty.
        let account = Endpoint {
            id: identity.id,
            name: wanted.name.clone(),
            group: Arc::clone(&group),
            user_name: format!("@{}", wanted.name),
            secret: self.fresh_secret(identity.id, None),
            tag: None,
            expires_at: None,
            created_at: now,
            updated_at: now,
        };
        let created_by = match permit.actor() {
            Actor::Identity(id) => Some(id),
            _ => None,
        };
        let domain = SipDomain { name: wanted.name, group, application: wanted.application, created_by };
        self.commit(ctx, move |tx, log| {
            if let Some(id) = domain.application {
                let found = tx.application(id)?.filter(|found| found.project == permit.project());
                found.ok_or(AuthError::NotFound(Noun::Application))?;
            }
            if tx.sip_domain(&domain.name)?.is_some() {
                return Err(AuthError::Conflict(Noun::SipDomain));
            }
            put_endpoint(tx, &identity, &account)?;
            if !tx.insert_sip_domain(&domain)? {
                return Err(AuthError::Conflict(Noun::SipDomain));
            }
            record_domain(log, &permit, "sip_domain.created", &domain);
            Ok(domain)
        })
        .await
    }

    /// A domain of the permit's project.
    pub async fn sip_domain(&self, permit: &Permit, domain: SipDomainRef) -> Result<SipDomain, AuthError> {
        let project = permit.project();
        self.store.read(move |tx| domain.find(tx, project)).await
    }

    /// Domains of the permit's project, or of one application of it, oldest first, after `after`.
    pub async fn sip_domains(
        &self,
        permit: &Permit,
        application: Option<ApplicationId>,
        after: Option<EndpointGroupId>,
        limit: u32,
    ) -> Result<Vec<SipDomain>, AuthError> {
        let project = permit.project();
        self.store.read(move |tx| Ok(tx.sip_domains(project, application, after, limit)?)).await
    }

    /// Changes a domain. Switching it off ends the sessions of all its users.
    pub async fn change_sip_domain(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        domain: SipDomainRef,
        change: SipDomainChange,
    ) -> Result<SipDomain, AuthError> {
        let (permit, now) = (permit.clone(), ctx.now);
        self.commit(ctx, move |tx, log| {
            let mut domain = domain.find_to_change(tx, permit.project())?;
            let group = Arc::make_mut(&mut domain.group);
            merge_patch(&mut group.attributes, change.attributes);
            if let Some(disabled) = change.disabled.filter(|disabled| *disabled != group.disabled_at.is_some()) {
                group.disabled_at = disabled.then_some(now);
                if disabled {
                    tx.hold_endpoints(group.id)?;
                    log.announce_revoked(tx.revoke_sessions(SessionsOf::EndpointGroup(group.id), now)?);
                }
            }
            group.updated_at = now;
            tx.update_endpoint_group(group)?;
            record_domain(log, &permit, "sip_domain.changed", &domain);
            log.announce(SecurityEvent::EndpointGroupChanged(domain.group.id));
            Ok(domain)
        })
        .await
    }

    /// Deletes a domain with its users and invitations: all sessions end, SIP servers know none of them any more.
    pub async fn delete_sip_domain(
        &self,
        ctx: &Ctx,
        permit: &Permit,
        domain: SipDomainRef,
    ) -> Result<SipDomain, AuthError> {
        let (permit, now) = (permit.clone(), ctx.now);
        self.commit(ctx, move |tx, log| {
            let domain = domain.find_to_change(tx, permit.project())?;
            let id = domain.group.id;
            tx.hold_endpoints(id)?;
            log.announce_revoked(tx.revoke_sessions(SessionsOf::EndpointGroup(id), now)?);
            tx.delete_endpoint_group(id, now)?;
            record_domain(log, &permit, "sip_domain.deleted", &domain);
            log.announce(SecurityEvent::EndpointGroupChanged(id));
            Ok(domain)
        })
        .await
    }
}

fn record_domain(log: &mut Log, permit: &Permit, action: &'static str, domain: &SipDomain) {
    let subject = format!("endpoint_group:{}", domain.group.id);
    log.record(Audit::new(permit.project(), permit.actor(), action, &subject).with("domain", domain.name.as_str()));
}
