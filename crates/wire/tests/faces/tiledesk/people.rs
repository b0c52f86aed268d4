//! Actors of Tiledesk as values.

use serde_json::json;

use super::server::Server;
use crate::support::{Answer, signed};

/// Everybody's password.
pub const PASSWORD: &str = "violet otter under glass";

/// Somebody with an account.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: String,
    pub email: String,
    /// With its scheme word.
    pub token: String,
}

/// A Tiledesk project and the secret that signs its custom tokens.
#[derive(Clone, Debug)]
pub struct Place {
    pub id: String,
    pub secret: String,
}

impl Place {
    /// The audience of its tokens.
    pub fn audience(&self) -> String {
        format!("https://tiledesk.com/projects/{}", self.id)
    }

    /// A token of one of its own users.
    pub fn external(&self, id: &str) -> String {
        signed(&self.secret, &json!({ "_id": id, "sub": "userexternal", "aud": self.audience(), "firstname": "Eve" }))
    }
}

impl Server {
    /// Somebody who has signed up as `<name>@example.org`, and in.
    pub async fn person(&self, name: &str) -> Person {
        let email = format!("{name}@example.org");
        let form =
            json!({ "email": email, "password": PASSWORD, "firstname": name, "lastname": "Doe", "disableEmail": true });
        let made = self.post("/auth/signup").json(&form).send().await;
        let id = made.text("/user/_id");
        self.call(id.clone(), name);
        Person { token: self.signed_in(&email, PASSWORD).await.text("/token"), id, email }
    }

    /// The answer to a sign-in.
    pub async fn signed_in(&self, email: &str, password: &str) -> Answer {
        self.post("/auth/signin").json(&json!({ "email": email, "password": password })).send().await
    }

    /// A project of `owner` with a secret.
    pub async fn place(&self, owner: &Person, name: &str) -> Place {
        let made = self.post("/projects").showing(&owner.token).json(&json!({ "name": name })).send().await;
        let id = made.text("/_id");
        self.call(id.clone(), name);
        let keys = self.post(&format!("/{id}/keys/generate")).showing(&owner.token).send().await;
        Place { id, secret: keys.text("/jwtSecret") }
    }

    /// Makes `person` a member of `place`.
    pub async fn join(&self, owner: &Person, place: &Place, person: &Person, role: &str) {
        let wanted = json!({ "email": person.email, "role": role });
        let path = format!("/{}/project_users/invite", place.id);
        let invited = self.post(&path).showing(&owner.token).json(&wanted).send().await;
        assert_eq!(invited.status, 200, "{invited}");
    }

    /// A guest's token, with its scheme word.
    pub async fn guest(&self, place: &Place) -> String {
        self.post("/auth/signinAnonymously").json(&json!({ "id_project": place.id })).send().await.text("/token")
    }
}
