//! How connections end, and who is seen.

use std::time::Duration;

use super::{READY, scene::Scene, stop};

#[tokio::test]
async fn n57_an_application_says_how_long_before_and_after_the_end() {
    let mut scene = Scene::start().await;
    scene
        .configure(|settings| {
            settings.socket = serde_json::from_str(r#"{"warning":"2m","grace":"3s"}"#).unwrap();
        })
        .await;
    let lines = format!(
        r#"member ann
           token a of ann
           phone > {{"type":"authenticate","token":"$a"}}
           phone < {READY}
           wait 180
           phone < {{"type":"expiring","seconds_left":120}}
           wait 90
           phone < {{"type":"expiring","seconds_left":30}}
           wait 20
           phone < {{"type":"expiring","seconds_left":10}}
           wait 12
           phone > {{"type":"ping"}}
           phone < {{"type":"pong"}}
           wait 1
           phone < {{"type":"closing","code":4401,"reason":"token_expired","action":"refresh","after_ms":0}}
           phone x 4401 token_expired"#
    );
    scene.play(&lines).await;
    scene.end().await;
}

#[tokio::test]
async fn an_application_that_is_switched_off_sends_its_connections_away() {
    let mut scene = Scene::start().await;
    scene
        .play(&format!(
            "member ann\ntoken a of ann\nphone > {{\"type\":\"authenticate\",\"token\":\"$a\"}}\nphone < {READY}"
        ))
        .await;
    let (ctx, permit, id) = (scene.ctx(), scene.world.home_permit(), scene.world.home.application.id);
    scene.app.authority.disable_application(&ctx, &permit, id, true).await.unwrap();
    scene.play(&format!("phone < {}\nphone x 4403 session_revoked", stop("session_revoked"))).await;
    scene.end().await;
}

#[tokio::test]
async fn a_node_that_stops_gives_a_ticket_and_says_when_to_come_back() {
    let mut scene = Scene::start().await;
    scene
        .play(&format!(
            "member ann\ntoken a of ann\nphone > {{\"type\":\"authenticate\",\"token\":\"$a\"}}\nphone < {READY}"
        ))
        .await;
    let live = std::sync::Arc::clone(&scene.app.live);
    let draining = tokio::spawn(async move { live.drain(Duration::from_secs(10)).await });
    scene
        .play(
            r#"phone < {"type":"ticket","resume":{"ticket":"…","expires_in":300}}
               phone < {"type":"closing","code":1012,"reason":"restarting","action":"retry","after_ms":"…"}
               phone x 1012 restarting"#,
        )
        .await;
    draining.await.unwrap();
    scene.end().await;
}

#[tokio::test]
async fn n58_under_oldest_the_newer_one_stays_and_knows_that_it_is_not_reached() {
    let mut scene = Scene::start().await;
    let standing_by = READY.replace("\"reached\":true", "\"reached\":false").replace("$t", "$u");
    let lines = format!(
        r#"policy oldest
           member ann
           token a of ann
           phone > {{"type":"authenticate","token":"$a"}}
           phone < {READY}
           desk > {{"type":"authenticate","token":"$a"}}
           desk < {standing_by}"#
    );
    scene.play(&lines).await;
    scene.end().await;
}

#[tokio::test]
async fn presence_shows_members_of_the_application_to_members_only() {
    let mut scene = Scene::start().await;
    let [bobs, gus] = ["b", "g"].map(|n| READY.replace("$s", &format!("$s{n}")).replace("$t", &format!("$t{n}")));
    let lines = format!(
        r#"member ann
           member bob
           member cid
           guest gus
           token a of ann
           token b of bob
           token g of gus
           ann > {{"type":"authenticate","token":"$a"}}
           ann < {READY}
           bob > {{"type":"authenticate","token":"$b"}}
           bob < {bobs}
           gus > {{"type":"authenticate","token":"$g"}}
           gus < {gus}"#
    );
    scene.play(&lines).await;
    scene.recorded(3).await;
    scene
        .play(
            r#"ann > {"type":"presence.query","identities":["$bob","$cid","$bob"]}
               ann < {"type":"presence","identities":[{"id":"$bob","online":true,"since":"…"},{"id":"$cid","online":false}]}
               gus > {"type":"presence.query","identities":["$bob","$gus"]}
               gus < {"type":"presence","identities":[{"id":"$bob","online":false},{"id":"$gus","online":true,"since":"…"}]}
               ann > {"type":"presence.query","identities":[]}
               ann < {"type":"error","code":"invalid"}"#,
        )
        .await;
    scene.end().await;
}
