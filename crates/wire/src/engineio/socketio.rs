//! Packets of Socket.IO 5, which are the messages of Engine.IO: `<type>[/namespace,][number][JSON]`. Binary ones, which would
//! come in pieces, are not understood here.

use std::fmt;

use serde_json::{Map, Value, json};

/// The namespace that is not named on the wire.
pub(crate) const ROOT: &str = "/";
/// Bytes of a namespace; ours are a ticket and two slashes.
const LONGEST_NAMESPACE: usize = 256;
/// Names of events that only the libraries themselves make (socket.io-parser, `RESERVED_EVENTS`).
const RESERVED: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// A packet.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Packet {
    /// Where it belongs, with the slash it begins with.
    pub(crate) namespace: String,
    /// What it says.
    pub(crate) kind: Kind,
}

/// What a packet says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// Asks to be connected, or grants it.
    Connect(Option<Map<String, Value>>),
    /// Ends it, from either side, for good.
    Disconnect,
    /// Something happened.
    Event {
        /// Under which number an acknowledgement is expected, if one is.
        number: Option<u64>,
        /// What.
        name: String,
        /// What else there is to say.
        arguments: Vec<Value>,
    },
    /// Acknowledges an event.
    Acknowledge {
        /// The number of the event.
        number: u64,
        /// What there is to say.
        arguments: Vec<Value>,
    },
    /// Refuses to connect.
    Refuse(Map<String, Value>),
}

impl Packet {
    /// An event with one argument.
    pub(crate) fn event(namespace: &str, name: &str, argument: impl Into<Value>) -> Self {
        let kind = Kind::Event { number: None, name: name.to_owned(), arguments: vec![argument.into()] };
        Self { namespace: namespace.to_owned(), kind }
    }

    /// A refusal that says why.
    pub(crate) fn refusal(namespace: &str, message: &str) -> Self {
        let Value::Object(reason) = json!({ "message": message }) else { unreachable!("written as an object") };
        Self { namespace: namespace.to_owned(), kind: Kind::Refuse(reason) }
    }

    /// Reads a packet.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut rest = text.chars();
        let digit = rest.next()?;
        let (namespace, rest) = namespace_of(rest.as_str())?;
        let (number, rest) = number_of(rest)?;
        let data = match rest {
            "" => None,
            json => Some(serde_json::from_str::<Value>(json).ok()?),
        };
        let kind = match (digit, number, data) {
            ('0', None, None) => Kind::Connect(None),
            ('0', None, Some(Value::Object(auth))) => Kind::Connect(Some(auth)),
            ('1', None, None) => Kind::Disconnect,
            ('2', number, Some(Value::Array(arguments))) => event_of(number, arguments)?,
            ('3', Some(number), Some(Value::Array(arguments))) => Kind::Acknowledge { number, arguments },
            ('4', None, Some(Value::Object(reason))) => Kind::Refuse(reason),
            _ => return None,
        };
        Some(Self { namespace: namespace.to_owned(), kind })
    }
}

fn namespace_of(text: &str) -> Option<(&str, &str)> {
    if !text.starts_with('/') {
        return Some((ROOT, text));
    }
    let (namespace, rest) = text.split_once(',').unwrap_or((text, ""));
    (namespace.len() <= LONGEST_NAMESPACE).then_some((namespace, rest))
}

fn number_of(text: &str) -> Option<(Option<u64>, &str)> {
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    if digits.is_empty() { Some((None, rest)) } else { Some((Some(digits.parse().ok()?), rest)) }
}

fn event_of(number: Option<u64>, mut arguments: Vec<Value>) -> Option<Kind> {
    let Some(Value::String(name)) = (!arguments.is_empty()).then(|| arguments.remove(0)) else { return None };
    (!RESERVED.contains(&name.as_str())).then_some(Kind::Event { number, name, arguments })
}

impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digit = match self.kind {
            Kind::Connect(_) => '0',
            Kind::Disconnect => '1',
            Kind::Event { .. } => '2',
            Kind::Acknowledge { .. } => '3',
            Kind::Refuse(_) => '4',
        };
        write!(f, "{digit}")?;
        if self.namespace != ROOT {
            write!(f, "{},", self.namespace)?;
        }
        match &self.kind {
            Kind::Connect(None) | Kind::Disconnect => Ok(()),
            Kind::Connect(Some(said)) | Kind::Refuse(said) => write!(f, "{}", json!(said)),
            Kind::Event { number, name, arguments } => {
                if let Some(number) = number {
                    write!(f, "{number}")?;
                }
                let all: Vec<Value> = std::iter::once(json!(name)).chain(arguments.iter().cloned()).collect();
                write!(f, "{}", Value::Array(all))
            }
            Kind::Acknowledge { number, arguments } => write!(f, "{number}{}", json!(arguments)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_clients_send_is_read() {
        let read = |text: &str| Packet::parse(text).map(|packet| (packet.namespace, packet.kind));
        assert_eq!(read("0"), Some(("/".to_owned(), Kind::Connect(None))));
        assert_eq!(read("0/TICKET/,"), Some(("/TICKET/".to_owned(), Kind::Connect(None))));
        assert_eq!(read("1/TICKET/,"), Some(("/TICKET/".to_owned(), Kind::Disconnect)));
        let Some((namespace, Kind::Event { number, name, arguments })) = read(r#"2/T/,17["registerIM","{}"]"#) else {
            panic!("no event")
        };
        assert_eq!((namespace.as_str(), number, name.as_str()), ("/T/", Some(17), "registerIM"));
        assert_eq!(arguments, [json!("{}")]);
    }

    #[test]
    fn what_no_client_sends_is_not() {
        for nonsense in [
            "",
            "x",
            "5",
            "51-[\"binary\",{}]",
            "61-1[]",
            "2",
            "2{}",
            "2[]",
            "2[1]",
            "2[\"connect\"]",
            "3[]",
            "4",
            "4[]",
            "0[]",
            "0\"a\"",
            "017",
            "1{}",
            "2[\"a\"",
            "2[\"a\"]x",
            "299999999999999999999[\"a\"]",
            "é",
        ] {
            assert_eq!(Packet::parse(nonsense), None, "{nonsense:?}");
        }
        assert_eq!(Packet::parse(&format!("0/{},", "x".repeat(300))), None);
        assert_eq!(Packet::parse(&format!("2[\"a\",{}{}]", "[".repeat(100_000), "]".repeat(100_000))), None);
    }

    #[test]
    fn what_is_sent_looks_as_the_libraries_expect() {
        assert_eq!(Packet::event("/", "message", "{}").to_string(), r#"2["message","{}"]"#);
        assert_eq!(Packet::event("/T/", "message", "{}").to_string(), r#"2/T/,["message","{}"]"#);
        let refusal = Packet::refusal("/T/", "not authorized").to_string();
        assert_eq!(refusal, r#"4/T/,{"message":"not authorized"}"#);
        let end = Packet { namespace: "/T/".to_owned(), kind: Kind::Disconnect };
        assert_eq!(end.to_string(), "1/T/,");
    }

    proptest! {
        #[test]
        fn printing_what_was_read_and_reading_it_again_changes_nothing(
            text in r#"[0-6](/[a-z\u{e9}/]{0,5},?)?[0-9]{0,3}(\{\}|\[\]|\["[a-z\u{1F600}]{1,3}",(1|"x"|null)\]|\PC{0,12})?"#,
        ) {
            if let Some(packet) = Packet::parse(&text) {
                prop_assert_eq!(Packet::parse(&packet.to_string()), Some(packet));
            }
        }

        #[test]
        fn nothing_makes_the_parser_stumble(text in "\\PC*") {
            let _ = Packet::parse(&text);
        }
    }
}
