//! `init`: commented samples to begin with.

use std::{fs, io::Write as _};

use anyhow::{Context as _, Result};
use serde_json::json;

use crate::{cli::Init, exit::Refused, output::Output};

const FILES: &[(&str, &str)] = &[
    ("ringfence.toml", include_str!("../../samples/ringfence.toml")),
    ("provision.toml", include_str!("../../samples/provision.toml")),
];

/// Writes the samples; files that are there stay unless `force` says otherwise.
pub fn run(init: &Init, output: Output) -> Result<()> {
    fs::create_dir_all(&init.dir).with_context(|| format!("cannot make {}", init.dir.display()))?;
    let paths: Vec<_> = FILES.iter().map(|(name, _)| init.dir.join(name)).collect();
    if let Some(there) = paths.iter().find(|path| !init.force && path.exists()) {
        return Err(Refused::because(format_args!("{} exists; --force replaces it", there.display())));
    }
    for (path, (_, content)) in paths.iter().zip(FILES) {
        let written = fs::File::create(path).and_then(|mut file| file.write_all(content.as_bytes()));
        written.with_context(|| format!("cannot write {}", path.display()))?;
    }
    let shown: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
    let text = || {
        format!(
            "Wrote {}.\nNext: ringfence serve --config {} --apply {}",
            shown.join(" and "),
            paths[0].display(),
            paths[1].display()
        )
    };
    Ok(output.show(&json!({ "written": shown }), text)?)
}
