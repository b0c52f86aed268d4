//! A flood of passwords: whoever is turned away hears so at once, and everybody else notices little.

use std::{net::SocketAddr, path::Path, time::Duration};

use serde_json::json;

use crate::{
    load::{Answer, Client, Clients, Load, Same, drive, percentile, request},
    quiet,
    scratch::{self, EMAIL, PASSWORD},
    table,
};

/// Clients that sign in at once.
const FLOOD: usize = 512;
/// Those who only show a token meanwhile.
const OTHERS: usize = 4;

/// One that knows its password and takes a refusal.
pub(crate) struct SignIn(pub(crate) String);

impl Client for SignIn {
    fn request(&mut self) -> anyhow::Result<String> {
        Ok(self.0.clone())
    }

    fn answer(&mut self, answer: &Answer<'_>) -> anyhow::Result<()> {
        anyhow::ensure!(answer.status < 300 || answer.status == 503 || answer.status == 429, "{}", answer.status);
        Ok(())
    }
}

/// Measures and prints.
pub(crate) fn run(server: &Path, time: Duration) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let ours = scratch::serve(server, folder.path())?;
    let guest = json!({ "id_project": scratch::APPLICATION }).to_string();
    let token = ours.post("/tiledesk/auth/signinAnonymously", "", &guest)?;
    let token = token["token"].as_str().unwrap_or_default().to_owned();
    let verify = request("GET", "/tiledesk/testauth/noentitycheck", &[("Authorization", &token)], "");
    let others = || (0..OTHERS).map(|_| Box::new(Same(verify.clone())) as Box<dyn Client>).collect::<Clients>();
    let idle = quiet::slice("tokens shown before a flood", || drive(ours.address, &mut others(), time))?;
    let (busy, flood) = quiet::slice("a flood of passwords", || flooded(ours.address, &mut others(), time))?;

    let millis = |time: Duration| format!("{:.1}", time.as_secs_f64() * 1e3);
    let row = |what: &str, rate: f64, times: &[Duration], target: &str| {
        let (half, most) = (percentile(times, 50), percentile(times, 99));
        vec![what.to_owned(), format!("{rate:.0}"), millis(half), millis(most), target.to_owned()]
    };
    let shed = f64::from(u32::try_from(flood.refused.len())?) / time.as_secs_f64();
    let rows = [
        row("tokens shown, nobody else there", idle.rate, &idle.took, ""),
        row("tokens shown during the flood", busy.rate, &busy.took, "p99 < 3 × idle"),
        row("passwords that signed in", flood.rate, &flood.took, ""),
        row("passwords turned away", shed, &flood.refused, "p99 < 20 ms"),
    ];
    table::print("512 sign-ins at once", &["", "per second", "p50 ms", "p99 ms", "target"], &rows);
    Ok(())
}

/// A flood, and what those who show tokens meanwhile notice of it.
fn flooded(address: SocketAddr, others: &mut Clients, time: Duration) -> anyhow::Result<(Load, Load)> {
    let body = json!({ "email": EMAIL, "password": PASSWORD }).to_string();
    let text = request("POST", "/tiledesk/auth/signin", &[], &body);
    let threads = 2;
    let flooding: Vec<_> = (0..threads)
        .map(|_| {
            let text = text.clone();
            std::thread::spawn(move || {
                let mut crowd: Clients =
                    (0..FLOOD / threads).map(|_| Box::new(SignIn(text.clone())) as Box<dyn Client>).collect();
                drive(address, &mut crowd, time)
            })
        })
        .collect();
    let busy = drive(address, others, time)?;
    let mut flood = Load { rate: 0.0, took: Vec::new(), refused: Vec::new() };
    for thread in flooding {
        let part = thread.join().map_err(|_| anyhow::anyhow!("a flooding thread panicked"))??;
        flood.rate += part.rate;
        flood.took.extend(part.took);
        flood.refused.extend(part.refused);
    }
    flood.took.sort_unstable();
    flood.refused.sort_unstable();
    Ok((busy, flood))
}
