//! `GET /auth`: who somebody is, and a token.

use insta::assert_snapshot;

use crate::server::Server;

#[tokio::test]
async fn basic_is_answered_with_the_user_their_account_and_a_token() {
    let t = Server::start().await;
    let made = t.sign_up("ann").await;
    assert_snapshot!(made, @"");
    let ann = t.signed_in("ann@example.org").await;
    let answer = t.ask("GET", "/auth").header("authorization", &ann.basic).send().await;
    assert_snapshot!(answer, @"");
    let again = t.ask("GET", "/auth").jwt(&ann.jwt).send().await;
    assert_eq!(again.status, 200, "{again}");
    let none = t.ask("GET", "/auth").send().await;
    assert_snapshot!(none, @"");
}
