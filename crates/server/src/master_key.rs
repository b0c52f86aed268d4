//! The file of master keys: read, made on first start, replaced when a key is added.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use ringfence_core::{entropy::Entropy, seal::KeyRing};

/// The ring of the file; `None` when there is no such file.
pub fn read(path: &Path) -> Result<Option<KeyRing>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read the master keys in {}", path.display())),
    };
    refuse_if_readable_by_others(path)?;
    let ring = KeyRing::parse(&text).map_err(crate::exit::explain);
    Ok(Some(ring.with_context(|| format!("{} holds no usable master key", path.display()))?))
}

/// Makes a ring of one key and its file.
pub fn create(path: &Path, entropy: &dyn Entropy) -> Result<KeyRing> {
    let ring = KeyRing::generate(entropy);
    write_private(path, ring.to_text().as_bytes())
        .with_context(|| format!("cannot write the master keys to {}", path.display()))?;
    tracing::info!(file = %path.display(), "made a master key: back this file up");
    Ok(ring)
}

/// Adds a key that seals from now on; the present ones still open.
pub fn rotate(path: &Path, entropy: &dyn Entropy) -> Result<KeyRing> {
    let ring = read(path)?.with_context(|| format!("there is no file {}", path.display()))?.rotated(entropy);
    // A new file in place of the old one, so that no crash leaves half of it.
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = PathBuf::from(fresh);
    write_private(&fresh, ring.to_text().as_bytes())
        .and_then(|()| fs::rename(&fresh, path))
        .with_context(|| format!("cannot replace {}", path.display()))?;
    Ok(ring)
}

/// Writes a new file that only its owner may read, durably.
pub fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(folder)?.sync_all()
}

#[cfg(unix)]
fn refuse_if_readable_by_others(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    const OTHERS: u32 = 0o007;
    let mode = fs::metadata(path)?.permissions().mode();
    ensure!(mode & OTHERS == 0, "{} can be read by everybody on this machine: chmod 600 it", path.display());
    Ok(())
}

#[cfg(not(unix))]
fn refuse_if_readable_by_others(_path: &Path) -> Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use ringfence_core::{entropy::OsEntropy, seal::MasterKey};

    use super::*;

    #[test]
    fn the_file_is_private_and_keeps_older_keys_when_one_is_added() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ringfence.key");
        assert!(read(&path).unwrap().is_none());
        let first = create(&path, &OsEntropy).unwrap();
        assert!(create(&path, &OsEntropy).is_err());
        let second = rotate(&path, &OsEntropy).unwrap();
        let read = read(&path).unwrap().unwrap();
        assert_eq!(read.current().id(), second.current().id());
        assert_eq!(read.keys().last().map(MasterKey::id), Some(first.current().id()));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_everybody_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ringfence.key");
        create(&path, &OsEntropy).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(read(&path).is_err());
    }
}
