//! The target that `RINGFENCE_FUZZ` names, under libFuzzer.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use ringfence_fuzz::{Target, target};

static TARGET: OnceLock<&Target> = OnceLock::new();

fuzz_target!(|data: &[u8]| {
    let chosen = TARGET.get_or_init(|| {
        let name = std::env::var("RINGFENCE_FUZZ").expect("RINGFENCE_FUZZ names the target");
        target(&name).expect("RINGFENCE_FUZZ names no target")
    });
    (chosen.run)(data);
});
