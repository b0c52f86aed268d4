//! `doctor`: what is wrong, or will be.

use std::time::Duration;

use anyhow::Result;
use ringfence_core::{
    authority::{AuditVerdict, Authority},
    ids::ProjectId,
    time::Timestamp,
};
use ringfence_wire::{Finding, Verdict};
use serde_json::{Value, json};
use url::Url;

use crate::{
    admin::{installation_view, settings},
    assemble::{self, Assembly, Place, Schema},
    cli::Options,
    config::{Carrier, Config, Flags, MAILBOX, Mode},
    exit::{Refused, explain},
    mail_smtp::SmtpMailer,
    output::Output,
    telemetry,
    tls::Files,
};

/// 1 January 2026: no clock that is right shows less.
const BUILT_AFTER: Timestamp = Timestamp::from_seconds(1_767_225_600);
/// A certificate that ends within this should have been renewed.
const TLS_WARNING: Duration = Duration::from_hours(14 * 24);
/// Below this a project's passwords are easily guessed.
const PASSWORD_FLOOR: usize = 8;

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, check: &'static str, verdict: Verdict, says: impl Into<String>) {
        self.0.push(Finding { check, verdict, says: says.into() });
    }

    fn ok(&mut self, check: &'static str, says: impl Into<String>) {
        self.add(check, Verdict::Ok, says);
    }

    fn warn(&mut self, check: &'static str, says: impl Into<String>) {
        self.add(check, Verdict::Warn, says);
    }

    fn fail(&mut self, check: &'static str, says: impl Into<String>) {
        self.add(check, Verdict::Fail, says);
    }

    fn json(&self) -> Value {
        let view = |finding: &Finding| {
            let verdict = match finding.verdict {
                Verdict::Ok => "ok",
                Verdict::Warn => "warn",
                Verdict::Fail => "fail",
            };
            json!({ "check": finding.check, "verdict": verdict, "says": finding.says })
        };
        self.0.iter().map(view).collect()
    }

    fn text(&self) -> String {
        let line = |finding: &Finding| {
            let verdict = match finding.verdict {
                Verdict::Ok => "ok  ",
                Verdict::Warn => "warn",
                Verdict::Fail => "FAIL",
            };
            format!("{verdict}  {:13}  {}", finding.check, finding.says)
        };
        self.0.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// What a server that runs finds in itself. It has opened its database and keys already, and its audit chains have a page of
/// their own.
pub async fn of_running(config: &Config, authority: &Authority) -> Vec<Finding> {
    let mut findings = Findings::default();
    check_settings(config, &mut findings);
    check_tls(config, &mut findings);
    check_mail(config, &mut findings).await;
    match authority.ping().await {
        Ok(()) => findings.ok("database", "opens and answers"),
        Err(error) => findings.fail("database", format!("{error:#}")),
    }
    check_bus(config, &mut findings).await;
    if let Err(error) = check_policies(authority, &mut findings).await {
        findings.fail("projects", format!("{error:#}"));
    }
    findings.0
}

/// Checks everything and refuses if anything fails.
pub async fn run(options: &Options, output: Output) -> Result<()> {
    let config = settings(options, Mode::Tool, Flags::new())?;
    telemetry::start_log(&config.log)?;
    let mut findings = Findings::default();
    check_settings(&config, &mut findings);
    check_tls(&config, &mut findings);
    check_mail(&config, &mut findings).await;
    check_database(&config, &mut findings).await;
    let failed = findings.0.iter().filter(|finding| finding.verdict == Verdict::Fail).count();
    output.show(&json!({ "healthy": failed == 0, "findings": findings.json() }), || findings.text())?;
    match failed {
        0 => Ok(()),
        1 => Err(Refused::because("1 check failed")),
        count => Err(Refused::because(format_args!("{count} checks failed"))),
    }
}

fn check_settings(config: &Config, findings: &mut Findings) {
    let now = assemble::clock().now();
    if now < BUILT_AFTER {
        findings.fail("clock", format!("shows {now}: tokens would be wrong"));
    } else {
        findings.ok("clock", now.to_string());
    }
    let server = &config.server;
    let public = server.public_url.as_deref().unwrap_or_default();
    match (public.starts_with("https://"), server.trusted_proxies.is_empty()) {
        (_, true) if server.tls.is_some() => findings.ok("proxy", "none: TLS is spoken here"),
        (true, true) => findings.warn(
            "proxy",
            "public_url is https, so a proxy stands in front, but trusted_proxies is empty: every client looks like it",
        ),
        (false, _) if !server.listen.ip().is_loopback() && server.tls.is_none() => {
            findings
                .warn("proxy", "listens beyond this machine without TLS in front: passwords and tokens are readable");
        }
        (_, true) => findings.ok("proxy", "none: the client is whoever connects"),
        (_, false) => findings.ok("proxy", "forwarded addresses count from the configured proxies only"),
    }
    if !server.admin_listen.ip().is_loopback() {
        findings.warn("admin", format!("health and metrics are served on {}", server.admin_listen));
    }
    if config.password.memory_kib < 19_456 {
        findings.warn("hashing", format!("memory_kib is {}; 19456 is recommended", config.password.memory_kib));
    }
}

fn check_tls(config: &Config, findings: &mut Findings) {
    let Some(settings) = &config.server.tls else { return };
    let facts = match Files::of(settings).read().and_then(|read| read.pair()) {
        Ok(pair) => pair.facts,
        Err(error) => return findings.fail("tls", format!("{error:#}")),
    };
    let now = assemble::clock().now();
    let (from, until) = (facts.not_before, facts.not_after);
    // Certificates that live a week are renewed in the last days of it.
    let soon = TLS_WARNING.min(until.since(from) / 3);
    match () {
        () if now < from => findings.fail("tls", format!("the certificate is not valid before {from}")),
        () if now >= until => findings.fail("tls", format!("the certificate ended at {until}")),
        () if until.since(now) < soon => findings.warn("tls", format!("the certificate ends soon, at {until}")),
        () => findings.ok("tls", format!("the key fits the certificate, which is valid until {until}")),
    }
    let url = config.server.public_url.as_deref().and_then(|url| Url::parse(url).ok());
    if let Some(host) = url.as_ref().and_then(Url::host_str)
        && !facts.names(host.trim_matches(['[', ']']))
    {
        findings.fail("tls", format!("the certificate is not for {host}, which public_url says"));
    }
}

async fn check_mail(config: &Config, findings: &mut Findings) {
    let url = match config.mail.url.as_deref() {
        None => return findings.warn("mail", "off: mail.url is not set, so no password can be reset by its owner"),
        Some(MAILBOX) => return findings.ok("mail", "kept in the memory of `ringfence dev`"),
        Some(url) => url,
    };
    let checked = match SmtpMailer::new(&config.mail, url) {
        Ok(mailer) => mailer.check().await,
        Err(error) => Err(error),
    };
    match checked {
        Ok(()) => findings.ok("mail", "the mail server answers"),
        Err(error) => findings.fail("mail", crate::scrub::scrub(&format!("{error:#}"))),
    }
}

async fn check_database(config: &Config, findings: &mut Findings) {
    match assemble::pending(&config.database.url).await {
        Ok(names) if names.is_empty() => findings.ok("migrations", "the database is of this version"),
        Ok(names) => {
            return findings.fail("migrations", format!("missing: {}; run `ringfence migrate`", names.join(", ")));
        }
        Err(error) => return findings.fail("database", crate::scrub::scrub(&format!("{error:#}"))),
    }
    check_bus(config, findings).await;
    if !config.secrets.master_key_file.exists() {
        let file = config.secrets.master_key_file.display();
        return findings.fail("master key", format!("{file} does not exist; the first `ringfence serve` makes it"));
    }
    let opened = Assembly::open(config, Schema::MustBeCurrent, Place::Command, "http://localhost".to_owned()).await;
    let assembly = match opened {
        Ok(assembly) => assembly,
        Err(error) => return findings.fail("master key", format!("{error:#}")),
    };
    findings.ok("database", "opens and answers");
    findings.ok("master key", "opens what the database has sealed");
    if let Err(error) = check_projects(&assembly.authority, findings).await {
        findings.fail("projects", format!("{error:#}"));
    }
    assembly.close().await;
}

async fn check_bus(config: &Config, findings: &mut Findings) {
    match config.carrier() {
        Carrier::Local if config.database.is_sqlite() => findings.ok("bus", "local: one node, nothing to carry"),
        Carrier::Local => findings.warn("bus", "local: other nodes hear of a revocation within 30 seconds"),
        carrier @ (Carrier::Postgres | Carrier::Nats) => match assemble::check_bus(config).await {
            Ok(()) => findings.ok("bus", format!("{}: what is announced comes back", carrier.name())),
            Err(error) => {
                let says = format!("{}: {error:#}; other nodes hear of a revocation within 30 seconds", carrier.name());
                findings.fail("bus", crate::scrub::scrub(&says));
            }
        },
    }
}

async fn check_projects(authority: &Authority, findings: &mut Findings) -> Result<()> {
    let projects = check_policies(authority, findings).await?;
    for (id, name) in &projects {
        check_chain(authority, *id, &format!("project {name}"), findings).await?;
    }
    check_chain(authority, ProjectId::INSTALLATION, "the installation", findings).await?;
    match projects.len() {
        0 => findings.warn("projects", "there is none: `ringfence init` writes a sample to apply"),
        count => findings.ok("projects", format!("{count}, with their audit chains whole")),
    }
    Ok(())
}

async fn check_chain(authority: &Authority, of: ProjectId, name: &str, findings: &mut Findings) -> Result<()> {
    if let AuditVerdict::BrokenAt(seq) = authority.verify_audit(of).await.map_err(explain)? {
        findings.fail("audit", format!("the chain of {name} is broken at entry {seq}"));
    }
    Ok(())
}

/// Looks through what projects are configured to, and gives their names.
async fn check_policies(authority: &Authority, findings: &mut Findings) -> Result<Vec<(ProjectId, String)>> {
    let (mut after, mut names, now) = (None, Vec::new(), authority.clock().now());
    loop {
        let page = authority.projects(&installation_view(), after, 500).await.map_err(explain)?;
        let Some(last) = page.last() else { return Ok(names) };
        after = Some(last.id);
        for project in page {
            let floor = project.policy.password.min_length;
            if floor < PASSWORD_FLOOR {
                findings.warn("passwords", format!("project {} takes passwords of {floor} characters", project.name));
            }
            if project.updated_at.since(now).as_secs() > 60 {
                findings.warn(
                    "clock",
                    format!("project {} was changed in the future, {}", project.name, project.updated_at),
                );
            }
            names.push((project.id, project.name));
        }
    }
}
