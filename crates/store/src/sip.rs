//! SIP domains, their users and invitations into them.

use ringfence_core::{
    digest::{DigestAlgorithm, Digests},
    ids::{ApplicationId, EndpointGroupId, IdentityId, ProjectId, SipInvitationId},
    seal::{LookupHash, Sealed},
    secret::TokenDigest,
    sip::{SipDomain, SipInvitation, SipKeys, SipStore, SipUser, SipUsersOf},
    store::StoreResult,
    time::Timestamp,
};

use crate::{
    endpoint::{endpoint, endpoint_columns, group, group_columns},
    identity::{identity, identity_columns},
    row::{Row, after},
    sql::{Value, values},
    tx::SqlTx,
};

macro_rules! select_domain {
    ($tail:literal) => {
        concat!(
            "SELECT sip_domain.name, sip_domain.application_id, sip_domain.created_by, ",
            group_columns!(),
            " FROM sip_domain JOIN endpoint_group ON endpoint_group.id = sip_domain.group_id WHERE ",
            $tail
        )
    };
}

fn domain(row: &mut Row) -> StoreResult<SipDomain> {
    let (name, application, created_by) = (row.text()?, row.opt_id()?, row.opt_id()?);
    Ok(SipDomain { name, application, created_by, group: group(row)?.into() })
}

macro_rules! select_user {
    ($tail:literal) => {
        concat!(
            "SELECT sip_user.login, sip_user.same_domain_calls_only, sip_user.digests, sip_domain.name, \
             sip_domain.application_id, ",
            identity_columns!(),
            ", ",
            endpoint_columns!(),
            " FROM sip_user JOIN sip_domain ON sip_domain.group_id = sip_user.group_id \
             JOIN identity ON identity.id = sip_user.identity_id \
             JOIN endpoint ON endpoint.identity_id = sip_user.identity_id \
             JOIN endpoint_group ON endpoint_group.id = sip_user.group_id WHERE ",
            $tail
        )
    };
}

fn user(row: &mut Row) -> StoreResult<SipUser> {
    let (login, same_domain_calls_only) = (row.text()?, row.int()? != 0);
    let (digests, domain, application) = (Sealed::stored(row.text()?), row.text()?, row.opt_id()?);
    let (identity, endpoint) = (identity(row)?, endpoint(row)?);
    Ok(SipUser { login, identity, endpoint, domain, application, same_domain_calls_only, digests })
}

macro_rules! invitation_columns {
    () => {
        "sip_invitation.id, sip_invitation.group_id, sip_invitation.name, sip_invitation.digest, \
         sip_invitation.created_by, sip_invitation.created_at, sip_invitation.updated_at, sip_invitation.expires_at"
    };
}

fn invitation(row: &mut Row) -> StoreResult<SipInvitation> {
    Ok(SipInvitation {
        id: row.id()?,
        group: row.id()?,
        name: row.text()?,
        digest: TokenDigest::stored(row.text()?),
        created_by: row.text()?,
        created_at: row.time()?,
        updated_at: row.time()?,
        expires_at: row.time()?,
    })
}

/// The columns for SIP servers, in the order of the table.
fn clear(digests: Option<&Digests>) -> impl Iterator<Item = Value<'_>> {
    DigestAlgorithm::ALL.into_iter().flat_map(move |algorithm| {
        [
            digests.map(|digests| digests.ha1(algorithm).expose()).into(),
            digests.map(|digests| digests.ha1b(algorithm).expose()).into(),
        ]
    })
}

impl SipStore for SqlTx<'_> {
    fn insert_sip_domain(&mut self, domain: &SipDomain) -> StoreResult<bool> {
        self.changed(
            "INSERT INTO sip_domain (group_id, project_id, name, application_id, created_by)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO NOTHING",
            values![domain.group.id, domain.group.project, &domain.name, domain.application, domain.created_by],
        )
    }

    fn sip_domain(&mut self, name: &str) -> StoreResult<Option<SipDomain>> {
        self.one(select_domain!("sip_domain.name = $1"), values![name], domain)
    }

    fn sip_domain_to_change(&mut self, name: &str) -> StoreResult<Option<SipDomain>> {
        // Clients choose the name, and one that cannot be stored is no reason to fail.
        if self.sip_domain(name)?.is_none() {
            return Ok(None);
        }
        self.later(
            "UPDATE endpoint_group SET updated_at = updated_at
             WHERE id IN (SELECT group_id FROM sip_domain WHERE name = $1)",
            values![name],
        )?;
        self.sip_domain(name)
    }

    fn sip_domains(
        &mut self,
        project: ProjectId,
        application: Option<ApplicationId>,
        after_id: Option<EndpointGroupId>,
        limit: u32,
    ) -> StoreResult<Vec<SipDomain>> {
        let of = application.map_or_else(String::new, |id| id.to_string());
        self.all(
            select_domain!(
                "sip_domain.project_id = $1 AND ($2 = '' OR sip_domain.application_id = $2) AND sip_domain.group_id > $3
                 ORDER BY sip_domain.group_id LIMIT $4"
            ),
            values![project, &of, after(after_id), limit],
            domain,
        )
    }

    fn insert_sip_user(&mut self, user: &SipUser, keys: &SipKeys) -> StoreResult<()> {
        let mut row = values![
            user.identity.id,
            user.endpoint.group.id,
            user.identity.project,
            &user.login,
            i64::from(user.same_domain_calls_only),
            &keys.digests,
            &keys.lookup
        ]
        .to_vec();
        row.extend(clear(keys.clear.as_ref()));
        self.later(
            "INSERT INTO sip_user (identity_id, group_id, project_id, login, same_domain_calls_only, digests, ha1b_lookup,
                 clear_ha1, clear_ha1b, clear_ha1_sha256, clear_ha1b_sha256, clear_ha1_sha512_256, clear_ha1b_sha512_256)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            &row,
        )
    }

    fn update_sip_user(&mut self, user: &SipUser) -> StoreResult<()> {
        self.later(
            "UPDATE sip_user SET login = $1, same_domain_calls_only = $2 WHERE identity_id = $3",
            values![&user.login, i64::from(user.same_domain_calls_only), user.identity.id],
        )
    }

    fn put_sip_keys(&mut self, id: IdentityId, keys: &SipKeys) -> StoreResult<()> {
        let mut row = values![&keys.digests, &keys.lookup].to_vec();
        row.extend(clear(keys.clear.as_ref()));
        row.push(id.into());
        self.later(
            "UPDATE sip_user SET digests = $1, ha1b_lookup = $2, clear_ha1 = $3, clear_ha1b = $4, clear_ha1_sha256 = $5,
                 clear_ha1b_sha256 = $6, clear_ha1_sha512_256 = $7, clear_ha1b_sha512_256 = $8
             WHERE identity_id = $9",
            &row,
        )
    }

    fn sip_user(&mut self, id: IdentityId) -> StoreResult<Option<SipUser>> {
        self.one(select_user!("sip_user.identity_id = $1"), values![id], user)
    }

    fn sip_user_by_name(&mut self, login: &str, domain: &str) -> StoreResult<Option<SipUser>> {
        self.one(select_user!("sip_domain.name = $1 AND sip_user.login = $2"), values![domain, login], user)
    }

    fn sip_user_by_ha1b(&mut self, lookup: &LookupHash) -> StoreResult<Option<SipUser>> {
        self.one(select_user!("sip_user.ha1b_lookup = $1"), values![lookup], user)
    }

    fn sip_users(&mut self, of: SipUsersOf, after_id: Option<IdentityId>, limit: u32) -> StoreResult<Vec<SipUser>> {
        match of {
            SipUsersOf::Domain(id) => self.all(
                select_user!(
                    "sip_user.group_id = $1 AND sip_user.identity_id > $2 ORDER BY sip_user.identity_id LIMIT $3"
                ),
                values![id, after(after_id), limit],
                user,
            ),
            SipUsersOf::Project(id) => self.all(
                select_user!(
                    "sip_user.project_id = $1 AND sip_user.identity_id > $2 ORDER BY sip_user.identity_id LIMIT $3"
                ),
                values![id, after(after_id), limit],
                user,
            ),
            SipUsersOf::Installation => self.all(
                select_user!("sip_user.identity_id > $1 ORDER BY sip_user.identity_id LIMIT $2"),
                values![after(after_id), limit],
                user,
            ),
        }
    }

    fn insert_sip_invitation(&mut self, invitation: &SipInvitation) -> StoreResult<()> {
        self.later(
            "INSERT INTO sip_invitation (id, group_id, name, digest, created_by, created_at, updated_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            values![
                invitation.id,
                invitation.group,
                &invitation.name,
                &invitation.digest,
                &invitation.created_by,
                invitation.created_at,
                invitation.updated_at,
                invitation.expires_at
            ],
        )
    }

    fn sip_invitation(&mut self, id: SipInvitationId) -> StoreResult<Option<SipInvitation>> {
        self.one(
            concat!("SELECT ", invitation_columns!(), " FROM sip_invitation WHERE id = $1"),
            values![id],
            invitation,
        )
    }

    fn open_sip_invitation(
        &mut self,
        digest: &TokenDigest,
        now: Timestamp,
    ) -> StoreResult<Option<(String, SipInvitation)>> {
        self.one(
            concat!(
                "SELECT sip_domain.name, ",
                invitation_columns!(),
                " FROM sip_invitation JOIN sip_domain ON sip_domain.group_id = sip_invitation.group_id
                  WHERE sip_invitation.digest = $1 AND sip_invitation.expires_at > $2"
            ),
            values![digest, now],
            |row| Ok((row.text()?, invitation(row)?)),
        )
    }

    fn update_sip_invitation(&mut self, invitation: &SipInvitation) -> StoreResult<()> {
        self.later(
            "UPDATE sip_invitation SET name = $1, expires_at = $2, updated_at = $3 WHERE id = $4",
            values![&invitation.name, invitation.expires_at, invitation.updated_at, invitation.id],
        )
    }

    fn delete_sip_invitation(&mut self, id: SipInvitationId) -> StoreResult<bool> {
        self.changed("DELETE FROM sip_invitation WHERE id = $1", values![id])
    }
}
