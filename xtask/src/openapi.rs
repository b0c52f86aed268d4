//! The description of the native API, written by the test that otherwise checks it: one way to make it, one to compare it.

use anyhow::Result;

use crate::process::{cargo, run};

/// Writes docs/openapi.json.
pub fn write() -> Result<()> {
    let test = "native::description::the_description_in_the_documents_is_fresh";
    let words = ["test", "--package", "ringfence-wire", "--test", "faces", "--", "--exact", test];
    run(cargo().args(words).env("RINGFENCE_WRITE_OPENAPI", "1"))
}
