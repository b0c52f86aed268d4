//! Lines to paste, for the native API and for each dialect that is on: into a terminal, or into a page with the client's library.

use std::fmt::Write as _;

use serde_json::json;

use super::Examples;
use crate::config::Config;

const JSON: &str = "-H 'Content-Type: application/json'";

/// The lines of a server at `url`.
pub(super) fn of(url: &str, config: &Config, examples: &Examples) -> String {
    let mut text = native(url, examples);
    for dialect in ringfence_wire::DIALECTS {
        let section = config.dialects.get(dialect.name).cloned().unwrap_or_default();
        if !section.enabled {
            continue;
        }
        let usual = format!("/{}", dialect.name);
        let base = format!("{url}{}", section.prefix.as_deref().unwrap_or(&usual));
        text.push_str(&match dialect.name {
            "apirtc" => apirtc(&base, examples),
            "keyclic" => keyclic(&base, examples),
            "opentact" => opentact(&base, examples),
            "telnyx" => telnyx(&base, examples),
            "tiledesk" => tiledesk(&base, examples),
            _ => String::new(),
        });
    }
    text
}

/// Where the base address is a socket.
fn socket(base: &str) -> String {
    base.replacen("http", "ws", 1)
}

fn native(url: &str, examples: &Examples) -> String {
    let visit = json!({ "application": examples.publishable_key });
    format!(
        "\nNative API at {url}/api/v1\n  a guest of the application:\n  curl -sS {url}/api/v1/guests {JSON} -d '{visit}'\n"
    )
}

fn apirtc(base: &str, examples: &Examples) -> String {
    let Examples { email, password, publishable_key: key, .. } = examples;
    let mut text = format!("\nApiRTC with cloudUrl {base}, apiKey {key}\n");
    for (_, secret) in examples.issuers.iter().filter(|(profile, _)| profile == "apirtc") {
        let _ = writeln!(text, "  secret for tokens of a back end: {secret}");
    }
    let _ = writeln!(
        text,
        "  a guest, in a page:\n  new apiRTC.UserAgent({{ uri: 'apiKey:{key}' }}).register({{ cloudUrl: '{base}' }})\n  a token for \
         the member:\n  curl -sS {base}/api/v3/token -d username={email} --data-urlencode 'password={password}'"
    );
    text
}

fn keyclic(base: &str, examples: &Examples) -> String {
    let member = json!({ "login": examples.email, "password": examples.password });
    format!(
        "\nKeyclic at {base}, application key com.keyclic.app\n  sign in the member:\n  curl -sS {base}/security/login -H \
         'X-Keyclic-App: com.keyclic.app' {JSON} -d '{member}'\n"
    )
}

fn opentact(base: &str, examples: &Examples) -> String {
    let Examples { email, password, .. } = examples;
    format!(
        "\nOpentact at {base}/rest, events at {}\n  a token for the member:\n  curl -sS -u '{email}:{password}' \
         {base}/rest/auth\n",
        socket(base)
    )
}

fn telnyx(base: &str, examples: &Examples) -> String {
    let (host, (user, password)) = (socket(base), &examples.group);
    let (kind, target) = &examples.guest_target;
    format!(
        "\nTelnyx at {base}/v2, socket at {host}\n  its connections:\n  curl -sS {base}/v2/credential_connections -H \
         'Authorization: Bearer {key}'\n  a page that is called:\n  new TelnyxRTC({{ login: '{user}', password: '{password}', host: \
         '{host}' }}).connect()\n  a visitor's page:\n  new TelnyxRTC({{ anonymous_login: {{ target_type: '{kind}', target_id: \
         '{target}' }}, host: '{host}' }}).connect()\n",
        key = examples.api_key,
    )
}

fn tiledesk(base: &str, examples: &Examples) -> String {
    let mut text = format!("\nTiledesk at {base}, project id {}\n", examples.tiledesk_project);
    for (_, secret) in examples.issuers.iter().filter(|(profile, _)| profile == "tiledesk") {
        let _ = writeln!(text, "  secret for custom tokens: {secret}");
    }
    let guest = json!({ "id_project": examples.tiledesk_project });
    let member = json!({ "email": examples.email, "password": examples.password });
    for (who, path, body) in [("a guest", "signinAnonymously", guest), ("the member", "signin", member)] {
        let _ = writeln!(text, "  sign in {who}:\n  curl -sS {base}/auth/{path} {JSON} -d '{body}'");
    }
    text
}
