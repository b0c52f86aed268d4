//! Provisioning files, through the real program.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

mod support;

use std::{collections::BTreeMap, fs};

use serde_json::{Value, json};
use support::Folder;

/// The file of the documentation, with values long enough to be secrets.
const SAMPLE: &str = r#"
[[project]]
name = "default"
password = { min_length = 8 }
tokens = { access = "24h", refresh = "30d", refresh_grace = "30s" }
signing_alg = "ES256"
email_change = "immediate"
reset_url = "https://example.org/#/password-reset/{token}"
sip = { domain = "rtc.test" }
compat = { token_in_query = false, digest_over_http = false }

[[project.application]]
name = "widget"
publishable_key = "0123456789abcdef0123456789abcdef"
aliases = { tiledesk = "5c81593adf767b0017d1aa68", keyclic = ["com.keyclic.app", "com.keyclic.city"] }
sign_in = ["password", "guest", "assertion", "federated"]
tokens = { refresh_grace = "2m" }
socket = { warning = "90s", grace = "5s", same_network = true }
allowed_origins = ["*"]
[[project.application.trusted_issuer]]
profile = "tiledesk"
secret = "at least 32 bytes, generated when absent"

[[project.api_key]]
name = "backend"
value = "KEY0190aaaabbbbccccddddeeeeffff"
scopes = ["*"]

[[project.identity]]
email = "agent@example.org"
password = "correct horse battery staple"
nickname = "Agent"
roles = ["ORGANIZATION:ADMIN"]

[[project.guest_target]]
kind = "ai_assistant"
id = "assistant-7a1e9a3c-0000-4000-8000-000000000001"

[project.federation.google]
client_ids = ["client-1"]
jwks_url = "https://www.googleapis.com/oauth2/v3/certs"
[project.federation.facebook]
app_id = "app-1"
app_secret = "fb-secret"
graph_url = "https://graph.facebook.com"
limited_login = { jwks_urls = ["https://limited.facebook.com/.well-known/oauth/openid/jwks/"], issuers = ["https://www.facebook.com", "https://limited.facebook.com"] }
"#;

fn apply(folder: &Folder, text: &str, more: &[&str]) -> Value {
    folder.file("provision.toml", text);
    folder.run(&[&["--json", "apply", "provision.toml"], more].concat()).done().json()
}

/// Each thing with what happens to it.
fn steps(plan: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    plan["steps"].as_array().unwrap().iter().map(|step| (text(&step["what"]), text(&step["action"]))).collect()
}

fn actions(plan: &Value) -> Vec<String> {
    steps(plan).into_values().collect()
}

#[test]
fn the_sample_applies_and_the_second_time_all_is_left() {
    let folder = Folder::new();
    let first = apply(&folder, SAMPLE, &[]);
    assert_eq!(
        steps(&first).into_keys().collect::<Vec<_>>(),
        [
            "api_key default/backend",
            "application default/widget",
            "guest_target default/ai_assistant/assistant-7a1e9a3c-0000-4000-8000-000000000001",
            "identity default/agent@example.org",
            "project default",
            "trusted_issuer default/widget/tiledesk",
        ]
    );
    assert_eq!((actions(&first), &first["secrets"]), (vec!["create".to_owned(); 6], &json!([])));
    let second = apply(&folder, SAMPLE, &[]);
    assert_eq!((actions(&second), &second["changes"]), (vec!["leave".to_owned(); 6], &json!(0)));
    assert_eq!(apply(&folder, SAMPLE, &["--prune"])["changes"], 0);

    let project = folder.run(&["--json", "project", "show", "default"]).done().json();
    assert_eq!(project["policy"]["federation"]["facebook"]["app_secret"], "…");
    let identity = folder.run(&["--json", "identity", "show", "agent@example.org"]).done().json();
    assert_eq!(identity["attributes"], json!({ "project": { "roles": ["ORGANIZATION:ADMIN"] } }));
    folder.run_with(&["token", "verify", "-"], "KEY0190aaaabbbbccccddddeeeeffff").done();
}

#[test]
fn a_dry_run_changes_nothing() {
    let folder = Folder::new();
    folder.file("provision.toml", SAMPLE);
    assert_eq!(folder.run(&["apply", "provision.toml", "--dry-run"]).code, 2, "there is no database yet");
    folder.run(&["migrate"]).done();
    let plan = apply(&folder, SAMPLE, &["--dry-run"]);
    assert_eq!((actions(&plan), &plan["dry_run"]), (vec!["create".to_owned(); 6], &json!(true)));
    assert_eq!(folder.run(&["--json", "project", "list"]).done().json(), json!([]));
    apply(&folder, SAMPLE, &[]);
    let changed =
        SAMPLE.replace("min_length = 8", "min_length = 12").replace("nickname = \"Agent\"", "nickname = \"A\"");
    let plan = apply(&folder, &changed, &["--dry-run"]);
    assert_eq!(steps(&plan)["project default"], "change");
    assert_eq!(steps(&plan)["identity default/agent@example.org"], "change");
    assert_eq!(apply(&folder, SAMPLE, &[])["changes"], 0);
    assert_eq!(apply(&folder, &changed, &[])["changes"], 2);
    assert_eq!(apply(&folder, &changed, &[])["changes"], 0);
}

#[test]
fn what_is_not_named_stays_unless_pruned_and_identities_always_stay() {
    let folder = Folder::new();
    apply(&folder, SAMPLE, &[]);
    let bare = "[[project]]\nname = \"default\"\n";
    assert_eq!(apply(&folder, bare, &[])["changes"], 0);
    let only = "[[project]]\nname = \"default\"\n[[project.application]]\nname = \"widget\"\n";
    let plan = apply(&folder, only, &["--prune"]);
    let deleted: Vec<_> =
        steps(&plan).into_iter().filter(|(_, action)| action == "delete").map(|(what, _)| what).collect();
    assert_eq!(
        deleted,
        [
            "alias default/widget/keyclic:application/com.keyclic.app",
            "alias default/widget/keyclic:application/com.keyclic.city",
            "alias default/widget/publishable_key/0123456789abcdef0123456789abcdef",
            "alias default/widget/tiledesk:project/5c81593adf767b0017d1aa68",
            "api_key default/backend",
            "guest_target default/ai_assistant/assistant-7a1e9a3c-0000-4000-8000-000000000001",
            "trusted_issuer default/widget/tiledesk",
        ]
    );
    assert_eq!(apply(&folder, only, &["--prune"])["changes"], 0);
    let pruned = steps(&apply(&folder, bare, &["--prune"]));
    assert_eq!(pruned["application default/widget"], "delete");
    let pruned = steps(&apply(&folder, "", &["--prune"]));
    assert_eq!(pruned["project default"], "delete");
    let project = folder.run(&["--json", "project", "show", "default"]).done().json();
    assert!(project["disabled_at"].is_string());
    folder.run(&["identity", "show", "agent@example.org"]).done();
}

#[test]
fn absent_secrets_are_made_and_shown_once() {
    let folder = Folder::new();
    let text = "[[project]]\nname = \"default\"\n\
                [[project.application]]\nname = \"widget\"\n\
                [[project.application.trusted_issuer]]\nprofile = \"tiledesk\"\n\
                [[project.api_key]]\nname = \"backend\"\nscopes = [\"identities:read\"]\n\
                [[project.identity]]\nemail = \"ann@example.org\"\n";
    let first = apply(&folder, text, &[]);
    let made = first["secrets"].as_array().unwrap();
    let what: Vec<_> = made.iter().map(|made| made["what"].as_str().unwrap()).collect();
    let expected = [
        "trusted_issuer default/widget/tiledesk secret",
        "api_key default/backend",
        "identity default/ann@example.org password",
    ];
    assert_eq!(what, expected);
    let second = apply(&folder, text, &[]);
    assert_eq!((&second["changes"], &second["secrets"]), (&json!(0), &json!([])));
}

#[test]
fn a_webhook_is_known_by_its_address_and_takes_events_and_secret_from_the_file() {
    let folder = Folder::new();
    folder.file("webhook.secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
    let of = |more: &str| {
        format!("[[project]]\nname = \"default\"\n[[project.webhook]]\nurl = \"https://1.1.1.1/hook\"\n{more}")
    };
    let name = "webhook default/https://1.1.1.1/hook";
    let first = apply(&folder, &of(""), &[]);
    assert_eq!(first["secrets"][0]["what"], format!("{name} secret"));
    assert!(first["secrets"][0]["value"].as_str().unwrap().starts_with("whsec_"));
    assert_eq!(apply(&folder, &of(""), &[])["changes"], 0);
    let more = of("events = [\"session-revoked\"]\nsecret_file = \"webhook.secret\"\n");
    assert_eq!(steps(&apply(&folder, &more, &[]))[name], "change");
    assert_eq!(apply(&folder, &more, &[])["changes"], 0);
    let listed = folder.run(&["--json", "webhook", "list"]).done().json();
    assert_eq!(listed[0]["events"], json!(["session-revoked"]));
    // Planned to the end first, but an address is judged when it is taken (ATTACKS N92).
    let inside = of("").replace("1.1.1.1", "0x7f000001");
    folder.file("provision.toml", &inside);
    assert!(folder.run(&["apply", "provision.toml"]).err.contains("url"));
    let pruned = apply(&folder, "[[project]]\nname = \"default\"\n", &["--prune"]);
    assert_eq!(steps(&pruned)[name], "delete");
}

#[test]
fn secrets_may_stand_in_files_of_their_own() {
    let folder = Folder::new();
    fs::create_dir(folder.path().join("etc")).unwrap();
    folder.file("etc/password", "correct horse battery staple\n");
    folder.file("etc/secret", "at least 32 bytes, generated when absent\n");
    let text = SAMPLE
        .replace("password = \"correct horse battery staple\"", "password_file = \"password\"")
        .replace("secret = \"at least 32 bytes, generated when absent\"", "secret_file = \"secret\"")
        .replace("app_secret = \"fb-secret\"", "app_secret_file = \"secret\"");
    folder.file("etc/provision.toml", &text);
    folder.run(&["apply", "etc/provision.toml"]).done();
    let plan = apply(&folder, SAMPLE, &[]);
    assert_eq!(steps(&plan)["trusted_issuer default/widget/tiledesk"], "leave");
    folder.file(
        "etc/provision.toml",
        &text.replace("secret_file = \"secret\"\n", "secret_file = \"secret\"\nsecret = \"x\"\n"),
    );
    assert!(folder.run(&["apply", "etc/provision.toml"]).err.contains("keep one"));
}

#[test]
fn what_cannot_be_changes_nothing() {
    let folder = Folder::new();
    apply(&folder, SAMPLE, &[]);
    for (from, to, reason) in [
        ("name = \"widget\"", "name = \"other\"", "belongs to application widget"),
        ("profile = \"tiledesk\"", "profile = \"saml\"", "knows no profile `saml`"),
        ("keyclic = ", "gopher = ", "no dialect `gopher`"),
        ("scopes = [\"*\"]", "scopes = [\"all\"]", "no scope `all`"),
        ("scopes = [\"*\"]", "scopes = [\"tokens:issue\"]", "other scopes"),
        ("nickname = ", "nick = ", "nick"),
        ("min_length = 8", "min_length = 3", "min_length"),
        ("access = \"24h\"", "access = \"24\"", "span of time"),
    ] {
        folder.file("provision.toml", &SAMPLE.replace(from, to));
        let ran = folder.run(&["apply", "provision.toml"]);
        assert!(ran.code != 0 && ran.err.contains(reason), "{to}: {}", ran.err);
        assert!(ran.out.is_empty(), "{}", ran.out);
    }
    assert_eq!(apply(&folder, SAMPLE, &["--prune"])["changes"], 0);
}
