//! Each operation of the façade: what it does, what it refuses, what it writes into the audit log and what it announces.
//! What another project's ids and weaker rights are refused is in `attacks/tenancy.rs`, states in `gate_matrix/`.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

#[path = "../support/mod.rs"]
mod support;

mod administrators;
mod api_keys;
mod applications;
mod assertions;
mod audit;
mod guests;
mod homes;
mod identities;
mod keys;
mod maintenance;
mod memberships;
mod outbox;
mod own_keys;
mod passkeys;
mod passwords;
mod projects;
mod roles;
mod sessions;
mod tokens;
mod verifications;
mod visitors;
mod vouching;
mod webhooks;
