//! `/user/password_reset`: a new password by mail.

use axum::{extract::State, response::Response};
use http::Uri;
use ringfence_core::{authority::LinkTemplate, error::Rule, identity::is_email, secret::RawToken};
use serde_json::Value;

use super::{
    answer::{created, found},
    body::Members,
    error::Refusal,
    query::Parameters,
};
use crate::{app::App, extract::Circumstances, links::reset_link};

/// `GET /user/password_reset?email=&callback=`. The answer is the same whether anybody has the address (ATTACKS N75).
pub(super) async fn request(
    State(app): State<App>,
    Circumstances(ctx): Circumstances,
    uri: Uri,
) -> Result<Response, Refusal> {
    let query = Parameters::of(&uri);
    let email = query.one("email")?.unwrap_or_default();
    if !is_email(email.trim()) {
        return Err(Refusal::parameter("email", Rule::Malformed, Some(email)));
    }
    let link = match query.one("callback")?.filter(|callback| !callback.is_empty()) {
        None => reset_link(&app),
        Some(callback) if leads_home(callback, app.option("callback_hosts").unwrap_or_default()) => callback.to_owned(),
        Some(callback) => return Err(Refusal::parameter("callback", Rule::Malformed, Some(callback))),
    };
    app.authority.request_password_reset(&ctx, app.project(), email, LinkTemplate(link)).await?;
    Ok(created(&Value::Null))
}

/// `POST /user/password_reset`.
pub(super) async fn redeem(
    State(app): State<App>,
    Circumstances(ctx): Circumstances,
    mut members: Members,
) -> Result<Response, Refusal> {
    let token = RawToken::new(members.required("token", 1, 500));
    let password = members.required_password("password");
    members.check()?;
    app.authority.reset_password(&ctx, app.project(), &token, password).await?;
    Ok(found(&Value::Null))
}

/// Whether a link leads to a host that the operator listed: else whoever asks for a link for somebody else would choose who
/// gets its secret (ATTACKS N27). Read strictly, so that no browser reads another host in it.
fn leads_home(callback: &str, hosts: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#&=%+,;!{}".contains(&byte);
    let Some(rest) = callback.strip_prefix("https://").filter(|rest| rest.bytes().all(plain)) else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let listed = hosts.split(',').map(str::trim).any(|listed| !listed.is_empty() && listed.eq_ignore_ascii_case(host));
    // The secret has its place, and nothing but the secret is filled in.
    listed && callback.matches("{token}").count() == 1 && callback.matches(['{', '}']).count() == 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n27_a_reset_link_leads_to_a_listed_host_only() {
        let listed = "app.example.org, other.example.org:8443";
        for good in [
            "https://app.example.org/reset/{token}",
            "https://App.Example.Org/#/reset?t={token}",
            "https://other.example.org:8443/{token}",
        ] {
            assert!(leads_home(good, listed), "{good}");
        }
        for bad in [
            "http://app.example.org/{token}",
            "https://evil.test/{token}",
            "https://app.example.org.evil.test/{token}",
            "https://app.example.org@evil.test/{token}",
            "https://app.example.org\\@evil.test/{token}",
            "https://evil.test\\app.example.org/{token}",
            "https:///app.example.org/{token}",
            "https://{token}.example.org/",
            "https://app.example.org:444/{token}",
            "https://app.example.org/reset",
            "https://app.example.org/{token}/{token}",
            "https://app.example.org/{identity}/{token}",
            "javascript:{token}",
            "//app.example.org/{token}",
        ] {
            assert!(!leads_home(bad, listed), "{bad}");
        }
        assert!(!leads_home("https:///{token}", ""));
    }
}
