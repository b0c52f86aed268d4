//! Endpoints and their groups, by commands and by provisioning files, through the real program.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

mod support;

use serde_json::{Value, json};
use support::Folder;

fn json_of(folder: &Folder, words: &[&str]) -> Value {
    folder.run(&[&["--json"], words].concat()).done().json()
}

fn with_phones() -> Folder {
    let folder = Folder::with_project();
    folder.run(&["endpoint-group", "create", "Phones", "--user-name", "phones", "--generate"]).done();
    folder.run(&["endpoint", "create", "desk", "--group", "phones", "--name", "Desk", "--tag", "office"]).done();
    folder
}

#[test]
fn a_group_is_made_shown_switched_off_and_deleted() {
    let folder = Folder::with_project();
    let create = ["endpoint-group", "create", "Phones", "--user-name", "phones"];
    let made = folder.run_with(&[&["--json"], &create[..], &["--password-stdin"]].concat(), "violet otter\n").done();
    let made = made.json();
    assert_eq!(
        (&made["name"], &made["user_name"], &made["password"]),
        (&json!("Phones"), &json!("phones"), &json!(null))
    );
    let number = made["number"].as_str().unwrap();
    for named in [number, "phones", "Phones"] {
        assert_eq!(json_of(&folder, &["endpoint-group", "show", named]), made, "{named}");
    }
    assert_eq!(json_of(&folder, &["endpoint-group", "show", "phones", "--secret"])["password"], "violet otter");
    let again = json_of(&folder, &["endpoint-group", "set-password", "phones", "--generate"]);
    assert!(again["password"].as_str().unwrap().len() >= 16);
    assert!(json_of(&folder, &["endpoint-group", "disable", "phones"])["disabled_at"].is_string());
    assert!(folder.run(&["endpoint-group", "list"]).done().out.contains("disabled"));
    assert_eq!(json_of(&folder, &["endpoint-group", "enable", "phones"])["disabled_at"], json!(null));
    assert_eq!(folder.run(&["endpoint-group", "delete", "phones"]).code, 2, "without --yes");
    folder.run(&["endpoint-group", "delete", "phones", "--yes"]).done();
    folder.run(&["endpoint-group", "show", number]).refused();
    assert_eq!(json_of(&folder, &["endpoint-group", "list"]), json!([]));
}

#[test]
fn an_endpoint_is_made_shown_suspended_and_deleted() {
    let folder = with_phones();
    let shown = json_of(&folder, &["endpoint", "show", "desk"]);
    assert_eq!((&shown["name"], &shown["tag"], &shown["secret"]), (&json!("Desk"), &json!("office"), &json!(null)));
    let id = shown["id"].as_str().unwrap();
    let secret = json_of(&folder, &["endpoint", "show", id, "--secret"])["secret"].clone();
    assert_eq!(secret.as_str().unwrap().len(), 32);
    let brief = json_of(&folder, &["endpoint", "create", "brief", "--group", "Phones", "--lifetime", "90d"]);
    assert!(brief["expires_at"].is_string() && brief["secret"].is_string());
    assert_eq!(json_of(&folder, &["endpoint", "list", "--tag", "office"]).as_array().unwrap().len(), 1);
    assert_eq!(json_of(&folder, &["endpoint", "list", "--group", "phones"]).as_array().unwrap().len(), 2);
    assert!(json_of(&folder, &["endpoint", "suspend", "desk"])["suspended_at"].is_string());
    assert!(folder.run(&["endpoint", "list"]).done().out.contains("suspended"));
    assert_eq!(json_of(&folder, &["endpoint", "restore", "desk"])["suspended_at"], json!(null));
    assert_eq!(folder.run(&["endpoint", "delete", "desk"]).code, 2, "without --yes");
    assert!(json_of(&folder, &["endpoint", "delete", "desk", "--yes"])["erased_at"].is_string());
    folder.run(&["endpoint", "show", "desk"]).refused();
    folder.run(&["endpoint", "show", id]).refused();
}

#[test]
fn what_cannot_be_is_refused() {
    let folder = with_phones();
    for words in [
        &["endpoint", "show", "nobody"][..],
        &["endpoint", "show", "phones"],
        &["endpoint", "create", "desk", "--group", "phones"],
        &["endpoint", "create", "a b", "--group", "phones"],
        &["endpoint", "create", "two", "--group", "nowhere"],
        &["endpoint", "create", "two", "--group", "phones", "--lifetime", "soon"],
        &["endpoint-group", "create", "Others", "--user-name", "desk", "--generate"],
    ] {
        folder.run(words).refused();
    }
    folder.run(&["endpoint-group", "create", "Phones", "--user-name", "more", "--generate"]).done();
    let ran = folder.run(&["endpoint-group", "show", "Phones"]).refused();
    assert!(ran.err.contains("several groups are called Phones"), "{}", ran.err);
    folder.run(&["project", "create", "elsewhere"]).done();
    folder.run(&["endpoint", "show", "desk", "--project", "elsewhere"]).refused();
    folder.run(&["endpoint-group", "show", "phones", "--project", "elsewhere"]).refused();
}

#[test]
fn secrets_of_endpoints_are_sealed_anew() {
    let folder = with_phones();
    let secret = json_of(&folder, &["endpoint", "show", "desk", "--secret"])["secret"].clone();
    folder.run(&["key", "rotate", "--master"]).done();
    let done = json_of(&folder, &["key", "rewrap"]);
    // The endpoint and the account of its group.
    assert_eq!(done["endpoints"], 2);
    let file = folder.path().join("ringfence.key");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.trim_end().rsplit_once('\n').unwrap().0).unwrap();
    assert_eq!(json_of(&folder, &["endpoint", "show", "desk", "--secret"])["secret"], secret);
}

const PROVISION: &str = r#"
[[project]]
name = "default"
inbound = "oldest"
[[project.application]]
name = "widget"
inbound = "all"
[[project.endpoint_group]]
user_name = "phones"
name = "Phones"
password = "violet otter"
[[project.endpoint_group.endpoint]]
user_name = "desk"
tag = "office"
[[project.endpoint_group.endpoint]]
user_name = "hall"
expires_at = "2090-01-31T00:00:00Z"
[[project.endpoint_group]]
user_name = "faxes"
"#;

fn apply(folder: &Folder, text: &str) -> Value {
    folder.file("provision.toml", text);
    json_of(folder, &["apply", "provision.toml"])
}

fn steps(plan: &Value) -> Vec<String> {
    let steps = plan["steps"].as_array().unwrap().iter();
    steps.map(|step| format!("{} {}", step["action"], step["what"]).replace('"', "")).collect()
}

fn made(plan: &Value) -> Vec<&str> {
    plan["secrets"].as_array().unwrap().iter().map(|made| made["what"].as_str().unwrap()).collect()
}

#[test]
fn a_file_brings_groups_and_endpoints_to_what_it_says() {
    let folder = Folder::new();
    let first = apply(&folder, PROVISION);
    assert_eq!(
        steps(&first)[2..],
        [
            "create endpoint_group default/phones",
            "create endpoint default/desk",
            "create endpoint default/hall",
            "create endpoint_group default/faxes",
        ]
    );
    assert_eq!(
        made(&first),
        ["endpoint default/desk secret", "endpoint default/hall secret", "endpoint_group default/faxes password"]
    );
    assert_eq!(apply(&folder, PROVISION)["changes"], 0);
    let moved =
        PROVISION.replace("\"Phones\"", "\"Telephones\"").replace("\"office\"", "\"lobby\"").replace("2090", "2091");
    let plan = apply(&folder, &moved);
    assert_eq!((&plan["changes"], made(&plan)), (&json!(3), vec![]));
    assert_eq!(apply(&folder, &moved)["changes"], 0);
    let hall = json_of(&folder, &["endpoint", "show", "hall"]);
    assert_eq!((&hall["name"], &hall["expires_at"]), (&json!("hall"), &json!("2091-01-31T00:00:00.000Z")));
    let project = json_of(&folder, &["project", "show", "default"]);
    assert_eq!(project["policy"]["inbound"], "oldest");
    assert_eq!(json_of(&folder, &["application", "show", "widget"])["settings"]["inbound"], "all");
}

#[test]
fn an_endpoint_moves_to_the_group_that_names_it_and_an_expired_one_stays() {
    let folder = Folder::new();
    apply(&folder, PROVISION);
    let faxes = "[[project]]\nname = \"default\"\n[[project.endpoint_group]]\nuser_name = \"faxes\"\n\
                 [[project.endpoint_group.endpoint]]\nuser_name = \"desk\"\n";
    assert_eq!(
        steps(&apply(&folder, faxes))[1..],
        ["leave endpoint_group default/faxes", "change endpoint default/desk"]
    );
    assert_eq!(json_of(&folder, &["endpoint", "list", "--group", "faxes"])[0]["user_name"], "desk");
    apply(&folder, &PROVISION.replace("2090", "2020"));
    assert_eq!(json_of(&folder, &["apply", "provision.toml"])["changes"], 0);
    assert!(folder.run(&["endpoint", "list"]).done().out.contains("expired"));
}

#[test]
fn a_file_that_is_wrong_changes_nothing() {
    let folder = Folder::with_project();
    for (from, to, words) in [
        ("\"oldest\"", "\"youngest\"", "youngest"),
        ("2090-01-31T00:00:00Z", "tomorrow", "expires_at"),
        ("tag =", "tags =", "tags"),
    ] {
        folder.file("provision.toml", &PROVISION.replace(from, to));
        let ran = folder.run(&["apply", "provision.toml"]);
        assert!(ran.code != 0 && ran.err.contains(words), "{words}: {}", ran.err);
    }
    assert_eq!(json_of(&folder, &["endpoint-group", "list"]), json!([]));
}
