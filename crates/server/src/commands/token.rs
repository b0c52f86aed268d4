//! `token`: what a token says, and whether it counts.

use std::io::{self, Read as _};

use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ringfence_core::{
    authority::{Authenticated, PresentedCredential},
    secret::{RawToken, TokenKind},
    time::Timestamp,
};
use serde_json::{Value, json};

use super::on_current;
use crate::{
    admin::Admin,
    cli,
    exit::{Refused, explain},
    output::{Output, fields},
    views,
};

/// Runs one of them.
pub fn run(options: &cli::Options, command: &cli::Token, output: Output) -> Result<()> {
    match command {
        cli::Token::Inspect { token } => inspect(&read(token)?, output),
        cli::Token::Verify { token } => {
            let token = read(token)?;
            on_current(options, output, async |admin| verify(admin, token).await)
        }
    }
}

/// The token as given, from standard input for `-`, without a scheme such as `Bearer` before it.
fn read(token: &str) -> Result<RawToken> {
    let mut text = token.to_owned();
    if token == "-" {
        text.clear();
        io::stdin().read_to_string(&mut text).context("no token on standard input")?;
    }
    let token = text.split_whitespace().last().unwrap_or_default();
    if token.is_empty() {
        return Err(Refused::because("no token was given"));
    }
    Ok(RawToken::new(token))
}

fn inspect(token: &RawToken, output: Output) -> Result<()> {
    if let Some(kind) = TokenKind::of(token) {
        let name = match kind {
            TokenKind::ApiKey => "api_key",
            TokenKind::Verification => "verification",
            TokenKind::GuestTicket => "guest_ticket",
            TokenKind::Refresh => "refresh",
            TokenKind::SocketTicket => "socket_ticket",
            TokenKind::Resume => "resume_ticket",
            TokenKind::Console => "console",
            TokenKind::ConsoleLink => "console_link",
        };
        let text =
            || format!("An opaque token ({name}): it says nothing. `ringfence token verify` asks whether it counts.");
        return Ok(output.show(&json!({ "verified": false, "kind": name }), text)?);
    }
    let (header, claims) =
        decode(token.expose()).ok_or_else(|| Refused::because("this is not a token that can be read"))?;
    let answer = json!({ "verified": false, "kind": "jws", "header": header, "claims": claims });
    let text =
        || format!("Not verified: anybody can write this.\n\nheader {header:#}\nclaims {claims:#}{}", times(&claims));
    Ok(output.show(&answer, text)?)
}

/// Header and claims; the signature is not looked at.
fn decode(token: &str) -> Option<(Value, Value)> {
    let mut parts = token.split('.');
    let (header, claims) = (parts.next()?, parts.next()?);
    // Signature, and nothing after it.
    parts.next()?;
    if parts.next().is_some() {
        return None;
    }
    let part = |text: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok();
    Some((part(header)?, part(claims)?))
}

/// The times of the claims as people read them.
fn times(claims: &Value) -> String {
    let said = ["iat", "nbf", "exp"].into_iter().filter_map(|name| {
        let seconds = claims.get(name)?.as_i64()?;
        Some(format!("\n{name} is {}", Timestamp::from_seconds(seconds)))
    });
    said.collect()
}

async fn verify(admin: &Admin, token: RawToken) -> Result<()> {
    // Keys of our making say what they are; others, brought along from elsewhere, are not tokens in parts.
    let is_key = match TokenKind::of(&token) {
        Some(kind) => kind == TokenKind::ApiKey,
        None => !token.expose().contains('.'),
    };
    let presented = if is_key { PresentedCredential::ApiKey(token) } else { PresentedCredential::AccessToken(token) };
    let who = admin.authority().authenticate(&admin.ctx(), presented).await.map_err(explain)?;
    let answer = accepted(&who);
    admin.show(&answer, || format!("Accepted.\n{}", fields(&answer)))
}

fn accepted(who: &Authenticated) -> Value {
    json!({
        "verified": true,
        "project": who.project.name,
        "application": who.application.as_ref().map(|application| application.name.clone()),
        "identity_id": who.identity.id,
        "kind": who.identity.kind,
        "scopes": who.scopes,
        "session": who.session.as_ref().map(|session| views::session(session)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_without_its_signature() {
        let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIiwiZXhwIjoxfQ.c2ln";
        let (header, claims) = decode(token).unwrap();
        assert_eq!((header, claims.clone()), (json!({ "alg": "HS256" }), json!({ "sub": "1", "exp": 1 })));
        assert_eq!(times(&claims), "\nexp is 1970-01-01T00:00:01.000Z");
        for bad in ["", "a.b", "a.b.c", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIiwiZXhwIjoxfQ.c2ln.x"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_scheme_before_a_token_is_not_part_of_it() {
        assert_eq!(read("Bearer abc").unwrap().expose(), "abc");
        assert!(read("  ").is_err());
    }
}
