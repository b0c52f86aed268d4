//! Measures Ringfence beside the machine's own limits, slice by slice in one run.
//!
//! Only ratios of one run count: the machine is shared and its hours differ. `cargo xtask bench` builds and starts this.

use std::time::Duration;

use clap::Parser as _;

mod all;
mod cli;
mod console;
mod core;
mod document;
mod fanout;
mod flood;
mod floor;
mod gates;
mod growth;
mod listeners;
mod load;
mod peers;
mod plot;
mod postgres;
mod process;
mod quiet;
mod raw;
mod refresh;
mod relocate;
mod scratch;
mod sockets;
mod table;
mod trust;
mod usage;
mod wrk;

use cli::{Arguments, What};

fn main() -> anyhow::Result<()> {
    let Arguments { beside, document, what } = Arguments::parse();
    quiet::beside(beside);
    let document = document.as_deref();
    let slice = Duration::from_secs(2);
    match what {
        What::All { server, cache, postgres, short } => {
            return all::run(
                &all::Plan { server: &server, cache: &cache, postgres: postgres.as_deref(), short },
                document,
            );
        }
        What::Core { server, rounds, seconds, postgres } => core::run(&core::Plan {
            server: &server,
            postgres: postgres.as_deref(),
            rounds,
            time: Duration::from_secs(seconds),
        }),
        What::Flood { server } => flood::run(&server, Duration::from_secs(5)),
        What::Growth { server, users, ended } => {
            growth::run(&server, &growth::sizes(users), slice, document)?;
            growth::purge(&server, ended)
        }
        What::Peers { server, cache, rounds, postgres } => peers::run(&peers::Plan {
            server: &server,
            cache: &cache,
            postgres: postgres.as_deref(),
            rounds,
            time: slice,
        }),
        What::Sockets { server, sockets, revoked, life, tls } => {
            sockets::run(&server, &sockets::Plan { sockets, revoked, life: Duration::from_secs(life), tls })
        }
        What::Nodes { server, postgres, sockets } => sockets::across_nodes(&server, &postgres, sockets),
        What::Fanout { server, sockets } => fanout::run(&server, sockets),
        What::Gates { server } => return gates::run(&server),
        What::Refresh { server, database, refreshes, seed } => {
            refresh::run(&refresh::Plan { server: &server, database: database.as_deref(), refreshes, seed })
        }
        What::Move { server, to, identities } => {
            relocate::run(&relocate::Plan { server: &server, to: &to, identities })
        }
        What::Console { server, users, applications } => {
            console::run(&console::Plan { server: &server, users, applications })
        }
        What::BareSender { listen } => return fanout::serve_bare(listen),
        What::Listeners { to, sockets } => return fanout::listen(to, sockets),
        What::Floor { listen } => return floor::serve(listen),
    }?;
    all::apart(document)
}
