//! Who and where: places, members, and what became of what they tried.

use crate::{
    application::Application,
    authority::PresentedCredential,
    error::AuthError,
    identity::{Identifier, Identity},
    ids::ApplicationId,
    project::{Project, ProjectRef},
    secret::{Password, RawToken},
};

/// The password of every member that a world makes.
pub const PASSWORD: &str = "violet otter under glass";

/// `accepted`, or the code of the refusal.
pub fn outcome<T>(answer: &Result<T, AuthError>) -> &'static str {
    answer.as_ref().map_or_else(AuthError::code, |_| "accepted")
}

/// A project with one application that trusts one issuer.
#[derive(Clone, Debug)]
pub struct Place {
    /// The project.
    pub project: Project,
    /// The application.
    pub application: Application,
    /// The secret of the issuer, whose profile is [`ASSERTIONS`](super::ASSERTIONS).
    pub secret: RawToken,
}

impl Place {
    /// Names the application, and so the project.
    pub fn reference(&self) -> ProjectRef {
        ProjectRef::Application(self.application.id)
    }

    /// The audience of assertions for the application.
    pub fn audience(&self) -> String {
        format!("https://issuer.test/projects/{}", self.application.id.short())
    }
}

/// A member of a project, whose password is [`PASSWORD`].
#[derive(Clone, Debug)]
pub struct Member {
    /// Who.
    pub identity: Identity,
    /// The address.
    pub email: String,
    /// The application that it signs in through.
    pub application: ApplicationId,
}

impl Member {
    /// This member's address with a password.
    pub fn shows(&self, password: &str) -> PresentedCredential {
        PresentedCredential::Password {
            project: ProjectRef::Application(self.application),
            identifier: Identifier::email(&self.email),
            password: Password::new(password),
        }
    }
}
