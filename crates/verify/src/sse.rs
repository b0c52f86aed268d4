//! Server-sent events, read piece by piece (HTML Living Standard 9.2.6).

/// The longest message read, in bytes. A security event token has less than two thousand.
const MAX_MESSAGE: usize = 64 * 1024;

/// A message, or a sign of life between messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// What to go on after, if the message says so.
    pub id: Option<String>,
    /// What it is.
    pub event: String,
    /// What it says.
    pub data: String,
}

/// Whoever sends more than fits into a message, or no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a stream of events")]
pub struct Garbled;

/// Takes a stream apart.
#[derive(Debug, Default)]
pub struct Reader {
    line: Vec<u8>,
    message: Message,
    size: usize,
    after_cr: bool,
    has_field: bool,
}

impl Reader {
    /// Takes the next piece and hands on the messages that it completes.
    pub fn take(&mut self, piece: &[u8]) -> Result<Vec<Message>, Garbled> {
        let mut done = Vec::new();
        for &byte in piece {
            let after_cr = std::mem::replace(&mut self.after_cr, byte == b'\r');
            match byte {
                b'\n' if after_cr => {}
                b'\n' | b'\r' => done.extend(self.end_line()?),
                _ if self.size == MAX_MESSAGE => return Err(Garbled),
                _ => {
                    self.size += 1;
                    self.line.push(byte);
                }
            }
        }
        Ok(done)
    }

    /// Whether everything that came has been handed on.
    pub fn is_between(&self) -> bool {
        self.line.is_empty() && !self.has_field
    }

    fn end_line(&mut self) -> Result<Option<Message>, Garbled> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            self.size = 0;
            let message = std::mem::take(&mut self.message);
            return Ok(std::mem::take(&mut self.has_field).then_some(message));
        }
        let line = String::from_utf8(line).map_err(|_| Garbled)?;
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "id" => self.message.id = Some(value.to_owned()),
            "event" => value.clone_into(&mut self.message.event),
            "data" if self.message.data.is_empty() => value.clone_into(&mut self.message.data),
            "data" => self.message.data = format!("{}\n{value}", self.message.data),
            // A comment needs no room once it was read.
            "" => {
                self.size -= line.len();
                return Ok(None);
            }
            _ => return Ok(None),
        }
        self.has_field = true;
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: Option<&str>, event: &str, data: &str) -> Message {
        Message { id: id.map(str::to_owned), event: event.to_owned(), data: data.to_owned() }
    }

    #[test]
    fn a_stream_reads_alike_however_it_is_cut_and_whatever_ends_its_lines() {
        let text = ": alive\n\nid: 7\nevent: session-revoked\ndata: ey.J\n\n: alive\n\nevent:ready\nid\nretry: 5\ndata\n\ndata: a\ndata: b\n\n";
        let expected = vec![
            message(Some("7"), "session-revoked", "ey.J"),
            message(Some(""), "ready", ""),
            message(None, "", "a\nb"),
        ];
        for ending in ["\n", "\r\n", "\r"] {
            let text = text.replace('\n', ending);
            for size in [1, 2, 3, 7, text.len()] {
                let mut reader = Reader::default();
                let read: Vec<_> = text.as_bytes().chunks(size).flat_map(|piece| reader.take(piece).unwrap()).collect();
                assert_eq!(read, expected, "{ending:?} {size}");
            }
        }
    }

    #[test]
    fn what_is_endless_or_no_text_is_refused() {
        let mut reader = Reader::default();
        assert_eq!(reader.take(&vec![b'x'; MAX_MESSAGE]), Ok(vec![]));
        assert_eq!(reader.take(b"x"), Err(Garbled));
        let many = "data: x\n".repeat(MAX_MESSAGE);
        assert_eq!(Reader::default().take(many.as_bytes()), Err(Garbled));
        assert_eq!(Reader::default().take(b"data: \xff\n"), Err(Garbled));
    }

    #[test]
    fn comments_may_go_on_for_ever() {
        let mut reader = Reader::default();
        for _ in 0..MAX_MESSAGE {
            assert_eq!(reader.take(b": alive\n"), Ok(vec![]));
        }
    }
}
