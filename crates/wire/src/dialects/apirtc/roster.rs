//! Who is on the channel of which application, in which groups, and who wants to know (sheet, 1.7 and 1.8).
//!
//! Of this node alone: users of another node are not seen.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ringfence_core::{
    context::Ctx,
    error::AuthError,
    ids::{ApplicationId, ConnectionId},
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    admission::{Admitted, MOST_GROUPS, tidy},
    messages::{self, State},
};
use crate::{
    app::App,
    live::{Connection, Directive},
};

/// Everybody on the channel.
#[derive(Default)]
pub(super) struct Roster {
    places: Mutex<HashMap<ApplicationId, Place>>,
}

/// The channel of one application. What is sent goes out under its lock, so that everybody hears of changes in their order.
#[derive(Default)]
struct Place {
    present: BTreeMap<ConnectionId, Present>,
}

struct Present {
    connection: Arc<Connection>,
    user_id: String,
    user_data: Map<String, Value>,
    groups: BTreeSet<String>,
    subscriptions: BTreeSet<String>,
}

/// An event that means something here.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
enum Event {
    SetUserData {
        #[serde(rename = "userData")]
        user_data: Map<String, Value>,
    },
    PresenceGroupManagement {
        command: String,
        group: Vec<String>,
    },
    #[serde(rename = "JWTTokenRefreshRequest")]
    RefreshRequest,
    #[serde(other)]
    Other,
}

/// Bytes of what a user says of itself, as in a query (sheet, 1.6).
const MOST_DATA: usize = 1000;
/// Users in one message: more would not fit into it.
const MOST_LISTED: usize = 500;

impl Roster {
    /// Takes somebody in once their connection is bound, tells the others, and says who is there. The others get
    /// [`Directive::Deliver`] with the text of a message, to be wrapped for their namespace.
    pub(super) fn join(&self, connection: &Arc<Connection>, admitted: &Admitted) -> Vec<String> {
        let mut places = self.places();
        let place = places.entry(admitted.application.id).or_default();
        let newcomer = Present {
            connection: Arc::clone(connection),
            user_id: admitted.user_id.clone(),
            user_data: admitted.user_data.clone(),
            groups: BTreeSet::new(),
            subscriptions: admitted.subscriptions.iter().cloned().collect(),
        };
        place.present.insert(connection.id(), newcomer);
        for group in &admitted.groups {
            place.enter(connection.id(), group);
        }
        admitted.subscriptions.iter().filter_map(|group| place.list(connection.id(), group)).collect()
    }

    /// Hears the argument of an event and says what to answer. Unknown events and nonsense are let be.
    pub(super) async fn hear(
        &self,
        app: &App,
        ctx: &Ctx,
        connection: ConnectionId,
        admitted: &Admitted,
        text: &str,
    ) -> Result<Vec<String>, AuthError> {
        match serde_json::from_str(text) {
            Ok(Event::RefreshRequest) => Ok(vec![messages::refreshed(app, ctx, &admitted.who).await?]),
            Ok(Event::SetUserData { user_data }) if text.len() <= MOST_DATA => {
                if let Some(place) = self.places().get_mut(&admitted.application.id) {
                    place.describe(connection, user_data);
                }
                Ok(Vec::new())
            }
            Ok(Event::PresenceGroupManagement { command, group }) => {
                let mut places = self.places();
                let Some(place) = places.get_mut(&admitted.application.id) else { return Ok(Vec::new()) };
                Ok(place.manage(connection, &command, tidy(group)))
            }
            Ok(Event::SetUserData { .. } | Event::Other) | Err(_) => Ok(Vec::new()),
        }
    }

    /// Tells the others that a connection is gone.
    pub(super) fn leave(&self, application: ApplicationId, connection: ConnectionId) {
        let mut places = self.places();
        let Some(place) = places.get_mut(&application) else { return };
        place.leave(connection);
        if place.present.is_empty() {
            places.remove(&application);
        }
    }

    fn places(&self) -> MutexGuard<'_, HashMap<ApplicationId, Place>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Puts a connection into a group. Others hear of its user unless another connection of the same is there already.
    fn enter(&mut self, id: ConnectionId, group: &str) {
        let Some(own) = self.present.get(&id) else { return };
        let news = !own.groups.contains(group) && !self.is_there_otherwise(id, group);
        if news {
            let text = messages::presence(State::Online, group, &[(&own.user_id, &own.user_data)]);
            self.tell(id, group, &text);
        }
        if let Some(own) = self.present.get_mut(&id) {
            own.groups.insert(group.to_owned());
        }
    }

    fn exit(&mut self, id: ConnectionId, group: &str) {
        let Some(own) = self.present.get_mut(&id) else { return };
        if !own.groups.remove(group) || self.is_there_otherwise(id, group) {
            return;
        }
        if let Some(own) = self.present.get(&id) {
            let text = messages::presence(State::Offline, group, &[(&own.user_id, &own.user_data)]);
            self.tell(id, group, &text);
        }
    }

    fn leave(&mut self, id: ConnectionId) {
        let groups = self.present.get(&id).map(|own| own.groups.clone()).unwrap_or_default();
        for group in groups {
            self.exit(id, &group);
        }
        self.present.remove(&id);
    }

    /// Whether the user of a connection is in a group by another connection.
    fn is_there_otherwise(&self, id: ConnectionId, group: &str) -> bool {
        let user = self.present.get(&id).map(|own| own.user_id.as_str());
        let mut others = self.present.iter().filter(|(other, _)| **other != id);
        others.any(|(_, other)| Some(other.user_id.as_str()) == user && other.groups.contains(group))
    }

    /// What a user says of itself beside what it said before; those who come later hear it.
    fn describe(&mut self, id: ConnectionId, said: Map<String, Value>) {
        let Some(own) = self.present.get_mut(&id) else { return };
        let mut all = own.user_data.clone();
        all.extend(said);
        if serde_json::to_string(&all).is_ok_and(|text| text.len() <= MOST_DATA) {
            own.user_data = all;
        }
    }

    fn may_grow(&self, id: ConnectionId, of: impl Fn(&Present) -> &BTreeSet<String>) -> bool {
        self.present.get(&id).is_some_and(|own| of(own).len() < MOST_GROUPS)
    }

    fn manage(&mut self, id: ConnectionId, command: &str, groups: Vec<String>) -> Vec<String> {
        let mut told = Vec::new();
        for group in groups {
            match command {
                "join" if self.may_grow(id, |own| &own.groups) => self.enter(id, &group),
                "leave" => self.exit(id, &group),
                "subscribe" if self.may_grow(id, |own| &own.subscriptions) => {
                    if let Some(own) = self.present.get_mut(&id) {
                        own.subscriptions.insert(group.clone());
                    }
                    told.extend(self.list(id, &group));
                }
                "unsubscribe" => {
                    if let Some(own) = self.present.get_mut(&id) {
                        own.subscriptions.remove(&group);
                    }
                }
                _ => {}
            }
        }
        told
    }

    /// Those who are in a group, as the owner of a connection hears of them; `None` when there is nobody.
    fn list(&self, id: ConnectionId, group: &str) -> Option<String> {
        let own = self.present.get(&id).map(|own| own.user_id.as_str());
        let mut users = BTreeMap::new();
        for other in self.present.values().filter(|other| other.groups.contains(group)) {
            if Some(other.user_id.as_str()) != own {
                users.insert(other.user_id.as_str(), &other.user_data);
            }
        }
        let users: Vec<_> = users.into_iter().take(MOST_LISTED).collect();
        (!users.is_empty()).then(|| messages::presence(State::Online, group, &users))
    }

    fn tell(&self, about: ConnectionId, group: &str, text: &str) {
        let user = self.present.get(&about).map(|own| own.user_id.as_str());
        for other in self.present.values().filter(|other| other.subscriptions.contains(group)) {
            if Some(other.user_id.as_str()) != user {
                other.connection.post(Directive::Deliver(text.to_owned()));
            }
        }
    }
}
