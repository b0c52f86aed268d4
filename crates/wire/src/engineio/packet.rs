//! Packets of Engine.IO 4: one to a WebSocket frame, several to a body of polling.

use std::fmt;

/// Stands between the packets of a body.
const SEPARATOR: char = '\u{1e}';

/// A packet, borrowed from what carried it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packet<'a> {
    /// The server's first word.
    Open(&'a str),
    /// The other end leaves.
    Close,
    /// A heartbeat of the server; `probe` on a socket that is to replace polling.
    Ping(&'a str),
    /// Its answer.
    Pong(&'a str),
    /// What Engine.IO is there to carry.
    Message(&'a str),
    /// From now on this socket, and no polling.
    Upgrade,
    /// Nothing, for a poll that must not wait longer.
    Noop,
}

impl<'a> Packet<'a> {
    /// Reads a packet; binary ones, which begin with `b`, are not understood here.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let mut rest = text.chars();
        let kind = rest.next()?;
        let data = rest.as_str();
        match kind {
            '0' => Some(Self::Open(data)),
            '1' if data.is_empty() => Some(Self::Close),
            '2' => Some(Self::Ping(data)),
            '3' => Some(Self::Pong(data)),
            '4' => Some(Self::Message(data)),
            '5' if data.is_empty() => Some(Self::Upgrade),
            '6' if data.is_empty() => Some(Self::Noop),
            _ => None,
        }
    }
}

impl fmt::Display for Packet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(data) => write!(f, "0{data}"),
            Self::Close => f.write_str("1"),
            Self::Ping(data) => write!(f, "2{data}"),
            Self::Pong(data) => write!(f, "3{data}"),
            Self::Message(data) => write!(f, "4{data}"),
            Self::Upgrade => f.write_str("5"),
            Self::Noop => f.write_str("6"),
        }
    }
}

/// The packets of a body.
pub(super) fn split(body: &str) -> impl Iterator<Item = &str> {
    body.split(SEPARATOR)
}

/// The body of some packets.
pub(super) fn join(packets: impl IntoIterator<Item = String>) -> String {
    let mut packets = packets.into_iter();
    let mut body = packets.next().unwrap_or_default();
    for packet in packets {
        body.push(SEPARATOR);
        body.push_str(&packet);
    }
    body
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn packets_of_the_protocol_are_read() {
        let read = |text| Packet::parse(text);
        assert_eq!(read("2probe"), Some(Packet::Ping("probe")));
        assert_eq!(read("40/T/,"), Some(Packet::Message("0/T/,")));
        assert_eq!([read("1"), read("5"), read("6")], [Packet::Close, Packet::Upgrade, Packet::Noop].map(Some));
        for nonsense in ["", "7", "1x", "5probe", "bAQID", "\u{1e}", "é", "４"] {
            assert_eq!(read(nonsense), None, "{nonsense:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_printed_as_it_came(text in "[0-9b]?\\PC{0,20}") {
            if let Some(packet) = Packet::parse(&text) {
                prop_assert_eq!(packet.to_string(), text);
            }
        }

        #[test]
        fn bodies_split_into_what_they_were_joined_of(packets in prop::collection::vec("[^\u{1e}]{0,9}", 1..5)) {
            let body = join(packets.clone());
            prop_assert_eq!(split(&body).collect::<Vec<_>>(), packets);
        }
    }
}
