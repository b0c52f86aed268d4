//! Cursors of lists: where the next page begins, readable by nobody and good for one list only (ATTACKS N91).

use super::Authority;
use crate::seal::Sealed;

impl Authority {
    /// The cursor for `position` in the list that `list` names.
    pub fn cursor(&self, list: &str, position: &str) -> String {
        self.sealer.seal(position.as_bytes(), &context(list), self.entropy.as_ref()).as_str().to_owned()
    }

    /// The position that a cursor of this very list stands for; none for every other text.
    pub fn position(&self, list: &str, cursor: &str) -> Option<String> {
        let opened = self.sealer.open(&Sealed::stored(cursor.to_owned()), &context(list)).ok()?;
        String::from_utf8(opened.to_vec()).ok()
    }
}

fn context(list: &str) -> String {
    format!("cursor:{list}")
}
