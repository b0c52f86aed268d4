//! Refreshing against a model: generated lives of three sessions, each step of which the authority must answer as the model
//! says. Generations, grace, races between two nodes, revocation, the end of the session. Covers N36, N37 and of N38 the ends.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect")]

mod support;

use std::{sync::Arc, time::Duration};

use proptest::prelude::*;
use ringfence_core::{
    application::{ApplicationSettings, ApplicationTokens},
    authority::{Authority, PresentedCredential, TokenRequest, TokenSet},
    context::Ctx,
    error::AuthError,
    event::SecurityEvent,
    ids::SessionId,
    project::{Grace, ProjectPolicy, Span, TokenPolicy},
    secret::RawToken,
    session::SessionsOf,
    testing::{World, outcome},
    time::{Clock as _, Timestamp},
};
use serde_json::json;
use tokio::task::JoinSet;

/// A face that refreshes.
const FACE: &str = "native";
/// Sessions in one life.
const SESSIONS: usize = 3;
const ACCESS: Duration = Duration::from_mins(5);
const SESSION: Duration = Duration::from_hours(2);

/// Something that happens.
#[derive(Clone, Debug)]
enum Step {
    /// A token is shown: the newest, or so many generations before it.
    Refresh { session: usize, back: usize },
    /// The same by several at once, on two nodes.
    Race { session: usize, back: usize, racers: usize },
    /// Time passes.
    Wait(Duration),
    /// Somebody ends the session.
    Revoke { session: usize },
}

/// What the model knows of a session.
struct Life {
    id: SessionId,
    /// Every set that was issued, in order.
    sets: Vec<Pair>,
    rotated_at: Timestamp,
    ends: Timestamp,
    revoked: bool,
}

/// What of a set must be identical when it is answered again.
#[derive(Clone, Debug, PartialEq)]
struct Pair {
    access: String,
    refresh: String,
    expires_at: Timestamp,
}

impl From<TokenSet> for Pair {
    fn from(set: TokenSet) -> Self {
        Self {
            access: set.access.expose().to_owned(),
            refresh: set.refresh.expose().to_owned(),
            expires_at: set.expires_at,
        }
    }
}

/// What the model says to a token.
#[derive(Debug, PartialEq)]
enum Verdict {
    /// The next generation.
    Next,
    /// The newest generation once more.
    Again,
    /// Refused, because it is over.
    Over(&'static str),
    /// Refused, and over from now on.
    Burned,
}

impl Life {
    fn judge(&self, back: usize, now: Timestamp, grace: Duration) -> Verdict {
        if self.revoked {
            Verdict::Over("session_revoked")
        } else if self.ends <= now {
            Verdict::Over("token_expired")
        } else if back == 0 {
            Verdict::Next
        } else if back == 1 && now.since(self.rotated_at) < grace {
            Verdict::Again
        } else {
            Verdict::Burned
        }
    }

    fn newest(&self) -> &Pair {
        self.sets.last().unwrap()
    }

    /// The token so many generations before the newest, or the oldest there is.
    fn token(&self, back: usize) -> (RawToken, usize) {
        let back = back.min(self.sets.len() - 1);
        (RawToken::new(&*self.sets[self.sets.len() - 1 - back].refresh), back)
    }
}

/// The authority beside the model.
struct Run {
    w: World,
    nodes: [Arc<Authority>; 2],
    lives: Vec<Life>,
    grace: Duration,
}

impl Run {
    async fn start(grace: u64) -> Self {
        let w = support::world().await;
        let tokens = TokenPolicy { access: span(ACCESS), refresh: span(SESSION), ..TokenPolicy::default() };
        let policy = ProjectPolicy { tokens, ..ProjectPolicy::default() };
        w.authority.configure_project(&w.ctx(), &w.home_permit(), policy).await.unwrap();
        let refresh_grace = Some(Grace::try_from(span(Duration::from_secs(grace))).unwrap());
        let settings =
            ApplicationSettings { tokens: ApplicationTokens { refresh_grace }, ..w.home.application.settings.clone() };
        let (permit, id) = (w.home_permit(), w.home.application.id);
        w.authority.configure_application(&w.ctx(), &permit, id, settings, vec![]).await.unwrap();
        let mut run = Self {
            nodes: [Arc::clone(&w.authority), w.node()],
            w,
            lives: Vec::new(),
            grace: Duration::from_secs(grace),
        };
        for _ in 0..SESSIONS {
            run.begin().await;
        }
        run.w.bus.take();
        run
    }

    async fn begin(&mut self) {
        let ctx = self.ctx();
        let who = self.w.authority.sign_in(&ctx, World::visit(&self.w.home)).await.unwrap();
        let first = self.w.authority.issue_tokens(&ctx, &who, wanted()).await.unwrap();
        let session = who.session.unwrap();
        let ends = ctx.now + SESSION;
        assert_eq!(session.expires_at, ends);
        let sets = vec![first.into()];
        self.lives.push(Life { id: session.id, sets, rotated_at: ctx.now, ends, revoked: false });
    }

    fn ctx(&self) -> Ctx {
        self.w.ctx_on(FACE)
    }

    async fn step(&mut self, step: &Step) {
        match *step {
            Step::Refresh { session, back } => self.race(session, back, 1).await,
            Step::Race { session, back, racers } => self.race(session, back, racers).await,
            Step::Wait(span) => self.w.clock.advance(span),
            Step::Revoke { session } => self.revoke(session).await,
        }
        self.compare().await;
    }

    /// Shows one token as often as there are racers: all are answered alike.
    async fn race(&mut self, session: usize, back: usize, racers: usize) {
        let (token, back) = self.lives[session].token(back);
        let now = self.w.clock.now();
        let verdict = self.lives[session].judge(back, now, self.grace);
        let answers = self.show(&token, racers).await;
        let life = &mut self.lives[session];
        match verdict {
            Verdict::Next => {
                let next: Pair = answers[0].as_ref().unwrap().clone();
                assert_ne!((&next.refresh, &next.access), (&life.newest().refresh, &life.newest().access));
                assert!(next.expires_at <= life.ends, "never beyond the session");
                life.sets.push(next);
                life.rotated_at = now;
                same(&answers, life.newest());
            }
            Verdict::Again => same(&answers, life.newest()),
            Verdict::Over(code) => all(&answers, code),
            Verdict::Burned => {
                all(&answers, "session_revoked");
                life.revoked = true;
            }
        }
        let announced = self.w.bus.take();
        let expected = if verdict == Verdict::Burned { vec![SecurityEvent::SessionRevoked(life.id)] } else { vec![] };
        assert_eq!(announced, expected, "announced once, and only what burned");
    }

    async fn show(&self, token: &RawToken, racers: usize) -> Vec<Result<Pair, AuthError>> {
        let mut racing = JoinSet::new();
        for number in 0..racers {
            let (node, ctx, token) = (Arc::clone(&self.nodes[number % 2]), self.ctx(), token.clone());
            racing.spawn(async move { node.refresh(&ctx, &token, wanted()).await.map(Pair::from) });
        }
        racing.join_all().await
    }

    async fn revoke(&mut self, session: usize) {
        let life = &mut self.lives[session];
        let of = SessionsOf::Session(life.id);
        let ended = self.w.authority.revoke_sessions(&self.w.ctx(), &self.w.home_permit(), of).await.unwrap();
        assert_eq!(ended.len(), usize::from(!life.revoked && life.ends > self.w.clock.now()));
        life.revoked |= !ended.is_empty();
        self.w.bus.take();
    }

    /// No session was lost, and none that is over is let in by its newest access token.
    async fn compare(&self) {
        // What a node remembers ends when it hears of it, which is not waited for here.
        let cold = self.w.node();
        let now = self.w.clock.now();
        for life in &self.lives {
            let shown = PresentedCredential::AccessToken(RawToken::new(&*life.newest().access));
            let expected = if life.newest().expires_at <= now {
                // Which of the two is said first is not this test's.
                continue;
            } else if life.revoked {
                "session_revoked"
            } else {
                "accepted"
            };
            assert_eq!(outcome(&cold.authenticate(&self.ctx(), shown).await), expected);
        }
    }
}

fn same(answers: &[Result<Pair, AuthError>], newest: &Pair) {
    for answer in answers {
        assert_eq!(answer.as_ref().unwrap(), newest);
    }
}

fn all(answers: &[Result<Pair, AuthError>], code: &str) {
    for answer in answers {
        assert_eq!(outcome(answer), code);
    }
}

fn wanted() -> TokenRequest<serde_json::Value> {
    TokenRequest { access: json!({}), id: None }
}

fn span(duration: Duration) -> Span {
    Span::parse(&format!("{}s", duration.as_secs())).unwrap()
}

fn any_step() -> impl Strategy<Value = Step> {
    let session = 0..SESSIONS;
    let waits = [1, 15, 29, 30, 31, 120, 299, 300, 599, 600, 601, 3600].map(Duration::from_secs);
    prop_oneof![
        8 => session.clone().prop_map(|session| Step::Refresh { session, back: 0 }),
        3 => session.clone().prop_map(|session| Step::Refresh { session, back: 1 }),
        1 => (session.clone(), 2..4_usize).prop_map(|(session, back)| Step::Refresh { session, back }),
        3 => (session.clone(), 0..2_usize, 2..6_usize)
            .prop_map(|(session, back, racers)| Step::Race { session, back, racers }),
        5 => proptest::sample::select(waits.to_vec()).prop_map(Step::Wait),
        1 => session.prop_map(|session| Step::Revoke { session }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn n36_n37_the_authority_refreshes_as_the_model_says(
        grace in proptest::sample::select(vec![1, 30, 600_u64]),
        steps in proptest::collection::vec(any_step(), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let mut run = Run::start(grace).await;
            for step in &steps {
                run.step(step).await;
            }
        });
    }
}
