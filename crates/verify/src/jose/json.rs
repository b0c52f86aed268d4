//! JSON read strictly: no member twice, bounded depth, no NUL, nothing after the object.
//!
//! Two readers that take different ones of two equal members disagree about what was signed (RFC 8725 2.4).

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::refusal::Refusal;

/// How deep arrays and objects may nest, the outermost object included.
const MAX_DEPTH: usize = 16;

/// The members of an object.
pub type Members = Map<String, Value>;

/// Reads one object and nothing else.
pub fn object(bytes: &[u8]) -> Result<Members, Refusal> {
    let mut input = serde_json::Deserializer::from_slice(bytes);
    let read = Level(MAX_DEPTH).deserialize(&mut input).and_then(|value| input.end().map(|()| value));
    match read {
        Ok(Value::Object(members)) => Ok(members),
        // `1e400` is well-formed and no usable number; the library says so in its text only.
        Err(error) if error.to_string().starts_with("number out of range") => Err(Refusal::Claims),
        Ok(_) | Err(_) => Err(Refusal::Malformed),
    }
}

/// A text member; a refusal if it is there and no text.
pub fn text<'a>(members: &'a Members, name: &str) -> Result<Option<&'a str>, Refusal> {
    members.get(name).map(|value| value.as_str().ok_or(Refusal::Claims)).transpose()
}

/// Builds a value in which so many levels may still open.
#[derive(Clone, Copy)]
struct Level(usize);

impl Level {
    fn down<E: Error>(self) -> Result<Self, E> {
        self.0.checked_sub(1).map(Self).ok_or_else(|| E::custom("nested too deeply"))
    }
}

/// Stores and C libraries end a text at NUL, so what they compare is not what was signed.
fn whole<E: Error>(text: &str) -> Result<String, E> {
    if text.contains('\0') { Err(E::custom("NUL in a text")) } else { Ok(text.to_owned()) }
}

impl<'de> DeserializeSeed<'de> for Level {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Value, D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        whole(value).map(Value::String)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.down()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let inner = self.down()?;
        let mut members = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(inner)?;
            if members.insert(whole(&name)?, value).is_some() {
                return Err(A::Error::custom("a member appears twice"));
            }
        }
        Ok(Value::Object(members))
    }
}
