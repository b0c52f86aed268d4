//! The channel without a socket: who connects, what they hear, how it ends.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ringfence_core::{
    application::Alias,
    caller::Caller,
    project::{ProjectPolicy, TurnPolicy},
    secret::TokenKind,
    session::SessionsOf,
    time::Timestamp,
};
use serde_json::json;

use super::*;
use crate::{
    app::{Mount, Relay, Settings},
    live::Directive,
    testing::Stage,
};

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// An application with its channel.
struct Place {
    stage: Stage,
    app: App,
    roster: Arc<Roster>,
}

/// Somebody's line.
struct Talk {
    line: Line,
    channel: Channel,
}

impl Place {
    async fn start() -> Self {
        let stage = Stage::start().await;
        let (world, authority) = (&stage.world, &stage.app.authority);
        let (ctx, permit) = (stage.ctx(), world.home_permit());
        let alias = Alias { scheme: super::super::API_KEY.to_owned(), value: KEY.to_owned() };
        let (id, settings) = (world.home.application.id, world.home.application.settings.clone());
        authority.configure_application(&ctx, &permit, id, settings, vec![alias]).await.unwrap();
        let project = world.home.project.name.clone();
        let app = stage.app.at(&Mount { dialect: "apirtc", project, ..Mount::default() });
        Self { stage, app, roster: Arc::default() }
    }

    /// The same with a relay of media, whose credentials live for `ttl`.
    async fn with_relay(guests: bool, ttl: Duration) -> Self {
        let mut place = Self::start().await;
        let (authority, ctx) = (&place.app.authority, place.stage.ctx());
        let permit = Caller::Operator.permit_installation().unwrap();
        authority.adopt_turn_secret(&ctx, &permit, authority.fresh_turn_secret()).await.unwrap();
        let policy = ProjectPolicy { turn: TurnPolicy { guests }, ..place.stage.world.home.project.policy.clone() };
        authority.configure_project(&ctx, &place.stage.world.home_permit(), policy).await.unwrap();
        let urls = vec!["turn:relay.example.org:3478".to_owned()];
        let turn = Some(Relay { realm: "relay.example.org".to_owned(), urls, ttl });
        place.app.settings = Arc::new(Settings { turn, ..Settings::default() });
        place
    }

    fn ctx(&self) -> Ctx {
        self.stage.world.ctx_on("apirtc")
    }

    fn open(&self, query: &str) -> Talk {
        let line = self.app.live.open(&self.ctx(), &HABITS).unwrap();
        let uri = format!("/socket.io/?{query}").parse().unwrap();
        let channel = Channel {
            app: self.app.clone(),
            roster: Arc::clone(&self.roster),
            connection: line.connection().id(),
            handshake: Some(Box::new(Handshake { uri, origin: None })),
            admitted: None,
            ticket: false,
            renew_at: None,
        };
        Talk { line, channel }
    }

    /// A guest who is in, and what it hears at once.
    async fn guest(&self, id: &str, namespace: &str) -> (Talk, Vec<Value>) {
        let mut talk = self.open(&format!("channelId={id}&apiKey={KEY}"));
        match talk.channel.connect(&mut talk.line, &self.ctx(), namespace).await {
            Entry::In(messages) => (talk, messages.iter().map(|text| serde_json::from_str(text).unwrap()).collect()),
            other => panic!("{other:?}"),
        }
    }

    async fn refused(&self, query: &str) -> String {
        let mut talk = self.open(query);
        match talk.channel.connect(&mut talk.line, &self.ctx(), "/").await {
            Entry::Refused(text) => text,
            other => panic!("{other:?}"),
        }
    }
}

impl Talk {
    /// The next message of another.
    async fn delivered(&self) -> Value {
        match self.line.directive().await {
            Directive::Deliver(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    async fn beat(&mut self, ctx: &Ctx) -> Vec<Value> {
        self.channel.beat(ctx).await.iter().map(|text| serde_json::from_str(text).unwrap()).collect()
    }

    async fn hear(&mut self, ctx: &Ctx, said: &[Value]) -> Vec<Value> {
        let answers = self.channel.hear(ctx, "an event", said).await;
        answers.iter().map(|text| serde_json::from_str(text).unwrap()).collect()
    }
}

/// The end of a token, unverified.
fn end_of(token: &Value) -> Timestamp {
    let claims = token.as_str().unwrap().split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    Timestamp::from_seconds(claims["exp"].as_i64().unwrap())
}

#[test]
fn a_namespace_is_a_ticket_between_slashes() {
    assert_eq!(["/", "/T/", "/T", "//", "/a/b/"].map(bare), ["", "T", "T", "", "a/b"]);
}

#[tokio::test]
async fn whoever_comes_in_hears_its_session_and_the_others_hear_of_it() {
    let place = Place::start().await;
    let (ann, messages) = place.guest("ann", "/").await;
    assert_eq!(messages[0]["type"], "sessionId");
    assert!(messages[0]["sessionId"].is_string());
    let (bob, _) = place.guest("bob", "/").await;
    let news = ann.delivered().await;
    assert_eq!(
        (&news["type"], &news["state"], &news["connectedUsersList"]),
        (&json!("updatePresence"), &json!("online"), &json!(["bob"]))
    );
    drop(bob);
    let news = ann.delivered().await;
    assert_eq!((&news["state"], &news["connectedUsersList"]), (&json!("offline"), &json!(["bob"])));
}

#[tokio::test]
async fn the_pushed_token_is_renewed_after_eleven_hours_and_outlives_the_wait() {
    let place = Place::start().await;
    let (mut ann, messages) = place.guest("ann", "/").await;
    let first = end_of(&messages[0]["JWTApzToken"]);
    place.stage.world.clock.advance(Duration::from_hours(11));
    let ctx = place.ctx();
    assert!(first > ctx.now);
    let answers = ann.hear(&ctx, &[json!(r#"{"type":"JWTTokenRefreshRequest"}"#)]).await;
    assert_eq!((answers.len(), &answers[0]["type"]), (1, &json!("JWTTokenRefreshAnswer")));
    assert!(end_of(&answers[0]["JWTApzToken"]) >= first);
}

/// Seconds for which the credential in an `enterpriseConfig` still counts.
fn relay_life(enterprise: &Value, now: Timestamp) -> i64 {
    assert_eq!(enterprise["type"], "enterpriseConfig");
    let text = enterprise["iceServers"].as_str().expect("the library parses a text");
    let configuration: Value = serde_json::from_str(text).unwrap();
    let server = &configuration["iceServers"][0];
    assert_eq!(server["urls"], json!(["turn:relay.example.org:3478"]));
    assert_eq!(server["credential"].as_str().map(str::len), Some(28));
    server["username"].as_str().unwrap().split_once(':').unwrap().0.parse::<i64>().unwrap() - now.seconds()
}

#[tokio::test]
async fn relays_are_pushed_with_a_credential_and_again_before_it_ends() {
    let place = Place::with_relay(true, Duration::from_mins(10)).await;
    let (mut ann, messages) = place.guest("ann", "/").await;
    assert_eq!(relay_life(&messages[1], place.ctx().now), 600);
    place.stage.world.clock.advance(Duration::from_mins(4));
    assert_eq!(ann.beat(&place.ctx()).await, [json!(null); 0]);
    place.stage.world.clock.advance(Duration::from_mins(1));
    assert_eq!(relay_life(&ann.beat(&place.ctx()).await[0], place.ctx().now), 600);
    assert_eq!(ann.beat(&place.ctx()).await, [json!(null); 0]);
}

#[tokio::test]
async fn n69_a_relay_s_credential_ends_with_the_session_and_guests_without_the_right_get_none() {
    let place = Place::with_relay(true, Duration::from_hours(24 * 365)).await;
    let (mut ann, messages) = place.guest("ann", "/").await;
    let session = messages[0]["sessionId"].as_str().unwrap().parse().unwrap();
    let session = place.app.authority.session(&place.stage.world.home_permit(), session).await.unwrap();
    let now = place.ctx().now;
    assert_eq!(relay_life(&messages[1], now), session.expires_at.seconds() - now.seconds());
    place.stage.world.clock.advance(Duration::from_hours(20));
    assert_eq!(ann.beat(&place.ctx()).await, [json!(null); 0], "there is none that lives longer");
    let place = Place::with_relay(false, Duration::from_mins(10)).await;
    let (_, messages) = place.guest("ann", "/").await;
    assert_eq!(messages[1], json!({ "type": "enterpriseConfig", "sentry": false }));
}

#[tokio::test]
async fn what_means_nothing_is_let_be() {
    let place = Place::start().await;
    let (mut ann, _) = place.guest("ann", "/").await;
    for said in [&[][..], &[json!(7)], &[json!("no JSON")], &[json!({ "type": "JWTTokenRefreshRequest" })]] {
        assert_eq!(ann.hear(&place.ctx(), said).await, [json!(null); 0], "{said:?}");
    }
    let mut stranger = place.open("");
    assert_eq!(stranger.hear(&place.ctx(), &[json!(r#"{"type":"JWTTokenRefreshRequest"}"#)]).await, [json!(null); 0]);
}

#[tokio::test]
async fn n60_a_query_that_is_not_whole_or_not_clear_lets_nobody_in() {
    let place = Place::start().await;
    for query in [
        String::new(),
        "channelId=ann".to_owned(),
        format!("apiKey={KEY}"),
        "channelId=ann&apiKey=ffffffffffffffffffffffffffffffff".to_owned(),
        format!("channelId=ann&channelId=bob&apiKey={KEY}"),
        format!("channelId=ann&apiKey={KEY}&apiKey={KEY}"),
        format!("channelId=ann%ff&apiKey={KEY}"),
        format!("channelId=ann%00&apiKey={KEY}"),
        format!("channelId={}&apiKey={KEY}", "x".repeat(129)),
    ] {
        assert_eq!(place.refused(&query).await, "not authorized", "{query}");
    }
    let text = place.refused(&format!("channelId=ann&apiKey={KEY}&token=nonsense")).await;
    assert!(text.starts_with("access token failure: "), "{text}");
}

#[tokio::test]
async fn a_revoked_guest_stays_away_and_one_whose_time_is_over_may_ask_again_without_a_ticket() {
    let place = Place::start().await;
    let (plain, messages) = place.guest("ann", "/").await;
    let session = messages[0]["sessionId"].as_str().unwrap().parse().unwrap();
    let (ctx, permit) = (place.ctx(), place.stage.world.home_permit());
    place.app.authority.revoke_sessions(&ctx, &permit, SessionsOf::Session(session)).await.unwrap();
    let Directive::Ended(ending) = plain.line.directive().await else { panic!("not ended") };
    assert!(plain.channel.stays_away(ending));
    assert!(!plain.channel.stays_away(Ending::Expired));
    let ticket = TokenKind::GuestTicket.mint(place.stage.world.entropy.as_ref());
    let (behind, _) = place.guest("bob", &format!("/{}/", ticket.expose())).await;
    assert!(behind.channel.stays_away(Ending::Expired));
}
