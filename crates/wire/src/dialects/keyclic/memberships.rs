//! `/people/{person}/memberships`: in which organisations somebody has which role.

use axum::{
    extract::{Path, RawQuery, State},
    response::Response,
};
use http::StatusCode;
use ringfence_core::{
    application::Application,
    authority::Person,
    error::{AuthError, Noun},
    membership::Membership,
};
use serde_json::{Value, json};

use super::{
    caller::Caller,
    error::Refusal,
    hal::{Paging, date, hal, link},
    person, roles,
};
use crate::app::App;

/// `GET /people/{person}/memberships`: one's own.
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(person): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let id = person.parse().map_err(|_| AuthError::NotFound(Noun::Identity))?;
    app.authority.require_self(&caller.who, id).await?;
    let paging = Paging::of(query.as_deref())?;
    let identity = caller.who.identity.as_ref().clone();
    let own = Person { identifiers: app.authority.identifiers(id).await?, identity };
    let places = app.authority.memberships(&caller.who).await?;
    let total = u32::try_from(places.len()).unwrap_or(u32::MAX);
    let page = places.iter().skip(paging.skip() as usize).take(paging.limit() as usize);
    let items: Vec<_> = page.map(|(place, application)| member(place, application, &own)).collect();
    Ok(hal(StatusCode::OK, &paging.page(&format!("/people/{id}/memberships"), &items, total)))
}

fn member(place: &Membership, application: &Application, own: &Person) -> Value {
    let (organization, person) = (place.application, place.identity);
    let organization_link = link(&format!("/organizations/{organization}"), "organization", &organization);
    json!({
        "type": "Collaborator",
        "id": place.id,
        "createdAt": date(place.created_at),
        "updatedAt": date(place.updated_at),
        "contactPoint": null,
        "roles": [place.role],
        "_links": {
            "self": link(&format!("/members/{}", place.id), "member", &place.id),
            "person": link(&format!("/people/{person}"), "person", &person),
            "organization": organization_link.clone(),
        },
        "_embedded": {
            "organization": {
                "type": "Organization",
                "id": organization,
                "name": application.name,
                "_links": { "self": organization_link },
            },
            "person": person::render(own),
            "roles": [roles::object(&place.role)],
            "availableRoles": roles::available(),
        },
    })
}
