//! Who may be who on the channel (sheet, 1.6).

use http::Uri;
use ringfence_core::{application::Application, authority::Authenticated, context::Ctx};
use serde_json::Value;

use crate::app::App;

/// What a channel is asked for with: the namespace and the query of its requests.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    /// The namespace, without slashes; empty is the plain one. A ticket otherwise.
    pub(super) namespace: &'a str,
    /// The address of the request, whose query says the rest.
    pub(super) uri: &'a Uri,
    /// The page's origin, if a page asks.
    pub(super) origin: Option<&'a str>,
}

/// Somebody who may have the channel, and as whom.
#[derive(Clone, Debug)]
pub(super) struct Admitted {
    pub(super) who: Authenticated,
    /// Where.
    pub(super) application: Application,
    /// The name on the channel.
    pub(super) user_id: String,
    /// What the client says of its user; public and unproved.
    pub(super) user_data: Value,
    /// Groups whose members hear of this user.
    pub(super) groups: Vec<String>,
    /// Groups that this user hears of.
    pub(super) subscriptions: Vec<String>,
}

/// The text of a refusal, as the library reads it. The channel sends it and closes the line itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused(pub(super) String);

/// Judges who asks for a channel.
pub(super) async fn admit(_app: &App, _ctx: &Ctx, _asked: Asked<'_>) -> Result<Admitted, Refused> {
    Err(Refused("not authorized".to_owned()))
}
