//! Cargo tools at pinned versions, built into the target folder when first needed.

use std::path::PathBuf;

use anyhow::Result;

use crate::process::{cargo, run, target};

/// A program that a crate of the same registry brings.
pub struct Tool {
    package: &'static str,
    program: &'static str,
    version: &'static str,
}

/// Checks licences, banned crates, sources and advisories.
pub const CARGO_DENY: Tool = Tool { package: "cargo-deny", program: "cargo-deny", version: "0.20.2" };
/// Finds misspelt words.
pub const TYPOS: Tool = Tool { package: "typos-cli", program: "typos", version: "1.52.0" };
/// Lists everything that the binary is made of, as CycloneDX.
pub const CARGO_CYCLONEDX: Tool = Tool { package: "cargo-cyclonedx", program: "cargo-cyclonedx", version: "0.5.9" };
/// Makes the Debian package.
pub const CARGO_DEB: Tool = Tool { package: "cargo-deb", program: "cargo-deb", version: "3.8.0" };

/// A build that takes one minute instead of five; the tools run for seconds.
const QUICK_BUILD: &[(&str, &str)] = &[
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"),
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "0"),
];

impl Tool {
    /// The program's path, after building it if this version is not there yet.
    pub fn ready(&self) -> Result<PathBuf> {
        let root = target()?.join("tools").join(format!("{}-{}", self.package, self.version));
        let program = root.join("bin").join(self.program);
        if !program.exists() {
            println!("building {} {}, once", self.package, self.version);
            let mut install = cargo();
            install.args(["install", "--locked", "--quiet", self.package, "--version", self.version, "--root"]);
            run(install.arg(&root).envs(QUICK_BUILD.iter().copied()).env_remove("CARGO_TARGET_DIR"))?;
        }
        Ok(program)
    }
}
