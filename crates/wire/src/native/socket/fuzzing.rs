//! Frames, as the fuzz targets drive their parser.

/// What a frame says, as text to compare; tokens do not print.
pub(crate) fn frame_as_read(text: &str) -> String {
    format!("{:?}", super::frames::Incoming::read(text))
}
