//! Numbers and moments as each language writes them.

use ringfence_core::time::Timestamp;

use super::Language;

type Months = [&'static str; 12];

impl Language {
    /// A whole number with its thousands apart.
    pub(crate) fn number(self, number: u64) -> String {
        let between = match self {
            Self::English => ',',
            Self::Italian | Self::German => '.',
            // Narrow, and no place to break the line.
            Self::French | Self::Spanish => '\u{202f}',
        };
        let digits = number.to_string();
        let mut text = String::with_capacity(digits.len() * 2);
        for (at, digit) in digits.char_indices() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                text.push(between);
            }
            text.push(digit);
        }
        text
    }

    /// A moment to the minute, in UTC.
    pub(crate) fn moment(self, moment: Timestamp) -> String {
        let text = moment.rfc3339();
        let parts =
            || Some((text.get(..4)?, text.get(5..7)?.parse::<usize>().ok()?, text.get(8..10)?, text.get(11..16)?));
        let Some((year, month, day, time)) = parts() else { return text };
        let Some(month) = month.checked_sub(1).and_then(|at| self.months().get(at)) else { return text };
        let day = day.trim_start_matches('0');
        let dot = if self == Self::German { "." } else { "" };
        format!("{day}{dot} {month} {year}, {time} UTC")
    }

    const fn months(self) -> &'static Months {
        match self {
            Self::English => &["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
            Self::French => {
                &["janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."]
            }
            Self::Italian => &["gen", "feb", "mar", "apr", "mag", "giu", "lug", "ago", "set", "ott", "nov", "dic"],
            Self::German => {
                &["Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.", "Dez."]
            }
            Self::Spanish => &["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sept", "oct", "nov", "dic"],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_moments_follow_the_language() {
        let moment = Timestamp::from_millis(1_763_773_269_671);
        let said = Language::EACH.map(|language| (language.number(1_234_567), language.moment(moment)));
        let expected = [
            ("1,234,567", "22 Nov 2025, 01:01 UTC"),
            ("1\u{202f}234\u{202f}567", "22 nov. 2025, 01:01 UTC"),
            ("1.234.567", "22 nov 2025, 01:01 UTC"),
            ("1.234.567", "22. Nov. 2025, 01:01 UTC"),
            ("1\u{202f}234\u{202f}567", "22 nov 2025, 01:01 UTC"),
        ];
        assert_eq!(said, expected.map(|(number, moment)| (number.to_owned(), moment.to_owned())));
        assert_eq!(Language::German.number(999), "999");
    }
}
