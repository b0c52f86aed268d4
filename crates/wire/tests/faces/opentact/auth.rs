//! `GET /auth`: who somebody is, and a token.

use insta::assert_snapshot;

use super::server::Server;

#[tokio::test]
async fn basic_is_answered_with_the_user_their_account_and_a_token() {
    let t = Server::start().await;
    let made = t.sign_up("ann").await;
    assert_snapshot!(made, @r#"201 application/json {"payload":{"apple_user_id":null,"avatar":null,"created_on":"2026-11-18T11:06:40.000Z","deleted_on":null,"dob":null,"email":"ann@example.org","facebook_user_id":null,"first_name":"ann","gender":null,"gmail_user_id":null,"last_name":null,"modified_on":"2026-11-18T11:06:40.000Z","phone_number":null,"role":"User","uuid":"{id0}","wechat_user_id":null,"wss_online":false},"success":true}"#);
    let ann = t.signed_in("ann@example.org").await;
    let answer = t.ask("GET", "/auth").header("authorization", &ann.basic).send().await;
    assert_snapshot!(answer, @r#"200 application/json {"payload":{"account":{"address1":null,"address2":null,"balance":0,"city":null,"created_on":"2026-11-18T11:06:40.000Z","deleted_on":null,"disabled_on":null,"email":null,"level":"Level0","modified_on":"2026-11-18T11:06:40.000Z","name":"account","phone":null,"uuid":"{id0}","zip_code":null},"apple_user_id":null,"avatar":null,"created_on":"2026-11-18T11:06:40.000Z","deleted_on":null,"dob":null,"email":"ann@example.org","facebook_user_id":null,"first_name":"ann","gender":null,"gmail_user_id":null,"last_name":null,"modified_on":"2026-11-18T11:06:40.000Z","phone_number":null,"role":"User","token":"{jwt}","uuid":"{id1}","wechat_user_id":null,"wss_online":false},"success":true}"#);
    let again = t.ask("GET", "/auth").jwt(&ann.jwt).send().await;
    assert_eq!(again.status, 200, "{again}");
    let none = t.ask("GET", "/auth").send().await;
    assert_snapshot!(none, @r#"401 application/json {"message":"Unauthorized","meta":{"code":"unauthorized"},"status":401,"success":false}"#);
}
