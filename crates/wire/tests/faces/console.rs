//! The console from outside: every page and every change of the list is closed to whoever may not have it.

use std::time::Duration;

use ringfence_core::{
    administrator::Role,
    caller::{Caller, Permit, Scope},
    ids::ProjectId,
    secret::{Password, RawToken},
    time::Clock as _,
};
use ringfence_wire::CONSOLE_PAGES;

use crate::{
    support::{Answer, PUBLIC_URL},
    tiledesk::Server,
};

const ORIGIN: &str = PUBLIC_URL;
const WORDS: &str = "a quiet harbour in october";

fn operator() -> Permit {
    Caller::Operator.permit(Scope::All, ProjectId::INSTALLATION).unwrap()
}

fn changes() -> impl Iterator<Item = (&'static str, bool)> {
    CONSOLE_PAGES.iter().flat_map(|page| page.changes).map(|change| (change.path(), !change.is_own()))
}

/// A browser with the cookie of a session.
struct Browser<'a> {
    server: &'a Server,
    token: RawToken,
}

impl Browser<'_> {
    fn cookie(&self) -> String {
        format!("a=b; __Host-ringfence-console={}", self.token.expose())
    }

    async fn get(&self, path: &str) -> Answer {
        self.server.ask_root("GET", path).header("cookie", &self.cookie()).send().await
    }

    async fn post(&self, path: &str, form: &str) -> Answer {
        let asked = self.server.ask_root("POST", path).header("cookie", &self.cookie());
        asked.header("origin", ORIGIN).form(form).send().await
    }

    fn csrf(&self) -> String {
        format!("csrf={}", self.server.authority.form_token(&self.token))
    }
}

async fn half<'a>(server: &'a Server, name: &str) -> Browser<'a> {
    let token = server.authority.console_sign_in(&server.ctx(), name, Password::new(WORDS)).await.unwrap();
    Browser { server, token }
}

async fn staff<'a>(server: &'a Server, name: &str, role: Role) -> Browser<'a> {
    let (at, ctx) = (&server.authority, server.ctx());
    let made = at.create_administrator(&ctx, &operator(), name, role).await.unwrap();
    let token = at.begin_console(&ctx, &made.link, None, Password::new(WORDS)).await.unwrap();
    let half = at.half_console(&ctx, &token).await.unwrap();
    let seed = at.enrolling_totp(&ctx, &half).await.unwrap();
    let half = at.half_console(&ctx, &token).await.unwrap();
    let done = at.enrol_totp(&ctx, &half, &seed.code_at(server.clock.now())).await.unwrap();
    Browser { server, token: done.token }
}

#[tokio::test]
async fn nobody_sees_a_page_or_changes_anything_without_signing_in() {
    let server = Server::start().await;
    for page in CONSOLE_PAGES {
        let answer = server.ask_root("GET", page.path).send().await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/console/sign-in"), "{}", page.path);
        assert_eq!(answer.header("referrer-policy"), "same-origin");
    }
    for (path, _) in changes() {
        let asked = |origin: &str| server.ask_root("POST", path).header("origin", origin).form("csrf=x").send();
        assert_eq!(asked(ORIGIN).await.status, 401, "{path}");
        assert_eq!(asked("https://evil.test").await.status, 403, "{path}");
        assert_eq!(asked("null").await.status, 403, "{path}");
        assert_eq!(server.ask_root("POST", path).form("csrf=x").send().await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn n81_half_a_sign_in_is_refused_every_page_and_every_change() {
    let server = Server::start().await;
    staff(&server, "ann", Role::Owner).await;
    let half = half(&server, "ann").await;
    for page in CONSOLE_PAGES {
        let answer = half.get(page.path).await;
        assert_eq!(answer.status, 401, "{}", page.path);
        assert!(answer.body.contains(r#"data-code="mfa_required""#), "{}", page.path);
    }
    for (path, _) in changes() {
        assert_eq!(half.post(path, &half.csrf()).await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn a_read_only_administrator_sees_every_page_and_is_refused_every_change() {
    let server = Server::start().await;
    let rita = staff(&server, "rita", Role::ReadOnly).await;
    for page in CONSOLE_PAGES {
        assert_eq!(rita.get(page.path).await.status, 200, "{}", page.path);
    }
    for (path, shared) in changes() {
        let answer = rita.post(path, &format!("{}&password={WORDS}", rita.csrf())).await;
        if shared {
            assert_eq!(answer.status, 403, "{path}");
            assert!(answer.body.contains(r#"data-code="forbidden""#), "{path}");
        } else {
            assert!(!answer.body.contains(r#"data-code="forbidden""#), "{path}");
        }
    }
}

#[tokio::test]
async fn n45_a_change_needs_the_token_of_its_own_session() {
    let server = Server::start().await;
    let (ann, otto) = (staff(&server, "ann", Role::Owner).await, staff(&server, "otto", Role::Owner).await);
    for (path, _) in changes() {
        for form in [String::new(), "csrf=".to_owned(), otto.csrf(), format!("{0}&{0}", ann.csrf())] {
            let answer = ann.post(path, &form).await;
            assert_eq!(answer.status, 403, "{path} {form}");
            assert!(answer.body.contains(r#"data-code="form_not_ours""#), "{path}");
        }
        let cookie = ann.cookie();
        let json = ann.server.ask_root("POST", path).header("cookie", &cookie).header("origin", ORIGIN);
        assert_eq!(json.raw("text/plain", ann.csrf()).send().await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn n78_own_factors_change_only_with_the_present_password() {
    let server = Server::start().await;
    let ann = staff(&server, "ann", Role::Owner).await;
    for (path, form) in [
        ("/console/account/password", "new_password=another+quiet+harbour"),
        ("/console/account/totp", "code=000000"),
        ("/console/account/totp/remove", ""),
        ("/console/account/recovery", ""),
        ("/console/administrators", "name=eve&role=owner"),
    ] {
        server.clock.advance(Duration::from_mins(1));
        for password in ["", "&password=", "&password=wrong"] {
            let answer = ann.post(path, &format!("{}&{form}{password}", ann.csrf())).await;
            assert_eq!(answer.status, 403, "{path}");
            assert!(answer.body.contains(r#"data-code="password_required""#), "{path}");
        }
        // A right one in between, so that nobody waits.
        ann.server.authority.console(&server.ctx(), &ann.token).await.unwrap();
        let console = ann.server.authority.console(&server.ctx(), &ann.token).await.unwrap();
        server.authority.confirm_administrator(&server.ctx(), &console, Password::new(WORDS)).await.unwrap();
    }
}

#[tokio::test]
async fn n42_a_sign_in_goes_on_by_303_and_its_cookie_is_bound() {
    let server = Server::start().await;
    staff(&server, "ann", Role::Owner).await;
    let form = format!("name=Ann&password={}", WORDS.replace(' ', "+"));
    let answer = server.ask_root("POST", "/console/sign-in").header("origin", ORIGIN).form(&form).send().await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/console/factor"));
    let cookie = answer.header("set-cookie").to_owned();
    assert!(cookie.starts_with("__Host-ringfence-console=rfc_"), "{cookie}");
    assert!(cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Strict"), "{cookie}");
    let wrong = server.ask_root("POST", "/console/sign-in").header("origin", ORIGIN);
    let wrong = wrong.form("name=ann&password=wrong").send().await;
    assert_eq!((wrong.status.as_u16(), wrong.header("set-cookie")), (401, ""));
}

#[tokio::test]
async fn n45_pages_of_the_console_are_in_no_frame_and_run_nothing_inline() {
    let server = Server::start().await;
    let ann = staff(&server, "ann", Role::Owner).await;
    for page in CONSOLE_PAGES {
        let answer = ann.get(page.path).await;
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("cache-control"), "no-store");
        for inline in [" style=", " onclick=", " onload=", "<style", "<script>"] {
            assert!(!answer.body.contains(inline), "{}: {inline}", page.path);
        }
    }
}

#[tokio::test]
async fn a_webhook_is_reached_through_its_own_project_only() {
    let server = Server::start().await;
    let ann = staff(&server, "ann", Role::Owner).await;
    let made = ann.post("/console/projects/make", &format!("{}&name=Another+shop", ann.csrf())).await;
    let other = made.header("location").split(['=', '&']).nth(1).unwrap().to_owned();
    let caller = Caller::Operator;
    let all = server.authority.projects(&caller.view_installation().unwrap(), None, 10).await.unwrap();
    let own = all.iter().map(|project| project.id).find(|id| id.to_string() != other).unwrap();
    let form = |project: &str, more: &str| format!("{}&project={project}&{more}", ann.csrf());
    let shown = ann.post("/console/webhooks/make", &form(&own.to_string(), "url=https%3A%2F%2Fa.example%2Fb")).await;
    assert!(shown.body.contains("whsec_"));
    let permit = caller.permit(Scope::ProjectsRead, own).unwrap();
    let webhook = server.authority.webhooks(&permit).await.unwrap().remove(0).id;
    assert_eq!(ann.get(&format!("/console/webhooks/{own}/{webhook}")).await.status, 200);
    assert_eq!(ann.get(&format!("/console/webhooks/{other}/{webhook}")).await.status, 404);
    for change in ["delete", "switch", "replay"] {
        let fields = form(&other, &format!("webhook={webhook}&off=true"));
        assert_eq!(ann.post(&format!("/console/webhooks/{change}"), &fields).await.status, 404, "{change}");
    }
    let gone = ann.post("/console/webhooks/delete", &form(&own.to_string(), &format!("webhook={webhook}"))).await;
    assert_eq!(gone.status, 303);
    assert!(server.authority.webhooks(&permit).await.unwrap().is_empty());
}
