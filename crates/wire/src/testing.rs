//! What in-crate tests share: an application over a world, with the faces of this crate.

use std::{collections::HashMap, sync::Arc};

use ringfence_core::{
    authority::{EndpointRequest, GroupRequest},
    caller::Permit,
    context::Ctx,
    endpoint::Endpoint,
    event::SharedBus,
    secret::{Password, RawToken},
    testing::{SeededEntropy, Severable, World},
};
use ringfence_store::{Options, open};
use serde_json::{Map, Value, json};

use crate::{App, Mount, Settings};

/// An application with the Telnyx face for the home project of its world.
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) app: App,
    /// The way of this node, and not of the world's, to the database.
    pub(crate) way: Arc<Severable>,
}

/// Somebody with a credential.
pub(crate) struct Subscriber {
    pub(crate) endpoint: Endpoint,
    pub(crate) secret: Password,
}

impl Subscriber {
    /// The parameters of its login.
    pub(crate) fn pair(&self) -> Value {
        json!({ "login": self.endpoint.user_name, "passwd": self.secret.expose() })
    }
}

impl Stage {
    /// On a new database, with time at work.
    pub(crate) async fn start() -> Self {
        Self::start_with(HashMap::new()).await
    }

    /// The same, with options for the mount.
    pub(crate) async fn start_with(options: HashMap<&str, &str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("ringfence.db").to_str().unwrap());
        let opened = open(&url, &Options::default()).unwrap();
        let world = World::start(opened.store()).await.holding((opened, folder));
        let (store, way) = Severable::of(&world.store);
        let authority = world.node_with(|parts| {
            parts.shapes = crate::token_shapes();
            parts.store = store;
        });
        let options = options.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let project = world.home.project.name.clone();
        let mount = Mount { dialect: "telnyx", prefix: "/telnyx".to_owned(), project, options, ..Mount::default() };
        let settings =
            Settings { public_url: "https://auth.test".to_owned(), mounts: vec![mount.clone()], ..Settings::default() };
        let app = App::new(authority, settings).at(&mount);
        tokio::spawn(Arc::clone(&app.live).run());
        // Until it listens.
        tokio::task::yield_now().await;
        Self { world, app, way }
    }

    /// Another node on the same database, with a bus or cut off from it.
    pub(crate) fn another(&self, bus: SharedBus) -> App {
        let authority = self.world.node_with(|parts| {
            parts.shapes = crate::token_shapes();
            parts.bus = bus;
            parts.entropy = SeededEntropy::new(7);
        });
        let settings = Settings {
            public_url: self.app.settings.public_url.clone(),
            mounts: self.app.settings.mounts.clone(),
            ..Settings::default()
        };
        let app = App::new(authority, settings).at(&self.app.mount);
        tokio::spawn(Arc::clone(&app.live).run());
        app
    }

    /// A request of now through the Telnyx face.
    pub(crate) fn ctx(&self) -> Ctx {
        self.world.ctx_on("telnyx")
    }

    /// A credential in a connection of its own.
    pub(crate) async fn subscriber(&self, name: &str) -> Subscriber {
        self.subscriber_tagged(name, None).await
    }

    pub(crate) async fn subscriber_tagged(&self, name: &str, tag: Option<&str>) -> Subscriber {
        self.subscriber_of(&self.world.home_permit(), name, tag).await
    }

    /// The same in the project of the permit.
    pub(crate) async fn subscriber_of(&self, permit: &Permit, name: &str, tag: Option<&str>) -> Subscriber {
        let (authority, ctx) = (&self.app.authority, self.ctx());
        let wanted = GroupRequest {
            name: format!("{name}s"),
            user_name: format!("{name}group"),
            password: None,
            attributes: Map::new(),
            outbound_profile: None,
            disabled: false,
        };
        let group = authority.create_endpoint_group(&ctx, permit, wanted).await.unwrap().group;
        let wanted = EndpointRequest {
            group: group.number,
            user_name: name.to_owned(),
            name: name.to_owned(),
            tag: tag.map(str::to_owned),
            expires_at: None,
        };
        let endpoint = authority.create_endpoint(&ctx, permit, wanted).await.unwrap();
        let secret = authority.endpoint_secret(permit, &endpoint).unwrap();
        Subscriber { endpoint, secret }
    }

    /// A token for a credential.
    pub(crate) async fn token(&self, of: &Subscriber) -> RawToken {
        let (ctx, permit) = (self.ctx(), self.world.permit(of.endpoint.group.project));
        let issued = self.app.authority.issue_endpoint_token(&ctx, &permit, of.endpoint.id, json!({})).await;
        issued.unwrap().token
    }

    /// Lets a guest target be.
    pub(crate) async fn target(&self, kind: &str, name: &str) {
        let (ctx, permit) = (self.ctx(), self.world.home_permit());
        self.app.authority.add_guest_target(&ctx, &permit, kind.to_owned(), name.to_owned()).await.unwrap();
    }
}

/// Text in which ids, ticks and tabs have names in order of appearance, so that it is the same in each run.
pub(crate) fn tidy(text: &str, seen: &mut Vec<String>) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let mut tidied = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let uuid = word.len() == 36 && word.bytes().filter(|byte| *byte == b'-').count() == 4;
        if uuid || word.starts_with("VSDK1") {
            let place = seen.iter().position(|known| known == word).unwrap_or_else(|| {
                seen.push(word.to_owned());
                seen.len() - 1
            });
            let name = if uuid { "id" } else { "voice" };
            tidied.extend(["<", name, "-", &(place + 1).to_string(), ">"]);
        } else {
            tidied.push_str(word);
        }
        let separator = after.find(is_word).unwrap_or(after.len());
        tidied.push_str(&after[..separator]);
        rest = &after[separator..];
    }
    tidied
}
