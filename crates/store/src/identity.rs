//! Identities and the identifiers they are found by.

use ringfence_core::{
    identity::{HeldIdentifier, Identifier, Identity, IdentityFilter, IdentityKind, IdentityStore, Standing},
    ids::{ApplicationId, IdentityId, ProjectId},
    store::StoreResult,
    time::Timestamp,
};

use crate::{
    row::{Row, after, json},
    sql::values,
    tx::SqlTx,
};

macro_rules! identity_columns {
    () => {
        "identity.id, identity.project_id, identity.application_id, identity.kind, identity.profile, \
         identity.attributes, identity.suspended_at, identity.locked_at, identity.erased_at, identity.created_at, \
         identity.updated_at"
    };
}
pub(crate) use identity_columns;

pub fn identity(row: &mut Row) -> StoreResult<Identity> {
    Ok(Identity {
        id: row.id()?,
        project: row.id()?,
        application: row.opt_id()?,
        kind: row.word(IdentityKind::parse)?,
        profile: row.json()?,
        attributes: row.json()?,
        standing: Standing { suspended_at: row.opt_time()?, locked_at: row.opt_time()?, erased_at: row.opt_time()? },
        created_at: row.time()?,
        updated_at: row.time()?,
    })
}

impl IdentityStore for SqlTx<'_> {
    fn insert_identity(&mut self, identity: &Identity) -> StoreResult<()> {
        self.later(
            "INSERT INTO identity (id, project_id, application_id, kind, profile, attributes, suspended_at, locked_at,
                 erased_at, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            values![
                identity.id,
                identity.project,
                identity.application,
                identity.kind.as_str(),
                json(&identity.profile)?,
                json(&identity.attributes)?,
                identity.standing.suspended_at,
                identity.standing.locked_at,
                identity.standing.erased_at,
                identity.created_at,
                identity.updated_at
            ],
        )
    }

    fn identity(&mut self, id: IdentityId) -> StoreResult<Option<Identity>> {
        self.one(concat!("SELECT ", identity_columns!(), " FROM identity WHERE id = $1"), values![id], identity)
    }

    fn identity_to_change(&mut self, id: IdentityId) -> StoreResult<Option<Identity>> {
        // Writing a row is the portable way to hold it: a concurrent writer waits, and then sees what this one wrote.
        self.one(
            concat!("UPDATE identity SET updated_at = updated_at WHERE id = $1 RETURNING ", identity_columns!()),
            values![id],
            identity,
        )
    }

    fn identity_by_identifier(
        &mut self,
        project: ProjectId,
        identifier: &Identifier,
    ) -> StoreResult<Option<(Identity, Option<Timestamp>)>> {
        self.one(
            concat!(
                "SELECT ",
                identity_columns!(),
                ", identifier.verified_at FROM identifier JOIN identity ON identity.id = identifier.identity_id
                  WHERE identifier.project_id = $1 AND identifier.scheme = $2 AND identifier.value = $3"
            ),
            values![project, identifier.scheme(), identifier.value()],
            |row| Ok((identity(row)?, row.opt_time()?)),
        )
    }

    fn update_identity(&mut self, identity: &Identity) -> StoreResult<()> {
        self.later(
            "UPDATE identity SET kind = $1, profile = $2, attributes = $3, suspended_at = $4, locked_at = $5,
                 erased_at = $6, updated_at = $7
             WHERE id = $8",
            values![
                identity.kind.as_str(),
                json(&identity.profile)?,
                json(&identity.attributes)?,
                identity.standing.suspended_at,
                identity.standing.locked_at,
                identity.standing.erased_at,
                identity.updated_at,
                identity.id
            ],
        )
    }

    fn identities(
        &mut self,
        project: ProjectId,
        filter: IdentityFilter,
        after_id: Option<IdentityId>,
        limit: u32,
    ) -> StoreResult<Vec<Identity>> {
        // The index goes by kind, so a page of all kinds is a page of each, merged.
        let kinds = match filter.kind {
            Some(kind) => vec![kind],
            None => IdentityKind::ALL.to_vec(),
        };
        let mut page = Vec::new();
        for kind in kinds {
            page.extend(self.all(
                concat!(
                    "SELECT ",
                    identity_columns!(),
                    " FROM identity WHERE project_id = $1 AND kind = $2 AND id > $3 ORDER BY id LIMIT $4"
                ),
                values![project, kind.as_str(), after(after_id), limit],
                identity,
            )?);
        }
        page.sort_unstable_by_key(|identity| identity.id);
        page.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(page)
    }

    fn members(
        &mut self,
        project: ProjectId,
        application: Option<ApplicationId>,
        skip: u32,
        limit: u32,
    ) -> StoreResult<(Vec<Identity>, u32)> {
        macro_rules! members {
            () => {
                " FROM identity WHERE project_id = $1 AND kind = 'member' AND erased_at IS NULL
                  AND ($2 = '' OR EXISTS (SELECT 1 FROM membership WHERE membership.identity_id = identity.id
                       AND membership.application_id = $2 AND membership.disabled_at IS NULL))"
            };
        }
        let page = self.all(
            concat!("SELECT ", identity_columns!(), members!(), " ORDER BY id LIMIT $3 OFFSET $4"),
            values![project, after(application), limit, skip],
            identity,
        )?;
        let total = concat!("SELECT count(*)", members!());
        Ok((page, self.one(total, values![project, after(application)], Row::count)?.unwrap_or_default()))
    }

    fn lock_identity(&mut self, id: IdentityId, at: Timestamp) -> StoreResult<bool> {
        self.changed(
            "UPDATE identity SET locked_at = $1, updated_at = $1 WHERE id = $2 AND locked_at IS NULL",
            values![at, id],
        )
    }

    fn add_identifier(&mut self, identity: &Identity, held: &HeldIdentifier) -> StoreResult<bool> {
        self.changed(
            "INSERT INTO identifier (project_id, scheme, value, identity_id, verified_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (project_id, scheme, value) DO NOTHING",
            values![identity.project, held.identifier.scheme(), held.identifier.value(), identity.id, held.verified_at],
        )
    }

    fn identifiers(&mut self, identity: IdentityId) -> StoreResult<Vec<HeldIdentifier>> {
        let mut held = self.all(
            "SELECT scheme, value, verified_at FROM identifier WHERE identity_id = $1",
            values![identity],
            |row| {
                let identifier = Identifier::stored(row.text()?, row.text()?);
                Ok(HeldIdentifier { identifier, verified_at: row.opt_time()? })
            },
        )?;
        held.sort_by(|a, b| {
            let key = |held: &HeldIdentifier| (held.identifier.scheme().to_owned(), held.identifier.value().to_owned());
            key(a).cmp(&key(b))
        });
        Ok(held)
    }

    fn verify_identifier(&mut self, identity: IdentityId, identifier: &Identifier, at: Timestamp) -> StoreResult<bool> {
        self.changed(
            "UPDATE identifier SET verified_at = $1 WHERE identity_id = $2 AND scheme = $3 AND value = $4",
            values![at, identity, identifier.scheme(), identifier.value()],
        )
    }

    fn release_identifiers(&mut self, identity: IdentityId) -> StoreResult<()> {
        self.later("DELETE FROM identifier WHERE identity_id = $1", values![identity])
    }

    fn release_identifier(&mut self, identity: IdentityId, identifier: &Identifier) -> StoreResult<bool> {
        self.changed(
            "DELETE FROM identifier WHERE identity_id = $1 AND scheme = $2 AND value = $3",
            values![identity, identifier.scheme(), identifier.value()],
        )
    }
}
