//! How a world is put together.

use std::{net::IpAddr, sync::Arc};

use serde_json::Value;

use super::{ASSERTIONS, ManualClock, MemoryMailer, Place, RecordingBus, SHAPES, SHORT_ASSERTIONS, SeededEntropy};
use crate::{
    application::{Alias, ApplicationSettings},
    authority::{ApplicationRequest, Authority, Parts, ProjectRequest},
    caller::{Caller, Scope},
    context::{Ctx, RequestId},
    jose::{Alg, SigningKeyPair},
    mail::Outbox,
    password::PasswordHasher,
    project::{Project, ProjectPolicy},
    seal::Sealer,
    secret::RawToken,
    store::Store,
    time::Clock as _,
};

/// Signs claims as an issuer with this secret would.
pub(super) fn sign(secret: &RawToken, claims: &Value) -> RawToken {
    let key = SigningKeyPair::from_bytes(Alg::HS256, secret.expose().as_bytes()).expect("a strong secret");
    key.mint(None, "JWT", claims).expect("claims are JSON")
}

pub(super) fn own_ctx(clock: &ManualClock) -> Ctx {
    let address = Some(IpAddr::from([192, 0, 2, 1]));
    Ctx { request_id: RequestId(0), address, dialect: "test", language: None, now: clock.now() }
}

pub(super) fn parts(
    store: &Store,
    clock: &Arc<ManualClock>,
    entropy: &Arc<SeededEntropy>,
    bus: &Arc<RecordingBus>,
    mailer: &Arc<MemoryMailer>,
    hasher: &PasswordHasher,
    sealer: &Sealer,
) -> Parts {
    let (outbox, delivery) = Outbox::new(Arc::clone(mailer) as _);
    tokio::spawn(delivery);
    Parts {
        store: store.clone(),
        clock: Arc::clone(clock) as _,
        entropy: Arc::clone(entropy) as _,
        bus: Arc::clone(bus) as _,
        outbox,
        hasher: hasher.clone(),
        sealer: sealer.clone(),
        public_url: "https://auth.test".to_owned(),
        shapes: SHAPES.iter().collect(),
        profiles: vec![&ASSERTIONS, &SHORT_ASSERTIONS],
    }
}

pub(super) async fn make_place(authority: &Authority, ctx: &Ctx, name: &str) -> Place {
    let installation = Caller::Operator.permit_installation().expect("the operator may do everything");
    let wanted = ProjectRequest { name: name.to_owned(), policy: ProjectPolicy::default() };
    let project = authority.create_project(ctx, &installation, wanted).await.expect("the name is free");
    furnish(authority, ctx, project, "widget").await
}

pub(super) async fn furnish(authority: &Authority, ctx: &Ctx, project: Project, name: &str) -> Place {
    let permit = Caller::Operator.permit(Scope::All, project.id).expect("the operator may do everything");
    let settings = ApplicationSettings::default();
    let wanted = ApplicationRequest { name: name.to_owned(), settings, aliases: Vec::new() };
    let application = authority.create_application(ctx, &permit, wanted).await.expect("the project is enabled");
    let alias = Alias { scheme: "test:application".to_owned(), value: application.id.short() };
    let settings = application.settings.clone();
    let named = authority.configure_application(ctx, &permit, application.id, settings, vec![alias]).await;
    let secret = authority.trust_issuer(ctx, &permit, application.id, ASSERTIONS.name, None).await;
    Place { project, application: named.expect("the alias is free"), secret: secret.expect("the profile is known") }
}
