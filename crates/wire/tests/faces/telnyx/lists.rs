//! Lists: pages, filters and order.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::server::Server;
use crate::support::Answer;

fn texts(answer: &Answer, member: &str) -> Vec<String> {
    let items = answer.json()["data"].as_array().unwrap().clone();
    items.iter().map(|item| item[member].as_str().unwrap().to_owned()).collect()
}

async fn named(server: &Server, name: &str, more: Value) {
    let mut body = json!({ "connection_name": name });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    assert_eq!(server.post("/credential_connections", body).await.status, 201);
    server.clock.advance(std::time::Duration::from_secs(1));
}

async fn names(server: &Server, query: &str) -> Vec<String> {
    let answer = server.get(&format!("/credential_connections?{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {answer}");
    texts(&answer, "connection_name")
}

#[tokio::test]
async fn an_empty_list_ends_at_once() {
    let server = Server::start().await;
    assert_snapshot!(server.get("/telephony_credentials").await, @r#"
    200 {
      "data": [],
      "meta": {
        "page_number": 1,
        "page_size": 50,
        "total_pages": 0,
        "total_results": 0
      }
    }
    "#);
}

#[tokio::test]
async fn connections_are_filtered_and_ordered_as_the_clients_ask() {
    let server = Server::start().await;
    named(&server, "beta phones", json!({ "outbound": { "outbound_voice_profile_id": "17" } })).await;
    named(&server, "Alpha", json!({ "active": false })).await;
    named(&server, "Gamma Phones", json!({})).await;
    for (query, expected) in [
        ("", ["Gamma Phones", "Alpha", "beta phones"].as_slice()),
        ("sort=created_at", &["beta phones", "Alpha", "Gamma Phones"]),
        ("sort=-created_at", &["Gamma Phones", "Alpha", "beta phones"]),
        ("sort=connection_name", &["Alpha", "beta phones", "Gamma Phones"]),
        ("sort=-connection_name", &["Gamma Phones", "beta phones", "Alpha"]),
        ("sort=active", &["Alpha", "beta phones", "Gamma Phones"]),
        ("sort=-active", &["Gamma Phones", "beta phones", "Alpha"]),
        ("filter%5Bconnection_name%5D%5Bcontains%5D=PHONES&sort=created_at", &["beta phones", "Gamma Phones"]),
        ("filter[connection_name][contains]=%25", &[]),
        ("filter[outbound_voice_profile_id]=17", &["beta phones"]),
        ("filter[outbound.outbound_voice_profile_id]=17", &["beta phones"]),
        ("filter[fqdn]=example.com", &[]),
        ("filter[unknown]=x&unknown=y&sort=connection_name", &["Alpha", "beta phones", "Gamma Phones"]),
    ] {
        assert_eq!(names(&server, query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn pages_say_where_they_are_and_how_many_there_are() {
    let server = Server::start().await;
    for name in ["a", "b", "c", "d", "e"] {
        named(&server, name, json!({})).await;
    }
    let page = async |number: u32| {
        let query = format!("/credential_connections?page[size]=2&page[number]={number}&sort=connection_name");
        let answer = server.get(&query).await;
        (texts(&answer, "connection_name").join(""), answer.json()["meta"].clone())
    };
    for (number, expected) in [(1, "ab"), (2, "cd"), (3, "e"), (4, "")] {
        let meta = json!({ "page_number": number, "page_size": 2, "total_pages": 3, "total_results": 5 });
        assert_eq!(page(number).await, (expected.to_owned(), meta));
    }
    let last = server.get(&format!("/credential_connections?page[number]={}", u64::MAX)).await;
    assert_eq!((last.status.as_u16(), &last.json()["data"]), (200, &json!([])));
}

#[tokio::test]
async fn credentials_are_filtered_as_the_clients_ask() {
    let server = Server::start().await;
    let [one, two] = [server.connection("phones").await, server.connection("faxes").await];
    let add = async |connection: &str, name: &str, more: Value| {
        let mut body = json!({ "connection_id": connection, "name": name });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        server.clock.advance(std::time::Duration::from_secs(1));
        server.post("/telephony_credentials", body).await.text("/data/sip_username")
    };
    let user = add(&one, "desk", json!({ "tag": "hall" })).await;
    add(&one, "old", json!({ "expires_at": "2018-02-02T22:25:27.521Z" })).await;
    add(&two, "desk", json!({})).await;
    for (query, expected) in [
        (String::new(), ["desk", "old", "desk"].as_slice()),
        ("filter%5Btag%5D=hall".to_owned(), &["desk"]),
        ("filter[name]=old".to_owned(), &["old"]),
        ("filter[status]=expired".to_owned(), &["old"]),
        ("filter[status]=active".to_owned(), &["desk", "desk"]),
        (format!("filter[resource_id]=connection:{two}"), &["desk"]),
        (format!("filter[resource_id]=connection%3A{one}&filter[name]=old"), &["old"]),
        (format!("filter[resource_id]={one}"), &[]),
        ("filter[resource_id]=connection:17".to_owned(), &[]),
        (format!("filter[sip_username]={user}"), &["desk"]),
        ("filter[sip_username]=phones".to_owned(), &[]),
    ] {
        let answer = server.get(&format!("/telephony_credentials?{query}")).await;
        assert_eq!(texts(&answer, "name"), expected, "{query}");
        assert_eq!(answer.json()["meta"]["total_results"], expected.len(), "{query}");
    }
}

#[tokio::test]
async fn n91_a_page_that_is_none_is_refused_and_nothing_in_it_reaches_the_store() {
    let server = Server::start().await;
    server.connection("phones").await;
    for list in ["/credential_connections", "/telephony_credentials"] {
        for query in [
            "page[number]=0",
            "page[number]=-1",
            "page[number]=+1",
            "page[number]=1.0",
            "page[number]=one",
            "page[number]=18446744073709551616",
            "page[number]=1%3BDROP%20TABLE%20endpoint",
            "page[size]=0",
            "page[size]=251",
            "page[size]=%00",
            "page[size]=1e2",
        ] {
            assert_eq!(server.get(&format!("{list}?{query}")).await.codes(), "400 10015", "{list}?{query}");
        }
    }
    for query in ["sort=password", "sort=--created_at", "sort=created_at%20DESC", "sort=1"] {
        assert_eq!(server.get(&format!("/credential_connections?{query}")).await.codes(), "400 10015", "{query}");
    }
    assert_eq!(server.get("/telephony_credentials?filter[status]=%27").await.codes(), "400 10015");
    assert_snapshot!(server.get("/credential_connections?page[size]=1000").await, @r#"
    400 {
      "errors": [
        {
          "code": "10015",
          "detail": "The value of page[size] is not valid.",
          "meta": {
            "url": "https://developers.telnyx.com/docs/overview/errors/10015"
          },
          "source": {
            "parameter": "page[size]"
          },
          "title": "Bad Request"
        }
      ]
    }
    "#);
    for text in ["%27%20OR%201=1--", "%00", "%25", "_", "%5C"] {
        for filter in ["filter[name]", "filter[tag]", "filter[sip_username]", "filter[resource_id]"] {
            let answer = server.get(&format!("/telephony_credentials?{filter}={text}")).await;
            assert_eq!((answer.status.as_u16(), &answer.json()["data"]), (200, &json!([])), "{filter}={text}");
        }
        let answer = server.get(&format!("/credential_connections?filter[connection_name][contains]={text}")).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["data"]), (200, &json!([])), "{text}");
    }
    assert_eq!(names(&server, "").await, ["Phones"]);
}
