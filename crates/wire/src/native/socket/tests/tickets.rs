//! Tickets: once, soon, here, and never after a revocation.

use super::{READY, RESUMED, scene::Scene, stop};

async fn admitted(scene: &mut Scene) {
    let open = format!("phone > {{\"type\":\"authenticate\",\"token\":\"$a\"}}\nphone < {READY}\nphone lost");
    scene.play(&format!("member ann\ntoken a of ann\n{open}")).await;
}

fn refusal(name: &str, reason: &str) -> String {
    let closing = stop(reason);
    format!("{name} > {{\"type\":\"resume\",\"ticket\":\"$t\"}}\n{name} < {closing}\n{name} x 4403 {reason}")
}

const EXPIRED: &str = r#"{"type":"closing","code":4401,"reason":"token_expired","action":"refresh","after_ms":0}"#;

#[tokio::test]
async fn n48_a_ticket_counts_for_five_minutes() {
    let mut scene = Scene::start().await;
    admitted(&mut scene).await;
    let lines = format!(
        "wait 300\nback > {{\"type\":\"resume\",\"ticket\":\"$t\"}}\nback < {EXPIRED}\nback x 4401 token_expired"
    );
    scene.play(&lines).await;
    scene.end().await;
}

#[tokio::test]
async fn n48_a_ticket_counts_for_pages_of_its_origin_and_in_its_network_if_that_is_asked_for() {
    let mut scene = Scene::start().await;
    scene.opened_by_page(Some("https://app.test"));
    admitted(&mut scene).await;
    scene.opened_by_page(None);
    scene.play(&refusal("elsewhere", "ticket_elsewhere")).await;
    scene.opened_by_page(Some("https://app.test"));
    scene.opened_at("2001:db8::1");
    let back = format!("back > {{\"type\":\"resume\",\"ticket\":\"$t\"}}\nback < {RESUMED}");
    scene.play(&back).await;
    scene.end().await;

    let mut scene = Scene::start().await;
    scene.configure(|settings| settings.socket.same_network = true).await;
    scene.opened_at("2001:db8::1");
    admitted(&mut scene).await;
    scene.opened_at("2001:db8:0:1::1");
    scene.play(&refusal("elsewhere", "ticket_elsewhere")).await;
    // A neighbour in the same /64 is the same client.
    scene.opened_at("2001:db8::2");
    scene.play(&back).await;
    scene.end().await;
}

#[tokio::test]
async fn n48_of_all_tickets_of_a_connection_one_counts() {
    let mut scene = Scene::start().await;
    let open = format!("phone > {{\"type\":\"authenticate\",\"token\":\"$a\"}}\nphone < {READY}");
    scene.play(&format!("member ann\ntoken a of ann\n{open}\nwait 200")).await;
    scene.play(r#"phone < {"type":"ticket","resume":{"ticket":"$newer","expires_in":300}}"#).await;
    scene.play("phone lost").await;
    scene.play(&format!("back > {{\"type\":\"resume\",\"ticket\":\"$newer\"}}\nback < {RESUMED}")).await;
    scene.play(&refusal("thief", "ticket_used")).await;
    scene.end().await;
}

#[tokio::test]
async fn n53_nobody_comes_back_after_a_kick_or_a_ban() {
    for (what, reason) in [("revoke ann", "session_revoked"), ("suspend ann", "identity_suspended")] {
        let mut scene = Scene::start().await;
        admitted(&mut scene).await;
        scene.play(what).await;
        scene.play(&refusal("back", reason)).await;
        scene.end().await;
    }
}

#[tokio::test]
async fn coming_back_again_and_again_prolongs_nothing() {
    let mut scene = Scene::start().await;
    admitted(&mut scene).await;
    let ready = RESUMED.replace("\"ticket\":\"…\"", "\"ticket\":\"$next\"");
    // After 55 of its 60 seconds it has five, which are too few for a warning.
    let lines = format!(
        r#"wait 290
           back > {{"type":"resume","ticket":"$t"}}
           back < {ready}
           back lost
           wait 55
           again > {{"type":"resume","ticket":"$next"}}
           again < {RESUMED}
           wait 5"#
    );
    scene.play(&lines).await;
    scene.play(&format!("wait 10\nagain < {EXPIRED}\nagain x 4401 token_expired")).await;
    scene.end().await;
}

#[tokio::test]
async fn n54_a_connection_that_comes_back_takes_the_place_of_its_own_and_of_no_other() {
    let mut scene = Scene::start().await;
    let open = format!("phone > {{\"type\":\"authenticate\",\"token\":\"$a\"}}\nphone < {READY}");
    scene.play(&format!("policy refuse\nmember ann\ntoken a of ann\n{open}")).await;
    // The server has not noticed yet that the phone is cut off.
    scene.play(&format!("back > {{\"type\":\"resume\",\"ticket\":\"$t\"}}\nback < {RESUMED}")).await;
    let closing = r#"{"type":"closing","code":4410,"reason":"taken_over","action":"stop","after_ms":0}"#;
    scene.play(&format!("phone < {{\"type\":\"taken_over\"}}\nphone < {closing}\nphone x 4410 taken_over")).await;
    let closing = r#"{"type":"closing","code":4409,"reason":"already_connected","action":"stop","after_ms":0}"#;
    let other = format!(
        "desk > {{\"type\":\"authenticate\",\"token\":\"$a\"}}\ndesk < {closing}\ndesk x 4409 already_connected"
    );
    scene.play(&other).await;
    scene.end().await;
}
