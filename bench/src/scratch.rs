//! The server under measurement, with one application and one member in a fresh database.

use std::{fs, net::SocketAddr, path::Path, process::Command};

use crate::process::{Program, free_address};

/// The application's id in the dialect that is measured.
pub(crate) const APPLICATION: &str = "5c81593adf767b0017d1aa68";
/// The application's key in the native API.
pub(crate) const NATIVE_KEY: &str = "0123456789abcdef0123456789abcdef";
/// The member.
pub(crate) const EMAIL: &str = "agent@example.org";
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// Starts `ringfence serve` in `folder`, with SQLite.
pub(crate) fn serve(server: &Path, folder: &Path) -> anyhow::Result<Program> {
    serve_on(server, folder, &format!("sqlite:{}", folder.join("bench.db").display()))
}

/// Starts `ringfence serve` in `folder` on an empty database.
pub(crate) fn serve_on(server: &Path, folder: &Path, database: &str) -> anyhow::Result<Program> {
    let (listen, admin): (SocketAddr, SocketAddr) = (free_address()?, free_address()?);
    let projects = folder.join("projects.toml");
    fs::write(
        &projects,
        format!(
            "[[project]]\nname = \"default\"\n\n[[project.application]]\nname = \"bench\"\npublishable_key = \"{NATIVE_KEY}\"\naliases = {{ tiledesk = \"{APPLICATION}\" }}\n\n\
             [[project.identity]]\nemail = \"{EMAIL}\"\npassword = \"{PASSWORD}\"\n"
        ),
    )?;
    let mut command = Command::new(server);
    command
        .current_dir(folder)
        .arg("serve")
        .arg("--apply")
        .arg(&projects)
        .env("RINGFENCE__DATABASE__URL", database)
        .env("RINGFENCE__SERVER__LISTEN", listen.to_string())
        .env("RINGFENCE__SERVER__ADMIN_LISTEN", admin.to_string());
    Program::start(&mut command, listen, &folder.join("server.log"))
}
