//! Conversations: frames in, frames out.

mod attacks;
mod calls;
mod guests;
mod inbound;
mod login;

use std::{future::poll_fn, sync::Arc, task::Poll};

use ringfence_core::context::Ctx;
use serde_json::{Value, json};

use super::{calls::Switchboard, conversation::TelnyxConversation, socket::HABITS, voice::VoiceId};
use crate::{
    live::{Directive, Line},
    pump::{Close, Conversation as _, Step},
    testing::{Stage, tidy},
};

/// A stage and what its sockets share.
struct Telnyx {
    stage: Stage,
    switchboard: Arc<Switchboard>,
}

/// A socket without the socket.
struct Talk {
    line: Line,
    conversation: TelnyxConversation,
    seen: Vec<String>,
}

impl Telnyx {
    async fn start() -> Self {
        Self { stage: Stage::start().await, switchboard: Arc::default() }
    }

    /// A page opens a socket.
    fn open(&self) -> Talk {
        self.open_with("")
    }

    /// A page opens a socket with this query.
    fn open_with(&self, query: &str) -> Talk {
        let app = &self.stage.app;
        let line = app.live.open(&self.ctx(), &HABITS).unwrap();
        let voice = VoiceId::presented(query).unwrap_or_else(|| VoiceId::mint(app.authority.entropy().as_ref()));
        let conversation = TelnyxConversation::new(app.clone(), Arc::clone(&self.switchboard), voice, &line);
        Talk { line, conversation, seen: Vec::new() }
    }

    /// A page that is logged in.
    async fn logged_in(&self, params: Value) -> Talk {
        let mut talk = self.open();
        let answers = self.say(&mut talk, "login", params).await;
        assert!(answers[0].contains("logged in"), "{answers:?}");
        talk
    }

    fn ctx(&self) -> Ctx {
        self.stage.ctx()
    }

    /// What is answered to a request with the id `r`.
    async fn say(&self, talk: &mut Talk, method: &str, params: Value) -> Vec<String> {
        let frame = json!({ "jsonrpc": "2.0", "id": "r", "method": method, "params": params });
        self.frame(talk, &frame.to_string()).await
    }

    /// What is answered to a frame.
    async fn frame(&self, talk: &mut Talk, text: &str) -> Vec<String> {
        let step = talk.conversation.on_frame(&mut talk.line, &self.ctx(), text).await;
        assert_eq!(step.close, None);
        talk.tidy(&step.send)
    }

    /// What is answered to a frame, as it is.
    async fn raw(&self, talk: &mut Talk, method: &str, params: Value) -> Vec<Value> {
        let frame = json!({ "jsonrpc": "2.0", "id": "r", "method": method, "params": params });
        let step = talk.conversation.on_frame(&mut talk.line, &self.ctx(), &frame.to_string()).await;
        step.send.iter().map(|frame| serde_json::from_str(frame).unwrap()).collect()
    }
}

impl Talk {
    fn tidy(&mut self, frames: &[String]) -> Vec<String> {
        frames.iter().map(|frame| tidy(frame, &mut self.seen)).collect()
    }

    /// What others had sent to this page by now.
    async fn received(&mut self) -> Vec<String> {
        let mut frames = Vec::new();
        while let Some(directive) = self.directive_now().await {
            if let Directive::Deliver(frame) = directive {
                frames.push(frame);
            }
        }
        self.tidy(&frames)
    }

    /// What others had sent to this page by now, as it is.
    async fn delivered(&mut self) -> Vec<Value> {
        let mut frames = Vec::new();
        while let Some(directive) = self.directive_now().await {
            if let Directive::Deliver(frame) = directive {
                frames.push(serde_json::from_str(&frame).unwrap());
            }
        }
        frames
    }

    async fn directive_now(&self) -> Option<Directive> {
        poll_fn(|context| match std::pin::pin!(self.line.directive()).as_mut().poll(context) {
            Poll::Ready(directive) => Poll::Ready(Some(directive)),
            Poll::Pending => Poll::Ready(None),
        })
        .await
    }

    /// How it closes on what it is told next.
    async fn close(&mut self) -> Option<Close> {
        let directive = self.line.directive().await;
        let Step { close, .. } = self.conversation.on_directive(&self.line, &directive);
        close
    }
}
