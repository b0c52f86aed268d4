//! Administrators: how they come to the console, what they prove, what their roles allow.

use std::time::Duration;

use ringfence_core::{
    administrator::{Role, TotpSeed},
    authority::{Console, HalfConsole, MintedAdministrator, SecondFactor},
    caller::{Caller, Permit, Scope},
    error::AuthError,
    ids::ProjectId,
    secret::{Password, RawToken},
    testing::{World, outcome},
    time::Clock as _,
};

use crate::support::world;

pub(crate) const WORDS: &str = "a quiet harbour in october";

pub(crate) fn operator() -> Permit {
    Caller::Operator.permit(Scope::All, ProjectId::INSTALLATION).unwrap()
}

/// An administrator with a generator and a full session.
pub(crate) struct Staff {
    pub(crate) console: Console,
    pub(crate) seed: TotpSeed,
    pub(crate) token: RawToken,
    pub(crate) recovery: Vec<RawToken>,
}

async fn enrolled(w: &World, link: &RawToken, name: Option<&str>) -> Staff {
    let at = &w.authority;
    let token = at.begin_console(&w.ctx(), link, name, Password::new(WORDS)).await.unwrap();
    let half = at.half_console(&w.ctx(), &token).await.unwrap();
    let seed = at.enrolling_totp(&w.ctx(), &half).await.unwrap();
    let half = at.half_console(&w.ctx(), &token).await.unwrap();
    let done = at.enrol_totp(&w.ctx(), &half, &seed.code_at(w.clock.now())).await.unwrap();
    let console = at.console(&w.ctx(), &done.token).await.unwrap();
    // Codes of this step and the one before are used up or too old for none.
    w.clock.advance(Duration::from_mins(1));
    Staff { console, seed, token: done.token, recovery: done.recovery }
}

/// The first owner.
pub(crate) async fn owner(w: &World) -> Staff {
    let link = w.authority.first_administrator_link(&w.ctx()).await.unwrap().unwrap();
    enrolled(w, &link, Some("Ann")).await
}

async fn made(w: &World, name: &str, role: Role) -> Staff {
    let MintedAdministrator { link, .. } =
        w.authority.create_administrator(&w.ctx(), &operator(), name, role).await.unwrap();
    enrolled(w, &link, None).await
}

pub(crate) async fn half(w: &World, name: &str) -> HalfConsole {
    let token = w.authority.console_sign_in(&w.ctx(), name, Password::new(WORDS)).await.unwrap();
    w.authority.half_console(&w.ctx(), &token).await.unwrap()
}

fn totp(of: &Staff, w: &World) -> SecondFactor {
    SecondFactor::Totp(of.seed.code_at(w.clock.now()))
}

async fn trail(w: &World) -> Vec<String> {
    let all = w.audited(ProjectId::INSTALLATION).await;
    all.iter().map(|entry| format!("{} {}", entry.actor.split(':').next().unwrap(), entry.action)).collect()
}

#[tokio::test]
async fn the_first_owner_begins_by_a_link_that_works_once_and_ends_with_a_day() {
    let w = world().await;
    let late = w.authority.first_administrator_link(&w.ctx()).await.unwrap().unwrap();
    w.clock.advance(Duration::from_hours(24));
    let begin =
        async |link: &RawToken| w.authority.begin_console(&w.ctx(), link, Some("eve"), Password::new(WORDS)).await;
    assert_eq!(outcome(&begin(&late).await), "verification_invalid");
    let old = w.authority.first_administrator_link(&w.ctx()).await.unwrap().unwrap();
    let link = w.authority.first_administrator_link(&w.ctx()).await.unwrap().unwrap();
    assert_eq!(outcome(&begin(&old).await), "verification_invalid", "a newer one takes its place");
    let ann = enrolled(&w, &link, Some(" Ann ")).await;
    assert_eq!((ann.console.administrator.name.as_str(), ann.console.administrator.role), ("ann", Role::Owner));
    assert_eq!(outcome(&begin(&link).await), "verification_invalid");
    assert!(w.authority.first_administrator_link(&w.ctx()).await.unwrap().is_none());
    assert_eq!(
        trail(&w).await,
        [
            "system administrator.created",
            "administrator administrator.password_set",
            "administrator administrator.signed_in",
            "administrator administrator.totp_enrolled",
            "system console_link.made",
            "system console_link.made",
            "system console_link.made",
        ]
    );
}

#[tokio::test]
async fn whoever_never_enrolled_a_factor_keeps_nobody_from_beginning() {
    let w = world().await;
    let link = w.authority.first_administrator_link(&w.ctx()).await.unwrap().unwrap();
    w.authority.begin_console(&w.ctx(), &link, Some("ann"), Password::new(WORDS)).await.unwrap();
    let alone = w.authority.console_sign_in(&w.ctx(), "ann", Password::new(WORDS)).await;
    assert_eq!(outcome(&alone), "invalid_credentials", "a password alone opens nothing");
    assert_eq!(owner(&w).await.console.administrator.name, "ann");
}

#[tokio::test]
async fn a_weak_password_is_refused_and_leaves_the_link_open() {
    let w = world().await;
    let link = w.authority.first_administrator_link(&w.ctx()).await.unwrap().unwrap();
    for weak in ["short", "ringfence", "passwordpassword"] {
        let begun = w.authority.begin_console(&w.ctx(), &link, Some("ann"), Password::new(weak)).await;
        assert_eq!(outcome(&begun), "invalid", "{weak}");
    }
    assert!(w.authority.console_link(&w.ctx(), &link).await.unwrap().is_none());
}

#[tokio::test]
async fn n80_a_code_works_once_and_the_sixth_wrong_one_waits() {
    let w = world().await;
    let ann = owner(&w).await;
    let first = half(&w, "ann").await;
    let second = half(&w, "ann").await;
    w.authority.console_second(&w.ctx(), &first, totp(&ann, &w)).await.unwrap();
    let again = w.authority.console_second(&w.ctx(), &second, totp(&ann, &w)).await;
    assert_eq!(outcome(&again), "invalid_credentials");
    w.clock.advance(Duration::from_secs(30));
    for wrong in 2..=5 {
        let refused = w.authority.console_second(&w.ctx(), &second, SecondFactor::Totp("000000".to_owned())).await;
        assert_eq!(outcome(&refused), "invalid_credentials", "{wrong}");
    }
    let sixth = w.authority.console_second(&w.ctx(), &second, totp(&ann, &w)).await;
    assert_eq!(outcome(&sixth), "throttled", "be it right");
    w.clock.advance(Duration::from_secs(30));
    w.authority.console_second(&w.ctx(), &second, totp(&ann, &w)).await.unwrap();
}

#[tokio::test]
async fn n80_codes_of_another_step_and_of_another_administrator_are_refused() {
    let w = world().await;
    let ann = owner(&w).await;
    let bob = made(&w, "bob", Role::Owner).await;
    let half = half(&w, "ann").await;
    let now = w.clock.now();
    for away in [-60_i64, 60] {
        let moment = ringfence_core::time::Timestamp::from_seconds(now.seconds() + away);
        let code = SecondFactor::Totp(ann.seed.code_at(moment));
        assert_eq!(outcome(&w.authority.console_second(&w.ctx(), &half, code).await), "invalid_credentials");
    }
    let foreign = w.authority.console_second(&w.ctx(), &half, totp(&bob, &w)).await;
    assert_eq!(outcome(&foreign), "invalid_credentials");
}

#[tokio::test]
async fn a_recovery_code_works_once_however_it_is_typed() {
    let w = world().await;
    let ann = owner(&w).await;
    let code = ann.recovery[3].expose().to_uppercase().replace('-', " ");
    let show = async |half: &HalfConsole| {
        w.authority.console_second(&w.ctx(), half, SecondFactor::Recovery(code.clone())).await
    };
    show(&half(&w, "ann").await).await.unwrap();
    assert_eq!(outcome(&show(&half(&w, "ann").await).await), "invalid_credentials");
    assert_eq!(w.authority.own_factors(&ann.console).await.unwrap().1, 9);
}

#[tokio::test]
async fn n81_a_half_session_is_good_for_the_second_factor_only_and_not_for_long() {
    let w = world().await;
    let ann = owner(&w).await;
    let token = w.authority.console_sign_in(&w.ctx(), "ann", Password::new(WORDS)).await.unwrap();
    let refused = w.authority.console(&w.ctx(), &token).await;
    assert!(matches!(refused, Err(AuthError::StepUpRequired { acr: "mfa" })), "{refused:?}");
    let half = w.authority.half_console(&w.ctx(), &token).await.unwrap();
    assert_eq!(outcome(&w.authority.enrol_totp(&w.ctx(), &half, "000000").await), "invalid", "it enrols nothing");
    let full = w.authority.console_second(&w.ctx(), &half, totp(&ann, &w)).await.unwrap();
    assert_ne!(full.expose(), token.expose(), "no session goes on from before the second factor");
    assert!(w.authority.half_console(&w.ctx(), &token).await.is_err());
    assert!(w.authority.half_console(&w.ctx(), &full).await.is_err());
    w.authority.console(&w.ctx(), &full).await.unwrap();
    w.clock.advance(Duration::from_mins(1));
    let late = w.authority.console_sign_in(&w.ctx(), "ann", Password::new(WORDS)).await.unwrap();
    w.clock.advance(Duration::from_mins(10));
    assert_eq!(outcome(&w.authority.half_console(&w.ctx(), &late).await), "token_expired");
}

#[tokio::test]
async fn a_session_ends_when_idle_and_after_half_a_day() {
    let w = world().await;
    let ann = owner(&w).await;
    w.authority.console(&w.ctx(), &ann.token).await.unwrap();
    for _ in 0..24 {
        w.clock.advance(Duration::from_mins(29));
        w.authority.console(&w.ctx(), &ann.token).await.unwrap();
    }
    w.clock.advance(Duration::from_mins(29));
    assert_eq!(outcome(&w.authority.console(&w.ctx(), &ann.token).await), "token_expired", "12 hours");
    let half = half(&w, "ann").await;
    let idle = w.authority.console_second(&w.ctx(), &half, totp(&ann, &w)).await.unwrap();
    w.clock.advance(Duration::from_mins(30));
    assert_eq!(outcome(&w.authority.console(&w.ctx(), &idle).await), "token_expired", "half an hour");
}

#[tokio::test]
async fn wrong_passwords_are_counted_by_name_and_say_nothing_of_it() {
    let w = world().await;
    owner(&w).await;
    trail(&w).await;
    for name in ["ann", "nobody"] {
        for _ in 0..5 {
            let wrong = w.authority.console_sign_in(&w.ctx(), name, Password::new("wrong words")).await;
            assert_eq!(outcome(&wrong), "invalid_credentials");
        }
        let right = w.authority.console_sign_in(&w.ctx(), name, Password::new(WORDS)).await;
        assert_eq!(outcome(&right), "throttled");
    }
    assert_eq!(trail(&w).await, vec!["anonymous administrator.password_refused"; 10]);
}

#[tokio::test]
async fn roles_follow_from_scopes_in_every_project() {
    let w = world().await;
    let reader = made(&w, "rita", Role::ReadOnly).await.console;
    let keeper = made(&w, "otto", Role::Operator).await.console;
    let project = w.home.project.id;
    assert!(reader.caller().permit(Scope::IdentitiesRead, project).is_ok());
    assert!(reader.caller().view_installation().is_ok());
    for scope in Scope::EACH {
        let reads = matches!(scope, Scope::ProjectsRead | Scope::IdentitiesRead);
        assert_eq!(reader.caller().permit(scope, project).is_ok(), reads, "{scope}");
        assert_eq!(keeper.caller().permit(scope, project).is_ok(), scope != Scope::All, "{scope}");
    }
    assert_eq!(outcome(&reader.require_changes()), "forbidden");
    assert_eq!(outcome(&reader.caller().permit_installation()), "forbidden");
    assert_eq!(outcome(&keeper.caller().permit_installation()), "accepted");
}

#[tokio::test]
async fn only_owners_look_after_administrators_and_one_owner_stays() {
    let w = world().await;
    let ann = owner(&w).await.console;
    let otto = made(&w, "otto", Role::Operator).await.console;
    let weak = otto.caller().permit(Scope::ProjectsRead, ProjectId::INSTALLATION).unwrap();
    let at = &w.authority;
    assert_eq!(outcome(&at.create_administrator(&w.ctx(), &weak, "eve", Role::Owner).await), "forbidden");
    assert_eq!(outcome(&at.delete_administrator(&w.ctx(), &weak, ann.administrator.id).await), "forbidden");
    assert_eq!(at.administrators(&weak).await.unwrap().len(), 2, "all may see them");
    let foreign = Caller::Operator.permit(Scope::All, w.home.project.id).unwrap();
    assert_eq!(outcome(&at.administrators(&foreign).await), "forbidden", "no project's business");
    let strong = ann.caller().permit(Scope::All, ProjectId::INSTALLATION).unwrap();
    assert_eq!(outcome(&at.delete_administrator(&w.ctx(), &strong, ann.administrator.id).await), "invalid");
    let demoted = at.set_administrator_role(&w.ctx(), &strong, ann.administrator.id, Role::ReadOnly, None).await;
    assert_eq!(outcome(&demoted), "invalid");
    at.delete_administrator(&w.ctx(), &strong, otto.administrator.id).await.unwrap();
}

#[tokio::test]
async fn a_change_that_was_decided_on_an_older_state_is_refused() {
    let w = world().await;
    let otto = made(&w, "otto", Role::Operator).await.console.administrator;
    let at = &w.authority;
    at.set_administrator_role(&w.ctx(), &operator(), otto.id, Role::ReadOnly, Some(otto.version)).await.unwrap();
    let stale = at.set_administrator_role(&w.ctx(), &operator(), otto.id, Role::Owner, Some(otto.version)).await;
    assert_eq!(outcome(&stale), "conflict");
}

#[tokio::test]
async fn a_reset_takes_every_factor_and_session_away() {
    let w = world().await;
    let otto = made(&w, "otto", Role::Operator).await;
    let id = otto.console.administrator.id;
    let MintedAdministrator { link, .. } = w.authority.reset_administrator(&w.ctx(), &operator(), id).await.unwrap();
    assert!(w.authority.console(&w.ctx(), &otto.token).await.is_err());
    let old = w.authority.console_sign_in(&w.ctx(), "otto", Password::new(WORDS)).await;
    assert_eq!(outcome(&old), "invalid_credentials");
    let again = enrolled(&w, &link, Some("somebody else")).await;
    assert_eq!(again.console.administrator.name, "otto");
}

#[tokio::test]
async fn n78_own_changes_need_the_present_password_and_end_other_sessions() {
    let w = world().await;
    let ann = owner(&w).await;
    let other = w.authority.console_second(&w.ctx(), &half(&w, "ann").await, totp(&ann, &w)).await.unwrap();
    let wrong = w.authority.confirm_administrator(&w.ctx(), &ann.console, Password::new("wrong words")).await;
    assert_eq!(outcome(&wrong), "invalid_credentials");
    let confirmed = w.authority.confirm_administrator(&w.ctx(), &ann.console, Password::new(WORDS)).await.unwrap();
    let new = "another harbour, as quiet";
    w.authority.change_own_password(&w.ctx(), &confirmed, Password::new(new)).await.unwrap();
    assert!(w.authority.console(&w.ctx(), &other).await.is_err());
    w.authority.console(&w.ctx(), &ann.token).await.unwrap();
    let old = w.authority.console_sign_in(&w.ctx(), "ann", Password::new(WORDS)).await;
    assert_eq!(outcome(&old), "invalid_credentials");
    w.authority.console_sign_in(&w.ctx(), "ann", Password::new(new)).await.unwrap();
    assert_eq!(outcome(&w.authority.remove_totp(&w.ctx(), &confirmed).await), "invalid", "the last factor stays");
}

#[tokio::test]
async fn the_seed_is_sealed_and_rewrapped_with_the_rest() {
    let w = world().await;
    let ann = owner(&w).await;
    let rewrapped = w.authority.rewrap(&w.ctx(), &w.installation()).await.unwrap();
    assert_eq!(rewrapped.administrators, 1);
    w.authority.console_second(&w.ctx(), &half(&w, "ann").await, totp(&ann, &w)).await.unwrap();
}

#[tokio::test]
async fn a_form_token_is_good_for_its_session_only() {
    let w = world().await;
    let [one, other] = [1, 2].map(|n| RawToken::new(format!("token {n}")));
    let shown = w.authority.form_token(&one);
    assert!(w.authority.is_form_token(&one, &shown));
    assert!(!w.authority.is_form_token(&other, &shown));
    assert!(!w.authority.is_form_token(&one, ""));
}

#[tokio::test]
async fn n98_the_chain_of_the_installation_is_whole_and_misses_what_is_taken_out() {
    let w = world().await;
    owner(&w).await;
    w.authority.link_audit().await.unwrap();
    let verdict = async || w.authority.verify_audit(ProjectId::INSTALLATION).await.unwrap();
    assert_eq!(verdict().await, ringfence_core::authority::AuditVerdict::Intact(5));
    let away = ringfence_core::audit::Link { seq: 1000, hash: "x".to_owned() };
    w.store
        .write(move |tx| {
            let (event, _) = tx.audit_log(ProjectId::INSTALLATION, 1, 1)?.remove(0);
            Ok(tx.link_audit(event.id, &away)?)
        })
        .await
        .unwrap();
    assert_eq!(verdict().await, ringfence_core::authority::AuditVerdict::BrokenAt(2));
}
