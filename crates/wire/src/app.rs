//! What every handler shares, and where each dialect is mounted.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use ipnet::IpNet;
use ringfence_core::{authority::Authority, project::ProjectRef, time::BoxFuture, turn::TurnCredential};
use serde_json::{Value, json};

use crate::{
    feed::Feed,
    first::Demo,
    live::LiveConnections,
    mailbox::{Letter, Mailbox},
};

/// The one state of all routes. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The domain.
    pub authority: Arc<Authority>,
    /// The open connections of this node.
    pub live: Arc<LiveConnections>,
    /// What this node tells other servers.
    pub feed: Arc<Feed>,
    /// What the operator configured.
    pub settings: Arc<Settings>,
    /// The mount that a request came through.
    pub(crate) mount: Arc<Mount>,
}

/// What the operator configured for the HTTP faces.
#[derive(Debug, Default)]
pub struct Settings {
    /// Scheme and authority that clients reach us by, no slash at the end. Links are built from it, never from headers.
    pub public_url: String,
    /// Peers whose forwarded headers count.
    pub trusted_proxies: Vec<IpNet>,
    /// Where dialects are mounted; one that is not listed is off.
    pub mounts: Vec<Mount>,
    /// The development mailbox, if there is one.
    pub mailbox: Option<Arc<Mailbox>>,
    /// What the first page demonstrates with, in development.
    pub demo: Option<Demo>,
    /// The relays of media, if there are any.
    pub turn: Option<Relay>,
    /// Who shows what mails look like, to the console.
    pub letters: Option<Arc<dyn Letters>>,
    /// Who examines the installation for the console.
    pub doctor: Option<Arc<dyn Doctor>>,
}

/// Whoever knows what mails look like.
pub trait Letters: fmt::Debug + Send + Sync {
    /// One of each, under its name, in a language and for a sender.
    fn samples(&self, language: &str, sender: &str) -> Vec<(&'static str, Letter)>;
}

/// Whoever can say how the installation is: what `ringfence doctor` prints.
pub trait Doctor: fmt::Debug + Send + Sync {
    /// What is found now.
    fn examine(&self) -> BoxFuture<Vec<Finding>>;
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// How it is.
    pub verdict: Verdict,
    /// Why, in English.
    pub says: String,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Works, and should be looked at.
    Warn,
    /// Does not work.
    Fail,
}

/// Where relays of media are, and how long their credentials count.
#[derive(Clone, Debug)]
pub struct Relay {
    /// Their realm.
    pub realm: String,
    /// Their addresses, such as `turn:relay.example.org:3478`.
    pub urls: Vec<String>,
    /// The longest life of a credential.
    pub ttl: Duration,
}

impl Relay {
    /// What a browser's `RTCPeerConnection` takes, for whoever has this credential.
    pub(crate) fn ice_servers(&self, credential: &TurnCredential) -> Value {
        let (username, password) = (&credential.username, credential.password.expose());
        json!([{ "urls": self.urls, "username": username, "credential": password }])
    }
}

/// Where a dialect is reachable and what it speaks for.
#[derive(Clone, Default)]
pub struct Mount {
    /// The dialect's name, or `native` for everything that belongs to none.
    pub dialect: &'static str,
    /// The path it lies below, e.g. `/tiledesk`.
    pub prefix: String,
    /// Hosts at whose root it lies.
    pub hosts: Vec<String>,
    /// The project of requests that name no application.
    pub project: String,
    /// What only this dialect can be told, e.g. where its dashboard is.
    pub options: BTreeMap<String, String>,
}

impl fmt::Debug for Mount {
    /// Names the options only, for some hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mount")
            .field("dialect", &self.dialect)
            .field("prefix", &self.prefix)
            .field("hosts", &self.hosts)
            .field("project", &self.project)
            .field("options", &self.options.keys())
            .finish()
    }
}

impl App {
    /// The state of routes that belong to no dialect.
    pub fn new(authority: Arc<Authority>, settings: Settings) -> Self {
        let native = Mount { dialect: "native", project: "default".to_owned(), ..Mount::default() };
        let live = LiveConnections::new(Arc::clone(&authority));
        let feed = Feed::new(Arc::clone(&authority));
        Self { authority, live, feed, settings: Arc::new(settings), mount: Arc::new(native) }
    }

    /// The same state for the routes of a mount.
    pub(crate) fn at(&self, mount: &Mount) -> Self {
        Self { mount: Arc::new(mount.clone()), ..self.clone() }
    }

    /// The project of a request that names no application.
    pub(crate) fn project(&self) -> ProjectRef {
        ProjectRef::Name(self.mount.project.clone())
    }

    /// What this dialect was told under `name`.
    pub(crate) fn option(&self, name: &str) -> Option<&str> {
        self.mount.options.get(name).map(String::as_str)
    }
}
