//! Frames in, frames out.

use super::*;
use crate::{
    engineio::conversation::SocketIo,
    live::Directive,
    pump::{Close, Conversation as _, Step},
};

/// A line without anything that carries it.
struct Talk<'a> {
    stage: &'a Stage,
    line: Line,
    conversation: SocketIo<Door>,
}

impl<'a> Talk<'a> {
    fn begin(stage: &'a Stage, query: &str) -> Self {
        let line = stage.app.live.open(&stage.ctx(), &HABITS).unwrap();
        let handshake = Handshake { uri: format!("/socket.io/?{query}").parse().unwrap(), origin: None };
        let conversation = SocketIo::new(Door { app: stage.app.clone(), handshake });
        Self { stage, line, conversation }
    }

    async fn hear(&mut self, frame: &str) -> Step {
        self.conversation.on_frame(&mut self.line, &self.stage.ctx(), frame).await
    }

    /// What is said to a frame, and the code of a good-bye.
    async fn answers(&mut self, frame: &str) -> (Vec<String>, Option<u16>) {
        let Step { send, close } = self.hear(frame).await;
        (send.iter().map(|frame| tidy(frame)).collect(), close.map(|Close { code, .. }| code))
    }
}

fn only(frames: &[&str]) -> (Vec<String>, Option<u16>) {
    (frames.iter().map(|&frame| frame.to_owned()).collect(), None)
}

const BREACH: (Vec<String>, Option<u16>) = (Vec::new(), Some(1002));

async fn ann(stage: &Stage) -> String {
    let ann = stage.subscriber("ann").await;
    format!("token={}", stage.token(&ann).await.expose())
}

#[tokio::test]
async fn whoever_shows_something_is_let_in_and_heard() {
    let stage = Stage::start().await;
    let query = ann(&stage).await;
    let mut talk = Talk::begin(&stage, &query);
    assert_eq!(talk.answers("40").await, only(&[r#"40{"sid":"<sid>"}"#, r#"42["message","welcome"]"#]));
    assert_eq!(talk.answers(r#"42["echo","{}"]"#).await, only(&[r#"42["message","{}"]"#]));
    assert_eq!(talk.answers("3").await, only(&[]));
    assert_eq!(talk.answers("41").await, (vec![], Some(1000)));
}

#[tokio::test]
async fn a_namespace_is_named_in_everything_that_belongs_to_it() {
    let stage = Stage::start().await;
    let query = ann(&stage).await;
    let mut talk = Talk::begin(&stage, &query);
    let welcome = talk.answers("40/T/,").await;
    assert_eq!(welcome, only(&[r#"40/T/,{"sid":"<sid>"}"#, r#"42/T/,["message","welcome"]"#]));
    assert_eq!(talk.answers(r#"42/T/,7["echo","é"]"#).await, only(&[r#"42/T/,["message","é"]"#]));
    assert_eq!(talk.conversation.wrap("x".to_owned()), r#"42/T/,["message","x"]"#);
    let told = Directive::Ended(Ending::Revoked(stage.ctx().now));
    assert_eq!(talk.conversation.on_directive(&talk.line, &told).send, ["41/T/,"]);
    let told = Directive::Ended(Ending::Expired);
    assert_eq!(talk.conversation.on_directive(&talk.line, &told), Step::nothing());
    assert_eq!(talk.answers("41/T/,").await, (vec![], Some(1000)));
}

#[tokio::test]
async fn n60_whoever_shows_nothing_is_refused_with_a_reason_and_may_not_say_more() {
    let stage = Stage::start().await;
    let mut talk = Talk::begin(&stage, "name=ann");
    assert_eq!(talk.answers("40").await, only(&[r#"44{"message":"not authorized"}"#]));
    assert_eq!(talk.answers("40/T/,").await, only(&[r#"44/T/,{"message":"not authorized"}"#]));
    assert_eq!(talk.answers(r#"42["echo","{}"]"#).await, BREACH);
    assert_eq!(talk.conversation.on_directive(&talk.line, &Directive::Overdue), Step::nothing());
}

#[tokio::test]
async fn n60_events_before_a_connect_or_in_another_namespace_end_the_line() {
    let stage = Stage::start().await;
    let query = ann(&stage).await;
    for (frames, last) in [
        (&[][..], r#"42["echo","{}"]"#),
        (&[], "41"),
        (&[], r#"42/T/,["echo","{}"]"#),
        (&["40"], r#"42/T/,["echo","{}"]"#),
        (&["40/T/,"], r#"42["echo","{}"]"#),
        (&["40/T/,"], "41"),
        (&["40"], "40"),
        (&["40"], r#"44{"message":"not authorized"}"#),
    ] {
        let mut talk = Talk::begin(&stage, &query);
        for frame in frames {
            assert_eq!(talk.hear(frame).await.close, None, "{frame}");
        }
        assert_eq!(talk.answers(last).await, BREACH, "{frames:?} {last}");
    }
}

#[tokio::test]
async fn one_line_serves_one_namespace() {
    let stage = Stage::start().await;
    let query = ann(&stage).await;
    let mut talk = Talk::begin(&stage, &query);
    talk.hear("40/T/,").await;
    let refusal = r#"44{"message":"this line is connected to another namespace"}"#;
    assert_eq!(talk.answers("40").await, only(&[refusal]));
    assert_eq!(talk.answers(r#"42/T/,["echo","a"]"#).await, only(&[r#"42/T/,["message","a"]"#]));
}

#[tokio::test]
async fn what_is_not_known_is_let_be_and_what_is_no_packet_ends_the_line() {
    let stage = Stage::start().await;
    let query = ann(&stage).await;
    let mut talk = Talk::begin(&stage, &query);
    talk.hear("40").await;
    for frame in [r#"42["nonsense",{"a":[1]}]"#, r#"42["echo"]"#, r#"4217["echo",1]"#, "43[]", "431[]", "3probe"] {
        let expected = if frame == "43[]" { BREACH } else { only(&[]) };
        assert_eq!(talk.answers(frame).await, expected, "{frame}");
    }
    for frame in ["", "2", "2probe", "5", "6", "7", "0{}", "4", "42", "451-[\"x\",{}]", "bAQID", "42[\"echo\""] {
        assert_eq!(talk.answers(frame).await, BREACH, "{frame:?}");
    }
    assert_eq!(talk.answers("1").await, (vec![], Some(1000)));
}

#[tokio::test]
async fn n56_guessing_ends_the_line() {
    let stage = Stage::start().await;
    let mut talk = Talk::begin(&stage, "token=guess");
    for _ in 0..HABITS.failures {
        talk.hear("40").await;
    }
    assert_eq!(talk.line.directive().await, Directive::Guessing);
}

#[tokio::test]
async fn whoever_has_to_come_back_later_is_cut_off_without_a_word() {
    let stage = Stage::start().await;
    assert_eq!(Talk::begin(&stage, "").answers("40/later/,").await, (vec![], Some(1013)));
    assert_eq!(Talk::begin(&stage, "").answers("40/closed/,").await, only(&[r#"44/closed/,{"message":"closed"}"#]));
}

#[tokio::test]
async fn heartbeats_come_from_here() {
    let stage = Stage::start().await;
    let query = ann(&stage).await;
    let mut talk = Talk::begin(&stage, &query);
    talk.hear("40").await;
    stage.world.clock.advance(Duration::from_secs(25));
    let told = talk.line.directive().await;
    assert_eq!(
        (&told, talk.conversation.on_directive(&talk.line, &told).send),
        (&Directive::Tick, vec!["2".to_owned()])
    );
}
