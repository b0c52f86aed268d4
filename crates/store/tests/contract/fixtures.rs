//! Entities that tests begin with.

use std::time::Duration;

use ringfence_core::{
    application::{Application, ApplicationSettings},
    audit::AuditEvent,
    credential::{Credential, CredentialKind},
    entropy::OsEntropy,
    identity::{HeldIdentifier, Identifier, Identity, IdentityKind, Profile, Standing},
    ids::{
        ApplicationId, AuditId, ConnectionId, CredentialId, IdentityId, IssuerId, ProjectId, SessionId, VerificationId,
    },
    issuer::TrustedIssuer,
    presence::Presence,
    project::{Project, ProjectPolicy},
    seal::Sealed,
    secret::TokenDigest,
    session::Session,
    verification::{Purpose, Verification},
};
use serde_json::{Map, Value, json};

use crate::support::{NOW, World, at, unique};

pub fn project() -> Project {
    Project {
        id: ProjectId::mint(NOW, &OsEntropy),
        name: unique(),
        policy: ProjectPolicy::default(),
        disabled_at: None,
        created_at: NOW,
        updated_at: NOW,
    }
}

pub fn application(project: &Project) -> Application {
    Application {
        id: ApplicationId::mint(NOW, &OsEntropy),
        project: project.id,
        name: "widget".to_owned(),
        settings: ApplicationSettings::default(),
        disabled_at: None,
        created_at: NOW,
        updated_at: NOW,
    }
}

pub fn identity(project: &Project, kind: IdentityKind) -> Identity {
    Identity {
        id: IdentityId::mint(NOW, &OsEntropy),
        project: project.id,
        application: None,
        kind,
        profile: Profile { nickname: Some("Ann".to_owned()), ..Profile::default() },
        attributes: object(json!({"face": {"deep": [1, "é"]}})),
        standing: Standing::default(),
        created_at: NOW,
        updated_at: NOW,
    }
}

/// A session of an hour.
pub fn session(identity: &Identity) -> Session {
    Session {
        id: SessionId::mint(NOW, &OsEntropy),
        project: identity.project,
        application: None,
        confined: false,
        identity: identity.id,
        issuer: None,
        dialect: "native".to_owned(),
        amr: vec!["pwd".to_owned()],
        scopes: [].into_iter().collect(),
        target: None,
        claims: None,
        auth_time: NOW,
        expires_at: at(3600),
        revoked_at: None,
    }
}

pub fn issuer(application: &Application) -> TrustedIssuer {
    TrustedIssuer {
        id: IssuerId::mint(NOW, &OsEntropy),
        project: application.project,
        application: application.id,
        profile: "partner".to_owned(),
        secret: Sealed::stored("sealed".to_owned()),
        created_at: NOW,
        revoked_at: None,
    }
}

pub fn api_key(identity: &Identity) -> Credential {
    Credential {
        id: CredentialId::mint(NOW, &OsEntropy),
        project: identity.project,
        application: None,
        identity: identity.id,
        kind: CredentialKind::ApiKey,
        label: "backend".to_owned(),
        lookup: Some(digest()),
        hint: Some("rfk_Ab12".to_owned()),
        scopes: [].into_iter().collect(),
        created_at: NOW,
        expires_at: None,
        revoked_at: None,
    }
}

/// A password reset that is open for ten minutes.
pub fn verification(identity: &Identity) -> Verification {
    Verification {
        id: VerificationId::mint(NOW, &OsEntropy),
        project: identity.project,
        application: None,
        identity: identity.id,
        purpose: Purpose::PasswordReset,
        identifier: Identifier::email("ann@example.org"),
        digest: digest(),
        created_at: NOW,
        expires_at: NOW + Duration::from_mins(10),
    }
}

/// A connection on `node`, vouched for for half a minute.
pub fn presence(session: &Session, node: &str) -> Presence {
    Presence {
        connection: ConnectionId::mint(NOW, &OsEntropy),
        project: session.project,
        application: session.application,
        session: session.id,
        identity: session.identity,
        dialect: session.dialect.clone(),
        node: node.to_owned(),
        since: NOW,
        lease_until: at(30),
    }
}

pub fn audit(project: &Project) -> AuditEvent {
    AuditEvent {
        id: AuditId::mint(NOW, &OsEntropy),
        project: project.id,
        at: NOW,
        actor: "operator".to_owned(),
        action: "project.changed".to_owned(),
        subject: format!("project:{}", project.id),
        detail: object(json!({"request": "1"})),
    }
}

/// A digest that no other fixture has.
pub fn digest() -> TokenDigest {
    TokenDigest::of(unique().as_bytes())
}

pub fn held(identifier: Identifier) -> HeldIdentifier {
    HeldIdentifier { identifier, verified_at: None }
}

pub fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is not an object"),
    }
}

impl World {
    pub async fn project(&self) -> Project {
        let project = project();
        let row = project.clone();
        assert!(self.write(move |tx| tx.insert_project(&row)).await);
        project
    }

    pub async fn application(&self, project: &Project) -> Application {
        let application = application(project);
        let row = application.clone();
        self.write(move |tx| tx.insert_application(&row)).await;
        application
    }

    /// A member of a project of its own.
    pub async fn member(&self) -> Identity {
        self.member_of(&self.project().await).await
    }

    pub async fn member_of(&self, project: &Project) -> Identity {
        let identity = identity(project, IdentityKind::Member);
        let row = identity.clone();
        self.write(move |tx| tx.insert_identity(&row)).await;
        identity
    }

    pub async fn session(&self, identity: &Identity) -> Session {
        self.start(session(identity)).await
    }

    pub async fn start(&self, session: Session) -> Session {
        let row = session.clone();
        assert!(self.write(move |tx| tx.insert_session(&row, None)).await);
        session
    }
}
