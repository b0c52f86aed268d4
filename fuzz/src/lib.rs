//! Fuzz targets: every parser of what strangers send, each with what must hold whatever comes.
//!
//! `cargo xtask fuzz` runs them under libFuzzer; the test `corpora` runs each over its corpus, so that what was found once stays
//! found. Beside "no panic" each checks that what is printed is read as it was, or that nothing forged passes.

use std::str;

mod scene;
mod targets;

// The binary has no library: its files are compiled here once more, and with them all that is fuzzed of it.
#[expect(dead_code, unreachable_pub, unused_imports, reason = "the binary uses all of it")]
#[path = "../../crates/server/src/federation_http/mod.rs"]
mod federation_http;
#[expect(dead_code, unreachable_pub, reason = "the binary uses all of it")]
#[path = "../../crates/server/src/provision/file.rs"]
mod file;

/// A target: its name, which is also its corpus's, what it takes, and what it does with it.
#[derive(Debug)]
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// The longest input worth trying, in bytes.
    pub longest: usize,
    /// Runs it once; panics when something that must hold does not.
    pub run: fn(&[u8]),
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "assertion", longest: 2048, run: targets::tokens::assertion },
    Target { name: "authorization", longest: 1024, run: targets::requests::authorization },
    Target { name: "cursor", longest: 512, run: targets::tokens::cursor },
    Target { name: "digest", longest: 1024, run: targets::secrets::digest },
    Target { name: "engine_io", longest: 1024, run: |data| text(data, ringfence_wire::fuzzing::engine_io) },
    Target { name: "forwarded", longest: 512, run: ringfence_wire::fuzzing::forwarded },
    Target { name: "json_rpc", longest: 1024, run: |data| text(data, ringfence_wire::fuzzing::json_rpc) },
    Target { name: "jwks", longest: 4096, run: targets::tokens::jwks },
    Target { name: "jws", longest: 4096, run: targets::tokens::jws },
    Target { name: "native_frame", longest: 1024, run: |data| text(data, ringfence_wire::fuzzing::native_frame) },
    Target { name: "password_hash", longest: 600, run: targets::secrets::password_hash },
    Target { name: "provisioning", longest: 4096, run: |data| text(data, targets::files::provisioning) },
    Target { name: "socket_io", longest: 1024, run: |data| text(data, ringfence_wire::fuzzing::socket_io) },
];

/// The target of that name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// Frames and files are UTF-8, or nobody looks at them.
fn text(data: &[u8], run: impl FnOnce(&str)) {
    if let Ok(text) = str::from_utf8(data) {
        run(text);
    }
}
