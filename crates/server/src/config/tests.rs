use std::{fs, path::Path};

use super::*;

fn with(file: &str, env: &[(&str, &str)]) -> Result<Config> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("ringfence.toml");
    fs::write(&path, file)?;
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    load(Mode::Serve, Some(&path), env, Flags::new())
}

fn complaint(outcome: Result<Config>) -> String {
    format!("{:#}", outcome.expect_err("refused"))
}

#[test]
fn no_file_is_needed() {
    let config = load(Mode::Serve, None, std::iter::empty(), Flags::new()).unwrap();
    assert_eq!(config.database.url, "sqlite:ringfence.db");
    assert_eq!(config.public_url(config.server.listen).unwrap(), "http://127.0.0.1:7080");
}

#[test]
fn the_sample_of_init_changes_nothing() {
    let sample = with(include_str!("../../samples/ringfence.toml"), &[]).unwrap();
    let default = load(Mode::Serve, None, std::iter::empty(), Flags::new()).unwrap();
    assert_eq!(toml::to_string(&sample).unwrap(), toml::to_string(&default).unwrap());
}

#[test]
fn the_file_of_the_debian_package_keeps_everything_in_the_state_directory() {
    let config = with(include_str!("../../../../packaging/ringfence.toml"), &[]).unwrap();
    assert_eq!(config.database.url, "sqlite:/var/lib/ringfence/ringfence.db");
    assert_eq!(config.secrets.master_key_file, Path::new("/var/lib/ringfence/master.key"));
    assert!(config.server.listen.ip().is_loopback());
}

#[test]
fn an_unknown_key_is_named_with_its_file_and_line() {
    let text = complaint(with("[server]\nlisten = \"127.0.0.1:1\"\nlisen = 1\n", &[]));
    assert!(text.contains("ringfence.toml") && text.contains("lisen") && text.contains("line 3"), "{text}");
    let text = complaint(with("[dialects.tiledesk]\nprefx = \"/t\"\n", &[]));
    assert!(text.contains("[dialects.tiledesk]") && text.contains("prefx"), "{text}");
    let text = complaint(with("[dialects.gopher]\n", &[]));
    assert!(text.contains("unknown dialect `gopher`"), "{text}");
}

#[test]
fn the_environment_wins_over_the_file_and_flags_over_both() {
    let env = [
        ("RINGFENCE__SERVER__TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.1/32"),
        ("RINGFENCE__PASSWORD__THREADS", "3"),
        ("RINGFENCE__DIALECTS__TILEDESK__ENABLED", "false"),
        ("RINGFENCE__DIALECTS__TILEDESK__PROJECT", "7"),
        ("RINGFENCE__LOG__LEVEL", "debug"),
        ("PATH", "/bin"),
    ];
    let config = with("[log]\nlevel = \"warn\"\nformat = \"json\"\n", &env).unwrap();
    assert_eq!(config.server.trusted_proxies.len(), 2);
    assert_eq!(config.password.threads, 3);
    assert!(!config.dialects["tiledesk"].enabled);
    assert_eq!(config.dialects["tiledesk"].project, "7");
    assert_eq!((config.log.level.as_str(), config.log.format), ("debug", LogFormat::Json));

    let env = [("RINGFENCE__LOG__LEVEL".to_owned(), "debug".to_owned())].into_iter();
    let config = load(Mode::Serve, None, env, vec![("log", "level", "error".into())]).unwrap();
    assert_eq!(config.log.level, "error");
}

#[test]
fn a_wrong_variable_is_named() {
    let text = complaint(with("", &[("RINGFENCE__SERVR__LISTEN", "x")]));
    assert!(text.contains("RINGFENCE__SERVR__LISTEN") && text.contains("servr"), "{text}");
    let text = complaint(with("", &[("RINGFENCE__SERVER__LISTEN", "everywhere")]));
    assert!(text.contains("RINGFENCE__SERVER__LISTEN"), "{text}");
}

#[test]
fn a_dialect_has_its_own_keys_and_no_others() {
    for (dialect, key) in [("tiledesk", "redirect_urls"), ("keyclic", "authorization_url"), ("keyclic", "token_ip")] {
        with(&format!("[dialects.{dialect}]\n{key} = \"x\"\n"), &[]).unwrap();
        let text = complaint(with(&format!("[dialects.telnyx]\n{key} = \"x\"\n"), &[]));
        assert!(text.contains(key), "{text}");
    }
}

#[test]
fn a_secret_may_come_from_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("url");
    fs::write(&secret, "postgres://me:secret@db/ringfence\n").unwrap();
    let text = format!("[database]\nurl_file = {:?}\n", secret.display().to_string());
    assert_eq!(with(&text, &[]).unwrap().database.url, "postgres://me:secret@db/ringfence");
    let over = with(&text, &[("RINGFENCE__DATABASE__URL", "sqlite:x.db")]).unwrap();
    assert_eq!(over.database.url, "sqlite:x.db");
    let text = format!("{text}url = \"sqlite:x.db\"\n");
    assert!(complaint(with(&text, &[])).contains("both set"));
}

#[test]
fn serve_refuses_what_is_for_dev_and_what_it_cannot_do_yet() {
    for (file, reason) in [
        ("[mail]\nurl = \"mailbox:\"", "mailbox"),
        ("[secrets]\nmaster_key_file = \"ringfence-dev.key\"", "ringfence-dev.key"),
        ("[server.tls]\ncertificate = \"c\"", "tls.key"),
        ("[server]\npublic_url = \"http://x.example\"\n[server.tls]\ncertificate = \"c\"\nkey = \"k\"", "https://"),
        ("[bus]\nurl = \"nats://127.0.0.1:4222\"", "one node"),
        ("[bus]\nsubject = \"ring fence\"", "subject"),
        ("[bus]\nca_file = \"ca.pem\"", "tls://HOST:PORT"),
        ("[audit]\nkeep_for = \"6d\"", "7d is the least"),
        ("[bus]\nconfirm_within = \"31s\"", "1s to 30s"),
        ("[bus]\nurl = \"postgres:\"", "PostgreSQL"),
        ("[password]\nmemory_kib = 64", "7168"),
        ("[server]\npublic_url = \"https://x.example/path\"", "public_url"),
        ("[database]\nurl = \"mysql://x\"", "sqlite:PATH"),
    ] {
        let text = complaint(with(file, &[]));
        assert!(text.contains(reason), "{file}: {text}");
    }
}

#[test]
fn tls_may_come_from_the_environment_and_makes_the_public_url_https() {
    let env = [("RINGFENCE__SERVER__TLS__CERTIFICATE", "c.pem"), ("RINGFENCE__SERVER__TLS__KEY", "k.pem")];
    let config = with("", &env).unwrap();
    assert_eq!(config.public_url(config.server.listen).unwrap(), "https://127.0.0.1:7080");
}

#[test]
fn dev_listens_on_loopback_only() {
    let flags = vec![("server", "listen", "0.0.0.0:7080".into())];
    let text = complaint(load(Mode::Dev, None::<&Path>, std::iter::empty(), flags));
    assert!(text.contains("loopback"), "{text}");
}

#[test]
fn every_address_needs_a_public_url() {
    let flags = vec![("server", "listen", "0.0.0.0:7080".into())];
    let config = load(Mode::Serve, None, std::iter::empty(), flags).unwrap();
    assert!(config.public_url(config.server.listen).is_err());
}

#[test]
fn n47_origins_of_sockets_can_be_said_and_other_dialects_have_no_such_key() {
    let config = with("[dialects.telnyx]\norigins = \"https://app.test\"", &[]).unwrap();
    assert_eq!(config.dialects["telnyx"].options["origins"], "https://app.test");
    assert!(complaint(with("[dialects.tiledesk]\norigins = \"https://app.test\"", &[])).contains("origins"));
}

#[test]
fn announcements_go_by_the_database_where_it_can_carry_them() {
    let carrier = |file: &str| with(file, &[]).unwrap().carrier();
    let postgres = "[database]\nurl = \"postgres://u@localhost/d\"\n";
    assert_eq!(carrier(""), Carrier::Local);
    assert_eq!(carrier("[bus]\nurl = \"local:\""), Carrier::Local);
    assert_eq!(carrier(postgres), Carrier::Postgres);
    assert_eq!(carrier(&format!("{postgres}[bus]\nurl = \"postgres:\"")), Carrier::Postgres);
    assert_eq!(carrier(&format!("{postgres}[bus]\nurl = \"local:\"")), Carrier::Local);
    assert_eq!(carrier(&format!("{postgres}[bus]\nurl = \"nats://u:p@127.0.0.1:4222\"")), Carrier::Nats);
    assert_eq!(carrier(&format!("{postgres}[bus]\nurl = \"tls://nats.example.org\"")), Carrier::Nats);
}
