//! Packets of both layers, as the fuzz targets drive their parsers.

use super::{
    packet::{Packet as Carried, split},
    query::Asked,
    socketio::Packet,
};
use crate::fuzzing::has_fractions;

/// Packets of Engine.IO in a body of polling: each is printed as it came.
///
/// # Panics
/// When one is printed otherwise.
pub fn engine_io(body: &str) {
    for text in split(body) {
        if let Some(packet) = Carried::parse(text) {
            assert_eq!(packet.to_string(), text);
        }
    }
    if let Ok(asked) = Asked::read(body) {
        assert_eq!(Asked::read(&format!("&{body}&t=1")), Ok(asked), "what is against caches changes who asks");
    }
}

/// A packet of Socket.IO: printed and read again it is the same.
///
/// # Panics
/// When it is another.
pub fn socket_io(text: &str) {
    let Some(packet) = Packet::parse(text) else { return };
    let printed = packet.to_string();
    // A number of more digits than a double has is rounded twice (RFC 8259 6), which is nobody's business here.
    let same = Packet::parse(&printed).is_some_and(|again| again == packet || again.to_string() == printed);
    assert!(same || has_fractions(text), "{text} is printed as {printed}");
}
