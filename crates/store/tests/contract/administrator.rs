use ringfence_core::{
    administrator::{Administrator, ConsoleLink, ConsoleSession, Passkey, Role, Stage, Totp},
    audit::AuditEvent,
    entropy::OsEntropy,
    ids::{AdministratorId, AuditId, ConsoleSessionId, PasskeyId, ProjectId},
    password::PasswordHash,
    seal::Sealed,
    secret::TokenDigest,
};

use crate::support::{NOW, World, at, unique};

on_every_engine!(
    an_administrator_reads_back_and_is_deleted_with_everything,
    a_name_is_taken_once,
    a_totp_step_is_used_once_and_none_before_it,
    a_recovery_code_is_used_once,
    a_passkey_reads_back_and_its_counter_moves_once,
    sessions_are_found_by_their_token_and_end,
    a_link_is_taken_once_and_not_when_it_has_ended,
    a_challenge_is_used_once,
    what_has_ended_is_swept,
    the_installation_is_in_no_list_of_projects,
);

fn digest(text: &str) -> TokenDigest {
    TokenDigest::of(text.as_bytes())
}

impl World {
    async fn administrator(&self) -> Administrator {
        let new = Administrator {
            id: AdministratorId::mint(NOW, &OsEntropy),
            name: unique(),
            role: Role::Operator,
            version: 1,
            created_at: NOW,
            signed_in_at: None,
        };
        let row = new.clone();
        assert!(self.write(move |tx| tx.insert_administrator(&row)).await);
        new
    }

    async fn console_session(&self, of: AdministratorId, token: &str, seconds: i64) -> ConsoleSessionId {
        let session = ConsoleSession {
            id: ConsoleSessionId::mint(NOW, &OsEntropy),
            administrator: of,
            stage: Stage::Half,
            amr: "pwd".to_owned(),
            pending: None,
            began_at: NOW,
            seen_at: NOW,
            expires_at: at(seconds),
        };
        let (id, token) = (session.id, digest(token));
        self.write(move |tx| tx.insert_console_session(&session, &token)).await;
        id
    }
}

async fn an_administrator_reads_back_and_is_deleted_with_everything(w: World) {
    let mut ann = w.administrator().await;
    let id = ann.id;
    assert_eq!(w.read(move |tx| tx.administrator(id)).await.as_ref(), Some(&ann));
    let name = ann.name.clone();
    assert_eq!(w.read(move |tx| tx.administrator_by_name(&name)).await.as_ref(), Some(&ann));
    (ann.role, ann.version, ann.signed_in_at) = (Role::Owner, 2, Some(at(1)));
    let changed = ann.clone();
    w.write(move |tx| tx.update_administrator(&changed)).await;
    assert_eq!(w.write(move |tx| tx.administrator_to_change(id)).await.as_ref(), Some(&ann));
    assert!(w.read(|tx| tx.administrators(9)).await.contains(&ann));
    let hash = PasswordHash::stored("$x$".to_owned());
    w.write(move |tx| tx.set_administrator_password(id, Some(&hash))).await;
    assert!(w.read(move |tx| tx.administrator_password(id)).await.is_some());
    w.write(move |tx| tx.set_administrator_password(id, None)).await;
    assert!(w.read(move |tx| tx.administrator_password(id)).await.is_none());
    w.console_session(id, "a", 9).await;
    w.write(move |tx| tx.replace_recovery_codes(id, &[digest("1")])).await;
    assert!(w.write(move |tx| tx.delete_administrator(id)).await);
    assert!(!w.write(move |tx| tx.delete_administrator(id)).await);
    assert!(w.read(|tx| tx.console_session(&digest("a"))).await.is_none());
    assert_eq!(w.read(move |tx| tx.recovery_codes(id)).await, 0);
}

async fn a_name_is_taken_once(w: World) {
    let ann = w.administrator().await;
    let other = Administrator { id: AdministratorId::mint(NOW, &OsEntropy), ..ann };
    assert!(!w.write(move |tx| tx.insert_administrator(&other)).await);
}

async fn a_totp_step_is_used_once_and_none_before_it(w: World) {
    let id = w.administrator().await.id;
    assert!(w.read(move |tx| tx.totp(id)).await.is_none());
    let totp = Totp { seed: Sealed::stored("sealed".to_owned()), used_step: 7 };
    w.write(move |tx| tx.set_totp(id, Some(&totp))).await;
    for (step, works) in [(7, false), (6, false), (8, true), (8, false), (9, true)] {
        assert_eq!(w.write(move |tx| tx.use_totp_step(id, step)).await, works, "{step}");
    }
    assert_eq!(w.read(move |tx| tx.totp(id)).await.map(|totp| totp.used_step), Some(9));
    assert_eq!(w.read(|tx| tx.all_totp()).await.len(), 1);
    w.write(move |tx| tx.set_totp(id, None)).await;
    assert!(!w.write(move |tx| tx.use_totp_step(id, 99)).await);
}

async fn a_recovery_code_is_used_once(w: World) {
    let [ann, bob] = [w.administrator().await.id, w.administrator().await.id];
    w.write(move |tx| tx.replace_recovery_codes(ann, &[digest("1"), digest("2")])).await;
    assert!(!w.write(move |tx| tx.use_recovery_code(bob, &digest("1"))).await);
    assert!(w.write(move |tx| tx.use_recovery_code(ann, &digest("1"))).await);
    assert!(!w.write(move |tx| tx.use_recovery_code(ann, &digest("1"))).await);
    assert_eq!(w.read(move |tx| tx.recovery_codes(ann)).await, 1);
    w.write(move |tx| tx.replace_recovery_codes(ann, &[digest("3")])).await;
    assert!(!w.write(move |tx| tx.use_recovery_code(ann, &digest("2"))).await);
}

async fn a_passkey_reads_back_and_its_counter_moves_once(w: World) {
    let [ann, bob] = [w.administrator().await.id, w.administrator().await.id];
    let passkey = Passkey {
        id: PasskeyId::mint(NOW, &OsEntropy),
        administrator: ann,
        name: "laptop".to_owned(),
        credential: "abc".to_owned(),
        public_key: "key".to_owned(),
        alg: -7,
        sign_count: 3,
        created_at: NOW,
        used_at: None,
    };
    let (id, row) = (passkey.id, passkey.clone());
    assert!(w.write(move |tx| tx.insert_passkey(&row)).await);
    let twin = Passkey { id: PasskeyId::mint(NOW, &OsEntropy), administrator: bob, ..passkey.clone() };
    assert!(!w.write(move |tx| tx.insert_passkey(&twin)).await);
    let found = w.read(|tx| tx.passkey("abc")).await.unwrap();
    assert_eq!(format!("{found:?}"), format!("{passkey:?}"));
    assert!(w.write(move |tx| tx.use_passkey(id, 3, 4, at(1))).await);
    assert!(!w.write(move |tx| tx.use_passkey(id, 3, 5, at(1))).await);
    assert!(!w.write(move |tx| tx.delete_passkey(bob, id)).await);
    assert_eq!(w.read(move |tx| tx.passkeys(ann)).await.len(), 1);
    assert!(w.write(move |tx| tx.delete_passkey(ann, id)).await);
    w.write(move |tx| tx.delete_passkeys(ann)).await;
    assert!(w.read(|tx| tx.passkey("abc")).await.is_none());
}

async fn sessions_are_found_by_their_token_and_end(w: World) {
    let ann = w.administrator().await;
    let (id, kept) = (ann.id, w.console_session(ann.id, "a", 60).await);
    let other = w.console_session(id, "b", 60).await;
    let (session, whose) = w.read(|tx| tx.console_session(&digest("a"))).await.unwrap();
    assert_eq!((session.id, session.stage, whose), (kept, Stage::Half, ann));
    w.write(move |tx| tx.see_console_session(kept, at(5))).await;
    w.write(move |tx| tx.see_console_session(kept, at(4))).await;
    let seed = Sealed::stored("sealed".to_owned());
    w.write(move |tx| tx.set_pending_totp(kept, Some(&seed))).await;
    let (session, _) = w.read(|tx| tx.console_session(&digest("a"))).await.unwrap();
    assert_eq!((session.seen_at, session.pending.is_some()), (at(5), true));
    assert_eq!(w.write(move |tx| tx.end_console_sessions(id, Some(kept))).await, 1);
    assert!(!w.write(move |tx| tx.end_console_session(other)).await);
    assert_eq!(w.read(move |tx| tx.console_sessions(id)).await.len(), 1);
    assert!(w.write(move |tx| tx.end_console_session(kept)).await);
    assert_eq!(w.write(move |tx| tx.end_console_sessions(id, None)).await, 0);
}

async fn a_link_is_taken_once_and_not_when_it_has_ended(w: World) {
    let ann = w.administrator().await.id;
    for (secret, administrator) in [("first", None), ("hers", Some(ann))] {
        let link = ConsoleLink { administrator, expires_at: at(60) };
        let row = link.clone();
        w.write(move |tx| tx.insert_console_link(&row, &digest(secret))).await;
        assert_eq!(w.read(move |tx| tx.console_link(&digest(secret), at(59))).await, Some(link.clone()));
        assert_eq!(w.write(move |tx| tx.take_console_link(&digest(secret), at(60))).await, None);
        assert_eq!(w.write(move |tx| tx.take_console_link(&digest(secret), at(59))).await, Some(link));
        assert_eq!(w.write(move |tx| tx.take_console_link(&digest(secret), at(59))).await, None);
    }
    for (secret, administrator) in [("first", None), ("hers", Some(ann))] {
        let link = ConsoleLink { administrator, expires_at: at(60) };
        w.write(move |tx| tx.insert_console_link(&link, &digest(secret))).await;
    }
    w.write(|tx| tx.close_console_links(None)).await;
    assert!(w.read(|tx| tx.console_link(&digest("first"), NOW)).await.is_none());
    assert!(w.read(|tx| tx.console_link(&digest("hers"), NOW)).await.is_some());
    w.write(move |tx| tx.close_console_links(Some(ann))).await;
    assert!(w.read(|tx| tx.console_link(&digest("hers"), NOW)).await.is_none());
}

async fn a_challenge_is_used_once(w: World) {
    assert!(w.write(|tx| tx.use_challenge(&digest("c"), at(9))).await);
    assert!(!w.write(|tx| tx.use_challenge(&digest("c"), at(9))).await);
}

async fn what_has_ended_is_swept(w: World) {
    let ann = w.administrator().await.id;
    w.console_session(ann, "old", 1).await;
    w.console_session(ann, "new", 9).await;
    w.write(|tx| tx.use_challenge(&digest("old"), at(1))).await;
    w.write(|tx| tx.sweep_console(at(5), 99)).await;
    assert!(w.read(|tx| tx.console_session(&digest("old"))).await.is_none());
    assert!(w.read(|tx| tx.console_session(&digest("new"))).await.is_some());
    assert!(w.write(|tx| tx.use_challenge(&digest("old"), at(1))).await, "forgotten");
}

async fn the_installation_is_in_no_list_of_projects(w: World) {
    let project = w.project().await;
    for _ in 0..2 {
        let event = AuditEvent {
            id: AuditId::mint(NOW, &OsEntropy),
            project: ProjectId::INSTALLATION,
            at: NOW,
            actor: "system".to_owned(),
            action: "administrator.created".to_owned(),
            subject: "administrator".to_owned(),
            detail: serde_json::Map::new(),
        };
        w.write(move |tx| tx.append_audit(&event)).await;
    }
    assert_eq!(w.read(|tx| tx.unlinked_audit(ProjectId::INSTALLATION, 9)).await.len(), 2);
    assert_eq!(w.read(|tx| tx.projects_with_unlinked_audit(9)).await, [ProjectId::INSTALLATION]);
    assert_eq!(w.read(|tx| tx.projects(None, 9)).await.iter().map(|one| one.id).collect::<Vec<_>>(), [project.id]);
    assert!(w.read(|tx| tx.project_by_name("")).await.is_none());
    assert!(w.read(|tx| tx.project(ProjectId::INSTALLATION)).await.unwrap().disabled_at.is_some());
}
