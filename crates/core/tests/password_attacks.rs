//! Attacks on passwords, named by their rows in the catalogue of refusals.

use std::sync::Arc;

use proptest::prelude::*;
use ringfence_core::{
    entropy::OsEntropy,
    error::{AuthError, Rule},
    password::{Argon2Params, HasherConfig, PasswordHash, PasswordHasher, PasswordPolicy, Verdict},
    secret::Password,
};

const CONTEXT: [&str; 5] = ["ann.smith@example.org", "Ann", "Smith", "Acme", "Default project"];

fn hasher() -> PasswordHasher {
    PasswordHasher::new(HasherConfig::for_tests(), Arc::new(OsEntropy)).expect("possible parameters")
}

fn refusal(text: &str) -> Option<Rule> {
    match PasswordPolicy::default().check(&Password::new(text), &CONTEXT) {
        Ok(_) => None,
        Err(AuthError::Invalid(violations)) => Some(violations[0].rule),
        Err(other) => panic!("{other}"),
    }
}

async fn kept(hasher: &PasswordHasher, text: &str) -> PasswordHash {
    let password = PasswordPolicy::default().check(&Password::new(text), &CONTEXT).expect("an acceptable password");
    hasher.hash(password).await.expect("hashed")
}

async fn verdict(hasher: &PasswordHasher, text: &str, hash: &PasswordHash) -> Verdict {
    hasher.verify(Password::new(text), Some(hash.clone())).await.expect("compared")
}

#[test]
fn n71_short_common_and_personal_passwords_are_refused_with_the_reason() {
    for (text, rule) in [
        ("", Rule::TooShort(8)),
        ("x7Kq2pL", Rule::TooShort(8)),
        ("superman", Rule::Common),
        ("SunShine", Rule::Common),
        ("qwertyuiop", Rule::Common),
        ("acme2026", Rule::Common),
        ("Acme2026!", Rule::Common),
        ("default-project1", Rule::Common),
        ("ann.smith@example.org", Rule::Common),
        ("ANN.SMITH@EXAMPLE.ORG", Rule::Common),
        ("ann.smith", Rule::Common),
        ("AnnSmith1990", Rule::Common),
    ] {
        assert_eq!(refusal(text), Some(rule), "{text}");
    }
}

#[test]
fn n71_a_passphrase_needs_no_digits_signs_or_capitals() {
    for text in ["correct horse battery staple", "pencil and paper", "nine blue herons", "синие цапли летят"]
    {
        assert_eq!(refusal(text), None, "{text}");
    }
}

#[tokio::test]
async fn n72_long_spaced_and_unicode_passwords_are_compared_whole() {
    let hasher = hasher();
    let (long, longer, longest) = ("ab cdefg".repeat(8), "ab cdefg".repeat(16), "ab cdefg".repeat(128));
    for text in [
        &long,
        &longer,
        &longest,
        " two spaces ",
        "\u{1F98A}\u{1F40C} runs at dawn",
        "tab\tand\u{0}nul",
        "Zoe\u{308} at noon",
    ] {
        let hash = kept(&hasher, text).await;
        assert_eq!(verdict(&hasher, text, &hash).await, Verdict::Right, "{text}");
        let last = text.char_indices().next_back().map_or(0, |(at, _)| at);
        for other in [&text[..last], text.trim(), &text.to_uppercase(), &format!("{text} ")] {
            let expected = if other == text { Verdict::Right } else { Verdict::Wrong };
            assert_eq!(verdict(&hasher, other, &hash).await, expected, "{other}");
        }
    }
}

#[tokio::test]
async fn n72_beyond_1024_characters_nothing_is_cut_off_to_make_it_fit() {
    let hasher = hasher();
    let longest = "ab cdefg".repeat(128);
    let hash = kept(&hasher, &longest).await;
    let beyond = format!("{longest}x");
    assert_eq!(refusal(&beyond), Some(Rule::TooLong(1024)));
    assert_eq!(verdict(&hasher, &beyond, &hash).await, Verdict::Wrong);
}

#[tokio::test]
async fn n72_73_bytes_under_imported_bcrypt_are_accepted_and_then_compared_whole() {
    let hasher = hasher();
    // Of 72 times "x", made by another implementation.
    let imported =
        PasswordHash::import("$2b$04$abcdefghijklmnopqrstuubzadhGtS2zEF.gu0yd0opP6cVzb.e0i").expect("bcrypt");
    let long = "x".repeat(72) + "!";
    assert_eq!(verdict(&hasher, &long, &imported).await, Verdict::RightNeedsRehash);
    assert_eq!(verdict(&hasher, &"x".repeat(71), &imported).await, Verdict::Wrong);
    let policy = PasswordPolicy::default();
    let own = "ab cdefg".repeat(9) + "!";
    let hash = hasher.hash(policy.check(&Password::new(&own), &[]).expect("acceptable")).await.expect("hashed");
    assert_eq!(verdict(&hasher, &own, &hash).await, Verdict::Right);
    assert_eq!(verdict(&hasher, &own[..72], &hash).await, Verdict::Wrong);
}

#[tokio::test]
async fn n75_unknown_users_and_impossible_passwords_cost_one_argon2_like_everyone_else() {
    let hasher = hasher();
    let hash = kept(&hasher, "pencil and paper").await;
    let endless = "x".repeat(100_000);
    for (text, stored, expected) in [
        ("pencil and paper", Some(&hash), Verdict::Right),
        ("pencil and papes", Some(&hash), Verdict::Wrong),
        ("pencil and paper", None, Verdict::Wrong),
        ("", None, Verdict::Wrong),
        ("", Some(&hash), Verdict::Wrong),
        (endless.as_str(), Some(&hash), Verdict::Wrong),
        (endless.as_str(), None, Verdict::Wrong),
    ] {
        let before = hasher.stats().argon2_runs;
        let verdict = hasher.verify(Password::new(text), stored.cloned()).await.expect("compared");
        assert_eq!((verdict, hasher.stats().argon2_runs - before), (expected, 1));
    }
}

#[test]
fn n99_malformed_and_ruinous_records_are_refused_at_import() {
    let (salt, output) = ("AAECAwQFBgcICQoLDA0ODw", "aS6I+4tpWl/kdfNECiLEg9IDeijzXAxqNNN46eAZTTI");
    let argon2 = |params: &str| format!("$argon2id$v=19${params}${salt}${output}");
    let scrypt = |params: &str| format!("$scrypt${params}${salt}${output}");
    let bcrypt = "$2b$04$abcdefghijklmnopqrstuubzadhGtS2zEF.gu0yd0opP6cVzb.e0i";
    for good in [argon2("m=19456,t=2,p=1"), argon2("m=131072,t=16,p=8"), scrypt("ln=17,r=8,p=1"), bcrypt.to_owned()] {
        assert!(PasswordHash::import(&good).is_ok(), "{good}");
    }
    for bad in [
        argon2("m=4194304,t=2,p=1"),
        argon2("m=4294967295,t=4294967295,p=4294967295"),
        argon2("m=99999999999,t=2,p=1"),
        argon2("m=19456,t=17,p=1"),
        argon2("m=19456,t=2,p=9"),
        argon2("m=4,t=2,p=1"),
        argon2("m=19456,t=0,p=1"),
        argon2("m=19456,t=2,p=0"),
        argon2("t=2,m=19456,p=1"),
        argon2("m=+19456,t=2,p=1"),
        argon2("m=19456,t=2,p=1,keyid=AAAA"),
        argon2("m=19456,t=2,p=1").replace("v=19", "v=20"),
        argon2("m=19456,t=2,p=1").replace(salt, "AAAA"),
        argon2("m=19456,t=2,p=1").replace(output, "aS6I"),
        argon2("m=19456,t=2,p=1").replace(output, &"A".repeat(400)),
        argon2("m=19456,t=2,p=1") + "$",
        scrypt("ln=30,r=8,p=1"),
        scrypt("ln=17,r=9,p=1"),
        scrypt("ln=64,r=8,p=1"),
        scrypt("ln=1,r=4294967295,p=4294967295"),
        scrypt("ln=14,r=8,p=0"),
        scrypt("ln=14,r=0,p=1"),
        format!("$pbkdf2-sha256$i=10000001${salt}${output}"),
        format!("$pbkdf2-sha256$i=0${salt}${output}"),
        format!("$pbkdf2-sha256$i=1000,l=64${salt}${output}"),
        format!("$pbkdf2-sha1$i=1000${salt}${output}"),
        bcrypt.replace("$04$", "$31$"),
        bcrypt.replace("$04$", "$03$"),
        bcrypt.replace("$04$", "$+4$"),
        bcrypt.replace("$2b$", "$2x$"),
        bcrypt.replace("jklm", "j\u{e9}lm").replacen('a', "", 1),
        format!("$2b$0\u{e9}{}", &bcrypt[7..]),
        bcrypt[..59].to_owned(),
        "$1$salt$hash".to_owned(),
        "5f4dcc3b5aa765d61d8327deb882cf99".to_owned(),
        "$".repeat(100),
        String::new(),
    ] {
        let Err(AuthError::Invalid(violations)) = PasswordHash::import(&bad) else { panic!("{bad} was taken") };
        assert_eq!((violations[0].field, violations[0].rule), ("password_hash", Rule::Malformed), "{bad}");
    }
}

#[tokio::test]
async fn n99_a_ruinous_record_in_the_database_is_an_error_and_not_a_computation() {
    let hasher = hasher();
    let record = "$argon2id$v=19$m=4194304,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$aS6I+4tpWl/kdfNECiLEg9IDeijzXAxqNNN46eAZTTI";
    let stored = PasswordHash::stored(record.to_owned());
    let compared = hasher.verify(Password::new("pencil and paper"), Some(stored)).await;
    assert_eq!(compared.map_err(|error| error.code()), Err("internal"));
    assert_eq!(hasher.stats().argon2_runs, 0);
}

#[test]
fn n99_parameters_of_our_own_beyond_the_limits_are_refused_too() {
    let argon2 = Argon2Params { memory_kib: 4 * 1024 * 1024, ..Argon2Params::default() };
    let config = HasherConfig { argon2, ..HasherConfig::for_tests() };
    assert!(PasswordHasher::new(config, Arc::new(OsEntropy)).is_err());
}

proptest! {
    #[test]
    fn n99_no_record_makes_the_reader_panic(
        text in r"(\$(argon2id|scrypt|pbkdf2-sha512|2b|2y)\$)?([mtpvlnri]{1,2}=[0-9]{1,11}[,$]?){0,4}.{0,60}",
    ) {
        let _ = PasswordHash::import(text);
    }

    #[test]
    fn n72_no_text_makes_the_rules_panic_or_be_cut(text in ".{0,300}", context in ".{0,40}") {
        let _ = PasswordPolicy::default().check(&Password::new(text), &[&context]);
    }
}
