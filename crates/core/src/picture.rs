//! Pictures of people: PNG or JPEG, whole and small. The bytes decide what it is, not what the sender calls it.

use crate::{
    error::{AuthError, Rule},
    ids::IdentityId,
    secret::TokenDigest,
    store::StoreResult,
    time::Timestamp,
};

/// The largest picture, in bytes.
pub const MAX_BYTES: usize = 512 * 1024;
/// The longest side, in pixels.
const MAX_SIDE: u32 = 4096;

/// What a picture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Portable Network Graphics.
    Png,
    /// JPEG, baseline or progressive.
    Jpeg,
}

impl Format {
    /// The media type, which is also the stored text.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
        }
    }

    /// Reads the media type.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Png, Self::Jpeg].into_iter().find(|format| format.media_type() == text)
    }
}

/// A picture that was checked.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    format: Format,
    bytes: Vec<u8>,
}

impl Picture {
    /// Checks bytes: a whole PNG or JPEG with nothing after its end, of at most 512 KiB and 4,096 pixels a side.
    pub fn check(bytes: Vec<u8>) -> Result<Self, AuthError> {
        if bytes.len() > MAX_BYTES {
            return Err(AuthError::invalid("image", Rule::TooLong(MAX_BYTES)));
        }
        let read = png(&bytes).map(|size| (Format::Png, size)).or_else(|| Some((Format::Jpeg, jpeg(&bytes)?)));
        match read {
            Some((format, (width, height))) if (1..=MAX_SIDE).contains(&width) && (1..=MAX_SIDE).contains(&height) => {
                Ok(Self { format, bytes })
            }
            _ => Err(AuthError::invalid("image", Rule::Malformed)),
        }
    }

    /// As stored.
    pub const fn stored(format: Format, bytes: Vec<u8>) -> Self {
        Self { format, bytes }
    }

    /// What it is.
    pub const fn format(&self) -> Format {
        self.format
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// A name that changes with it.
    pub fn name(&self) -> TokenDigest {
        TokenDigest::of(&self.bytes)
    }
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({}, {} bytes)", self.format.media_type(), self.bytes.len())
    }
}

/// Width and height of a PNG: the header first, then chunks up to `IEND`, which ends the bytes.
fn png(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut rest = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n")?;
    let mut size = None;
    loop {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (kind, after) = after.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (content, after) = after.split_at_checked(length)?;
        let (_checksum, after) = after.split_first_chunk::<4>()?;
        match (kind, size) {
            (b"IHDR", None) if length == 13 => {
                let edge = |at: usize| Some(u32::from_be_bytes(*content.get(at..)?.first_chunk::<4>()?));
                size = Some((edge(0)?, edge(4)?));
            }
            (b"IEND", Some(_)) => return if after.is_empty() { size } else { None },
            (_, None) => return None,
            (_, Some(_)) => {}
        }
        rest = after;
    }
}

/// Width and height of a JPEG: markers up to the first scan, the end marker at the end of the bytes.
fn jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut rest = bytes.strip_prefix(&[0xFF, 0xD8])?.strip_suffix(&[0xFF, 0xD9])?;
    let mut size = None;
    loop {
        let (&[mark, code], after) = rest.split_first_chunk::<2>()?;
        if mark != 0xFF {
            return None;
        }
        let (length, _) = after.split_first_chunk::<2>()?;
        let (segment, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        match code {
            // Start of frame: precision, height, width. Four codes of the range mean something else.
            0xC0..=0xCF if !matches!(code, 0xC4 | 0xC8 | 0xCC) => {
                let edge = |at: usize| Some(u32::from(u16::from_be_bytes(*segment.get(at..)?.first_chunk::<2>()?)));
                size = Some((edge(5)?, edge(3)?));
            }
            // Start of scan: what follows are the pixels.
            0xDA => return size,
            _ => {}
        }
        rest = after;
    }
}

/// Storage of pictures, one per identity.
pub trait PictureStore {
    /// Sets or replaces the picture.
    fn put_picture(&mut self, identity: IdentityId, picture: &Picture, at: Timestamp) -> StoreResult<()>;
    /// The picture.
    fn picture(&mut self, identity: IdentityId) -> StoreResult<Option<Picture>>;
    /// Takes the picture away; `false` when there is none.
    fn delete_picture(&mut self, identity: IdentityId) -> StoreResult<bool>;
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    use super::*;

    /// One pixel each.
    const PNG: &str =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    const JPEG: &str = "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAAMCAgICAgMCAgIDAwMDBAYEBAQEBAgGBgUGCQgKCgkICQkKDA8MCgsOCwkJDRENDg8QEBEQCgwSExIQEw8QEBD/wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAACf/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AVN//2Q==";

    fn bytes(text: &str) -> Vec<u8> {
        STANDARD.decode(text).unwrap()
    }

    #[test]
    fn whole_pictures_are_known_by_their_bytes() {
        assert_eq!(Picture::check(bytes(PNG)).unwrap().format(), Format::Png);
        assert_eq!(Picture::check(bytes(JPEG)).unwrap().format(), Format::Jpeg);
    }

    #[test]
    fn what_is_cut_extended_or_something_else_is_refused() {
        for text in [PNG, JPEG] {
            let whole = bytes(text);
            for end in 0..whole.len() {
                assert!(Picture::check(whole[..end].to_vec()).is_err(), "{end}");
            }
            assert!(Picture::check([whole, b"<script>".to_vec()].concat()).is_err());
        }
        for other in [&b"GIF89a"[..], b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"", b"\xFF\xD8\xFF\xD9"] {
            assert!(Picture::check(other.to_vec()).is_err());
        }
    }

    #[test]
    fn a_huge_picture_in_few_bytes_is_refused() {
        let mut huge = bytes(PNG);
        huge[16..20].copy_from_slice(&100_000_u32.to_be_bytes());
        assert!(Picture::check(huge).is_err());
        assert!(Picture::check(vec![0; MAX_BYTES + 1]).is_err());
    }
}
