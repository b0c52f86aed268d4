//! The vectors of `docs/socket.md`, replayed.

use super::scene::Scene;

#[tokio::test]
async fn every_vector_of_the_document_is_true() {
    let text = include_str!("../../../../../../docs/socket.md");
    let mut played = 0;
    for block in text.split("```vector\n").skip(1) {
        let lines = block.split("```").next().unwrap();
        let mut scene = Scene::start().await;
        scene.play(lines).await;
        scene.end().await;
        played += 1;
    }
    assert!(played >= 8, "{played} vectors");
}
