//! The command line: definitions only.

mod administer;
mod endpoint;
mod feeds;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub use self::administer::{
    Administrator, AdministratorRole, ApiKey, Application, Identity, In, Key, Mail, NewPassword, NewSecret, Page,
    Project, Session, Token, Webhook, Whom,
};
pub use self::endpoint::{Endpoint, EndpointGroup, WhichEndpoint, WhichGroup};
pub use self::feeds::{Sip, SipConfig, Turn, TurnConfig, TurnMode, Views};

/// Ringfence: an authentication server for real-time communications.
///
/// Exit codes: 0 done, 1 refused, 2 could not run.
#[derive(Debug, Parser)]
#[command(name = "ringfence", version, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    pub options: Options,
    #[command(subcommand)]
    pub command: Command,
}

/// What every command understands.
#[derive(Debug, Args)]
pub struct Options {
    /// Answer in JSON.
    #[arg(long, global = true)]
    pub json: bool,
    /// The configuration file; without one every key has its default.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The database: sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE. Passwords belong into the file.
    #[arg(long, global = true, value_name = "URL")]
    pub database: Option<String>,
    /// The file with the master keys.
    #[arg(long, global = true, value_name = "FILE")]
    pub master_key_file: Option<PathBuf>,
    /// How much to log: error, warn, info, debug, trace, or target=level pairs.
    #[arg(long, global = true, value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// How log lines look.
    #[arg(long, global = true, value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run on this machine only with everything on, for a first hour: database, keys and examples are made here.
    Dev(Serve),
    /// Run the server.
    Serve(Serve),
    /// Write commented samples of the configuration and the provisioning file.
    Init(Init),
    /// Bring projects to what a provisioning file says, after showing what would change.
    Apply(Apply),
    /// Bring the database to this version.
    Migrate {
        /// Only say what is missing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Check database, keys, clock, mail and settings.
    Doctor,
    /// Signing keys and master keys.
    #[command(subcommand)]
    Key(Key),
    /// Projects: one user base each.
    #[command(subcommand)]
    Project(Project),
    /// Applications of a project.
    #[command(subcommand)]
    Application(Application),
    /// API keys of back ends.
    #[command(subcommand)]
    ApiKey(ApiKey),
    /// Servers that are told of security events.
    #[command(subcommand)]
    Webhook(Webhook),
    /// Members, guests and other identities.
    #[command(subcommand)]
    Identity(Identity),
    /// Groups of endpoints, switched on and off as one.
    #[command(subcommand)]
    EndpointGroup(EndpointGroup),
    /// Endpoints: devices and SIP accounts.
    #[command(subcommand)]
    Endpoint(Endpoint),
    /// Sessions.
    #[command(subcommand)]
    Session(Session),
    /// Access tokens and API keys.
    #[command(subcommand)]
    Token(Token),
    /// What SIP servers read and ask.
    #[command(subcommand)]
    Sip(Sip),
    /// Relays of media: their secrets and their configuration.
    #[command(subcommand)]
    Turn(Turn),
    /// Copy the database to a new file while it is in use (SQLite).
    Backup {
        /// The file to make.
        file: PathBuf,
    },
    /// Move everything from SQLite to PostgreSQL, compared row by row before it is kept.
    Move(Move),
    /// Print completions for a shell.
    Completions { shell: Shell },
    /// Mail.
    #[command(subcommand)]
    Mail(Mail),
    /// Administrators: who may use the console.
    #[command(subcommand)]
    Administrator(Administrator),
}

#[derive(Debug, Args)]
pub struct Serve {
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// Where to listen for health checks and metrics.
    #[arg(long, value_name = "ADDRESS")]
    pub admin_listen: Option<SocketAddr>,
    /// What clients call this server: scheme and host, in tokens and mailed links.
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// Apply this provisioning file before listening.
    #[arg(long, value_name = "FILE")]
    pub apply: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Move {
    /// The empty database to move to: postgres://USER:PASSWORD@HOST/DATABASE. On the command line others can read the password.
    #[arg(long, value_name = "URL", env = "RINGFENCE_MOVE_TO", hide_env_values = true)]
    pub to: String,
}

#[derive(Debug, Args)]
pub struct Init {
    /// Where to write.
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// Replace files that are there.
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Args)]
pub struct Apply {
    /// The provisioning file.
    pub file: PathBuf,
    /// Only show what would change.
    #[arg(long)]
    pub dry_run: bool,
    /// Also take away what the file does not name: revoke issuers and API keys, remove aliases and guest targets, disable
    /// applications and projects. Identities, endpoints and their groups always stay.
    #[arg(long)]
    pub prune: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_definitions_agree_with_one_another() {
        super::Cli::command().debug_assert();
    }
}
