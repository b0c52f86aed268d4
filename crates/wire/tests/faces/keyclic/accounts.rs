//! Accounts: people, memberships, pictures, invitations, applications.

use std::time::Duration;

use insta::assert_snapshot;
use ringfence_core::project::{EmailChange, ProjectPolicy};
use serde_json::json;

use super::server::{KEY, PASSWORD, Server};

const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

#[tokio::test]
async fn the_whole_life_of_an_account() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let path = format!("/people/{}", ann.id);
    let shown = t.ask("GET", &path).bearer(&ann.access).send().await;
    assert_eq!(shown.json()["username"], "ann@example.org");
    let named = t.ask("PATCH", &path).bearer(&ann.access).json(&json!({ "givenName": "Ann" })).send().await;
    assert_eq!(named.json()["givenName"], "Ann");
    let asked = t.ask("POST", "/security/password/change-request").json(&json!({ "email": ann.email })).send().await;
    assert_eq!(asked.status, 204);
    let link = t.link(2).await;
    let secret = link.strip_prefix("https://auth.test/reset/").unwrap();
    let change = format!("/security/password/change/{secret}");
    let weak = t.ask("POST", &change).json(&json!({ "password": "test" })).send().await;
    assert_snapshot!(weak, @r#"400 application/hal+json;charset=UTF-8 {"@context":"https://github.com/blongden/vnd.error","@type":"ValidationError","_embedded":{"errors":[{"@type":"Error","detail":"This value is too short. It should have 8 characters or more.","message":"This value is too short. It should have 8 characters or more.","path":"password","title":"This value is too short. It should have 8 characters or more.","type":"about:blank"}]},"code":"invalid","detail":"This value is too short. It should have 8 characters or more.","message":"Validation failed.","title":"Validation failed.","total":1,"type":"about:blank"}"#);
    let done = t.bare("POST", &change).json(&json!({ "password": "seven quiet lanterns" })).send().await;
    assert_eq!((done.status.as_u16(), done.bytes.len()), (204, 0));
    assert_snapshot!(t.bare("POST", &change).json(&json!({ "password": "eight quiet lanterns" })).send().await, @r#"404 application/hal+json;charset=UTF-8 {"@context":"https://github.com/blongden/vnd.error","@type":"Error","_embedded":{"errors":[]},"code":"verification_invalid","detail":"The link is unknown, used or expired.","message":"The link is unknown, used or expired.","title":"The link is unknown, used or expired.","total":0,"type":"about:blank"}"#);
    // What the old password had opened is shut.
    assert_snapshot!(t.ask("GET", &path).bearer(&ann.access).send().await, @r#"401 application/hal+json;charset=UTF-8 {"@context":"https://github.com/blongden/vnd.error","@type":"Error","_embedded":{"errors":[]},"code":"session_revoked","detail":"The session has ended.","message":"The session has ended.","title":"The session has ended.","total":0,"type":"about:blank"}"#);
    let renewed = t.ask("POST", "/auth/token/refresh").json(&json!({ "refreshToken": ann.refresh })).send().await;
    assert_eq!(renewed.status, 401);
    assert_eq!(t.log_in(&ann.email, PASSWORD).await.status, 401);
    let new = t.log_in(&ann.email, "seven quiet lanterns").await.json()["accessToken"].as_str().unwrap().to_owned();
    let gone = t.ask("DELETE", &path).bearer(&new).send().await;
    assert_eq!((gone.status.as_u16(), gone.bytes.len()), (204, 0));
    assert_eq!(t.ask("GET", &path).bearer(&new).send().await.status, 403);
    assert_eq!(t.register("ann").await.status, 201, "the address is free again");
}

#[tokio::test]
async fn a_taken_address_is_a_fault_of_the_input() {
    let t = Server::start().await;
    t.person("ann").await;
    assert_snapshot!(t.register("ann").await, @r#"400 application/hal+json;charset=UTF-8 {"@context":"https://github.com/blongden/vnd.error","@type":"ValidationError","_embedded":{"errors":[{"@type":"Error","detail":"This value is already used.","message":"This value is already used.","path":"email","title":"This value is already used.","type":"about:blank"}]},"code":"conflict","detail":"This value is already used.","message":"Validation failed.","title":"Validation failed.","total":1,"type":"about:blank"}"#);
    let empty = t.ask("POST", "/security/register").json(&json!({ "email": null, "optIn": true })).send().await;
    assert_snapshot!(empty, @r#"400 application/hal+json;charset=UTF-8 {"@context":"https://github.com/blongden/vnd.error","@type":"ValidationError","_embedded":{"errors":[{"@type":"Error","detail":"This value should not be blank.","message":"This value should not be blank.","path":"email","title":"This value should not be blank.","type":"about:blank"},{"@type":"Error","detail":"This value should not be blank.","message":"This value should not be blank.","path":"password","title":"This value should not be blank.","type":"about:blank"}]},"code":"invalid","detail":"This value should not be blank.","message":"Validation failed.","title":"Validation failed.","total":2,"type":"about:blank"}"#);
}

#[tokio::test]
async fn an_address_changes_at_once_and_the_username_follows() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let path = format!("/people/{}", ann.id);
    let moved = t.ask("PATCH", &path).bearer(&ann.access).json(&json!({ "email": "ann@new.example" })).send().await;
    assert_eq!(
        (&moved.json()["username"], &moved.json()["email"]),
        (&json!("ann@new.example"), &json!("ann@new.example"))
    );
    assert_eq!(t.log_in("ann@example.org", PASSWORD).await.status, 401);
    assert_eq!(t.log_in("ann@new.example", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn where_the_project_asks_for_it_an_address_waits_for_its_link() {
    let policy = ProjectPolicy { email_change: EmailChange::Verified, ..ProjectPolicy::default() };
    let t = Server::start_with(policy, &[]).await;
    let ann = t.person("ann").await;
    let path = format!("/people/{}", ann.id);
    let asked = t.ask("PATCH", &path).bearer(&ann.access).json(&json!({ "email": "ann@new.example" })).send().await;
    assert_eq!(asked.json()["email"], "ann@example.org");
    let link = t.link(2).await;
    let page = link.strip_prefix("https://auth.test").unwrap();
    assert_eq!(t.root("GET", page).send().await.status, 200);
    assert_eq!(t.log_in("ann@new.example", PASSWORD).await.status, 401, "looking changed nothing");
    assert_eq!(t.root("POST", page).send().await.status, 303);
    assert_eq!(t.log_in("ann@new.example", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_picture_is_a_link_and_only_a_picture() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    let path = format!("/people/{}", ann.id);
    let change = async |image: serde_json::Value| {
        t.ask("PATCH", &path).bearer(&ann.access).json(&json!({ "image": image })).send().await
    };
    let with = change(json!(format!("data:image/jpeg;base64,{PNG}"))).await;
    let href = with.json()["_links"]["image"]["href"].as_str().unwrap().to_owned();
    assert_eq!(href, format!("{path}/image"));
    for path in [href.clone(), format!("{href}/64/64")] {
        let shown = t.ask("GET", &path).bearer(&ann.access).send().await;
        // What it is, and not what the sender said.
        assert_eq!((shown.header("content-type"), shown.bytes.len()), ("image/png", 70));
    }
    let svg = "data:image/png;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4=";
    assert_eq!(change(json!(svg)).await.status, 400);
    assert!(change(json!(null)).await.json()["_links"].get("image").is_none());
    assert_eq!(t.ask("GET", &href).bearer(&ann.access).send().await.status, 404);
}

#[tokio::test]
async fn roles_stand_in_tokens_and_memberships_and_not_in_people() {
    let t = Server::start().await;
    let ann = t.person("ann").await;
    t.give_role(&ann, "ORGANIZATION:ADMIN").await;
    let ann = t.again(&ann.email).await;
    assert_eq!(ann.login["credentials"]["roles"], json!(["ORGANIZATION:ADMIN", "ROLE_USER"]));
    let list = format!("/people/{}/memberships", ann.id);
    assert_snapshot!(t.ask("GET", &list).bearer(&ann.access).send().await, @r#"200 application/hal+json;charset=UTF-8 {"_embedded":{"item":[{"_embedded":{"availableRoles":["ORGANIZATION:MEMBER","ORGANIZATION:READ_ONLY","ORGANIZATION:EXPORT","ORGANIZATION:ANALYTICS","ORGANIZATION:OPERATOR","ORGANIZATION:AGENT","ORGANIZATION:ADMIN"],"organization":{"_links":{"self":{"href":"/organizations/{id0}","iriTemplate":{"mapping":{"organization":"{id0}"}}}},"id":"{id0}","name":"City","type":"Organization"},"person":{"_links":{"self":{"href":"/people/{id1}","iriTemplate":{"mapping":{"person":"{id1}"}}}},"agreement":{"olderThan":false,"privacyPolicy":false,"termsOfService":false},"createdAt":"2026-11-18T11:06:40+00:00","email":"ann@example.org","enabled":true,"familyName":null,"givenName":null,"id":"{id1}","jobTitle":null,"optIn":false,"preferences":{"notification":{"inApp":true,"mail":true,"push":true}},"telephone":null,"type":"Person","updatedAt":"2026-11-18T11:06:40+00:00","username":"ann@example.org"},"roles":[{"description":null,"id":"00000000-0000-8000-8000-000000000007","name":"ORGANIZATION:ADMIN","permissions":[],"type":"Role"}]},"_links":{"organization":{"href":"/organizations/{id0}","iriTemplate":{"mapping":{"organization":"{id0}"}}},"person":{"href":"/people/{id1}","iriTemplate":{"mapping":{"person":"{id1}"}}},"self":{"href":"/members/{id2}","iriTemplate":{"mapping":{"member":"{id2}"}}}},"contactPoint":null,"createdAt":"2026-11-18T11:06:40+00:00","id":"{id2}","roles":["ORGANIZATION:ADMIN"],"type":"Collaborator","updatedAt":"2026-11-18T11:06:40+00:00"}],"items":[{"_embedded":{"availableRoles":["ORGANIZATION:MEMBER","ORGANIZATION:READ_ONLY","ORGANIZATION:EXPORT","ORGANIZATION:ANALYTICS","ORGANIZATION:OPERATOR","ORGANIZATION:AGENT","ORGANIZATION:ADMIN"],"organization":{"_links":{"self":{"href":"/organizations/{id0}","iriTemplate":{"mapping":{"organization":"{id0}"}}}},"id":"{id0}","name":"City","type":"Organization"},"person":{"_links":{"self":{"href":"/people/{id1}","iriTemplate":{"mapping":{"person":"{id1}"}}}},"agreement":{"olderThan":false,"privacyPolicy":false,"termsOfService":false},"createdAt":"2026-11-18T11:06:40+00:00","email":"ann@example.org","enabled":true,"familyName":null,"givenName":null,"id":"{id1}","jobTitle":null,"optIn":false,"preferences":{"notification":{"inApp":true,"mail":true,"push":true}},"telephone":null,"type":"Person","updatedAt":"2026-11-18T11:06:40+00:00","username":"ann@example.org"},"roles":[{"description":null,"id":"00000000-0000-8000-8000-000000000007","name":"ORGANIZATION:ADMIN","permissions":[],"type":"Role"}]},"_links":{"organization":{"href":"/organizations/{id0}","iriTemplate":{"mapping":{"organization":"{id0}"}}},"person":{"href":"/people/{id1}","iriTemplate":{"mapping":{"person":"{id1}"}}},"self":{"href":"/members/{id2}","iriTemplate":{"mapping":{"member":"{id2}"}}}},"contactPoint":null,"createdAt":"2026-11-18T11:06:40+00:00","id":"{id2}","roles":["ORGANIZATION:ADMIN"],"type":"Collaborator","updatedAt":"2026-11-18T11:06:40+00:00"}]},"_links":{"first":{"href":"/people/{id1}/memberships?page=1&limit=10"},"last":{"href":"/people/{id1}/memberships?page=1&limit=10"},"self":{"href":"/people/{id1}/memberships?page=1&limit=10"}},"itemsPerPage":10,"limit":10,"page":1,"pages":1,"total":1,"totalItems":1}"#);
    let second = t.ask("GET", &format!("{list}?page=2&limit=1")).bearer(&ann.access).send().await.json();
    assert_eq!(
        second["_links"],
        json!({
            "self": { "href": format!("{list}?page=2&limit=1") }, "first": { "href": format!("{list}?page=1&limit=1") },
            "last": { "href": format!("{list}?page=1&limit=1") }, "previous": { "href": format!("{list}?page=1&limit=1") },
        })
    );
    let bob = t.person("bob").await;
    assert_eq!(t.ask("GET", &list).bearer(&bob.access).send().await.status, 403);
}

#[tokio::test]
async fn administrators_see_and_invite_people() {
    let t = Server::start().await;
    let (ann, bob) = (t.person("ann").await, t.person("bob").await);
    t.give_role(&ann, "ORGANIZATION:ADMIN").await;
    let see = async |path: &str| t.ask("GET", path).bearer(&ann.access).send().await;
    assert_eq!(see("/people").await.json()["total"], 1);
    let bobs = format!("/people/{}", bob.id);
    assert_eq!(see(&bobs).await.status, 403);
    let invite =
        async |body: serde_json::Value| t.ask("POST", "/invitations").bearer(&ann.access).json(&body).send().await;
    assert_snapshot!(invite(json!({ "email": bob.email, "role": "ORGANIZATION:AGENT" })).await, @r#"201 application/hal+json;charset=UTF-8 {"_links":{"organization":{"href":"/organizations/{id0}","iriTemplate":{"mapping":{"organization":"{id0}"}}},"self":{"href":"/invitations/{id1}","iriTemplate":{"mapping":{"invitation":"{id1}"}}}},"createdAt":"2026-11-18T11:06:40+00:00","email":"bob@example.org","id":"{id1}","roles":["ORGANIZATION:AGENT"],"state":"accepted","type":"Invitation"}"#);
    assert_eq!(see(&bobs).await.status, 200);
    assert_eq!(see("/people?limit=1").await.json()["pages"], 2);
    // Somebody without an account is a member once they have one.
    let open = invite(json!({ "email": "cy@example.org" })).await;
    assert_snapshot!(open, @r#"201 application/hal+json;charset=UTF-8 {"_links":{"organization":{"href":"/organizations/{id0}","iriTemplate":{"mapping":{"organization":"{id0}"}}},"self":{"href":"/invitations/{id1}","iriTemplate":{"mapping":{"invitation":"{id1}"}}}},"createdAt":"2026-11-18T11:06:40+00:00","email":"cy@example.org","id":"{id1}","roles":["ORGANIZATION:MEMBER"],"state":"pending","type":"Invitation"}"#);
    let id = open.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(see(&format!("/invitations/{id}")).await.json(), open.json());
    let taken = json!({ "email": "dan@example.org", "password": PASSWORD, "invitation": id });
    assert_snapshot!(t.ask("POST", "/security/register").json(&taken).send().await, @r#"400 application/hal+json;charset=UTF-8 {"@context":"https://github.com/blongden/vnd.error","@type":"ValidationError","_embedded":{"errors":[{"@type":"Error","detail":"This value is not valid.","message":"This value is not valid.","path":"invitation","title":"This value is not valid.","type":"about:blank"}]},"code":"invalid","detail":"This value is not valid.","message":"Validation failed.","title":"Validation failed.","total":1,"type":"about:blank"}"#);
    let right = json!({ "email": "cy@example.org", "password": PASSWORD, "invitation": id });
    assert_eq!(t.ask("POST", "/security/register").json(&right).send().await.status, 201);
    assert_eq!(see("/people").await.json()["total"], 3);
    let other = invite(json!({ "email": "eve@example.org" })).await.json()["id"].as_str().unwrap().to_owned();
    let withdraw = t.ask("DELETE", &format!("/invitations/{other}")).bearer(&ann.access).send().await;
    assert_eq!(withdraw.status, 204);
    assert_eq!(see(&format!("/invitations/{other}")).await.status, 404);
    assert_snapshot!(invite(json!({ "email": bob.email })).await, @r#"400 application/hal+json;charset=UTF-8 {"@context":"https://github.com/blongden/vnd.error","@type":"ValidationError","_embedded":{"errors":[{"@type":"Error","detail":"Is a member already.","message":"Is a member already.","path":"email","title":"Is a member already.","type":"about:blank"}]},"code":"conflict","detail":"Is a member already.","message":"Validation failed.","title":"Validation failed.","total":1,"type":"about:blank"}"#);
}

#[tokio::test]
async fn an_application_is_shown_by_uuid_and_by_key() {
    let t = Server::start().await;
    let by_key = t.ask("GET", &format!("/applications/{KEY}")).send().await;
    assert_snapshot!(by_key, @r#"200 application/hal+json;charset=UTF-8 {"_links":{"self":{"href":"/applications/{id0}","iriTemplate":{"mapping":{"application":"{id0}"}}}},"about":null,"agreement":{"olderThan":{"content":null},"privacyPolicy":{"content":null},"termsOfService":{"content":null}},"configuration":{"public":{}},"contactPoints":[],"id":"{id0}","name":"City","token":"com.keyclic.app","type":"Application","version":"1.0.0"}"#);
    let by_id = t.ask("GET", &format!("/applications/{}", t.application.id)).send().await;
    assert_eq!(by_id.json(), by_key.json());
    let theirs = t.application(&t.elsewhere().await, "com.other").await;
    for name in ["com.other".to_owned(), theirs.id.to_string(), "com.unknown".to_owned()] {
        assert_eq!(t.ask("GET", &format!("/applications/{name}")).send().await.status, 404, "{name}");
    }
}

#[tokio::test]
async fn a_reset_link_leads_where_application_project_or_mount_say() {
    let ask = async |t: &Server| {
        t.ask("POST", "/security/password/change-request").json(&json!({ "email": "ann@example.org" })).send().await;
        t.link(2).await.split("rfv_").next().unwrap().to_owned()
    };
    let t = Server::start_with(ProjectPolicy::default(), &[("reset_url", "https://mount.test/#/reset/")]).await;
    t.person("ann").await;
    assert_eq!(ask(&t).await, "https://mount.test/#/reset/");
    let policy = ProjectPolicy { reset_url: Some("https://p.test/{token}".to_owned()), ..ProjectPolicy::default() };
    let t = Server::start_with(policy, &[]).await;
    t.person("ann").await;
    let (ctx, id) = (t.world.ctx(), t.application.id);
    let mut settings = t.application.settings.clone();
    settings.reset_url = Some("https://app.test/#/password-reset/".to_owned());
    t.authority.configure_application(&ctx, &t.permit(), id, settings, vec![]).await.unwrap();
    assert_eq!(ask(&t).await, "https://app.test/#/password-reset/");
    t.world.clock.advance(Duration::from_secs(1));
}
