//! Attacks on the façade, numbered as in the attack catalogue. The JOSE rows on the level of single keys and tokens are in
//! `jose_attacks/` and `wycheproof.rs`, those of hashes in `password_attacks.rs`; here they are told to the gate.
//!
//! | module | rows |
//! | --- | --- |
//! | `tokens` | N01–N04, N07, N13–N19, N21, N24 |
//! | `times` | N22, N23 |
//! | `accounts` | N20 (its half without HTTP), N71, N72, N74–N79, N99 |
//! | `throttling` | N73, N74 |
//! | `tenancy` | N88–N90 |
//! | `races` | N96 (its half without `kill -9`), and no double spend |
//!
//! Rows that speak of faces that do not exist yet, or of what is not in this crate: N05, N06, N08–N12 are single keys and
//! tokens (`jose_attacks/`); N18's limit of fetches waits for issuers that publish their keys, nothing here fetches any;
//! N76's GET and HEAD are HTTP's; N77's second factor does not exist; N91 has no cursor but typed ids, so nothing to forge;
//! N92, N94, N95 are HTTP's and the logs'.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

#[path = "../support/mod.rs"]
mod support;

mod accounts;
mod forge;
mod races;
mod tenancy;
mod throttling;
mod times;
mod tokens;
