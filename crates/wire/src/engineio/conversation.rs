//! The conversation on a line: Engine.IO's heartbeats, and one namespace of Socket.IO.

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ringfence_core::{
    context::Ctx,
    entropy::{Entropy, random},
};
use serde_json::{Map, Value};

use super::{
    packet,
    socketio::{Kind, Packet},
};
use crate::{
    live::{Directive, Ending, Line},
    pump::{Conversation, Step},
};

/// What a dialect does with its lines.
#[async_trait]
pub(crate) trait Inside: Send + 'static {
    /// Judges who wants to be connected to a namespace, and registers the line for them.
    async fn connect(&mut self, line: &mut Line, ctx: &Ctx, namespace: &str) -> Entry;

    /// Hears an event of whoever is connected and says what to answer. What it does not know it lets be.
    async fn hear(&mut self, ctx: &Ctx, name: &str, arguments: &[Value]) -> Vec<String>;

    /// Says what is due, each time that the client has answered a ping.
    async fn beat(&mut self, ctx: &Ctx) -> Vec<String>;

    /// Whether the client is told to stay away, and not only cut off, when its session ends so.
    fn stays_away(&self, ending: Ending) -> bool;
}

/// What comes of asking to be connected.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// Come in, and hear this.
    In(Vec<String>),
    /// No, and why.
    Refused(String),
    /// Not now: the line is closed without a word, so that the client comes back.
    Later,
}

/// The event that texts are sent as, in both directions of every such system.
const MESSAGE: &str = "message";

/// One side of a line.
pub(crate) struct SocketIo<I> {
    inside: I,
    /// Where somebody is connected. One line serves one session, and so one namespace.
    namespace: Option<Box<str>>,
}

impl<I: Inside> SocketIo<I> {
    pub(super) const fn new(inside: I) -> Self {
        Self { inside, namespace: None }
    }

    async fn on_packet(&mut self, line: &mut Line, ctx: &Ctx, Packet { namespace, kind }: Packet) -> Step {
        match (kind, self.namespace.as_deref()) {
            (Kind::Connect(_), None) => self.on_connect(line, ctx, namespace).await,
            (Kind::Connect(_), Some(open)) if open == namespace => breach(),
            (Kind::Connect(_), Some(_)) => {
                say(&[Packet::refusal(&namespace, "this line is connected to another namespace")])
            }
            // Before anybody was let in, or elsewhere than where (ATTACKS N60).
            (_, open) if open != Some(namespace.as_str()) => breach(),
            (Kind::Disconnect, _) => Step::close(1000, "disconnected"),
            (Kind::Event { name, arguments, .. }, _) => {
                say_in(&namespace, self.inside.hear(ctx, &name, &arguments).await)
            }
            // Of events that were never sent with a number.
            (Kind::Acknowledge { .. }, _) => Step::nothing(),
            (Kind::Refuse(_), _) => breach(),
        }
    }

    async fn on_connect(&mut self, line: &mut Line, ctx: &Ctx, namespace: String) -> Step {
        match self.inside.connect(line, ctx, &namespace).await {
            Entry::In(messages) => {
                let sid = name(line.authority().entropy().as_ref());
                let granted = Kind::Connect(Some(Map::from_iter([("sid".to_owned(), Value::String(sid))])));
                let mut packets = vec![Packet { namespace: namespace.clone(), kind: granted }];
                packets.extend(messages.into_iter().map(|text| Packet::event(&namespace, MESSAGE, text)));
                self.namespace = Some(namespace.into());
                say(&packets)
            }
            Entry::Refused(why) => {
                line.refused();
                say(&[Packet::refusal(&namespace, &why)])
            }
            Entry::Later => Step::close(1013, "try again later"),
        }
    }
}

#[async_trait]
impl<I: Inside> Conversation for SocketIo<I> {
    async fn on_frame(&mut self, line: &mut Line, ctx: &Ctx, text: &str) -> Step {
        match packet::Packet::parse(text) {
            Some(packet::Packet::Message(text)) => match Packet::parse(text) {
                Some(packet) => self.on_packet(line, ctx, packet).await,
                None => breach(),
            },
            Some(packet::Packet::Pong(_)) => match &self.namespace {
                Some(namespace) => say_in(namespace, self.inside.beat(ctx).await),
                None => Step::nothing(),
            },
            Some(packet::Packet::Close) => Step::close(1000, "closed"),
            // In version 4 the server asks and the client answers; and this is no probe.
            Some(
                packet::Packet::Open(_) | packet::Packet::Ping(_) | packet::Packet::Upgrade | packet::Packet::Noop,
            )
            | None => breach(),
        }
    }

    fn on_directive(&mut self, _line: &Line, directive: &Directive) -> Step {
        match (directive, &self.namespace) {
            (Directive::Tick, _) => Step::send(packet::Packet::Ping("").to_string()),
            (Directive::Ended(ending), Some(namespace)) if self.inside.stays_away(*ending) => {
                say(&[Packet { namespace: namespace.to_string(), kind: Kind::Disconnect }])
            }
            // Whoever is cut off without a word comes back, to this node or another, and hears there what there is to hear.
            (
                Directive::Ended(_)
                | Directive::Deliver(_)
                | Directive::TakenOver
                | Directive::ExpiresIn(_)
                | Directive::Draining { .. }
                | Directive::CutOff { .. }
                | Directive::Overdue
                | Directive::Silent
                | Directive::Flooding
                | Directive::Guessing
                | Directive::TooSlow
                | Directive::Stuck,
                _,
            ) => Step::nothing(),
        }
    }

    fn wrap(&self, text: String) -> String {
        match &self.namespace {
            Some(namespace) => framed(&Packet::event(namespace, MESSAGE, text)),
            // Nobody knows this line yet but whoever began it, with a frame.
            None => text,
        }
    }
}

/// A name that nobody guesses.
pub(super) fn name(entropy: &dyn Entropy) -> String {
    URL_SAFE_NO_PAD.encode(random::<16>(entropy))
}

fn framed(packet: &Packet) -> String {
    packet::Packet::Message(&packet.to_string()).to_string()
}

fn say(packets: &[Packet]) -> Step {
    Step { send: packets.iter().map(framed).collect(), close: None }
}

/// Messages to whoever is connected to a namespace.
fn say_in(namespace: &str, messages: Vec<String>) -> Step {
    let packets: Vec<Packet> = messages.into_iter().map(|text| Packet::event(namespace, MESSAGE, text)).collect();
    say(&packets)
}

/// What the reference server does with whoever says what cannot be said.
fn breach() -> Step {
    Step::close(1002, "protocol error")
}
