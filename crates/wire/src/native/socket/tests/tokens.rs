//! Tokens that are to take the place of others: they renew or narrow.

use std::sync::Arc;

use ringfence_core::{authority::Authenticated, caller::Scope, session::Session};

use super::{READY, scene::Scene};

/// A session of ann's with other rights than she has, as the store would hold it.
async fn with_rights(scene: &Scene, scopes: &[Scope], change: impl FnOnce(&mut Session)) -> Authenticated {
    let member = scene.member("ann");
    let who = scene.world.sign_in_on("native", member).await;
    let mut session = Session::clone(who.session.as_ref().unwrap());
    session.id = ringfence_core::ids::SessionId::mint(scene.ctx().now, scene.world.entropy.as_ref());
    session.scopes = scopes.iter().copied().collect();
    change(&mut session);
    let stored = session.clone();
    scene.world.store.write(move |tx| Ok(tx.insert_session(&stored, None)?)).await.unwrap();
    Authenticated { scopes: session.scopes.clone(), session: Some(Arc::new(session)), ..who }
}

async fn admitted(scopes: &[Scope]) -> Scene {
    let mut scene = Scene::start().await;
    scene.play("member ann").await;
    let who = with_rights(&scene, scopes, |_| ()).await;
    scene.keep_token("a", who).await;
    scene.play(&format!("phone > {{\"type\":\"authenticate\",\"token\":\"$a\"}}\nphone < {READY}")).await;
    scene
}

/// Shows `$b`, which is refused with `code`, and then that everything is as it was.
async fn refused(mut scene: Scene, code: &str) {
    let lines = format!(
        r#"phone > {{"type":"token.update","token":"$b"}}
           phone < {{"type":"refused","code":"{code}"}}
           phone > {{"type":"token.update","token":"$a"}}
           phone < {{"type":"updated","session":"$s","expires_in":"…","server_time":"…","resume":{{"ticket":"…","expires_in":300}}}}"#
    );
    scene.play(&lines).await;
    scene.end().await;
}

#[tokio::test]
async fn n50_a_token_of_another_application_is_refused_and_the_rights_stay() {
    let mut scene = admitted(&[]).await;
    let other = scene.world.application(&scene.world.home, "other").await.application.id;
    let who = with_rights(&scene, &[], |session| session.application = Some(other)).await;
    let application =
        scene.app.authority.find_application(ringfence_core::project::ProjectRef::Application(other)).await;
    let who = Authenticated { application: Some(Arc::new(application.unwrap().1)), ..who };
    scene.keep_token("b", who).await;
    refused(scene, "app_mismatch").await;
}

#[tokio::test]
async fn n51_more_scope_is_refused_and_less_is_taken() {
    let mut scene = admitted(&[Scope::IdentitiesRead]).await;
    let wider = with_rights(&scene, &[Scope::IdentitiesRead, Scope::SessionsWrite], |_| ()).await;
    scene.keep_token("b", wider).await;
    refused(scene, "token_wider").await;

    let mut scene = admitted(&[Scope::IdentitiesRead, Scope::SessionsWrite]).await;
    let narrower = with_rights(&scene, &[Scope::IdentitiesRead], |_| ()).await;
    scene.keep_token("b", narrower).await;
    let back = with_rights(&scene, &[Scope::IdentitiesRead, Scope::SessionsWrite], |_| ()).await;
    scene.keep_token("c", back).await;
    scene
        .play(
            r#"phone > {"type":"token.update","token":"$b"}
               phone < {"type":"updated","session":"…","expires_in":300,"server_time":"…","resume":{"ticket":"…","expires_in":300}}
               phone > {"type":"token.update","token":"$c"}
               phone < {"type":"refused","code":"token_wider"}"#,
        )
        .await;
    scene.end().await;
}

#[tokio::test]
async fn n51_another_guest_target_is_refused() {
    let mut scene = admitted(&[]).await;
    let (ctx, permit) = (scene.ctx(), scene.world.home_permit());
    let target =
        scene.app.authority.add_guest_target(&ctx, &permit, "room".to_owned(), "one".to_owned()).await.unwrap();
    let who = with_rights(&scene, &[], |session| session.target = Some(target.id)).await;
    scene.keep_token("b", who).await;
    refused(scene, "token_wider").await;
}

#[tokio::test]
async fn n52_a_revoked_token_is_refused_and_the_connection_lives_until_its_own_end() {
    let mut scene = admitted(&[]).await;
    let who = with_rights(&scene, &[], |_| ()).await;
    let session = who.session.as_ref().unwrap().id;
    scene.keep_token("b", who).await;
    let (ctx, permit) = (scene.ctx(), scene.world.home_permit());
    let of = ringfence_core::session::SessionsOf::Session(session);
    scene.app.authority.revoke_sessions(&ctx, &permit, of).await.unwrap();
    refused(scene, "session_revoked").await;
}

#[tokio::test]
async fn n52_a_token_whose_time_is_over_is_refused() {
    let mut scene = admitted(&[]).await;
    scene.play("token b like a\nwait 290\ntoken c like a").await;
    scene
        .play(
            r#"phone < {"type":"expiring","seconds_left":60}
               phone < {"type":"expiring","seconds_left":30}
               phone < {"type":"expiring","seconds_left":10}
               wait 15
               phone > {"type":"token.update","token":"$b"}
               phone < {"type":"refused","code":"token_expired"}
               phone > {"type":"token.update","token":"$c"}
               phone < {"type":"updated","session":"…","expires_in":285,"server_time":"…","resume":{"ticket":"…","expires_in":300}}
               wait 100"#,
        )
        .await;
    scene.end().await;
}

#[tokio::test]
async fn n55_a_token_from_before_a_revocation_opens_nothing() {
    let mut scene = admitted(&[]).await;
    let closing = super::stop("session_revoked");
    let lines = format!(
        r#"revoke ann
           phone < {closing}
           phone x 4403 session_revoked
           back > {{"type":"authenticate","token":"$a"}}
           back < {closing}
           back x 4403 session_revoked"#
    );
    scene.play(&lines).await;
    scene.end().await;
}

#[tokio::test]
async fn n19_no_other_kind_of_token_admits() {
    let mut scene = admitted(&[]).await;
    let key = scene.world.api_key(&[]).await;
    scene.keep("key", key.value.expose());
    let closing = super::stop("token_type");
    let lines = format!(
        r#"one > {{"type":"authenticate","token":"$key"}}
           one < {closing}
           one x 4403 token_type
           two > {{"type":"authenticate","token":"$t"}}
           two < {closing}
           two x 4403 token_type
           three > {{"type":"resume","ticket":"$a"}}
           three < {closing}
           three x 4403 token_type"#
    );
    scene.play(&lines).await;
    scene.end().await;
}
