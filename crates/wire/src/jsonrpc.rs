//! JSON-RPC 2.0 framing: strict about what comes in, exact about what goes out.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The text is not JSON.
pub(crate) const PARSE_ERROR: i64 = -32700;
/// It is JSON and not a request.
pub(crate) const INVALID_REQUEST: i64 = -32600;
/// Nothing answers to this method.
pub(crate) const METHOD_NOT_FOUND: i64 = -32601;
/// The parameters are not those of the method.
pub(crate) const INVALID_PARAMS: i64 = -32602;

/// The longest id that is repeated in an answer.
const MOST_ID: usize = 128;

/// What a request is answered by. A number with a fraction is nobody's id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Id {
    /// A number.
    Number(i64),
    /// A text.
    Text(String),
}

/// One frame that is a JSON-RPC object.
#[derive(Debug, PartialEq)]
pub(crate) enum Incoming {
    /// Somebody wants something, and an answer unless there is no id.
    Request {
        /// What the answer will carry.
        id: Option<Id>,
        /// What is wanted.
        method: String,
        /// The details.
        params: Map<String, Value>,
    },
    /// The answer to a request of ours.
    Answer {
        /// The id of our request.
        id: Id,
        /// What was answered; `None` when it was an error.
        result: Option<Value>,
    },
}

/// Why a frame is not one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// The code to answer.
    pub(crate) code: i64,
    /// The id to answer, if there is one.
    pub(crate) id: Option<Id>,
}

#[derive(Deserialize)]
struct Frame {
    jsonrpc: Option<String>,
    #[serde(default)]
    id: Option<Value>,
    method: Option<String>,
    params: Option<Value>,
    result: Option<Value>,
    error: Option<Value>,
}

impl Incoming {
    /// Reads one frame.
    pub(crate) fn parse(text: &str) -> Result<Self, Malformed> {
        let frame: Frame = serde_json::from_str(text).map_err(|error| {
            let code = if error.is_data() { INVALID_REQUEST } else { PARSE_ERROR };
            Malformed { code, id: None }
        })?;
        // An array of the right length reads as the members in order otherwise.
        if !text.trim_start().starts_with('{') {
            return Err(Malformed { code: INVALID_REQUEST, id: None });
        }
        let id = match frame.id {
            None | Some(Value::Null) => None,
            Some(id) => Some(readable(id).ok_or(Malformed { code: INVALID_REQUEST, id: None })?),
        };
        let invalid = |code| Malformed { code, id: id.clone() };
        if frame.jsonrpc.is_some_and(|version| version != "2.0") {
            return Err(invalid(INVALID_REQUEST));
        }
        match (frame.method, frame.params) {
            (Some(method), None) => Ok(Self::Request { id, method, params: Map::new() }),
            (Some(method), Some(Value::Object(params))) => Ok(Self::Request { id, method, params }),
            (Some(_), Some(_)) => Err(invalid(INVALID_PARAMS)),
            (None, _) => {
                let answered = frame.result.is_some() || frame.error.is_some();
                let Some(id) = id.clone().filter(|_| answered) else { return Err(invalid(INVALID_REQUEST)) };
                Ok(Self::Answer { id, result: frame.result })
            }
        }
    }
}

fn readable(id: Value) -> Option<Id> {
    serde_json::from_value(id).ok().filter(|id| !matches!(id, Id::Text(text) if text.len() > MOST_ID))
}

#[cfg(test)]
mod tests {
    use insta::assert_debug_snapshot;

    use super::*;

    #[test]
    fn requests_notifications_and_answers_are_told_apart() {
        let request = Incoming::parse(r#"{"jsonrpc":"2.0","id":"a","method":"login","params":{"login":"x"}}"#);
        assert_debug_snapshot!(request, @r#"
        Ok(
            Request {
                id: Some(
                    Text(
                        "a",
                    ),
                ),
                method: "login",
                params: {
                    "login": String("x"),
                },
            },
        )
        "#);
        let notification = Incoming::parse(r#"{"jsonrpc":"2.0","method":"ping"}"#);
        assert_debug_snapshot!(notification, @r#"
        Ok(
            Request {
                id: None,
                method: "ping",
                params: {},
            },
        )
        "#);
        let answer = Incoming::parse(r#"{"jsonrpc":"2.0","id":7,"result":{"method":"x"}}"#);
        assert_debug_snapshot!(answer, @r#"
        Ok(
            Answer {
                id: Number(
                    7,
                ),
                result: Some(
                    Object {
                        "method": String("x"),
                    },
                ),
            },
        )
        "#);
    }

    #[test]
    fn what_is_no_frame_gets_the_code_of_the_standard() {
        let table = [
            ("", PARSE_ERROR),
            ("#SPU 1", PARSE_ERROR),
            ("{", PARSE_ERROR),
            ("[]", INVALID_REQUEST),
            (r#"[{"method":"login"}]"#, INVALID_REQUEST),
            (r#"["2.0","a","login",{},null,null]"#, INVALID_REQUEST),
            ("1", INVALID_REQUEST),
            ("{}", INVALID_REQUEST),
            (r#"{"id":"a"}"#, INVALID_REQUEST),
            (r#"{"jsonrpc":"1.0","id":1,"method":"x"}"#, INVALID_REQUEST),
            (r#"{"id":1.5,"method":"x"}"#, INVALID_REQUEST),
            (r#"{"id":{},"method":"x"}"#, INVALID_REQUEST),
            (r#"{"id":1,"method":7}"#, INVALID_REQUEST),
            (r#"{"id":1,"method":"x","method":"y"}"#, INVALID_REQUEST),
            (r#"{"id":1,"method":"x","params":[1]}"#, INVALID_PARAMS),
        ];
        for (text, code) in table {
            assert_eq!(Incoming::parse(text).map_err(|malformed| malformed.code), Err(code), "{text}");
        }
        assert_eq!(Incoming::parse(&"[".repeat(100_000)).map_err(|malformed| malformed.id), Err(None));
        let long = format!(r#"{{"id":"{}","method":"x"}}"#, "a".repeat(129));
        assert!(Incoming::parse(&long).is_err());
    }
}
