//! A row as `COPY` writes it, and the digest of many.
//!
//! The text format of PostgreSQL's COPY, escaped as its server escapes: so what was sent and what comes back are the same bytes
//! when they are the same row.

use aws_lc_rs::digest::{SHA256, digest};

/// A table's content: how many rows, and which, in whatever order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub rows: u64,
    /// The sum of the rows' SHA-256, in four parts: a sum needs no order, which collations differ in.
    sums: [u64; 4],
}

impl Tally {
    /// Counts one line.
    pub fn add(&mut self, line: &[u8]) {
        self.rows += 1;
        let hash = digest(&SHA256, line);
        for (sum, part) in self.sums.iter_mut().zip(hash.as_ref().chunks_exact(8)) {
            let part = part.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
            *sum = sum.wrapping_add(part);
        }
    }
}

/// Appends a column; the first of a line comes without a tab.
pub fn push(line: &mut Vec<u8>, first: bool, column: Option<&[u8]>) {
    if !first {
        line.push(b'\t');
    }
    let Some(text) = column else { return line.extend(br"\N") };
    for &byte in text {
        let escape = match byte {
            0x08 => b'b',
            0x0b => b'v',
            0x0c => b'f',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            b'\\' => b'\\',
            plain => {
                line.push(plain);
                continue;
            }
        };
        line.extend([b'\\', escape]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(lines: &[&str]) -> Tally {
        lines.iter().fold(Tally::default(), |mut tally, line| {
            tally.add(line.as_bytes());
            tally
        })
    }

    #[test]
    fn the_order_of_rows_does_not_count_and_everything_else_does() {
        assert_eq!(tally(&["a", "b", "b"]), tally(&["b", "a", "b"]));
        assert_ne!(tally(&["a", "b", "b"]), tally(&["a", "b"]));
        assert_ne!(tally(&["a", "b", "b"]), tally(&["a", "a", "b"]));
        assert_ne!(tally(&["a", "a"]), tally(&["b", "b"]));
    }

    #[test]
    fn nothing_and_the_word_for_nothing_differ() {
        let mut line = Vec::new();
        push(&mut line, true, None);
        push(&mut line, false, Some(br"\N"));
        push(&mut line, false, Some(b""));
        push(&mut line, false, Some("a\tß\r\n".as_bytes()));
        assert_eq!(String::from_utf8(line).unwrap(), "\\N\t\\\\N\t\ta\\tß\\r\\n");
    }
}
