//! `turn`: the secrets that relays of media share with us, and how to set such a relay up.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};
use ringfence_core::turn::{TurnSecret, TurnSecrets};
use ringfence_store::SqlTable;
use serde_json::json;

use super::on_current;
use crate::{
    admin::{Admin, installation, settings},
    cli::{self, TurnMode},
    config::{self, Flags, Mode},
    exit::explain,
    output::Output,
};

/// Runs one of them.
pub fn run(options: &cli::Options, command: &cli::Turn, output: Output) -> Result<()> {
    let config = settings(options, Mode::Tool, Flags::new())?.turn;
    on_current(options, output, async |admin| match command {
        cli::Turn::Rotate => rotate(admin, &config).await,
        cli::Turn::Push => push(admin, &config).await,
        cli::Turn::Config(wanted) => show_config(admin, &config, wanted).await,
    })
}

async fn rotate(admin: &Admin, config: &config::Turn) -> Result<()> {
    let at = admin.authority();
    let present = at.turn_secrets(&installation()).await.map_err(explain)?;
    let new = at.fresh_turn_secret();
    // Relays first: a credential must not be made with a secret that they do not take yet.
    let known = present.iter().flat_map(TurnSecrets::valid);
    let pushed = give(config, std::iter::once(&new).chain(known))?;
    let secrets = at.adopt_turn_secret(&admin.ctx(), &installation(), new).await.map_err(explain)?;
    give(config, secrets.valid())?;
    let answer = json!({ "valid": secrets.valid().count(), "pushed": pushed });
    admin.show(&answer, || {
        let relays = if pushed {
            "The relays have both."
        } else {
            "Give the relays their new configuration (`ringfence turn config`): [turn] has no database_url."
        };
        format!("Credentials are made with a new secret; the one before counts until the next time. {relays}")
    })
}

async fn push(admin: &Admin, config: &config::Turn) -> Result<()> {
    let secrets = admin.authority().turn_secrets(&installation()).await.map_err(explain)?;
    let secrets = secrets.context("there is no secret yet: run `ringfence turn rotate`")?;
    if !give(config, secrets.valid())? {
        bail!("[turn] has no database_url, so there is nowhere to push to");
    }
    admin.show(&json!({ "valid": secrets.valid().count() }), || "The relays have the present secrets.".to_owned())
}

/// Has the relays' database hold these secrets and no others; `false` when there is no such database.
fn give<'a>(config: &config::Turn, secrets: impl Iterator<Item = &'a TurnSecret>) -> Result<bool> {
    let Some(url) = &config.database_url else { return Ok(false) };
    let table = SqlTable::parse(&config.table).context("section [turn]: table")?;
    let secrets: Vec<_> = secrets.map(TurnSecret::expose).collect();
    let put = ringfence_store::put_turn_secrets(url, &table, &config.realm, &secrets);
    put.context("the relays' database does not take the secrets").map(|()| true)
}

async fn show_config(admin: &Admin, config: &config::Turn, wanted: &cli::TurnConfig) -> Result<()> {
    let secrets = admin.authority().turn_secrets(&installation()).await.map_err(explain)?;
    let text = coturn(config, wanted, secrets.as_ref());
    admin.show(&json!({ "turnserver_conf": text }), || text.clone())
}

/// Addresses that no relay should reach for a stranger: itself, its neighbours, and all of these in other spellings. The mapped
/// ones are CVE-2026-27624's way around the rest (ATTACKS N70).
const DENIED: [(&str, &str); 22] = [
    ("0.0.0.0", "0.255.255.255"),
    ("10.0.0.0", "10.255.255.255"),
    ("100.64.0.0", "100.127.255.255"),
    ("127.0.0.0", "127.255.255.255"),
    ("169.254.0.0", "169.254.255.255"),
    ("172.16.0.0", "172.31.255.255"),
    ("192.0.0.0", "192.0.0.255"),
    ("192.0.2.0", "192.0.2.255"),
    ("192.88.99.0", "192.88.99.255"),
    ("192.168.0.0", "192.168.255.255"),
    ("198.18.0.0", "198.19.255.255"),
    ("198.51.100.0", "198.51.100.255"),
    ("203.0.113.0", "203.0.113.255"),
    ("240.0.0.0", "255.255.255.255"),
    // Loopback, and IPv4 as it was once embedded. Not from `::` on: to coturn a range that begins there begins nowhere and
    // holds all of IPv4. `::` itself it denies like loopback, unless told otherwise.
    ("::1", "::ffff:ffff"),
    // Mapped IPv4.
    ("::ffff:0:0", "::ffff:ffff:ffff"),
    ("64:ff9b::", "64:ff9b::ffff:ffff"),
    ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"),
    ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
];

fn coturn(config: &config::Turn, wanted: &cli::TurnConfig, secrets: Option<&TurnSecrets>) -> String {
    let mut text =
        "# coturn 4.6 for Ringfence. Made by `ringfence turn config`; see docs/recipes/coturn.md.\n".to_owned();
    let mut line = |words: &str| writeln!(text, "{words}").expect("a String takes all");
    line(&format!("listening-ip={}", wanted.listen));
    line(&format!("listening-port={}", wanted.port));
    line(&format!("realm={}", config.realm));
    line("fingerprint");
    match (wanted.mode, &wanted.userdb) {
        (TurnMode::Users, _) => line("lt-cred-mech"),
        (TurnMode::Secret, _) => line("use-auth-secret"),
    }
    match &wanted.userdb {
        Some(database) => line(&format!("psql-userdb=\"{database}\"")),
        None => {
            for secret in secrets.iter().flat_map(|secrets| secrets.valid()).filter(|_| wanted.mode == TurnMode::Secret)
            {
                line(&format!("static-auth-secret={}", secret.expose()));
            }
        }
    }
    line("stale-nonce=600");
    line("max-allocate-lifetime=600");
    line("user-quota=12");
    line("no-cli\nno-software-attribute\nno-multicast-peers\nno-tcp-relay");
    line("# Certificates are yours to add; until then without TLS.");
    line("no-tls\nno-dtls");
    line("# What lies behind the relay is not the clients' to reach.");
    for (first, last) in DENIED {
        line(&format!("denied-peer-ip={first}-{last}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[test]
    fn n70_loopback_link_local_and_mapped_addresses_are_denied() {
        let denied = |peer: &str| {
            let peer: IpAddr = peer.parse().unwrap();
            DENIED.iter().any(|(first, last)| {
                let (first, last): (IpAddr, IpAddr) = (first.parse().unwrap(), last.parse().unwrap());
                first.is_ipv4() == peer.is_ipv4() && first <= peer && peer <= last
            })
        };
        for peer in [
            "127.0.0.1",
            "127.255.0.1",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::127.0.0.1",
            "169.254.169.254",
            "fe80::1",
            "fd00::1",
            "10.1.2.3",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "0.0.0.0",
        ] {
            assert!(denied(peer), "{peer}");
        }
        for peer in ["8.8.8.8", "2606:4700::1", "172.32.0.1", "100.63.255.255"] {
            assert!(!denied(peer), "{peer}");
        }
    }
}
