//! Commands that administer what there is, and what they have in common.

use clap::{Args, Subcommand, ValueEnum};

/// Which project a command works on.
#[derive(Debug, Args)]
pub struct In {
    /// The project.
    #[arg(long, default_value = "default", value_name = "NAME")]
    pub project: String,
}

/// Which part of a long list to show.
#[derive(Debug, Args)]
pub struct Page {
    /// Start after this id.
    #[arg(long, value_name = "ID")]
    pub after: Option<String>,
    /// At most so many.
    #[arg(long, default_value_t = 100, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
}

#[derive(Debug, Subcommand)]
pub enum Key {
    /// Show the signing keys of a project and the master keys.
    List(In),
    /// Make new signing keys for a project; the present ones verify until their tokens have ended.
    Rotate {
        #[command(flatten)]
        of: In,
        /// Add a new master key to the key file instead. Restart the server, then run `key rewrap`.
        #[arg(long)]
        master: bool,
    },
    /// Seal every stored secret with the newest master key, so that older ones can be taken out of the file.
    Rewrap,
}

#[derive(Debug, Subcommand)]
pub enum Project {
    /// List projects.
    List(Page),
    /// Show a project.
    Show { name: String },
    /// Make a project.
    Create { name: String },
    /// Switch a project off and end its sessions.
    Disable { name: String },
    /// Switch a project on again.
    Enable { name: String },
}

#[derive(Debug, Subcommand)]
pub enum Application {
    /// List applications.
    List {
        #[command(flatten)]
        of: In,
        #[command(flatten)]
        page: Page,
    },
    /// Show an application by name, id or alias.
    Show {
        #[command(flatten)]
        of: In,
        name: String,
    },
    /// Make an application.
    Create {
        #[command(flatten)]
        of: In,
        name: String,
        /// The key that browsers send to name the application.
        #[arg(long, value_name = "KEY")]
        publishable_key: Option<String>,
        /// A name in a dialect, such as tiledesk=5c81593adf767b0017d1aa68. May be repeated.
        #[arg(long = "alias", value_name = "DIALECT=NAME", value_parser = dialect_alias)]
        aliases: Vec<(String, String)>,
    },
    /// Switch an application off and end its sessions.
    Disable {
        #[command(flatten)]
        of: In,
        name: String,
    },
    /// Switch an application on again.
    Enable {
        #[command(flatten)]
        of: In,
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum ApiKey {
    /// List API keys.
    List {
        #[command(flatten)]
        of: In,
        #[command(flatten)]
        page: Page,
    },
    /// Make an API key and show it this once.
    Create {
        #[command(flatten)]
        of: In,
        name: String,
        /// What it may do, such as sessions:write; * is everything. May be repeated.
        #[arg(long = "scope", required = true, value_name = "SCOPE")]
        scopes: Vec<String>,
        /// The application it is confined to.
        #[arg(long, value_name = "NAME")]
        application: Option<String>,
        /// How long it works, such as 90d; without end when absent.
        #[arg(long, value_name = "SPAN")]
        lifetime: Option<String>,
    },
    /// Revoke an API key.
    Revoke {
        #[command(flatten)]
        of: In,
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum Identity {
    /// List identities.
    List {
        #[command(flatten)]
        of: In,
        #[command(flatten)]
        page: Page,
        /// Only these: member, guest, external, endpoint or service.
        #[arg(long)]
        kind: Option<String>,
    },
    /// Show an identity by id or e-mail address.
    Show(Whom),
    /// Make a member whose address counts as proved.
    Create {
        #[command(flatten)]
        of: In,
        #[arg(long)]
        email: String,
        #[arg(long)]
        given_name: Option<String>,
        #[arg(long)]
        family_name: Option<String>,
        #[arg(long)]
        nickname: Option<String>,
        #[command(flatten)]
        password: NewPassword,
    },
    /// Forbid signing in and end all sessions.
    Suspend(Whom),
    /// Allow signing in again.
    Restore(Whom),
    /// Forget failed attempts and lift the lock they led to.
    Unlock(Whom),
    /// Erase everything personal for good; addresses become free, the id is never used again.
    Erase {
        #[command(flatten)]
        whom: Whom,
        /// Say that you mean it.
        #[arg(long, required = true)]
        yes: bool,
    },
    /// Set a password and end all sessions.
    SetPassword {
        #[command(flatten)]
        whom: Whom,
        #[command(flatten)]
        password: NewPassword,
    },
}

/// One identity.
#[derive(Debug, Args)]
pub struct Whom {
    #[command(flatten)]
    pub of: In,
    /// Id or e-mail address.
    pub identity: String,
}

/// Where a new password comes from; never from the command line, which others can see.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct NewPassword {
    /// Read the password from standard input, up to the end of its first line.
    #[arg(long)]
    pub password_stdin: bool,
    /// Make one and show it this once.
    #[arg(long)]
    pub generate: bool,
    /// Take over another system's hash: Argon2, bcrypt, scrypt or PBKDF2. It is renewed at the first sign-in.
    #[arg(long, value_name = "HASH")]
    pub password_hash: Option<String>,
}

/// The same for what is kept readable, so that hashes cannot be taken over.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct NewSecret {
    /// Read the password from standard input, up to the end of its first line.
    #[arg(long)]
    pub password_stdin: bool,
    /// Make one and show it.
    #[arg(long)]
    pub generate: bool,
}

#[derive(Debug, Subcommand)]
pub enum Session {
    /// List live sessions of a project or of one identity.
    List {
        #[command(flatten)]
        of: In,
        #[command(flatten)]
        page: Page,
        /// Only of this identity: id or e-mail address.
        #[arg(long)]
        identity: Option<String>,
    },
    /// Show a session, ended ones included.
    Show {
        #[command(flatten)]
        of: In,
        id: String,
    },
    /// End one session, or all of an identity. A running server of another process notices within a second.
    Revoke {
        #[command(flatten)]
        of: In,
        #[command(flatten)]
        which: Which,
    },
}

/// Which sessions to end.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// The session.
    pub id: Option<String>,
    /// All of this identity: id or e-mail address.
    #[arg(long)]
    pub identity: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Token {
    /// Show what a token says, without checking it.
    Inspect {
        /// The token, or - to read it from standard input.
        token: String,
    },
    /// Ask the gate whether a token or an API key counts; exit code 1 when it does not.
    Verify {
        /// The token, or - to read it from standard input.
        token: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum Mail {
    /// Send a message to see that mail works.
    Test { address: String },
}

fn dialect_alias(text: &str) -> Result<(String, String), String> {
    let (dialect, name) = text.split_once('=').ok_or("expected DIALECT=NAME")?;
    Ok((dialect.to_owned(), name.to_owned()))
}

#[derive(Debug, Subcommand)]
pub enum Webhook {
    /// List webhooks.
    List(In),
    /// Make a webhook and show its secret this once. It is told of what happens from now on.
    Create {
        #[command(flatten)]
        of: In,
        /// Where it is.
        url: String,
        /// What it is told of, such as session-revoked; everything when absent. May be repeated.
        #[arg(long = "event", value_name = "EVENT")]
        events: Vec<String>,
    },
    /// Remove a webhook, with everything that it was still to be told.
    Delete {
        #[command(flatten)]
        of: In,
        id: String,
    },
    /// Show what a webhook was told, newest first.
    Deliveries {
        #[command(flatten)]
        of: In,
        id: String,
        /// Only what was given up.
        #[arg(long)]
        dead: bool,
        /// At most so many.
        #[arg(long, default_value_t = 100, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
    },
    /// Tell a webhook again what was given up, or one event whatever became of it.
    Replay {
        #[command(flatten)]
        of: In,
        id: String,
        /// The event.
        #[arg(long, value_name = "ID")]
        event: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub enum Administrator {
    /// Make an administrator and show the one-time link to begin by.
    Create {
        name: String,
        #[arg(long, value_name = "ROLE")]
        role: AdministratorRole,
    },
    /// List administrators.
    List,
    /// Give an administrator another role.
    Role { name: String, role: AdministratorRole },
    /// Remove an administrator; their sessions end.
    Delete { name: String },
    /// Take away password and factors, end the sessions and show a one-time link to begin anew.
    ResetFactor { name: String },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum AdministratorRole {
    /// Everything.
    Owner,
    /// Everything but administrators.
    Operator,
    /// Nothing is changed.
    ReadOnly,
}
