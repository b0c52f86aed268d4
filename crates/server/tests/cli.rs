//! The command line, through the real program: answers in both forms, exit codes, manners.

mod support;

use std::{
    io::Read as _,
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use support::Folder;

const HASH: &str = "$2b$04$C6UzMDM.H6dfI/f/IKxGhuBpB/1r1TzmvxJyKGcHk2mgW2ckVzGfi";

#[test]
fn exit_codes_tell_done_refused_and_could_not_run() {
    let folder = Folder::with_project();
    assert_eq!(folder.run(&["project", "show", "default"]).code, 0);
    assert_eq!(folder.run(&["project", "show", "other"]).code, 1);
    assert_eq!(folder.run(&["project", "create", "default"]).code, 1);
    assert_eq!(folder.run(&["--config", "missing.toml", "doctor"]).code, 2);
    assert_eq!(folder.run(&["no-such-command"]).code, 2);
    assert_eq!(folder.run(&["--help"]).code, 0);
}

#[test]
fn an_error_says_why_on_standard_error_and_nothing_on_standard_output() {
    let folder = Folder::with_project();
    let ran = folder.run(&["project", "show", "other"]).refused();
    assert_eq!(
        (ran.out.as_str(), ran.err.as_str()),
        ("", "ringfence: project other\n  because: there is no such project\n")
    );
    let ran = folder.run(&["--json", "project", "show", "other"]).refused();
    let error: Value = serde_json::from_str(&ran.err).unwrap();
    let expected =
        json!({ "error": { "code": "not_found", "message": "project other", "causes": ["there is no such project"] } });
    assert_eq!(error, expected);
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let folder = Folder::with_project();
    let mut child =
        folder.command(&["completions", "bash"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Closed before anything was read.
    drop(child.stdout.take());
    let mut complaint = String::new();
    child.stderr.take().unwrap().read_to_string(&mut complaint).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(complaint, "");
}

#[test]
fn a_database_that_lacks_migrations_is_not_worked_on() {
    let folder = Folder::new();
    let ran = folder.run(&["project", "list"]);
    assert_eq!(ran.code, 2, "{}{}", ran.out, ran.err);
    assert!(!folder.path().join("ringfence.key").exists());
    let missing = folder.run(&["--json", "migrate", "--dry-run"]).done().json();
    assert_eq!(missing["dry_run"], true);
    assert!(!missing["migrations"].as_array().unwrap().is_empty());
    assert_eq!(folder.run(&["--json", "migrate"]).done().json()["migrations"], missing["migrations"]);
    assert_eq!(folder.run(&["--json", "migrate"]).done().json()["migrations"], json!([]));
}

#[test]
fn projects_are_made_shown_and_switched() {
    let folder = Folder::with_project();
    let shown = folder.run(&["--json", "project", "show", "default"]).done().json();
    assert_eq!((&shown["name"], &shown["disabled_at"]), (&json!("default"), &Value::Null));
    assert_eq!(shown["policy"]["tokens"], json!({ "access": "1d", "refresh": "30d" }));
    assert!(folder.run(&["--json", "project", "disable", "default"]).done().json()["disabled_at"].is_string());
    assert!(folder.run(&["project", "list"]).done().out.contains("disabled"));
    assert!(folder.run(&["--json", "project", "enable", "default"]).done().json()["disabled_at"].is_null());
}

#[test]
fn applications_are_found_by_name_id_and_alias() {
    let folder = Folder::with_project();
    let made = folder
        .run(&["--json", "application", "create", "widget", "--alias", "tiledesk=5c81593adf767b0017d1aa68"])
        .done()
        .json();
    assert_eq!(made["aliases"], json!([{ "scheme": "tiledesk:project", "value": "5c81593adf767b0017d1aa68" }]));
    for name in ["widget", "5c81593adf767b0017d1aa68", made["id"].as_str().unwrap(), made["short_id"].as_str().unwrap()]
    {
        assert_eq!(folder.run(&["--json", "application", "show", name]).done().json()["id"], made["id"]);
    }
    let taken = folder.run(&["application", "create", "other", "--alias", "tiledesk=5c81593adf767b0017d1aa68"]);
    assert!(taken.refused().err.contains("exists already"));
    assert_eq!(folder.run(&["application", "create", "other", "--alias", "gopher=1"]).code, 2);
    assert!(folder.run(&["--json", "application", "disable", "widget"]).done().json()["disabled_at"].is_string());
    assert_eq!(folder.run(&["--json", "application", "list"]).done().json().as_array().unwrap().len(), 1);
}

#[test]
fn an_api_key_is_shown_once_and_verifies_until_it_is_revoked() {
    let folder = Folder::with_project();
    let made =
        folder.run(&["--json", "api-key", "create", "backend", "--scope", "*", "--lifetime", "90d"]).done().json();
    let value = made["value"].as_str().unwrap();
    assert!(value.starts_with("rfk_") && made["expires_at"].is_string());
    let listed = folder.run(&["--json", "api-key", "list"]).done();
    assert!(!listed.out.contains(value));
    let verified = folder.run_with(&["--json", "token", "verify", "-"], value).done().json();
    assert_eq!((&verified["verified"], &verified["scopes"]), (&json!(true), &json!(["*"])));
    folder.run(&["api-key", "revoke", made["id"].as_str().unwrap()]).done();
    let refused = folder.run_with(&["--json", "token", "verify", "-"], value).refused();
    assert!(serde_json::from_str::<Value>(&refused.err).unwrap()["error"]["code"].is_string());
    assert_eq!(folder.run(&["api-key", "create", "backend", "--scope", "everything"]).refused().code, 1);
}

#[test]
fn an_identity_goes_through_its_life() {
    let folder = Folder::with_project();
    let create =
        ["--json", "identity", "create", "--email", "Ann@Example.org", "--nickname", "Ann", "--password-stdin"];
    let made = folder.run_with(&create, "pencils in the rain\n").done().json();
    assert_eq!(made["kind"], "member");
    assert_eq!(made["identifiers"][0]["value"], "ann@example.org");
    assert!(made["identifiers"][0]["verified_at"].is_string() && made.get("password").is_none());
    folder.run_with(&create, "pencils in the rain\n").refused();

    let id = made["id"].as_str().unwrap();
    for name in [id, made["short_id"].as_str().unwrap(), "ANN@example.org"] {
        assert_eq!(folder.run(&["--json", "identity", "show", name]).done().json()["id"], made["id"]);
    }
    assert!(folder.run(&["--json", "identity", "suspend", id]).done().json()["suspended_at"].is_string());
    assert!(folder.run(&["--json", "identity", "restore", id]).done().json()["suspended_at"].is_null());
    folder.run(&["identity", "unlock", id]).done();
    let set = folder.run(&["--json", "identity", "set-password", id, "--generate"]).done().json();
    assert_eq!(set["password"].as_str().unwrap().len(), 20);
    assert_eq!(folder.run(&["identity", "erase", id]).code, 2, "without --yes");
    let erased = folder.run(&["--json", "identity", "erase", id, "--yes"]).done().json();
    assert!(erased["erased_at"].is_string() && erased["identifiers"] == json!([]) && erased["profile"] == json!({}));
    folder.run_with(&create, "pencils in the rain\n").done();
    assert_eq!(
        folder.run(&["--json", "identity", "list", "--kind", "member"]).done().json().as_array().unwrap().len(),
        2
    );
    folder.run(&["identity", "list", "--kind", "robot"]).refused();
}

#[test]
fn a_password_must_be_a_good_one_and_never_an_argument() {
    let folder = Folder::with_project();
    let create = ["identity", "create", "--email", "ann@example.org", "--password-stdin"];
    let ran = folder.run_with(&create, "short\n").refused();
    assert!(ran.err.starts_with("ringfence: password needs at least 8 characters"), "{}", ran.err);
    assert!(folder.run_with(&create, "password1\n").refused().err.contains("too easy to guess"));
    folder.run_with(&create, "").refused();
    assert_eq!(folder.run(&["identity", "create", "--email", "a@b.co"]).code, 2);
    assert_eq!(folder.run(&["identity", "create", "--email", "a@b.co", "--password", "x"]).code, 2);
}

#[test]
fn n99_a_malformed_or_ruinous_hash_is_refused_and_leaves_no_account() {
    let folder = Folder::with_project();
    for hash in [
        "$2b$12$ÄÖÜÄÖÜÄÖÜÄÖÜÄÖÜÄÖÜuBpB/1r1TzmvxJyKGcHk2mgW2ckVzGfi",
        "$argon2id$v=19$m=4194304,t=1,p=1$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=30,r=8,p=1$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "plain",
    ] {
        let ran = folder.run(&["identity", "create", "--email", "ann@example.org", "--password-hash", hash]).refused();
        assert!(ran.err.contains("password_hash is malformed"), "{}", ran.err);
    }
    assert_eq!(folder.run(&["--json", "identity", "list"]).done().json(), json!([]));
    folder.run(&["identity", "create", "--email", "ann@example.org", "--password-hash", HASH]).done();
}

#[test]
fn sessions_are_listed_and_ended() {
    let folder = Folder::with_project();
    folder.run(&["identity", "create", "--email", "ann@example.org", "--generate"]).done();
    assert_eq!(folder.run(&["--json", "session", "list"]).done().json(), json!([]));
    let all = folder.run(&["--json", "session", "revoke", "--identity", "ann@example.org"]).done().json();
    assert_eq!(all, json!({ "revoked": [] }));
    folder.run(&["session", "show", "0190a3c0-0000-7000-8000-000000000000"]).refused();
    folder.run(&["session", "revoke", "0190a3c0-0000-7000-8000-000000000000"]).refused();
    assert_eq!(folder.run(&["session", "revoke"]).code, 2);
}

#[test]
fn a_token_is_inspected_without_being_believed() {
    let folder = Folder::new();
    let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";
    let shown = folder.run_with(&["--json", "token", "inspect", "-"], &format!("JWT {token}\n")).done();
    assert_eq!(
        shown.json(),
        json!({ "verified": false, "kind": "jws", "header": { "alg": "HS256" }, "claims": { "sub": "1" } })
    );
    assert!(!shown.out.contains("c2lnbmF0dXJl"));
    assert!(folder.run(&["token", "inspect", token]).done().out.starts_with("Not verified"));
    folder.run(&["token", "inspect", "nonsense"]).refused();
    let folder = Folder::with_project();
    let refused = folder.run(&["--json", "token", "verify", token]).refused();
    assert_eq!(serde_json::from_str::<Value>(&refused.err).unwrap()["error"]["code"], "token_type");
}

#[test]
fn master_keys_are_added_and_secrets_sealed_anew() {
    let folder = Folder::with_project();
    let keys = || folder.run(&["--json", "key", "list"]).done().json()["master_keys"].as_array().unwrap().clone();
    let before = keys();
    folder.run(&["key", "rotate", "--master"]).done();
    let after = keys();
    assert_eq!((before.len(), after.len(), &after[1]), (1, 2, &before[0]));
    folder.run(&["key", "rewrap"]).done();
    let file = folder.path().join("ringfence.key");
    let text = std::fs::read_to_string(&file).unwrap();
    let (newest, _) = text.trim_end().rsplit_once('\n').unwrap();
    std::fs::write(&file, newest).unwrap();
    assert_eq!(keys().len(), 1);
    assert_eq!(folder.run(&["key", "rotate"]).done().code, 0);
}

#[test]
fn a_backup_is_a_database_and_is_not_written_over() {
    let folder = Folder::with_project();
    folder.run(&["backup", "copy.db"]).done();
    folder.run(&["backup", "copy.db"]).refused();
    let listed = folder.run(&["--json", "--database", "sqlite:copy.db", "project", "list"]).done().json();
    assert_eq!(listed[0]["name"], "default");
}

#[test]
fn the_doctor_finds_what_is_wrong() {
    let folder = Folder::new();
    let ran = folder.run(&["doctor"]).refused();
    assert!(ran.out.contains("FAIL") && ran.err.contains("1 check failed"), "{}{}", ran.out, ran.err);
    let folder = Folder::with_project();
    let found = folder.run(&["--json", "doctor"]).done().json();
    assert_eq!(found["healthy"], true);
    let weak = folder.file("weak.toml", "[[project]]\nname = \"default\"\npassword = { min_length = 4 }\n");
    folder.run(&["apply", weak.to_str().unwrap()]).done();
    let ran = folder.run(&["doctor"]).done();
    assert!(ran.out.contains("passwords of 4 characters"), "{}", ran.out);
    let config = folder.file("mail.toml", "[mail]\nurl = \"smtp://user:hush@127.0.0.1:1\"\n");
    let ran = folder.run(&["--config", config.to_str().unwrap(), "doctor"]).refused();
    assert!(ran.out.contains("FAIL  mail") && !ran.out.contains("hush"), "{}", ran.out);
}

#[test]
fn init_writes_samples_that_work_and_keeps_what_is_there() {
    let folder = Folder::new();
    folder.run(&["init", "etc"]).done();
    folder.run(&["init", "etc"]).refused();
    folder.run(&["init", "etc", "--force"]).done();
    folder.run(&["--config", "etc/ringfence.toml", "apply", "etc/provision.toml"]).done();
    assert_eq!(folder.run(&["--json", "application", "list"]).done().json()[0]["name"], "widget");
}

#[test]
fn mail_that_is_not_configured_is_refused() {
    let folder = Folder::new();
    assert!(folder.run(&["mail", "test", "ann@example.org"]).refused().err.contains("mail.url"));
}

#[test]
fn completions_are_what_the_shell_takes() {
    let folder = Folder::new();
    let script = folder.run(&["completions", "bash"]).done().out;
    let mut bash = Command::new("bash").args(["-n"]).stdin(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut bash.stdin.take().unwrap(), script.as_bytes()).unwrap();
    assert!(bash.wait().unwrap().success());
}
