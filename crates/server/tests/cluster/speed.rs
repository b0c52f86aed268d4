//! How soon what is ended on one node is closed on the other.

use std::{future::Future, net::SocketAddr, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tokio::{sync::mpsc, task::JoinSet, time::timeout};

use crate::{
    DEADLINE,
    faces::{Face, closed, guest},
    nodes::{Cluster, PASSWORD, Wanted, now, sign_in},
    servers::Nats,
    support::http_with,
};

/// Sessions of each face, and sockets of each of them.
const GROUPS: usize = 20;
const SOCKETS: usize = 25;
/// Sockets that are opened at once.
const ABREAST: usize = 50;

/// Sockets that end together, and what ends them.
struct Group {
    face: Face,
    token: String,
    name: String,
    revoke: String,
}

impl Cluster {
    /// What `face` has: sessions that began on node A.
    async fn groups(&self, face: Face) -> Vec<Group> {
        let mut groups = Vec::new();
        for number in 0..GROUPS {
            let person = format!("p{}", number + if face == Face::Native { GROUPS } else { 0 });
            let (token, name, revoke) = match face {
                Face::Telnyx => {
                    let credential = tokio::task::block_in_place(|| self.credential());
                    let path = format!("/api/v1/admin/identities/{}/sessions", credential.id());
                    (tokio::task::block_in_place(|| credential.token()), String::new(), path)
                }
                Face::ApiRtc => {
                    let name = format!("guest-{number}");
                    let (_, token, session) = guest(self.a.main, &name).await;
                    (token, name, format!("/api/v1/admin/sessions/{session}"))
                }
                Face::Opentact => {
                    let basic = STANDARD.encode(format!("{person}@example.org:{PASSWORD}"));
                    let shown = format!("Authorization: Basic {basic}\r\n");
                    let (status, text) = http_with(&shown, self.a.main, "GET", "/opentact/rest/auth", None).unwrap();
                    assert_eq!(status, 200, "{text}");
                    let payload = serde_json::from_str::<Value>(&text).unwrap()["payload"].clone();
                    let text = |name: &str| payload[name].as_str().unwrap().to_owned();
                    (text("token"), String::new(), format!("/api/v1/admin/identities/{}/sessions", text("uuid")))
                }
                Face::Native => {
                    let (status, signed_in) = sign_in(&self.a, &person, PASSWORD);
                    assert_eq!(status, 200, "{signed_in}");
                    let token = signed_in["access_token"].as_str().unwrap().to_owned();
                    let session = signed_in["session_id"].as_str().unwrap();
                    (token, String::new(), format!("/api/v1/admin/sessions/{session}"))
                }
            };
            groups.push(Group { face, token, name, revoke });
        }
        groups
    }
}

/// Opens a socket of every group as often as wanted; each that is closed is heard of with the number of its group.
async fn open_all(node: SocketAddr, groups: &[Group]) -> mpsc::UnboundedReceiver<(usize, std::time::Instant)> {
    let (hears, closing) = mpsc::unbounded_channel();
    let mut opening: JoinSet<()> = JoinSet::new();
    for (number, group) in groups.iter().enumerate() {
        for _ in 0..SOCKETS {
            if opening.len() >= ABREAST {
                opening.join_next().await.unwrap().unwrap();
            }
            let (face, token, name, hears) = (group.face, group.token.clone(), group.name.clone(), hears.clone());
            opening.spawn(async move {
                let socket = face.open(node, &token, &name).await;
                tokio::spawn(async move { hears.send((number, closed(socket).await.0)) });
            });
        }
    }
    opening.join_all().await;
    closing
}

async fn in_time<T>(what: &str, work: impl Future<Output = T>) -> T {
    timeout(DEADLINE, work).await.unwrap_or_else(|_| panic!("waited in vain until {what}"))
}

async fn revocations_cross(bus: &str, name: &str) {
    let cluster = Cluster::of(Wanted { bus: bus.to_owned(), people: 2 * GROUPS, ..Wanted::default() });
    let mut groups = Vec::new();
    for face in Face::ALL {
        groups.extend(cluster.groups(face).await);
    }
    let mut closing = open_all(cluster.b.main, &groups).await;
    let mut delays: Vec<(Face, Duration)> = Vec::new();
    for (number, group) in groups.iter().enumerate() {
        let begun = now();
        tokio::task::block_in_place(|| cluster.ask("DELETE", &group.revoke, &json!({})));
        for _ in 0..SOCKETS {
            let (whose, at) = in_time("a socket is closed", closing.recv()).await.unwrap();
            assert_eq!(whose, number, "{:?}", group.face);
            delays.push((group.face, at.duration_since(begun)));
        }
    }
    for face in Face::ALL {
        let mut of_face: Vec<_> = delays.iter().filter(|(whose, _)| *whose == face).map(|(_, delay)| *delay).collect();
        of_face.sort();
        let part = |percent: usize| of_face[(of_face.len() * percent).div_ceil(100) - 1];
        eprintln!(
            "{name}, {face:?}: {} sockets, {GROUPS} revocations on the other node, from the request to closed: p50 {:?}, p99 {:?}, \
             last {:?}",
            of_face.len(),
            part(50),
            part(99),
            part(100)
        );
        assert!(part(99) < Duration::from_secs(1), "{name}, {face:?}: p99 {:?}", part(99));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_ended_on_one_node_is_closed_on_the_other_within_a_second_by_notify() {
    revocations_cross("", "LISTEN/NOTIFY").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_ended_on_one_node_is_closed_on_the_other_within_a_second_by_nats() {
    let nats = Nats::start();
    revocations_cross(&format!("url = \"{}\"", nats.url), "NATS").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_closes_sockets_on_every_node() {
    let cluster = Cluster::start();
    let credential = cluster.credential();
    let mut sockets = JoinSet::new();
    for node in [cluster.a.main, cluster.b.main] {
        sockets.spawn(closed(Face::Telnyx.open(node, &credential.token(), "").await));
    }
    let id = credential.id();
    let ran = cluster.folder.run(&["--config", "a.toml", "session", "revoke", "--identity", id]).done();
    assert!(ran.out.contains("Ended 2 sessions."), "{}", ran.out);
    let codes = in_time("both are closed", sockets.join_all()).await;
    assert!(codes.iter().all(|(_, code)| *code == Some(1008)), "{codes:?}");
    let nats = Nats::start();
    let (over_tls, trusted) = Nats::start_with_tls();
    let stranger = cluster.folder.file("stranger.pem", &rcgen::generate_simple_self_signed([]).unwrap().cert.pem());
    let (gone, wrong) = ("nats://127.0.0.1:1", nats.url.replace("s3cret", "hunter22"));
    let in_the_clear = over_tls.url.replace("tls://", "nats://");
    for (bus, ca, verdict, says) in [
        ("postgres:", None, "ok", "comes back"),
        (&nats.url, None, "ok", "nats: what is announced comes back"),
        (gone, None, "fail", "within 30 seconds"),
        (&wrong, None, "fail", "within 30 seconds"),
        ("local:", None, "warn", "within 30 seconds"),
        (&over_tls.url, Some(&trusted), "ok", "nats: what is announced comes back"),
        (&over_tls.url, Some(&stranger), "fail", "within 30 seconds"),
        (&over_tls.url, None, "fail", "within 30 seconds"),
        (&in_the_clear, None, "fail", "within 30 seconds"),
        (&nats.url.replace("nats://", "tls://"), Some(&trusted), "fail", "within 30 seconds"),
    ] {
        let mut command = cluster.folder.command(&["--json", "--config", "a.toml", "doctor"]);
        command.envs(ca.map(|file| ("RINGFENCE__BUS__CA_FILE", file)));
        let output = command.env("RINGFENCE__BUS__URL", bus).output().unwrap();
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        let mut found = found["findings"].as_array().unwrap().iter();
        let found = found.find(|finding| finding["check"] == "bus").unwrap();
        assert!(found["verdict"] == verdict && found["says"].as_str().unwrap().contains(says), "{bus}: {found}");
        assert!(!found.to_string().contains("hunter22"), "{found}");
    }
}
