//! Prints the JWS vectors of Project Wycheproof as one line of JSON each, for verifiers in other languages to be judged by.

use std::io::{self, Write as _};

use serde_json::json;
use wycheproof_ng_kdf_jose::json_web::{TestName, TestSet};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let set = TestSet::load(TestName::JsonWebSignature)?;
    let mut out = io::stdout().lock();
    for group in &set.test_groups {
        let key = group.public_key.as_ref().or(group.private_key.as_ref());
        for test in &group.tests {
            // Some are in the JSON serialization.
            let jws = test.jws.as_ref().map(|jws| jws.as_str().map_or_else(|| jws.to_string(), str::to_owned));
            let vector = json!({ "id": test.tc_id, "what": test.comment, "key": key, "jws": jws, "invalid": test.result.must_fail() });
            writeln!(out, "{vector}")?;
        }
    }
    Ok(())
}
