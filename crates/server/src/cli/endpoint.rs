//! Commands for endpoints and their groups.

use clap::{Args, Subcommand};

use super::{In, NewSecret};

/// Which part of a long list to show.
#[derive(Debug, Args)]
pub struct Part {
    /// Leave out so many.
    #[arg(long, default_value_t = 0, value_name = "COUNT")]
    pub offset: u64,
    /// At most so many.
    #[arg(long, default_value_t = 100, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
}

/// One endpoint.
#[derive(Debug, Args)]
pub struct WhichEndpoint {
    #[command(flatten)]
    pub of: In,
    /// User name or id.
    pub endpoint: String,
}

/// One group.
#[derive(Debug, Args)]
pub struct WhichGroup {
    #[command(flatten)]
    pub of: In,
    /// Number, user name or name.
    pub group: String,
}

#[derive(Debug, Subcommand)]
pub enum Endpoint {
    /// List endpoints, newest first.
    List {
        #[command(flatten)]
        of: In,
        /// Only those of this group: number, user name or name.
        #[arg(long)]
        group: Option<String>,
        /// Only those with this tag.
        #[arg(long)]
        tag: Option<String>,
        #[command(flatten)]
        part: Part,
    },
    /// Show an endpoint by user name or id.
    Show {
        #[command(flatten)]
        which: WhichEndpoint,
        /// Show its secret, too.
        #[arg(long)]
        secret: bool,
    },
    /// Make an endpoint in a group and show its secret.
    Create {
        #[command(flatten)]
        of: In,
        /// What it signs in as.
        user_name: String,
        /// Its group: number, user name or name.
        #[arg(long)]
        group: String,
        /// What people call it; its user name when absent.
        #[arg(long)]
        name: Option<String>,
        /// A word that it is listed by; KIND:NAME of a guest target has it answer for that.
        #[arg(long)]
        tag: Option<String>,
        /// How long it works, such as 90d; without end when absent.
        #[arg(long, value_name = "SPAN")]
        lifetime: Option<String>,
    },
    /// Forbid signing in, end all sessions and close its connections.
    Suspend(WhichEndpoint),
    /// Allow signing in again.
    Restore(WhichEndpoint),
    /// Delete an endpoint, end its sessions and close its connections; its user name is free again.
    Delete {
        #[command(flatten)]
        which: WhichEndpoint,
        /// Say that you mean it.
        #[arg(long, required = true)]
        yes: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum EndpointGroup {
    /// List groups, newest first.
    List {
        #[command(flatten)]
        of: In,
        #[command(flatten)]
        part: Part,
    },
    /// Show a group by number, user name or name.
    Show {
        #[command(flatten)]
        which: WhichGroup,
        /// Show its account's password, too.
        #[arg(long)]
        secret: bool,
    },
    /// Make a group, with an account that signs in as the group itself.
    Create {
        #[command(flatten)]
        of: In,
        /// What people call it.
        name: String,
        /// What its account signs in as.
        #[arg(long)]
        user_name: String,
        #[command(flatten)]
        password: NewSecret,
    },
    /// Give its account another password and end the account's sessions.
    SetPassword {
        #[command(flatten)]
        which: WhichGroup,
        #[command(flatten)]
        password: NewSecret,
    },
    /// Switch a group off: it and its endpoints cannot sign in, their sessions end and their connections close.
    Disable(WhichGroup),
    /// Switch a group on again.
    Enable(WhichGroup),
    /// Delete a group with all its endpoints, end their sessions and close their connections.
    Delete {
        #[command(flatten)]
        which: WhichGroup,
        /// Say that you mean it.
        #[arg(long, required = true)]
        yes: bool,
    },
}
