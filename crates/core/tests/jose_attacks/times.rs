//! Times that are none, are over, or have not come.

use std::time::Duration;

use ringfence_core::{error::AuthError, jose::Validity, time::Timestamp};

use super::*;

fn now() -> Timestamp {
    Timestamp::from_seconds(1_800_000_000)
}

/// What [`Claims::check_times`] says to a signed token with these claims, as a code.
fn code(claims: &str, validity: &Validity) -> &'static str {
    let judged = verify(&with_claims(claims.as_bytes()), &HS256).map_err(AuthError::from);
    match judged.and_then(|claims| claims.check_times(validity)) {
        Ok(()) => "ok",
        Err(error) => error.code(),
    }
}

#[test]
fn n22_a_time_that_is_no_number_of_seconds_is_refused() {
    for time in [r#""9999999999""#, "1e400", "-1", "-0.5", "null", "true", "[1]", "{}", "1e17", "18446744073709551615"]
    {
        for name in ["exp", "nbf", "iat"] {
            let claims = match name {
                "exp" => format!(r#"{{"exp":{time}}}"#),
                _ => format!(r#"{{"exp":1800000100,"{name}":{time}}}"#),
            };
            let lenient = Validity { require_exp: false, ..Validity::at(now()) };
            assert_eq!(code(&claims, &lenient), "token_claims", "{claims}");
        }
    }
    assert_eq!(code("{}", &Validity::at(now())), "token_claims");
    assert_eq!(code("{}", &Validity { require_exp: false, ..Validity::at(now()) }), "ok");
}

#[test]
fn n23_an_expired_token_is_refused_alike_forever() {
    let validity = Validity { leeway_exp: Duration::from_secs(30), ..Validity::at(now()) };
    let expired_for = |seconds: i64| code(&format!(r#"{{"exp":{}}}"#, now().seconds() - seconds), &validity);
    assert_eq!(expired_for(29), "ok");
    for seconds in [30, 31, 365 * 24 * 3600, now().seconds()] {
        assert_eq!(expired_for(seconds), "token_expired", "{seconds}");
    }
}

#[test]
fn n23_an_expired_token_is_expired_whatever_else_it_is() {
    let validity = Validity { max_lifetime: Some(Duration::from_secs(1)), ..Validity::at(now()) };
    assert_eq!(code(r#"{"exp":1700000000,"iat":1,"nbf":9999999999}"#, &validity), "token_expired");
}

#[test]
fn n23_a_token_from_the_future_is_not_yet_valid() {
    for name in ["nbf", "iat"] {
        let ahead = |seconds: i64| {
            let start = now().seconds() + seconds;
            code(&format!(r#"{{"exp":{},"{name}":{start}}}"#, start + 60), &Validity::at(now()))
        };
        assert_eq!(ahead(60), "ok", "{name}");
        assert_eq!(ahead(61), "token_not_yet", "{name}");
        assert_eq!(ahead(10 * 365 * 24 * 3600), "token_not_yet", "{name}");
    }
}

#[test]
fn n23_a_token_that_lives_too_long_is_refused() {
    let validity = Validity { max_lifetime: Some(Duration::from_hours(1)), ..Validity::at(now()) };
    let now = now().seconds();
    assert_eq!(code(&format!(r#"{{"iat":{now},"exp":{}}}"#, now + 3600), &validity), "ok");
    assert_eq!(code(&format!(r#"{{"iat":{now},"exp":{}}}"#, now + 3601), &validity), "token_lifetime");
    // An old `iat` does not shorten a long life, and leaving `iat` or `exp` out does not hide one.
    assert_eq!(code(&format!(r#"{{"iat":1,"exp":{}}}"#, now + 1), &validity), "token_lifetime");
    assert_eq!(code(&format!(r#"{{"exp":{}}}"#, now + 3601), &validity), "token_lifetime");
    assert_eq!(code("{}", &Validity { require_exp: false, ..validity }), "token_lifetime");
}
