//! Which of several devices is called, as project and connection say (ATTACKS N58).

use ringfence_core::{
    authority::GroupChange,
    presence::InboundPolicy::{self, All, Newest, Oldest, Refuse},
};
use serde_json::json;

use super::*;
use crate::testing::Subscriber;

impl Telnyx {
    /// Has the home project reach devices so, from their next login on.
    pub(super) async fn reach(&self, inbound: InboundPolicy) {
        let policy = ringfence_core::project::ProjectPolicy { inbound, ..self.stage.world.home.project.policy.clone() };
        let permit = self.stage.world.home_permit();
        self.stage.app.authority.configure_project(&self.ctx(), &permit, policy).await.unwrap();
    }

    async fn ring_all(&self, whose: &Subscriber, value: &str) {
        let attributes = json!({ "telnyx": { "inbound": { "simultaneous_ringing": value } } });
        let change = GroupChange { attributes: serde_json::from_value(attributes).unwrap(), ..GroupChange::default() };
        let (permit, number) = (self.stage.world.home_permit(), whose.endpoint.group.number);
        self.stage.app.authority.change_endpoint_group(&self.ctx(), &permit, number, change).await.unwrap();
    }

    /// Which of three devices, in order of login, ring when somebody calls.
    async fn rings(&self, whose: &Subscriber) -> [bool; 3] {
        let caller = self.stage.subscriber("caller").await;
        let mut caller = self.logged_in(caller.pair()).await;
        let mut devices = Vec::new();
        for _ in 0..3 {
            devices.push(self.logged_in(whose.pair()).await);
        }
        let dialled = json!({ "callID": "call-1", "destination_number": whose.endpoint.user_name });
        self.raw(&mut caller, "telnyx_rtc.invite", json!({ "sdp": "v=0", "dialogParams": dialled })).await;
        let mut rang = [false; 3];
        for (device, rang) in devices.iter_mut().zip(&mut rang) {
            *rang = device.delivered().await.iter().any(|frame| frame["method"] == "telnyx_rtc.invite");
        }
        rang
    }
}

#[tokio::test]
async fn n58_the_project_says_which_device_is_called() {
    for (policy, rung) in [(Newest, [false, false, true]), (Oldest, [true, false, false]), (All, [true; 3])] {
        let t = Telnyx::start().await;
        let bob = t.stage.subscriber("bob").await;
        t.reach(policy).await;
        assert_eq!(t.rings(&bob).await, rung, "{policy:?}");
    }
}

#[tokio::test]
async fn n58_a_connection_that_says_otherwise_is_believed() {
    for (project, connection, rung) in [
        (Newest, "enabled", [true; 3]),
        (Oldest, "disabled", [true, false, false]),
        (All, "disabled", [false, false, true]),
    ] {
        let t = Telnyx::start().await;
        let bob = t.stage.subscriber("bob").await;
        t.reach(project).await;
        t.ring_all(&bob, connection).await;
        assert_eq!(t.rings(&bob).await, rung, "{project:?} {connection}");
    }
}

#[tokio::test]
async fn n58_a_device_that_is_displaced_stays_and_is_reached_again_when_the_newer_goes() {
    let t = Telnyx::start().await;
    let bob = t.stage.subscriber("bob").await;
    let older = t.logged_in(bob.pair()).await;
    let newer = t.logged_in(bob.pair()).await;
    assert_eq!(older.directive_now().await, Some(Directive::TakenOver));
    let reached = || t.stage.app.live.reached(bob.endpoint.id, "telnyx").remove(0).id();
    assert_eq!(reached(), newer.line.connection().id());
    drop(newer);
    assert_eq!(reached(), older.line.connection().id());
}

#[tokio::test]
async fn n58_where_a_second_device_is_refused_it_is_told_so_and_the_first_stays() {
    let t = Telnyx::start().await;
    let bob = t.stage.subscriber("bob").await;
    t.reach(Refuse).await;
    let (mut first, mut second) = (t.logged_in(bob.pair()).await, t.open());
    let refused = t.say(&mut second, "login", bob.pair()).await;
    insta::assert_snapshot!(refused.join("\n"), @r#"{"jsonrpc":"2.0","id":"r","error":{"code":-32001,"message":"Another device is logged in"}}"#);
    assert!(t.say(&mut second, "telnyx_rtc.gatewayState", json!({})).await[0].contains("-32000"));
    // Renewing is not a second device.
    assert!(t.say(&mut first, "login", bob.pair()).await[0].contains("logged in"));
    drop(first);
    assert!(t.say(&mut second, "login", bob.pair()).await[0].contains("logged in"));
}

#[tokio::test]
async fn n54_whoever_shows_the_sessid_of_the_first_device_is_a_second_one_still() {
    let t = Telnyx::start().await;
    let bob = t.stage.subscriber("bob").await;
    t.reach(Refuse).await;
    let mut first = t.open();
    let mut params = bob.pair();
    params["sessid"] = t.raw(&mut first, "login", bob.pair()).await[0]["result"]["sessid"].clone();
    params["reconnection"] = true.into();
    let refused = t.raw(&mut t.open(), "login", params).await;
    assert_eq!(refused[0]["error"]["code"], -32001);
    assert!(t.say(&mut first, "telnyx_rtc.gatewayState", json!({})).await[0].contains("REGED"));
}
