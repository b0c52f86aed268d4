//! What is too easy to guess: common words, rows of keys, repeats, dates, and what names the user or the application.
//!
//! The list is ours and offline. It holds words, not passwords: a word with a few digits or signs around it counts as
//! the word, so a few thousand words stand for some tens of millions of passwords. A phrase of several words is fine.

use std::{collections::HashSet, sync::LazyLock};

use zeroize::Zeroizing;

static WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let lines = include_str!("common.txt").lines().filter(|line| !line.starts_with('#'));
    // Systems that cut passwords at eight characters left the stumps of long words on every list.
    lines.flat_map(str::split_whitespace).flat_map(|word| [word, word.get(..8).unwrap_or(word)]).collect()
});

/// Neighbouring keys, alphabets and the zigzags that people draw; also read backwards.
static ROWS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let rows = "01234567890 11223344556677889900 0102030405060708090 10111213141516171819202122 1029384756 192837465
        13579 24680 1324354657687980 1123581321345589 31415926535897932384626433832795
        147258369 14789632 159357 123698745 25802580 789456123 13467985213
        abcdefghijklmnopqrstuvwxyz a1b2c3d4e5f6g7h8i9 1a2b3c4d5e6f7g8h9i a1a2a3a4a5a6
        qwertyuiop asdfghjkl zxcvbnm qwertzuiop yxcvbnm azertyuiop qsdfghjklm wxcvbn !@#$%^&*()_+
        1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p qazwsxedcrfvtgbyhnujmikolp 1qa2ws3ed4rf5tg6yh 12qwaszx
        qawsedrftgyhujikolp azsxdcfvgbhnjmk zaxscdvfbgnhmj
        1q2w3e4r5t6y7u8i9o0p q1w2e3r4t5y6u7i8o9p0 q2w3e4r5t6y7u8i9o0p 1q2q3q4q5q6q q1q2q3q4q5q6
        1qw23er45ty67ui89op0 12qw34er56ty78ui90op a1s2d3f4g5h6j7k8l9 1a2s3d4f5g6h7j8k9l 1z2x3c4v5b6n7m z1x2c3v4b5n6m7";
    rows.split_whitespace().collect()
});

/// So many digits or signs on either side do not make a word stronger: a year with a sign, `123456`.
const AFFIX: usize = 6;
/// The same for somebody's name, beside which people write a date.
const DATE: usize = 8;

/// Whether `text`, taken whole, is a common password.
pub(super) fn is_common(text: &str) -> bool {
    let text = fold(text);
    let chars = Zeroizing::new(text.chars().collect::<Vec<_>>());
    is_listed(&text) || repeats(&chars) || follows_rows(&chars) || is_date(&text)
}

/// Whether `text` is nothing but words of `context`, with up to a date's digits around them.
///
/// An entry counts as a whole, without its punctuation and by its words; of an e-mail address also the part before
/// the `@`.
pub(super) fn names(text: &str, context: &[&str]) -> bool {
    let mut words: Vec<String> = context.iter().flat_map(|entry| words_of(&fold(entry))).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let text = fold(text);
    let plain = Zeroizing::new(text.chars().filter(|char| char.is_alphanumeric()).collect::<String>());
    [text.as_str(), plain.as_str()]
        .into_iter()
        .flat_map(|text| [text, strip(text, DATE)])
        .any(|core| !core.is_empty() && consists_of(core, &words))
}

fn words_of(entry: &str) -> Vec<String> {
    let local_part = entry.split_once('@').map(|(local_part, _)| local_part);
    [Some(entry), local_part]
        .into_iter()
        .flatten()
        .flat_map(|text| {
            let plain = text.chars().filter(|char| char.is_alphanumeric()).collect();
            [text.to_owned(), plain]
                .into_iter()
                .chain(text.split(|char: char| !char.is_alphanumeric()).map(str::to_owned))
        })
        .filter(|word| word.chars().count() >= 3)
        .collect()
}

/// Longest word first and never back, so that a long text costs no more than its length.
fn consists_of(text: &str, words: &[String]) -> bool {
    let mut rest = text;
    while let Some(shorter) = words.iter().find_map(|word| rest.strip_prefix(word.as_str())) {
        rest = shorter;
    }
    rest.is_empty()
}

fn is_listed(text: &str) -> bool {
    let is_word = |text: &str| WORDS.contains(text) || WORDS.contains(unleet(text).as_str());
    let core = strip(text, AFFIX);
    let half = core.split_at_checked(core.len() / 2).and_then(|(left, right)| (left == right).then_some(left));
    is_word(text) || is_word(core) || half.is_some_and(is_word)
}

/// `abab…`, `12312312`: made of one to four characters again and again.
fn repeats(chars: &[char]) -> bool {
    (1..=4).any(|period| chars.len() >= 2 * period && chars.iter().skip(period).eq(&chars[..chars.len() - period]))
}

/// Whether pieces of rows, forwards or backwards, and runs of one character make up at least three quarters.
fn follows_rows(chars: &[char]) -> bool {
    let (mut at, mut left_over) = (0, 0);
    while at < chars.len() {
        match longest_run(&chars[at..]) {
            run if run >= 3 => at += run,
            _ => (at, left_over) = (at + 1, left_over + 1),
        }
    }
    left_over <= chars.len() / 4
}

fn longest_run(chars: &[char]) -> usize {
    let same = chars.iter().take_while(|char| **char == chars[0]).count();
    let along = |row: &mut dyn Iterator<Item = char>| row.zip(chars).take_while(|(key, char)| key == *char).count();
    let runs = ROWS.iter().flat_map(|row| {
        let starts = row.char_indices().filter(|(_, key)| *key == chars[0]);
        starts.map(move |(start, key)| {
            along(&mut row[start..].chars()).max(along(&mut row[..start + key.len_utf8()].chars().rev()))
        })
    });
    runs.max().unwrap_or(0).max(same)
}

/// Eight digits that read as a day of the last or this century, in any order.
fn is_date(text: &str) -> bool {
    let number = |part: &str| part.parse::<u32>().unwrap_or(0);
    let day_and_month = |a, b| (1..=31).contains(&a) && (1..=31).contains(&b) && (a <= 12 || b <= 12);
    let reads =
        |year: &str, a: &str, b: &str| (1900..2100).contains(&number(year)) && day_and_month(number(a), number(b));
    text.len() == 8
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && (reads(&text[4..], &text[..2], &text[2..4]) || reads(&text[..4], &text[4..6], &text[6..]))
}

fn fold(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.to_lowercase())
}

/// Takes up to `most` characters that are not letters off each end.
fn strip(text: &str, most: usize) -> &str {
    let affix = |char: &char| !char.is_alphabetic();
    let before: usize = text.chars().take(most).take_while(affix).map(char::len_utf8).sum();
    let rest = &text[before..];
    let after: usize = rest.chars().rev().take(most).take_while(affix).map(char::len_utf8).sum();
    &rest[..rest.len() - after]
}

/// Undoes the usual digits and signs for letters.
fn unleet(text: &str) -> Zeroizing<String> {
    let letter = |char| match char {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    };
    Zeroizing::new(text.chars().map(letter).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_passwords_are_common_in_any_case_and_with_a_year() {
        for text in [
            "password",
            "PASSWORD",
            "Password1",
            "p@ssw0rd!",
            "iloveyou",
            "trustno1",
            "Welcome1",
            "letmein1",
            "Dragon2026!",
            "1monkey!",
            "monkeymonkey",
            "correcthorsebatterystaple",
            "123456789a",
            "1q2w3e4r",
            "qwertyuiop",
            "zaq12wsx",
            "QAZwsx123",
            "1234qwer",
            "asdfasdf",
            "abcabcabc",
            "11111111",
            "12344321",
            "01011990",
            "19900131",
            "password\u{1F600}",
        ] {
            assert!(is_common(text), "{text}");
        }
    }

    #[test]
    fn phrases_and_random_texts_are_not_common() {
        for text in [
            "correct horse battery staple",
            "Tr0ub4dor&3-extra",
            "x7Kq2pLm",
            "dragon eats 9 pears",
            "93750284",
            "q7w9ndragon",
            "пять слонов",
            "password-of-my-aunt",
            "123sesame!quartz",
        ] {
            assert!(!is_common(text), "{text}");
        }
    }

    #[test]
    fn names_and_addresses_with_digits_are_recognised() {
        let context = ["ann.smith@example.org", "Ann", "Acme Phone"];
        for text in [
            "Ann.Smith@Example.org",
            "annsmith",
            "AcmePhone2026",
            "acme-phone!",
            "ann01011990",
            "smith.ann",
            "2026acme",
        ] {
            assert!(names(text, &context), "{text}");
        }
        for text in ["acme sells pears", "smithereens", "20260101", "annihilate"] {
            assert!(!names(text, &context), "{text}");
        }
        assert!(!names("anything at all", &["", "a"]));
    }

    #[test]
    fn the_list_is_in_the_form_it_is_compared_in() {
        assert!(WORDS.len() > 3_000);
        for word in WORDS.iter() {
            assert_eq!(*word, word.to_lowercase(), "would never match");
        }
    }
}
