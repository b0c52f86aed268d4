//! What happens on connections, told in lines: the language of the vectors in `docs/socket.md`.
//!
//! | line | what it does |
//! | --- | --- |
//! | `member ann`, `guest gus` | somebody comes to be; `$ann` is the id |
//! | `token a of ann` | a sign-in, and its access token `$a` |
//! | `token b like a` | another token of the session of `$a` |
//! | `upgrade gus as m` | a guest becomes a member, whose token is `$m` |
//! | `revoke ann`, `suspend ann` | all sessions end, or the identity is switched off |
//! | `policy refuse` | the inbound policy of the application |
//! | `wait 30` | seconds pass; pings are answered |
//! | `phone > {…}` | a frame to the server; the first one opens the connection |
//! | `phone < {…}` | the next frame from it: `"…"` is anything, a new `$name` is kept |
//! | `phone x 4401 token_expired` | it is closed |
//! | `phone lost` | the connection is cut |

use std::{
    collections::{HashMap, VecDeque},
    future::poll_fn,
    net::IpAddr,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use ringfence_core::{
    application::ApplicationSettings,
    authority::{Authenticated, Upgrade, Upgraded},
    context::Ctx,
    presence::InboundPolicy,
    project::{ProjectPolicy, Span, TokenPolicy},
    secret::Password,
    session::SessionsOf,
    testing::{Member, World},
};
use serde_json::{Value, json};

use super::super::{HABITS, conversation::SocketConversation};
use crate::{
    App, Settings,
    live::{Directive, Line},
    native::NAME,
    pump::{Close, Conversation as _, Step},
    testing::Stage,
};

/// How long an access token of a scene lives.
const TOKEN: u64 = 300;

/// Turns of the other tasks after which nothing comes any more.
const PATIENCE: u32 = 500_000;

/// A node, and what happens on it.
pub(super) struct Scene {
    pub(super) world: World,
    pub(super) app: App,
    pub(super) settings: ApplicationSettings,
    members: HashMap<String, Member>,
    sessions: HashMap<String, Authenticated>,
    names: HashMap<String, String>,
    talks: HashMap<String, Talk>,
    origin: Option<&'static str>,
    address: Option<IpAddr>,
}

/// A connection without the socket.
struct Talk {
    line: Line,
    conversation: SocketConversation,
    heard: VecDeque<Value>,
    closed: Option<Close>,
}

impl Scene {
    pub(super) async fn start() -> Self {
        let Stage { world, app, .. } = Stage::start().await;
        let tokens = TokenPolicy { access: Span::seconds(TOKEN), ..TokenPolicy::default() };
        let policy = ProjectPolicy { tokens, ..world.home.project.policy.clone() };
        app.authority.configure_project(&world.ctx(), &world.home_permit(), policy).await.unwrap();
        let settings = Settings { public_url: "https://auth.test".to_owned(), ..Settings::default() };
        let app = App::new(app.authority, settings);
        tokio::spawn(Arc::clone(&app.live).run());
        tokio::task::yield_now().await;
        let settings = world.home.application.settings.clone();
        Self {
            world,
            app,
            settings,
            members: HashMap::new(),
            sessions: HashMap::new(),
            names: HashMap::new(),
            talks: HashMap::new(),
            origin: None,
            address: None,
        }
    }

    pub(super) fn ctx(&self) -> Ctx {
        let ctx = self.world.ctx_on(NAME);
        Ctx { address: self.address.or(ctx.address), ..ctx }
    }

    /// What `$name` stands for.
    pub(super) fn name(&self, name: &str) -> &str {
        &self.names[name]
    }

    /// Connections that open from now on are those of a page.
    pub(super) const fn opened_by_page(&mut self, origin: Option<&'static str>) {
        self.origin = origin;
    }

    /// Connections that open from now on come from there.
    pub(super) fn opened_at(&mut self, address: &str) {
        self.address = Some(address.parse().unwrap());
    }

    /// Has a text under a name.
    pub(super) fn keep(&mut self, name: &str, text: &str) {
        self.names.insert(name.to_owned(), text.to_owned());
    }

    pub(super) fn member(&self, name: &str) -> &Member {
        &self.members[name]
    }

    /// Returns when the store knows of so many connections.
    pub(super) async fn recorded(&self, count: usize) {
        for _ in 0..PATIENCE {
            let mut found = 0;
            for who in self.sessions.values() {
                found += self.app.authority.own_presence(&self.ctx(), who).await.unwrap().len();
            }
            if found >= count {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("presence is not recorded");
    }

    /// Changes the application.
    pub(super) async fn configure(&mut self, change: impl FnOnce(&mut ApplicationSettings)) {
        change(&mut self.settings);
        let (ctx, permit, id) = (self.ctx(), self.world.home_permit(), self.world.home.application.id);
        let settings = self.settings.clone();
        self.app.authority.configure_application(&ctx, &permit, id, settings, vec![]).await.unwrap();
    }

    /// Has a token of a session under a name.
    pub(super) async fn keep_token(&mut self, name: &str, who: Authenticated) {
        let token = self.app.authority.issue_token(&self.ctx(), &who, json!({})).await.unwrap().token;
        self.names.insert(name.to_owned(), token.expose().to_owned());
        self.sessions.insert(name.to_owned(), who);
    }

    /// Plays lines; the first word of a line that is none of ours is a connection.
    pub(super) async fn play(&mut self, lines: &str) {
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let mut words = line.splitn(2, ' ');
            let (first, rest) = (words.next().unwrap(), words.next().unwrap_or_default());
            let parts: Vec<&str> = rest.split(' ').collect();
            match (first, parts.as_slice()) {
                ("member", [name]) => {
                    let member = self.world.member(name).await;
                    self.names.insert((*name).to_owned(), member.identity.id.to_string());
                    self.members.insert((*name).to_owned(), member);
                }
                ("guest", [name]) => {
                    let visit = World::visit(&self.world.home);
                    let who = self.app.authority.sign_in(&self.ctx(), visit).await.unwrap();
                    self.names.insert((*name).to_owned(), who.identity.id.to_string());
                    self.sessions.insert((*name).to_owned(), who);
                }
                ("token", [name, "of", whose]) => {
                    let who = match self.members.get(*whose) {
                        Some(member) => self
                            .app
                            .authority
                            .sign_in(&self.ctx(), member.shows(ringfence_core::testing::PASSWORD))
                            .await
                            .unwrap(),
                        None => self.sessions[*whose].clone(),
                    };
                    self.keep_token(name, who).await;
                }
                ("token", [name, "like", other]) => self.keep_token(name, self.sessions[*other].clone()).await,
                ("upgrade", [guest, "as", name]) => self.upgrade(guest, name).await,
                ("revoke", [name]) => {
                    let (ctx, permit) = (self.ctx(), self.world.home_permit());
                    let of = SessionsOf::Identity(self.names[*name].parse().unwrap());
                    self.app.authority.revoke_sessions(&ctx, &permit, of).await.unwrap();
                }
                ("suspend", [name]) => {
                    let (ctx, permit, id) = (self.ctx(), self.world.home_permit(), self.names[*name].parse().unwrap());
                    self.app.authority.suspend_identity(&ctx, &permit, id, true).await.unwrap();
                }
                ("policy", [policy]) => {
                    let inbound: InboundPolicy = serde_json::from_value(json!(policy)).unwrap();
                    self.configure(|settings| settings.inbound = Some(inbound)).await;
                }
                ("wait", [seconds]) => self.wait(seconds.parse().unwrap()).await,
                (name, ["lost"]) => drop(self.talks.remove(name).expect("it is open")),
                (name, ["x", code, reason]) => self.expect_close(name, code.parse().unwrap(), reason).await,
                (name, [">", ..]) => self.say(name, &rest[2..]).await,
                (name, ["<", ..]) => self.expect(name, &rest[2..]).await,
                _ => panic!("no line of a scene: {line}"),
            }
        }
    }

    async fn upgrade(&mut self, guest: &str, name: &str) {
        let wanted = Upgrade {
            email: format!("{guest}@example.org"),
            password: Password::new(ringfence_core::testing::PASSWORD),
            verify: None,
        };
        let who = &self.sessions[guest];
        match self.app.authority.upgrade_guest(&self.ctx(), who, wanted).await.unwrap() {
            Upgraded::Member(member) => self.keep_token(name, *member).await,
            Upgraded::Taken(_) => panic!("the address is free"),
        }
    }

    /// Seconds pass, and everybody does what is due.
    pub(super) async fn wait(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.world.clock.advance(Duration::from_secs(1));
            for _ in 0..16 {
                tokio::task::yield_now().await;
            }
            // The store's threads have the time that they need.
            while !self.app.live.is_at_ease() {
                tokio::task::yield_now().await;
            }
            let ctx = self.ctx();
            for talk in self.talks.values_mut() {
                talk.take_in(&ctx).await;
            }
        }
    }

    async fn say(&mut self, name: &str, frame: &str) {
        let ctx = self.ctx();
        if !self.talks.contains_key(name) {
            let line = self.app.live.open(&ctx, &HABITS).unwrap().of_origin(self.origin);
            let conversation = SocketConversation::new(None);
            let talk = Talk { line, conversation, heard: VecDeque::new(), closed: None };
            self.talks.insert(name.to_owned(), talk);
        }
        let mut frame = frame.to_owned();
        for (name, value) in &self.names {
            frame = frame.replace(&format!("\"${name}\""), &format!("\"{value}\""));
        }
        let talk = self.talks.get_mut(name).unwrap();
        let step = talk.conversation.on_frame(&mut talk.line, &ctx, &frame).await;
        talk.line.heard();
        talk.keep(&step);
    }

    async fn expect(&mut self, name: &str, wanted: &str) {
        let wanted: Value = serde_json::from_str(wanted).unwrap_or_else(|error| panic!("{wanted}: {error}"));
        let ctx = self.ctx();
        let talk = self.talks.get_mut(name).expect("it is open");
        let frame = loop {
            let Some(frame) = talk.heard.pop_front() else {
                assert_eq!(talk.closed, None, "{name} waits for {wanted}");
                talk.next(&ctx).await;
                continue;
            };
            // What comes by itself comes anywhere.
            let casual = ["ping", "ticket"].map(Value::from).contains(&frame["type"]);
            if !casual || frame["type"] == wanted["type"] {
                break frame;
            }
        };
        self.compare(&wanted, &frame, &frame);
    }

    fn compare(&mut self, wanted: &Value, found: &Value, whole: &Value) {
        match (wanted, found) {
            (Value::Object(wanted), Value::Object(found)) => {
                // The numbers of frames depend on the pings between.
                let named = |object: &serde_json::Map<String, Value>| -> Vec<String> {
                    object.keys().filter(|key| *key != "seq").cloned().collect()
                };
                assert_eq!(named(wanted), named(found), "{whole}");
                for (key, value) in wanted {
                    self.compare(value, &found[key], whole);
                }
            }
            (Value::Array(wanted), Value::Array(found)) if wanted.len() == found.len() => {
                wanted.iter().zip(found).for_each(|(wanted, found)| self.compare(wanted, found, whole));
            }
            (Value::String(wanted), _) if wanted == "…" => {}
            (Value::String(wanted), Value::String(found)) if wanted.starts_with('$') => {
                let kept = self.names.entry(wanted[1..].to_owned()).or_insert_with(|| found.clone());
                assert_eq!(kept, found, "{wanted} in {whole}");
            }
            _ => assert_eq!(wanted, found, "{whole}"),
        }
    }

    async fn expect_close(&mut self, name: &str, code: u16, reason: &str) {
        let ctx = self.ctx();
        let mut talk = self.talks.remove(name).expect("it is open");
        while talk.closed.is_none() {
            talk.next(&ctx).await;
        }
        talk.heard.retain(|frame| frame["type"] != "ping" && frame["type"] != "ticket");
        assert_eq!(talk.heard, VecDeque::new(), "{name} heard more");
        let close = talk.closed.unwrap();
        assert_eq!((close.code, close.reason), (code, reason), "{name}");
    }

    /// Nothing was said that nobody listened to, and nobody was sent away.
    pub(super) async fn end(mut self) {
        self.wait(0).await;
        for (name, mut talk) in self.talks {
            talk.heard.retain(|frame| frame["type"] != "ping" && frame["type"] != "ticket");
            assert_eq!((talk.heard, talk.closed), (VecDeque::new(), None), "{name}");
        }
    }
}

impl Talk {
    fn keep(&mut self, step: &Step) {
        self.heard.extend(step.send.iter().map(|frame| serde_json::from_str::<Value>(frame).unwrap()));
        self.closed = self.closed.or(step.close);
    }

    async fn obey(&mut self, ctx: &Ctx, directive: &Directive) {
        let step = self.conversation.on_directive(&self.line, directive);
        self.keep(&step);
        if *directive == Directive::Tick {
            self.line.heard();
            let answer = self.conversation.on_frame(&mut self.line, ctx, r#"{"type":"pong"}"#).await;
            assert_eq!(answer, Step::nothing());
        }
    }

    /// Waits for the next thing that it is told, which comes by itself or never.
    async fn next(&mut self, ctx: &Ctx) {
        for _ in 0..PATIENCE {
            if let Some(directive) = self.now().await {
                return self.obey(ctx, &directive).await;
            }
            tokio::task::yield_now().await;
        }
        panic!("nothing more is said");
    }

    /// What it was told by now.
    async fn take_in(&mut self, ctx: &Ctx) {
        while let Some(directive) = self.now().await {
            self.obey(ctx, &directive).await;
        }
    }

    async fn now(&self) -> Option<Directive> {
        poll_fn(|context| match std::pin::pin!(self.line.directive()).as_mut().poll(context) {
            Poll::Ready(directive) => Poll::Ready(Some(directive)),
            Poll::Pending => Poll::Ready(None),
        })
        .await
    }
}
