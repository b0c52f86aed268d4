//! glewlwyd (GPL-3.0), as Debian packages it, with its own SQLite backend.

use std::process::Command;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::{Operation, Ours, PASSWORD_SIGN_IN, Peer, Place, install};
use crate::{
    process::{Program, free_address},
    scratch::PASSWORD,
    wrk::Request,
};

/// Itself, and the libraries that few others use; the rest is on any machine that runs the tests.
const PACKAGES: &[&str] = &[
    "glewlwyd",
    "glewlwyd-common",
    "libconfig9",
    "libhoel1.4",
    "libiddawc1.1",
    "libmicrohttpd12",
    "liboath0",
    "liborcania2.3",
    "librhonabwy1.1",
    "libulfius2.7",
    "libyder2.0",
];
const SETUP: &str = include_str!("../../peers/glewlwyd.py");

pub(super) fn start(place: &Place<'_>, ours: &Ours) -> anyhow::Result<Peer> {
    let root = install::debian(place.cache, "glewlwyd", PACKAGES)?;
    let folder = place.folder.join("glewlwyd");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("setup.py"), SETUP)?;
    let address = free_address()?;
    let setup = |step: &str| {
        let mut python = Command::new("python3");
        python.current_dir(&folder).args(["setup.py", step]).arg(&root).args([&address.port().to_string(), PASSWORD]);
        install::done(&mut python)
    };
    setup("prepare")?;
    let mut command = Command::new(root.join("usr/bin/glewlwyd"));
    command.current_dir(&folder).arg("--config-file=glewlwyd.conf");
    command.env("LD_LIBRARY_PATH", root.join("usr/lib/x86_64-linux-gnu"));
    let program = Program::start(&mut command, address, &folder.join("output.log"))?;
    let made: Value = serde_json::from_str(&setup("fill")?)?;
    let text = |name: &str| made[name].as_str().with_context(|| format!("its setup gives {name}"));
    let (token, client) = (text("token")?, text("client")?);
    let password = json!({ "username": "agent", "password": PASSWORD }).to_string();
    Ok(Peer {
        program,
        operations: vec![
            Operation {
                what: "who shows this token",
                theirs: Request::new("GET", "/api/oidc/userinfo", "").bearer(token),
                ours: ours.verify.clone(),
            },
            Operation {
                what: "introspection",
                theirs: Request::form("/api/oidc/introspect", &format!("token={token}")).with("Authorization", client),
                ours: ours.introspect.clone(),
            },
            Operation {
                what: PASSWORD_SIGN_IN,
                theirs: Request::new("POST", "/api/auth/", &password),
                ours: ours.password.clone(),
            },
        ],
    })
}
