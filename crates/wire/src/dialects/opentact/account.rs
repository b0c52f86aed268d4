//! Accounts as they are shown. An account is an application of ours, the home of the user who founded it.

use ringfence_core::{
    application::Application,
    authority::{HomeKind, HomeRequest},
};
use serde_json::{Map, Value, json};

use super::{NAME, answer::instant, caller::OWNER};

/// The scheme of the names that accounts have.
pub(super) const SCHEME: &str = "opentact:account";

/// What makes an application an account.
pub(super) const KIND: HomeKind = HomeKind { scheme: SCHEME, owner: OWNER };

/// The account of somebody who has said nothing of it. Nothing personal, for it may outlive its founder.
pub(super) fn fresh() -> HomeRequest {
    HomeRequest { name: "account".to_owned(), attributes: Map::new() }
}

/// What only this dialect keeps of an account.
pub(super) fn attributes(email: Option<&str>) -> Map<String, Value> {
    Map::from_iter([(NAME.to_owned(), json!({ "email": email }))])
}

/// An account. What it costs and where it is are none of our business, so they are null and naught.
pub(super) fn render(account: &Application) -> Value {
    let own = account.settings.attributes.get(NAME);
    json!({
        "created_on": instant(account.created_at),
        "modified_on": instant(account.updated_at),
        "uuid": account.id,
        "email": own.and_then(|own| own.get("email")?.as_str()),
        "name": account.name,
        "level": "Level0",
        "deleted_on": null,
        "balance": 0,
        "disabled_on": instant(account.disabled_at),
        "phone": null,
        "address1": null,
        "address2": null,
        "zip_code": null,
        "city": null,
    })
}
