//! What administrative commands share: the authority opened on the database, permits of the operator, names to things.

use std::{env, ffi::OsString, sync::Arc};

use anyhow::{Context as _, Result};
use ringfence_core::{
    authority::Authority,
    caller::{Caller, InstallationPermit, InstallationView, Permit, Scope},
    context::Ctx,
    error::{AuthError, Noun},
    identity::{Identifier, Identity},
    ids::IdentityId,
    project::Project,
};
use serde_json::Value;
use toml::Value as Setting;

use crate::{
    assemble::{Assembly, Place, Schema},
    cli::{self, LogFormat},
    config::{self, Config, Flags, Mode},
    exit::explain,
    output::Output,
    telemetry,
};

/// The operator at work.
pub struct Admin {
    assembly: Assembly,
    output: Output,
}

impl Admin {
    /// Opens the configured database; one that lacks migrations is refused unless `schema` says otherwise.
    pub async fn open(options: &cli::Options, output: Output, schema: Schema) -> Result<Self> {
        let config = settings(options, Mode::Tool, Flags::new())?;
        telemetry::start_log(&config.log)?;
        // The command line listens nowhere, so any name will do that a server of these settings would have.
        let public_url = config.public_url(config.server.listen).unwrap_or_else(|_| "http://localhost".to_owned());
        Ok(Self { assembly: Assembly::open(&config, schema, Place::Command, public_url).await?, output })
    }

    /// The use cases.
    pub fn authority(&self) -> &Arc<Authority> {
        &self.assembly.authority
    }

    /// Ends.
    pub async fn close(self) {
        self.assembly.close().await;
    }

    /// The circumstances of the command.
    pub fn ctx(&self) -> Ctx {
        self.authority().own_context("cli")
    }

    /// A project by name.
    pub async fn project(&self, name: &str) -> Result<Project> {
        self.authority().project_by_name(name).await.map_err(explain).with_context(|| format!("project {name}"))
    }

    /// The right to act in a project.
    pub async fn permit(&self, project: &str, scope: Scope) -> Result<Permit> {
        let project = self.project(project).await?;
        Ok(operator(&project, scope))
    }

    /// An identity by id, in either form, or e-mail address.
    pub async fn identity(&self, permit: &Permit, named: &str) -> Result<Identity> {
        let id = named.parse().ok().or_else(|| IdentityId::from_short(named));
        let found = match id {
            Some(id) => self.authority().identity(permit, id).await,
            None => self.authority().identity_by(permit, Identifier::email(named)).await,
        };
        found.map_err(explain).with_context(|| format!("identity {named}"))
    }

    /// Prints an answer.
    pub fn show(&self, value: &Value, text: impl FnOnce() -> String) -> Result<()> {
        Ok(self.output.show(value, text)?)
    }
}

/// The operator's right to act in a project.
pub fn operator(project: &Project, scope: Scope) -> Permit {
    Caller::Operator.permit(scope, project.id).expect("the operator may do everything")
}

/// The operator's right to act on the installation.
pub fn installation() -> InstallationPermit {
    Caller::Operator.permit_installation().expect("the operator may do everything")
}

/// The operator's right to see which projects there are.
pub fn installation_view() -> InstallationView {
    Caller::Operator.view_installation().expect("the operator may do everything")
}

/// The settings of a command: all layers, with the global flags and these on top.
pub fn settings(options: &cli::Options, mode: Mode, mut flags: Flags) -> Result<Config> {
    if let Some(url) = &options.database {
        flags.push(("database", "url", url.clone().into()));
    }
    if let Some(file) = &options.master_key_file {
        flags.push(("secrets", "master_key_file", file.to_string_lossy().into_owned().into()));
    }
    if let Some(format) = options.log_format {
        let format = match format {
            LogFormat::Text => "text",
            LogFormat::Json => "json",
        };
        flags.push(("log", "format", format.into()));
    }
    match &options.log_level {
        Some(level) => flags.push(("log", "level", level.clone().into())),
        // A command answers; what it did on the way interests only who asks for it.
        None if mode == Mode::Tool => flags.push(("log", "level", Setting::from("warn"))),
        None => {}
    }
    let text = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    config::load(mode, options.config.as_deref(), env::vars_os().filter_map(text), flags)
}

/// An id as people give it, or why it is none.
pub fn id<T: std::str::FromStr>(text: &str, noun: Noun) -> Result<T> {
    text.parse().map_err(|_| AuthError::NotFound(noun)).with_context(|| format!("{noun} {text}"))
}
