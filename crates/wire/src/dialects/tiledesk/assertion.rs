//! Custom tokens: an integrator signs them with its project's secret, and `aud` says for which project.

use std::time::Duration;

use ringfence_core::{
    issuer::{
        AssertedKind::{External, Member},
        AssertionProfile, AudienceRule,
        ExpectedSub::{Absent, Is},
        ProfileClaims,
    },
    jose::{Alg, Unverified},
    secret::RawToken,
};
use serde_json::{Map, Value};

use super::PROJECT;

/// How its custom tokens look.
pub(super) static PROFILE: AssertionProfile = LOOKS;

/// The same, as strictly as its own tool for trying tokens out judges them.
pub(super) static SHORT_LIVED: AssertionProfile =
    AssertionProfile { exp_required: true, max_lifetime: Some(Duration::from_mins(10)), ..LOOKS };

const LOOKS: AssertionProfile = AssertionProfile {
    name: "tiledesk",
    algs: &[Alg::HS256, Alg::HS384, Alg::HS512],
    audience: AudienceRule::UrlPath { segment: PROJECTS, scheme: PROJECT },
    subject: &["_id"],
    wildcard: None,
    // Bots and subscriptions are not spoken for here.
    kinds: &[(Is("userexternal"), External), (Is("guest"), External), (Is("user"), Member), (Absent, Member)],
    exp_required: false,
    max_lifetime: None,
    profile_claims: ProfileClaims { given_name: "firstname", family_name: "lastname", email: "email" },
    role: Some("role"),
    account_roles: &["owner", "admin", "agent"],
    default_role: "user",
};

const PROJECTS: &str = "projects";

/// Whose key a token asks to be judged by.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Signer {
    /// Ours.
    Platform,
    /// That of the project with this id.
    Project(String),
    /// Nobody's that we know.
    Unknown,
}

/// Reads what a token says about its signer. Nothing is verified: the same token is then judged by that signer's key.
pub(super) fn signer(token: &RawToken) -> Signer {
    let Some(claims) = claims(token) else { return Signer::Platform };
    let audience = match claims.get("aud") {
        None => return Signer::Platform,
        Some(Value::String(audience)) => audience,
        Some(Value::Array(one)) => match &one[..] {
            [Value::String(audience)] => audience,
            _ => return Signer::Unknown,
        },
        Some(_) => return Signer::Unknown,
    };
    signer_for(audience)
}

/// The same by the audience, where that is known.
pub(super) fn signer_for(audience: &str) -> Signer {
    let Some((_, rest)) = audience.split_once("://") else { return Signer::Unknown };
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    let mut segments = path.split('/').skip(1);
    match (segments.next(), segments.next()) {
        (Some(PROJECTS), Some(id)) if is_project_id(id) => Signer::Project(id.to_owned()),
        (Some(PROJECTS | "bots" | "subscriptions"), _) => Signer::Unknown,
        _ => Signer::Platform,
    }
}

/// The claims of a token that the gate has accepted, for showing them to its holder.
pub(super) fn claims(token: &RawToken) -> Option<Map<String, Value>> {
    let unverified = Unverified::parse(token.expose()).ok()?;
    Some(unverified.claims_unverified().ok()?.clone().into_map())
}

/// Whether a text has the form of a project id.
pub(super) fn is_project_id(text: &str) -> bool {
    text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

    use super::*;

    fn signer_of(claims: &str) -> Signer {
        let [header, payload] = [r#"{"alg":"HS256"}"#, claims].map(|part| URL_SAFE_NO_PAD.encode(part));
        signer(&RawToken::new(format!("{header}.{payload}.AAAA")))
    }

    #[test]
    fn the_path_of_the_audience_names_the_project_whatever_the_host() {
        let project = Signer::Project("5c81593adf767b0017d1aa68".to_owned());
        for audience in [
            r#""https://tiledesk.com/projects/5c81593adf767b0017d1aa68""#,
            r#""https://other.example/projects/5c81593adf767b0017d1aa68/more?x""#,
            r#"["https://tiledesk.com/projects/5c81593adf767b0017d1aa68"]"#,
        ] {
            assert_eq!(signer_of(&format!(r#"{{"aud":{audience}}}"#)), project, "{audience}");
        }
    }

    #[test]
    fn other_audiences_are_the_platform_s_or_nobody_s() {
        for claims in ["{}", r#"{"aud":"https://tiledesk.com"}"#, r#"{"aud":"https://tiledesk.com/other/x"}"#] {
            assert_eq!(signer_of(claims), Signer::Platform, "{claims}");
        }
        for audience in [
            r#""https://tiledesk.com/projects/""#,
            r#""https://tiledesk.com/projects/xyz""#,
            r#""https://tiledesk.com/bots/5c81593adf767b0017d1aa68""#,
            r#""https://tiledesk.com/subscriptions/5c81593adf767b0017d1aa68""#,
            r#""no address""#,
            r#"["https://tiledesk.com/projects/5c81593adf767b0017d1aa68","b"]"#,
            "7",
        ] {
            assert_eq!(signer_of(&format!(r#"{{"aud":{audience}}}"#)), Signer::Unknown, "{audience}");
        }
    }
}
