//! `dev`: everything on, on this machine only, with examples that work when pasted.

use anyhow::{Context as _, Result};

use super::administrator::first_link;
use crate::{
    admin::operator,
    cli::{Options, Serve},
    config::Mode,
    dev::{EXAMPLES_FILE, Examples},
    exit::explain,
    output::Output,
    provision::Action,
    server::Server,
};

/// Runs until the process is asked to stop.
pub async fn run(options: &Options, flags: &Serve, output: Output) -> Result<()> {
    let mut server = Server::prepare(options, flags, Mode::Dev).await?;
    let mut examples = None;
    if let Some(file) = &flags.apply {
        let plan = server.apply(file).await?;
        output.show(&plan.json(), || plan.text())?;
    } else {
        let found = examples_in(&server).await?;
        server.demo = found.demo();
        examples = Some(found);
    }
    let authority = &server.assembly.authority;
    let banner = crate::dev::Banner {
        url: &server.public_url,
        admin_url: &server.admin_url()?,
        config: &server.config,
        examples: examples.as_ref(),
        console: first_link(authority, &authority.own_context("dev")).await?,
    };
    // Somebody who closed our output still wants the server.
    drop(output.show(&banner.json(), || banner.text()));
    server.run().await
}

/// The examples of this folder, applied: those of last time, or new ones.
async fn examples_in(server: &Server) -> Result<Examples> {
    let authority = &server.assembly.authority;
    let (examples, fresh) = Examples::in_folder(authority.entropy().as_ref())?;
    let plan = server.apply(EXAMPLES_FILE.as_ref()).await?;
    let member = format!("identity {}/{}", examples.project, examples.email);
    if fresh && plan.action_on(&member) != Some(Action::Create) {
        // The file was lost and the database was not: the member gets the password that we are about to print.
        let project = authority.project_by_name(&examples.project).await.map_err(explain)?;
        let permit = operator(&project, ringfence_core::caller::Scope::IdentitiesWrite);
        let email = ringfence_core::identity::Identifier::email(&examples.email);
        let found = authority.identity_by(&permit, email).await.map_err(explain).context("the member")?;
        let password = ringfence_core::secret::Password::new(examples.password.clone());
        authority.set_password(&authority.own_context("cli"), &permit, found.id, password).await.map_err(explain)?;
    }
    Ok(examples)
}
