//! How many sign-ins a second the store takes: `rate URL [WAITING] [SECONDS]`.
//!
//! One unit inserts an identity, a session and an audit entry, durable. Then point reads of such sessions.

use std::{
    env,
    error::Error,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use ringfence_core::{
    application::{Application, ApplicationSettings},
    audit::AuditEvent,
    entropy::OsEntropy,
    identity::{Identity, IdentityKind, Profile, Standing},
    ids::{ApplicationId, AuditId, IdentityId, ProjectId, SessionId},
    project::{Project, ProjectPolicy},
    session::Session,
    store::{Store, Tx},
    time::{Clock as _, SystemClock, Timestamp},
};
use ringfence_store::{Options, open};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let url = arguments.first().ok_or("usage: rate URL [WAITING] [SECONDS]")?;
    let number = |at: usize, default| arguments.get(at).map_or(Ok(default), |text| text.parse());
    let (waiting, seconds): (u64, u64) = (number(1, 64)?, number(2, 5)?);
    let mut options = Options::default();
    if let Ok(workers) = env::var("WORKERS") {
        options.postgres_workers = Some(workers.parse()?);
    }
    let opened = open(url, &options)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    report(&format!("{} with {waiting} waiting, idle at {}", opened.engine(), resident()));
    runtime.block_on(measure(opened.store(), waiting, Duration::from_secs(seconds)))?;
    report(&format!("after it: {}", resident()));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "its purpose")]
fn report(line: &str) {
    println!("{line}");
}

/// Memory of this process, as the system tells it.
fn resident() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or("VmRSS unknown").to_owned()
}

async fn measure(store: Store, waiting: u64, span: Duration) -> Outcome<()> {
    let now = SystemClock.now();
    let (project, application) = world(now);
    let (a, b) = (project.id, application.id);
    store
        .write(move |tx| {
            tx.insert_project(&project)?;
            Ok(tx.insert_application(&application)?)
        })
        .await?;
    let made = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&made);
    repeat("sign-ins", &store, waiting, span, move |store| {
        let seen = Arc::clone(&seen);
        async move {
            let id = store.write(move |tx| sign_in(tx, a, b)).await.map_err(|error| error.to_string())?;
            seen.lock().map_err(|error| error.to_string())?.push(id);
            Ok(())
        }
    })
    .await?;
    let ids = Arc::new(std::mem::take(&mut *made.lock().map_err(|error| error.to_string())?));
    let turn = Arc::new(AtomicU64::new(0));
    repeat("standpoints", &store, waiting, span, move |store| {
        let at = turn.fetch_add(7919, Ordering::Relaxed);
        let id = ids[usize::try_from(at).unwrap_or(0) % ids.len()];
        async move { store.read(move |tx| Ok(tx.standpoint(id)?)).await.map(drop).map_err(|error| error.to_string()) }
    })
    .await
}

#[expect(clippy::disallowed_methods, reason = "measures")]
async fn repeat<F, W>(name: &str, store: &Store, waiting: u64, span: Duration, work: F) -> Outcome<()>
where
    F: Fn(Store) -> W + Clone + Send + 'static,
    W: Future<Output = Result<(), String>> + Send,
{
    let (over, times) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
    let begin = Instant::now();
    let tasks: Vec<_> = (0..waiting)
        .map(|_| {
            let (over, times, store, work) = (Arc::clone(&over), Arc::clone(&times), store.clone(), work.clone());
            tokio::spawn(async move {
                let mut mine = Vec::new();
                while !over.load(Ordering::Relaxed) {
                    let start = Instant::now();
                    work(store.clone()).await?;
                    mine.push(start.elapsed());
                }
                times.lock().map_err(|error| error.to_string())?.extend(mine);
                Ok::<_, String>(())
            })
        })
        .collect();
    tokio::time::timeout(span, std::future::pending::<()>()).await.unwrap_or_default();
    over.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await??;
    }
    let elapsed = begin.elapsed();
    let mut times = times.lock().map_err(|error| error.to_string())?;
    times.sort_unstable();
    let rate = u128::try_from(times.len())? * 1000 / elapsed.as_millis().max(1);
    let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
    report(&format!("{name}: {rate}/s, median {:?}, p99 {:?}, worst {:?}", at(50), at(99), times.last()));
    Ok(())
}

fn world(now: Timestamp) -> (Project, Application) {
    let project = Project {
        id: ProjectId::mint(now, &OsEntropy),
        name: format!("rate {}", now.millis()),
        policy: ProjectPolicy::default(),
        disabled_at: None,
        created_at: now,
        updated_at: now,
    };
    let application = Application {
        id: ApplicationId::mint(now, &OsEntropy),
        project: project.id,
        name: "rate".to_owned(),
        settings: ApplicationSettings::default(),
        disabled_at: None,
        created_at: now,
        updated_at: now,
    };
    (project, application)
}

fn sign_in(
    tx: &mut dyn Tx,
    project: ProjectId,
    application: ApplicationId,
) -> Result<SessionId, ringfence_core::error::AuthError> {
    let now = SystemClock.now();
    let identity = Identity {
        id: IdentityId::mint(now, &OsEntropy),
        project,
        application: Some(application),
        kind: IdentityKind::Guest,
        profile: Profile::default(),
        attributes: serde_json::Map::new(),
        standing: Standing::default(),
        created_at: now,
        updated_at: now,
    };
    let session = Session {
        id: SessionId::mint(now, &OsEntropy),
        project,
        application: Some(application),
        confined: false,
        identity: identity.id,
        issuer: None,
        dialect: "native".to_owned(),
        amr: vec!["guest".to_owned()],
        scopes: [].into_iter().collect(),
        target: None,
        claims: None,
        auth_time: now,
        expires_at: now + Duration::from_hours(1),
        revoked_at: None,
    };
    tx.insert_identity(&identity)?;
    tx.insert_session(&session, None)?;
    if env::var_os("NO_AUDIT").is_none() {
        tx.append_audit(&AuditEvent {
            id: AuditId::mint(now, &OsEntropy),
            project,
            at: now,
            actor: identity.id.to_string(),
            action: "session.started".to_owned(),
            subject: format!("session:{}", session.id),
            detail: serde_json::Map::new(),
        })?;
    }
    Ok(session.id)
}
