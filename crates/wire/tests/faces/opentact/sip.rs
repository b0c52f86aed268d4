//! SIP domains, users and invitations, and what a SIP user may do by its password or its HA1B.

use std::time::Duration;

use insta::assert_snapshot;
use ringfence_core::project::{Compat, ProjectPolicy, SipPolicy};
use serde_json::{Value, json};

use super::server::{Server, User, lenient, policy};
use crate::support::{Answer, Asking, basic};

/// Vectors of the sheet, section 10: user, password, HA1, HA1B.
const ALICE: [&str; 4] = ["alice", "s3cret-A", "98e50217aedab69cde4c6166077cdc9b", "62789166d17cfe0f78850da0ca3d06ba"];
const BOB: [&str; 4] = ["bob", "s3cret-B", "fcbdddb0cf9b020098cd75e78244673c", "1faa6b34fea54beee1ed8b80ef3e64ca"];
/// Alice in `other.test`, with the password `s3cret-O`.
const OTHER_HA1B: &str = "192bd4b5126be5faeb61669bb8b74880";

/// A policy that lets short passwords of phones pass, as in the vectors.
fn short(policy: ProjectPolicy) -> ProjectPolicy {
    let mut policy = policy;
    policy.password.min_length = 8;
    policy
}

/// Ann, who manages `rtc.test` with Alice and Bob.
struct Phones {
    t: Server,
    ann: User,
    alice: String,
}

impl Phones {
    async fn start(policy: ProjectPolicy) -> Self {
        let t = Server::start_with(short(policy)).await;
        let ann = t.user("ann").await;
        let s = Self { t, ann, alice: String::new() };
        let made = s.as_ann("POST", "/sip/domain").json(&json!({ "domain": "rtc.test" })).send().await;
        assert_eq!(made.status, 201, "{made}");
        let alice = s.add(ALICE).await;
        s.add(BOB).await;
        let alice = alice.json()["payload"]["uuid"].as_str().unwrap().to_owned();
        Self { alice, ..s }
    }

    fn as_ann(&self, method: &str, path: &str) -> Asking {
        self.t.ask(method, path).jwt(&self.ann.jwt)
    }

    async fn add(&self, [login, password, ..]: [&str; 4]) -> Answer {
        let wanted = json!({ "login": login, "password": password, "first_name": login });
        let made = self.as_ann("POST", "/sip/domain/rtc.test/user").json(&wanted).send().await;
        assert_eq!(made.status, 201, "{made}");
        made
    }

    fn alices(&self) -> String {
        format!("/sip/domain/rtc.test/user/{}", self.alice)
    }

    /// What `GET /app` says to an HA1B.
    async fn by_ha1b(&self, ha1b: &str) -> Answer {
        self.t.ask("GET", "/app").header("x-auth-ha1b-token", ha1b).send().await
    }

    /// The same for a password.
    async fn by_password(&self, name: &str, password: &str) -> Answer {
        self.t.ask("GET", "/app").header("authorization", &basic(name, password)).send().await
    }
}

#[tokio::test]
async fn a_domain_is_made_changed_listed_and_deleted() {
    let t = Server::start().await;
    let (ann, bob) = (t.user("ann").await, t.user("bob").await);
    let as_ann = |method: &str, path: &str| t.ask(method, path).jwt(&ann.jwt);
    let create = async |domain: &str| {
        as_ann("POST", "/sip/domain").json(&json!({ "domain": domain, "sip_connection": "c-1" })).send().await
    };
    assert_snapshot!(create("acme.sip.example.org").await, @r#"201 application/json {"payload":{"account":"{id0}","created_by":"{id1}","created_on":"2026-11-18T11:06:40.000Z","deleted_on":null,"disabled_on":null,"domain":"acme.sip.example.org","modified_on":"2026-11-18T11:06:40.000Z","outbound_voice_profile":null,"sip_connection":"c-1","sip_control_app":null,"uuid":"{id2}"},"success":true}"#);
    assert_eq!(create("acme.sip.example.org").await.status, 409);
    for bad in ["", "ab", "Acme.example", "a:b.example", "a@b.example"] {
        assert_eq!(create(bad).await.status, 400, "{bad}");
    }
    assert_snapshot!(create("A:b").await, @r#"400 application/json {"fields":{"body.domain":{"message":"is malformed","value":null}},"message":"Validation failed","meta":{"code":"invalid"},"status":400,"success":false}"#);
    let path = "/sip/domain/acme.sip.example.org";
    let changed = as_ann("PATCH", path).json(&json!({ "sip_connection": null, "sip_control_app": "a-1" })).send().await;
    assert_eq!(changed.json()["payload"]["sip_connection"], Value::Null);
    assert_eq!(as_ann("GET", path).send().await.json(), changed.json());
    let renamed = as_ann("PATCH", path).json(&json!({ "domain": "other.example" })).send().await;
    assert_eq!(renamed.status, 400);
    // N89: another account sees nothing of it.
    for (method, path) in [("GET", path), ("PATCH", path), ("DELETE", path)] {
        assert_eq!(t.ask(method, path).jwt(&bob.jwt).json(&json!({})).send().await.status, 404, "{method}");
    }
    assert_eq!(t.ask("GET", "/sip/domain").jwt(&bob.jwt).send().await.json()["payload"], json!([]));
    assert_eq!(as_ann("GET", "/sip/domain").send().await.json()["payload"][0]["domain"], "acme.sip.example.org");
    assert_eq!(as_ann("DELETE", path).send().await.status, 200);
    assert_eq!(as_ann("GET", path).send().await.status, 404);
}

#[tokio::test]
async fn a_user_is_made_with_a_password_of_its_own_or_one_of_ours() {
    let s = Phones::start(lenient()).await;
    let create = async |body: Value| s.as_ann("POST", "/sip/domain/rtc.test/user").json(&body).send().await;
    let whole = json!({
        "login": "carol", "password": "long and quiet word", "first_name": "Carol", "last_name": "C",
        "email": "carol@example.org", "phone_number": "+15550100", "same_domain_calls_only": true, "gender": "Female",
    });
    let carol = create(whole.clone()).await;
    assert_snapshot!(carol, @r#"201 application/json {"payload":{"account":"{id0}","avatar":null,"created_by":null,"created_on":"2026-11-18T11:06:40.000Z","deleted_on":null,"dob":null,"email":"carol@example.org","first_name":"Carol","gender":"Female","groups":[],"last_name":"C","login":"carol","modified_by":null,"modified_on":"2026-11-18T11:06:40.000Z","phone_number":"+15550100","same_domain_calls_only":true,"sip_domain":{"domain":"rtc.test","uuid":"{id1}"},"uuid":"{id2}"},"success":true}"#);
    assert_eq!(create(whole).await.status, 409);
    let made = create(json!({ "login": "dan" })).await.json();
    let password = made["payload"]["password"].as_str().unwrap();
    assert_eq!(password.len(), 32);
    assert_eq!(s.by_password("dan@rtc.test", password).await.status, 200);
    for bad in ["", "a:b", "a@b", "a b"] {
        assert_eq!(create(json!({ "login": bad })).await.status, 400, "{bad}");
    }
    assert_snapshot!(create(json!({ "login": "a@b", "same_domain_calls_only": "yes", "email": "x" })).await, @r#"400 application/json {"fields":{"body.email":{"message":"needs at least 5 characters","value":"x"},"body.same_domain_calls_only":{"message":"is malformed","value":"yes"}},"message":"Validation failed","meta":{"code":"invalid"},"status":400,"success":false}"#);
    assert_snapshot!(create(json!({ "login": "a@b" })).await, @r#"400 application/json {"fields":{"body.login":{"message":"is malformed","value":null}},"message":"Validation failed","meta":{"code":"invalid"},"status":400,"success":false}"#);
    let list = async |query: &str| s.as_ann("GET", &format!("/sip/domain/rtc.test/user{query}")).send().await.json();
    let listed = list("").await;
    assert_eq!(listed["payload"].as_array().unwrap().len(), 4);
    assert_eq!(list("?take=2&skip=1").await["payload"][1], listed["payload"][2]);
    assert!(!listed.to_string().contains("ha1"));
    // A new login or password means new hashes.
    assert_eq!(s.by_ha1b(ALICE[3]).await.status, 200);
    let renamed = s.as_ann("PATCH", &s.alices()).json(&json!({ "login": "alicia", "first_name": null })).send().await;
    assert_eq!(renamed.json()["payload"]["login"], "alicia");
    assert_eq!(s.by_ha1b(ALICE[3]).await.status, 401);
    assert_eq!(s.by_password("alicia@rtc.test", ALICE[1]).await.status, 200);
    assert_eq!(s.as_ann("GET", &s.alices()).send().await.json(), renamed.json());
    assert_eq!(s.as_ann("DELETE", &s.alices()).send().await.status, 200);
    assert_eq!(s.by_password("alicia@rtc.test", ALICE[1]).await.status, 401);
    assert_eq!(s.as_ann("GET", &s.alices()).send().await.status, 404);
    // N89
    let eve = s.t.user("eve").await;
    for (method, path) in [("GET", s.alices()), ("PATCH", s.alices()), ("DELETE", s.alices())] {
        assert_eq!(s.t.ask(method, &path).jwt(&eve.jwt).json(&json!({})).send().await.status, 404, "{method}");
    }
    assert_eq!(
        s.t.ask("POST", "/sip/domain/rtc.test/user").jwt(&eve.jwt).json(&json!({ "login": "e" })).send().await.status,
        404
    );
}

#[tokio::test]
async fn hashes_are_shown_only_where_a_project_keeps_them_readable() {
    let s = Phones::start(policy()).await;
    assert!(!s.as_ann("GET", &s.alices()).send().await.body.contains("ha1"));
    let sip = Some(SipPolicy { domain: "rtc.test".to_owned(), unsealed: true });
    let s = Phones::start(ProjectPolicy { sip, ..policy() }).await;
    let shown = s.as_ann("GET", &s.alices()).send().await.json()["payload"].clone();
    assert_eq!((&shown["ha1"], &shown["ha1b"]), (&json!(ALICE[2]), &json!(ALICE[3])));
}

#[tokio::test]
async fn n64_only_the_exact_ha1b_of_a_user_is_one() {
    let s = Phones::start(lenient()).await;
    assert_snapshot!(s.by_ha1b(ALICE[3]).await, @r#"200 application/json {"payload":{"account":"{id0}","avatar":null,"created_by":null,"created_on":"2026-11-18T11:06:40.000Z","deleted_on":null,"dob":null,"email":null,"first_name":"alice","gender":null,"groups":[],"last_name":null,"login":"alice","modified_by":null,"modified_on":"2026-11-18T11:06:40.000Z","phone_number":null,"same_domain_calls_only":false,"sip_domain":{"domain":"rtc.test","uuid":"{id1}"},"uuid":"{id2}"},"success":true}"#);
    let in_query = s.t.ask("GET", &format!("/app?ha1b={}", BOB[3])).send().await;
    assert_eq!(in_query.json()["payload"]["login"], "bob");
    let upper = ALICE[3].to_uppercase();
    let longer = format!("{}0", ALICE[3]);
    for bad in [OTHER_HA1B, ALICE[2], &upper, &ALICE[3][1..], &longer, "x", "' OR 1=1 --"] {
        let refused = s.by_ha1b(bad).await;
        assert_eq!((refused.status.as_u16(), refused.json()["meta"]["code"].clone()), (401, json!("unauthorized")));
    }
    // Another project knows nobody by it.
    let elsewhere = s.t.root("GET", "/elsewhere/rest/app").header("x-auth-ha1b-token", ALICE[3]).send().await;
    assert_eq!(elsewhere.status, 401);
}

#[tokio::test]
async fn n65_a_hash_is_no_password_and_a_password_no_hash() {
    let s = Phones::start(lenient()).await;
    assert_eq!(s.by_password("alice@rtc.test", ALICE[1]).await.status, 200);
    for hash in [ALICE[2], ALICE[3]] {
        assert_eq!(s.by_password("alice@rtc.test", hash).await.status, 401);
    }
    assert_eq!(s.by_ha1b(ALICE[1]).await.status, 401);
    for name in ["alice", "alice@other.test", "ALICE@rtc.test", "@rtc.test"] {
        assert_eq!(s.by_password(name, ALICE[1]).await.status, 401, "{name}");
    }
}

#[tokio::test]
async fn an_ha1b_is_off_by_default_and_never_reaches_an_account() {
    let s = Phones::start(policy()).await;
    assert_eq!(s.by_ha1b(ALICE[3]).await.status, 401);
    assert_eq!(s.t.ask("GET", "/auth").header("x-auth-ha1b-token", ALICE[3]).send().await.status, 401);
    // In a header only, unless the query is allowed too.
    let compat = Compat { digest_over_http: true, token_in_query: false };
    let s = Phones::start(ProjectPolicy { compat, ..policy() }).await;
    assert_eq!(s.by_ha1b(ALICE[3]).await.status, 200);
    let in_query = s.t.ask("GET", &format!("/app?ha1b={}", ALICE[3])).send().await;
    assert_eq!(in_query.json()["meta"]["code"], "token_in_query");
    let wanted = json!({ "name": "key", "ttl": 3600 });
    for (method, path) in
        [("GET", "/account"), ("POST", "/token"), ("GET", "/token/list"), ("GET", "/user"), ("GET", "/sip/domain")]
    {
        let refused = s.t.ask(method, path).header("x-auth-ha1b-token", ALICE[3]).json(&wanted).send().await;
        assert_eq!(refused.status, 401, "{path}");
    }
    // Once exchanged, the token speaks for the SIP user alone, too.
    let signed_in = s.t.ask("GET", "/auth").header("x-auth-ha1b-token", ALICE[3]).send().await;
    assert_snapshot!(signed_in, @r#"200 application/json {"payload":{"account":"{id0}","avatar":null,"created_by":null,"created_on":"2026-11-18T11:06:40.000Z","deleted_on":null,"dob":null,"email":null,"first_name":"alice","gender":null,"groups":[],"last_name":null,"login":"alice","modified_by":null,"modified_on":"2026-11-18T11:06:40.000Z","phone_number":null,"same_domain_calls_only":false,"sip_domain":{"domain":"rtc.test","uuid":"{id1}"},"token":"{jwt}","uuid":"{id2}"},"success":true}"#);
    let jwt = signed_in.json()["payload"]["token"].as_str().unwrap().to_owned();
    assert_eq!(s.t.ask("GET", "/app").jwt(&jwt).send().await.json()["payload"]["login"], "alice");
    assert_eq!(s.t.ask("GET", "/auth").jwt(&jwt).send().await.status, 200);
    for (method, path) in [("GET", "/account"), ("POST", "/token"), ("GET", "/user"), ("GET", "/sip/domain")] {
        assert_eq!(s.t.ask(method, path).jwt(&jwt).json(&wanted).send().await.status, 403, "{path}");
    }
    assert_eq!(s.t.ask("GET", "/app").jwt(&s.ann.jwt).send().await.status, 403, "an account is no SIP user");
    // Nor does it change what the phone proves itself with.
    let change = json!({ "password": "long and quiet word" });
    let by_hash = s.t.ask("PATCH", "/app").header("x-auth-ha1b-token", ALICE[3]).json(&change).send().await;
    assert_snapshot!(by_hash, @r#"403 application/json {"message":"Authenticate with the password to do this.","meta":{"code":"step_up_required"},"status":403,"success":false}"#);
    assert_eq!(s.t.ask("PATCH", "/app").jwt(&jwt).json(&change).send().await.status, 403);
}

#[tokio::test]
async fn a_sip_user_changes_itself_and_sees_its_neighbours() {
    let s = Phones::start(lenient()).await;
    let by_password =
        |method: &str, path: &str| s.t.ask(method, path).header("authorization", &basic("alice@rtc.test", ALICE[1]));
    let neighbours = by_password("GET", "/app/users").send().await.json();
    let mut logins: Vec<_> =
        neighbours["payload"].as_array().unwrap().iter().map(|user| user["login"].clone()).collect();
    logins.sort_by_key(Value::to_string);
    assert_eq!(logins, ["alice", "bob"]);
    let change = json!({ "last_name": "Liddell", "email": "alice@example.org", "same_domain_calls_only": false });
    assert_snapshot!(by_password("PATCH", "/app").json(&change).send().await, @r#"200 application/json {"payload":{"account":"{id0}","avatar":null,"created_by":null,"created_on":"2026-11-18T11:06:40.000Z","deleted_on":null,"dob":null,"email":"alice@example.org","first_name":"alice","gender":null,"groups":[],"last_name":"Liddell","login":"alice","modified_by":null,"modified_on":"2026-11-18T11:06:40.000Z","phone_number":null,"same_domain_calls_only":false,"sip_domain":{"domain":"rtc.test","uuid":"{id1}"},"uuid":"{id2}"},"success":true}"#);
    let signed_in = s.t.ask("GET", "/auth").header("x-auth-ha1b-token", ALICE[3]).send().await;
    let jwt = signed_in.json()["payload"]["token"].as_str().unwrap().to_owned();
    let change = json!({ "password": "long and quiet word" });
    assert_eq!(by_password("PATCH", "/app").json(&change).send().await.status, 200);
    // All that was known before is dead.
    assert_eq!(by_password("GET", "/app").send().await.status, 401);
    assert_eq!(s.by_ha1b(ALICE[3]).await.status, 401);
    assert_eq!(s.t.ask("GET", "/app").jwt(&jwt).send().await.status, 401);
    assert_eq!(s.by_password("alice@rtc.test", "long and quiet word").await.status, 200);
}

#[tokio::test]
async fn n67_a_sip_user_a_domain_or_an_account_that_is_switched_off_lets_nobody_in() {
    let s = Phones::start(lenient()).await;
    let (t, permit) = (&s.t, s.t.permit());
    let signed_in = t.ask("GET", "/auth").header("x-auth-ha1b-token", BOB[3]).send().await;
    let jwt = signed_in.json()["payload"]["token"].as_str().unwrap().to_owned();
    let statuses = async || {
        let by_jwt = t.ask("GET", "/app").jwt(&jwt).send().await.status.as_u16();
        let by_password = s.by_password("bob@rtc.test", BOB[1]).await.status.as_u16();
        [by_jwt, by_password, s.by_ha1b(BOB[3]).await.status.as_u16()]
    };
    assert_eq!(statuses().await, [200, 200, 200]);
    let account = t.ask("GET", "/account").jwt(&s.ann.jwt).send().await.json()["payload"]["uuid"].clone();
    let account = account.as_str().unwrap().parse().unwrap();
    t.authority.disable_application(&t.world.ctx(), &permit, account, true).await.unwrap();
    assert_eq!(statuses().await, [401, 401, 401]);
    t.authority.disable_application(&t.world.ctx(), &permit, account, false).await.unwrap();
    assert_eq!(statuses().await, [401, 200, 200], "what has ended stays so");
    let domain = ringfence_core::authority::SipDomainRef::named("rtc.test");
    let off = |disabled| ringfence_core::authority::SipDomainChange {
        disabled: Some(disabled),
        ..ringfence_core::authority::SipDomainChange::default()
    };
    t.authority.change_sip_domain(&t.world.ctx(), &permit, domain.clone(), off(true)).await.unwrap();
    assert_eq!(statuses().await, [401, 401, 401]);
    t.authority.change_sip_domain(&t.world.ctx(), &permit, domain, off(false)).await.unwrap();
    assert_eq!(statuses().await, [401, 200, 200]);
    let bob = signed_in.json()["payload"]["uuid"].as_str().unwrap().parse().unwrap();
    t.authority.suspend_identity(&t.world.ctx(), &permit, bob, true).await.unwrap();
    assert_eq!(statuses().await, [401, 401, 401]);
}

#[tokio::test]
async fn whoever_is_invited_becomes_a_user_once() {
    let s = Phones::start(policy()).await;
    let end = (s.t.world.ctx().now + Duration::from_hours(1)).rfc3339();
    let invite = async |body: Value| s.as_ann("POST", "/sip/domain/rtc.test/invite").json(&body).send().await;
    assert_snapshot!(invite(json!({ "name": "", "expired_on": "soon" })).await, @r#"400 application/json {"fields":{"body.expired_on":{"message":"is malformed","value":"soon"},"body.name":{"message":"needs at least 1 characters","value":""}},"message":"Validation failed","meta":{"code":"invalid"},"status":400,"success":false}"#);
    assert_eq!(invite(json!({ "name": "x", "expired_on": "2001-01-01T00:00:00Z" })).await.status, 400);
    let made = invite(json!({ "name": "for Erin", "expired_on": end })).await;
    assert_snapshot!(made, @r#"201 application/json {"payload":{"created_on":"2026-11-18T11:06:40.000Z","expired_on":"2026-11-18T12:06:40.000Z","modified_on":"2026-11-18T11:06:40.000Z","name":"for Erin","token":"{rfv_}","uuid":"{id0}"},"success":true}"#);
    let made = made.json()["payload"].clone();
    let (uuid, token) = (made["uuid"].as_str().unwrap(), made["token"].as_str().unwrap());
    let path = format!("/sip/domain/rtc.test/invite/{uuid}");
    assert!(!s.as_ann("GET", &path).send().await.body.contains(token));
    let renamed = s.as_ann("PATCH", &path).json(&json!({ "name": "Erin" })).send().await;
    assert_eq!(renamed.json()["payload"]["name"], "Erin");
    let eve = s.t.user("eve").await;
    assert_eq!(s.t.ask("GET", &path).jwt(&eve.jwt).send().await.status, 404);
    let open = format!("/app/invite/{token}");
    assert_snapshot!(s.t.ask("GET", &open).send().await, @r#"200 application/json {"payload":{"domain":"rtc.test","uuid":"{id0}"},"success":true}"#);
    let accept = async |body: Value| s.t.ask("POST", &open).json(&body).send().await;
    assert_eq!(accept(json!({ "login": "erin" })).await.status, 400);
    let wanted = json!({ "login": "erin", "password": "long and quiet word", "same_domain_calls_only": false });
    let erin = accept(wanted.clone()).await;
    assert_eq!((erin.status.as_u16(), &erin.json()["payload"]["same_domain_calls_only"]), (201, &json!(true)));
    assert_eq!(accept(wanted).await.status, 404, "used up");
    assert_eq!(s.t.ask("GET", &open).send().await.status, 404);
    assert_eq!(s.by_password("erin@rtc.test", "long and quiet word").await.status, 200);
    let late = invite(json!({ "name": "late", "expired_on": end })).await.json()["payload"].clone();
    let gone = invite(json!({ "name": "gone", "expired_on": end })).await.json()["payload"].clone();
    let path = format!("/sip/domain/rtc.test/invite/{}", gone["uuid"].as_str().unwrap());
    assert_eq!(s.as_ann("DELETE", &path).send().await.status, 200);
    s.t.world.clock.advance(Duration::from_hours(1));
    for token in [&late["token"], &gone["token"], &json!("rfv_x")] {
        let shown = s.t.ask("GET", &format!("/app/invite/{}", token.as_str().unwrap())).send().await;
        assert_eq!(shown.status, 404);
    }
}

#[tokio::test]
async fn guessed_hashes_are_slowed_down_by_address() {
    let s = Phones::start(lenient()).await;
    let mut last = s.by_ha1b("0".repeat(32).as_str()).await;
    for guess in 1..2000_u32 {
        last = s.by_ha1b(&format!("{guess:032x}")).await;
        if last.status == 429 {
            break;
        }
    }
    assert_eq!(last.status, 429);
    assert!(!last.header("retry-after").is_empty());
}
