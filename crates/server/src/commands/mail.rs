//! `mail`: does it work?

use anyhow::Result;
use serde_json::json;

use crate::{
    admin::settings,
    cli::{Mail, Options},
    config::{Flags, MAILBOX, Mode},
    exit::Refused,
    letters::Letter,
    mail_smtp::SmtpMailer,
    output::Output,
    telemetry,
};

/// Sends a message through the configured server and waits until it was taken.
pub async fn run(options: &Options, command: &Mail, output: Output) -> Result<()> {
    let Mail::Test { address } = command;
    let config = settings(options, Mode::Tool, Flags::new())?;
    telemetry::start_log(&config.log)?;
    let url = match config.mail.url.as_deref() {
        None => return Err(Refused::because("mail is off: set mail.url")),
        Some(MAILBOX) => {
            return Err(Refused::because("the mailbox of `ringfence dev` is in its memory; nothing to test"));
        }
        Some(url) => url,
    };
    SmtpMailer::new(&config.mail, url)?.send(address, Letter::test()).await?;
    let text = || format!("The mail server took a message to {address}.");
    Ok(output.show(&json!({ "sent_to": address }), text)?)
}
