//! What `ringfence dev` makes for a first hour: examples in a provisioning file of their own, and the lines that it prints.

use std::{fmt::Write as _, fs, path::Path};

use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ringfence_core::{
    entropy::{Entropy, random},
    secret::{RawToken, TokenKind},
};
use ringfence_wire::{Demo, DemoNames};
use serde_json::{Value, json};

mod lines;

use crate::{config::Config, master_key::write_private, provision::generated_password};

/// Where the examples are kept, so that the next start prints the same ones.
pub const EXAMPLES_FILE: &str = "ringfence-dev.toml";
/// What the application and the API key of the first page are called.
const FIRST_PAGE: &str = "first page";

/// The examples.
#[derive(Debug, PartialEq, Eq)]
pub struct Examples {
    pub project: String,
    pub email: String,
    pub password: String,
    application: String,
    publishable_key: String,
    tiledesk_project: String,
    issuers: Vec<(String, String)>,
    api_key: String,
    guest_target: (String, String),
    /// User name and password of a group of endpoints.
    group: (String, String),
    /// Publishable key and API key of the first page; files of before have none.
    first_page: Option<(String, String)>,
}

impl Examples {
    /// Those of the working directory, and whether they were made just now.
    pub fn in_folder(entropy: &dyn Entropy) -> Result<(Self, bool)> {
        let path = Path::new(EXAMPLES_FILE);
        let fresh = !path.exists();
        if fresh {
            let content = fresh_file(entropy);
            write_private(path, content.as_bytes()).with_context(|| format!("cannot write {EXAMPLES_FILE}"))?;
        }
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {EXAMPLES_FILE}"))?;
        let read = Self::parse(&text);
        let hint =
            || format!("{EXAMPLES_FILE} lacks an example; delete it for new ones, or use --apply for a file of yours");
        Ok((read.with_context(hint)?, fresh))
    }

    fn parse(text: &str) -> Option<Self> {
        let file: toml::Table = toml::from_str(text).ok()?;
        let project = file.get("project")?.get(0)?;
        let text = |value: &toml::Value, key: &str| Some(value.get(key)?.as_str()?.to_owned());
        let first = |list: &str| project.get(list)?.get(0);
        let (application, identity, target) = (first("application")?, first("identity")?, first("guest_target")?);
        let group = first("endpoint_group")?;
        let first_page = file.get("project")?.as_array()?.iter().find_map(|project| {
            let [application, key] =
                ["application", "api_key"].map(|list| project.get(list).and_then(|list| list.get(0)));
            let own = |entry: &toml::Value| entry.get("name").and_then(toml::Value::as_str) == Some(FIRST_PAGE);
            Some((text(application.filter(|entry| own(entry))?, "publishable_key")?, text(key?, "value")?))
        });
        let issuers = application.get("trusted_issuer").and_then(toml::Value::as_array).into_iter().flatten();
        Some(Self {
            project: text(project, "name")?,
            email: text(identity, "email")?,
            password: text(identity, "password")?,
            application: text(application, "name")?,
            publishable_key: text(application, "publishable_key")?,
            tiledesk_project: text(application.get("aliases")?, "tiledesk")?,
            issuers: issuers.filter_map(|issuer| Some((text(issuer, "profile")?, text(issuer, "secret")?))).collect(),
            api_key: text(first("api_key")?, "value")?,
            guest_target: (text(target, "kind")?, text(target, "id")?),
            group: (text(group, "user_name")?, text(group, "password")?),
            first_page,
        })
    }

    /// What the first page demonstrates with.
    pub fn demo(&self) -> Option<Demo> {
        let (application, key) = self.first_page.clone()?;
        Some(Demo {
            application,
            keys: [key, self.api_key.clone()].map(RawToken::new).into(),
            names: DemoNames {
                publishable_key: self.publishable_key.clone(),
                guest_target: self.guest_target.clone(),
                group: self.group.0.clone(),
                member: self.email.clone(),
            },
        })
    }
}

fn hex<const N: usize>(entropy: &dyn Entropy) -> String {
    random::<N>(entropy).iter().fold(String::new(), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn fresh_file(entropy: &dyn Entropy) -> String {
    let mut issuers = String::new();
    for profile in ringfence_wire::assertion_profiles() {
        let secret = URL_SAFE_NO_PAD.encode(random::<32>(entropy));
        let _ = write!(
            issuers,
            "[[project.application.trusted_issuer]]\nprofile = \"{}\"\nsecret = \"{secret}\"\n\n",
            profile.name
        );
    }
    format!(
        r#"# The examples of `ringfence dev` in this folder: made at its first start, applied at each.
# Change what you like. Without this file the next start makes new ones. Not for production.

[[project]]
name = "default"
# Unsafe, so that every example of old clients works.
compat = {{ token_in_query = true, digest_over_http = true }}

[[project.application]]
name = "widget"
publishable_key = "{key}"
aliases = {{ tiledesk = "{tiledesk}", keyclic = ["com.keyclic.app", "com.keyclic.city"] }}

{issuers}[[project.api_key]]
name = "backend"
value = "{api_key}"
scopes = ["*"]

[[project.identity]]
email = "agent@example.org"
password = "{password}"
nickname = "Agent"
roles = ["ORGANIZATION:ADMIN"]

[[project.guest_target]]
kind = "ai_assistant"
id = "assistant-{assistant}"

[[project.endpoint_group]]
name = "Desk"
user_name = "desk{desk}"
password = "{group_password}"

# What the first page demonstrates with: its tokens end soon, so that one sees them end.
[[project]]
name = "first-page"
tokens = {{ access = "60s", refresh = "1d" }}

[[project.application]]
name = "{FIRST_PAGE}"
publishable_key = "{first_page}"
inbound = "all"
socket = {{ warning = "20s", grace = "10s" }}

[[project.api_key]]
name = "{FIRST_PAGE}"
value = "{first_page_key}"
scopes = ["sessions:write"]
"#,
        key = hex::<16>(entropy),
        tiledesk = hex::<12>(entropy),
        api_key = TokenKind::ApiKey.mint(entropy).expose(),
        password = generated_password(entropy).expose(),
        assistant = hex::<6>(entropy),
        desk = hex::<6>(entropy),
        group_password = generated_password(entropy).expose(),
        first_page = hex::<16>(entropy),
        first_page_key = TokenKind::ApiKey.mint(entropy).expose(),
    )
}

/// What is printed at the start.
pub struct Banner<'a> {
    pub url: &'a str,
    pub admin_url: &'a str,
    pub config: &'a Config,
    pub examples: Option<&'a Examples>,
    /// Where the first administrator begins, as long as there is none.
    pub console: Option<String>,
}

impl Banner<'_> {
    /// For programs.
    pub fn json(&self) -> Value {
        let examples = self.examples.map(|examples| {
            let issuers: Vec<_> = examples
                .issuers
                .iter()
                .map(|(profile, secret)| json!({ "profile": profile, "secret": secret }))
                .collect();
            json!({
                "project": examples.project,
                "application": { "name": examples.application, "publishable_key": examples.publishable_key },
                "member": { "email": examples.email, "password": examples.password },
                "api_key": examples.api_key,
                "guest_target": { "kind": examples.guest_target.0, "id": examples.guest_target.1 },
                "endpoint_group": { "user_name": examples.group.0, "password": examples.group.1 },
                "tiledesk": { "id_project": examples.tiledesk_project },
                "trusted_issuers": issuers,
            })
        });
        json!({
            "url": self.url,
            "admin_url": self.admin_url,
            "mailbox": format!("{}/dev/mailbox", self.url),
            "console": format!("{}/console", self.url),
            "first_administrator": self.console,
            "examples": examples,
        })
    }

    /// For people, ready to paste.
    pub fn text(&self) -> String {
        let (url, admin) = (self.url, self.admin_url);
        let mut text = format!(
            "Ringfence {} for development, on this machine only. Unsafe compatibility switches are on.\n\n",
            env!("CARGO_PKG_VERSION")
        );
        let mut line = |name: &str, value: &str| {
            let _ = writeln!(text, "  {name:<16} {value}");
        };
        line("address", url);
        line("demonstration", &format!("{url}/"));
        line("mail", &format!("{url}/dev/mailbox"));
        line("console", &self.console.clone().unwrap_or_else(|| format!("{url}/console")));
        line("health", &format!("{admin}/healthz"));
        line("metrics", &format!("{admin}/metrics"));
        if let Some(examples) = self.examples {
            line("project", &examples.project);
            line("application", &format!("{}, publishable key {}", examples.application, examples.publishable_key));
            line("member", &format!("{}, password {}", examples.email, examples.password));
            line("API key", &examples.api_key);
            line("guest target", &format!("{} {}", examples.guest_target.0, examples.guest_target.1));
            line("these are in", EXAMPLES_FILE);
            text.push_str(&lines::of(self.url, self.config, examples));
        }
        text.push_str("\nStop with Ctrl-C.\n");
        text
    }
}

#[cfg(test)]
mod tests {
    use ringfence_core::entropy::OsEntropy;

    use super::*;

    #[test]
    fn fresh_examples_read_back_and_differ_each_time() {
        let [one, two] = [fresh_file(&OsEntropy), fresh_file(&OsEntropy)];
        let read = Examples::parse(&one).unwrap();
        assert_eq!(read.tiledesk_project.len(), 24);
        assert_eq!(read.publishable_key.len(), 32);
        assert!(read.demo().is_some_and(|demo| demo.application.len() == 32 && demo.keys.len() == 2));
        assert_ne!(Some(read), Examples::parse(&two));
    }
}
