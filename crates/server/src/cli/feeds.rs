//! Commands for the servers around us: SIP servers and relays of media.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub enum Sip {
    /// Print the SQL that makes views for Kamailio and coturn, with a role for each that may read its own and nothing else.
    /// They show users of projects with `sip.unsealed`. PostgreSQL only.
    Views(Views),
    /// Print a configuration for Kamailio.
    Config(SipConfig),
}

#[derive(Debug, Args)]
pub struct Views {
    /// Run it too; needs the right to make roles.
    #[arg(long)]
    pub install: bool,
    /// The schema to put the views into.
    #[arg(long, default_value = "ringfence_feed", value_name = "NAME")]
    pub schema: String,
    /// The role of Kamailio.
    #[arg(long, default_value = "ringfence_kamailio", value_name = "NAME")]
    pub kamailio: String,
    /// The role of coturn.
    #[arg(long, default_value = "ringfence_coturn", value_name = "NAME")]
    pub coturn: String,
    /// The schema that our tables lie in, for the printed SQL.
    #[arg(long, default_value = "public", value_name = "NAME")]
    pub tables: String,
}

#[derive(Debug, Args)]
pub struct SipConfig {
    /// Where it listens, such as udp:192.0.2.5:5060; may be given again.
    #[arg(long, required = true, value_name = "SOCKET")]
    pub listen: Vec<String>,
    /// Where it listens for SIP over WebSocket.
    #[arg(long, value_name = "SOCKET")]
    pub websocket: Option<String>,
    /// Ask this server over HTTP, at this address, instead of reading a view.
    #[arg(long, value_name = "URL", conflicts_with = "view", required_unless_present = "view")]
    pub lookup: Option<String>,
    /// The file with the API key for it, which needs the scope sip:lookup.
    #[arg(long, value_name = "FILE", requires = "lookup")]
    pub key_file: Option<PathBuf>,
    /// Read the view in this database, as the role of Kamailio: postgres://USER:PASSWORD@HOST/DATABASE.
    #[arg(long, value_name = "URL")]
    pub view: Option<String>,
    /// How many seconds a nonce counts.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    pub nonce_expire: u32,
}

#[derive(Debug, Subcommand)]
pub enum Turn {
    /// Make a new secret and give it to the relays; the present one counts until the next time.
    Rotate,
    /// Give the relays the present secrets again, for a relay whose database is new.
    Push,
    /// Print a configuration for coturn.
    Config(TurnConfig),
}

#[derive(Debug, Args)]
pub struct TurnConfig {
    /// How the relay knows its users.
    #[arg(long, value_enum, default_value = "secret")]
    pub mode: TurnMode,
    /// Where it listens.
    #[arg(long, value_name = "ADDRESS")]
    pub listen: std::net::IpAddr,
    /// The port.
    #[arg(long, default_value_t = 3478)]
    pub port: u16,
    /// A libpq connection string of the database with its tables, as the role of coturn. Without it the secrets stand in the
    /// configuration, and a rotation needs a new one.
    #[arg(long, value_name = "LIBPQ")]
    pub userdb: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TurnMode {
    /// Credentials of `POST /api/v1/turn`.
    Secret,
    /// SIP users by their own passwords.
    Users,
}
