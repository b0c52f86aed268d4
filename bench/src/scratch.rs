//! The server under measurement, with one application and one member in a fresh database.

use std::{fs, net::SocketAddr, path::Path, process::Command};

use crate::{
    process::{Program, free_address},
    trust::Trust,
};

/// The application's id in the dialect that is measured.
pub(crate) const APPLICATION: &str = "5c81593adf767b0017d1aa68";
/// The application's key in the native API.
pub(crate) const NATIVE_KEY: &str = "0123456789abcdef0123456789abcdef";
/// The application's id in another.
pub(crate) const KEYCLIC: &str = "com.example.bench";
/// A key of the project that may do everything.
pub(crate) const API_KEY: &str = "KEY019aa91446a7abababababab_bench";
/// What the application's trusted issuer signs with.
pub(crate) const ISSUER_SECRET: &str = "Xb2!v9Qw-7hR_zK4pLm0sTnYc5dGf8jA";
/// The member.
pub(crate) const EMAIL: &str = "agent@example.org";
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// What a server has beyond an empty database and the project above.
#[derive(Clone, Copy, Default)]
pub(crate) struct Setup<'a> {
    /// The URL of an empty database; a file of SQLite when absent.
    pub(crate) database: Option<&'a str>,
    /// Whether it speaks TLS.
    pub(crate) tls: bool,
    /// More of the provisioning file.
    pub(crate) more: &'a str,
}

/// Starts `ringfence serve` in `folder`, with SQLite.
pub(crate) fn serve(server: &Path, folder: &Path) -> anyhow::Result<Program> {
    Setup::default().serve(server, folder)
}

/// Starts `ringfence serve` in `folder` on an empty database.
pub(crate) fn serve_on(server: &Path, folder: &Path, database: &str) -> anyhow::Result<Program> {
    Setup { database: Some(database), ..Setup::default() }.serve(server, folder)
}

impl Setup<'_> {
    /// Starts `ringfence serve` in `folder`.
    pub(crate) fn serve(&self, server: &Path, folder: &Path) -> anyhow::Result<Program> {
        let (listen, admin): (SocketAddr, SocketAddr) = (free_address()?, free_address()?);
        let projects = folder.join("projects.toml");
        fs::write(&projects, format!("{}{}", project(), self.more))?;
        let file = format!("sqlite:{}", folder.join("bench.db").display());
        let mut command = Command::new(server);
        command
            .current_dir(folder)
            .arg("serve")
            .arg("--apply")
            .arg(&projects)
            .env("RINGFENCE__DATABASE__URL", self.database.unwrap_or(&file))
            .env("RINGFENCE__SERVER__LISTEN", listen.to_string())
            .env("RINGFENCE__SERVER__ADMIN_LISTEN", admin.to_string());
        let trust = self.tls.then(|| Trust::make(folder)).transpose()?;
        if trust.is_some() {
            command
                .env("RINGFENCE__SERVER__TLS__CERTIFICATE", "cert.pem")
                .env("RINGFENCE__SERVER__TLS__KEY", "key.pem");
        }
        let mut program = Program::start(&mut command, listen, &folder.join(format!("server-{}.log", listen.port())))?;
        program.trust = trust;
        // It takes its address before it opens the database.
        program.ask("GET", "/.well-known/jwks.json", "", "")?;
        Ok(program)
    }
}

fn project() -> String {
    format!(
        "[[project]]\nname = \"default\"\n\n[[project.application]]\nname = \"bench\"\npublishable_key = \"{NATIVE_KEY}\"\naliases = {{ tiledesk = \"{APPLICATION}\", keyclic = \"{KEYCLIC}\" }}\n\
         [[project.application.trusted_issuer]]\nprofile = \"tiledesk\"\nsecret = \"{ISSUER_SECRET}\"\n\n\
         [[project.api_key]]\nname = \"bench\"\nvalue = \"{API_KEY}\"\nscopes = [\"*\"]\n\n\
         [[project.identity]]\nemail = \"{EMAIL}\"\npassword = \"{PASSWORD}\"\n\n"
    )
}
