//! Plots of the last day on this node: sign-ins by way and outcome, live connections, how fast revocations close sockets.
//! Drawn here, as SVG of rectangles; what they show stands beside them in words.

use askama::Template;
use axum::{extract::State, routing::get};
use ringfence_core::{
    tally::{OUTCOMES, Slot, WAYS},
    time::Timestamp,
};

use super::{Group, Page, applications};
use crate::{
    app::App,
    console::{fault::Answer, visit::Visit},
    looks::{Language, Look, texts},
};

const PATH: &str = "/console/plots";

pub(super) const PAGE: Page = Page {
    path: PATH,
    title: |language| Texts::of(language).title,
    group: Group::Overview,
    views: &[(PATH, || get(show))],
    changes: &[],
};

texts! {
    /// The words of this page.
    Texts {
        title: "Plots", "Graphiques", "Grafici", "Diagramme", "Gráficas";
        lead: "The last 24 hours of this node, in half hours, since it was started.",
            "Les dernières 24 heures de ce nœud, par demi-heures, depuis son démarrage.",
            "Le ultime 24 ore di questo nodo, a mezz’ore, dal suo avvio.",
            "Die letzten 24 Stunden dieses Knotens, in halben Stunden, seit seinem Start.",
            "Las últimas 24 horas de este nodo, por medias horas, desde su arranque.";
        sign_ins: "Sign-ins", "Connexions", "Accessi", "Anmeldungen", "Inicios de sesión";
        live: "Live connections", "Connexions ouvertes", "Connessioni attive", "Offene Verbindungen", "Conexiones abiertas";
        delay: "Revocation to closed socket", "De la révocation au socket fermé", "Dalla revoca al socket chiuso",
            "Vom Widerruf zum geschlossenen Socket", "De la revocación al socket cerrado";
        way: "Way", "Mode", "Modo", "Weg", "Forma";
        token: "By a token", "Par un jeton", "Con un token", "Mit einem Token", "Con un token";
        digest: "SIP digest", "Condensé SIP", "Digest SIP", "SIP-Digest", "Digest SIP";
        ok: "let in", "admises", "ammessi", "eingelassen", "admitidos";
        refused: "refused", "refusées", "rifiutati", "abgewiesen", "rechazados";
        failed: "failed", "en échec", "falliti", "gescheitert", "fallidos";
        most: "At most {} at a time.", "Au plus {} à la fois.", "Al massimo {} alla volta.", "Höchstens {} zugleich.", "Como máximo {} a la vez.";
        delays: "{} sockets closed; the slowest took {} ms, the mean {} ms.", "{} sockets fermés ; le plus lent en {} ms, en moyenne {} ms.",
            "{} socket chiusi; il più lento in {} ms, in media {} ms.", "{} Sockets geschlossen; der langsamste in {} ms, im Mittel {} ms.",
            "{} sockets cerrados; el más lento en {} ms, de media {} ms.";
        none_revoked: "No open socket was revoked.", "Aucun socket ouvert n’a été révoqué.", "Nessun socket aperto è stato revocato.",
            "Kein offener Socket wurde widerrufen.", "No se revocó ningún socket abierto.";
    }
}

/// Width and height of a plot, and the room for its scale.
const WIDTH: usize = 720;
const HEIGHT: usize = 150;
const LEFT: usize = 46;
/// Bars of a day.
const BARS: usize = 48;

/// A bar of a plot.
struct Bar {
    x: usize,
    y: usize,
    height: usize,
    class: &'static str,
    title: String,
}

/// A plot: bars below a scale.
struct Plot {
    bars: Vec<Bar>,
    top: String,
    /// Moments below the axis.
    marks: Vec<(usize, String)>,
}

/// Half an hour: when it begins, and the parts of its bar from the bottom up.
type Column<const N: usize> = (Timestamp, [u64; N]);

impl Plot {
    /// The pitch of bars.
    const PITCH: usize = (WIDTH - LEFT) / BARS;

    fn of<const N: usize>(language: Language, columns: &[Column<N>], classes: [&'static str; N], unit: &str) -> Self {
        let most = columns.iter().map(|(_, parts)| parts.iter().sum()).max().unwrap_or(0).max(1);
        let mut bars = Vec::new();
        for (at, (begins, parts)) in columns.iter().enumerate() {
            let mut below = 0;
            for (part, class) in parts.iter().zip(classes).filter(|(part, _)| **part > 0) {
                // Whatever is there is seen.
                let scaled = part.saturating_mul(HEIGHT as u64) / most;
                let height = usize::try_from(scaled).unwrap_or(HEIGHT).clamp(2, HEIGHT);
                let y = HEIGHT.saturating_sub(below + height);
                let title = format!("{} – {}{unit}", language.moment(*begins), language.number(*part));
                bars.push(Bar { x: LEFT + at * Self::PITCH, y, height, class, title });
                below += height;
            }
        }
        let marks = columns.iter().enumerate().filter(|(at, _)| at.is_multiple_of(8));
        let hour = |begins: Timestamp| begins.rfc3339().get(11..16).unwrap_or_default().to_owned();
        let marks = marks.map(|(at, (begins, _))| (LEFT + at * Self::PITCH, hour(*begins))).collect();
        Self { bars, top: format!("{}{unit}", language.number(most)), marks }
    }
}

#[derive(Template)]
#[template(path = "console/plots.html")]
struct PlotsPage<'a> {
    look: &'a Look,
    visit: &'a Visit,
    texts: &'static Texts,
    /// The plots with their headings, and what they say.
    plots: Vec<(&'static str, Plot, String)>,
    /// Sign-ins by way: let in, refused, failed.
    ways: Vec<(&'static str, [String; OUTCOMES.len()])>,
}

/// Slots put together to half hours.
fn columns<const N: usize>(
    day: &[(Timestamp, Slot)],
    parts: impl Fn(&[(Timestamp, Slot)]) -> [u64; N],
) -> Vec<Column<N>> {
    day.chunks(day.len() / BARS).filter_map(|slots| Some((slots.first()?.0, parts(slots)))).collect()
}

/// Sign-ins of some slots with an outcome, by a way or by all.
fn count(slots: &[(Timestamp, Slot)], way: Option<usize>, outcome: usize) -> u64 {
    let ways = |slot: &Slot| match way {
        Some(way) => u64::from(slot.sign_ins[way][outcome]),
        None => slot.sign_ins.iter().map(|counts| u64::from(counts[outcome])).sum(),
    };
    slots.iter().map(|(_, slot)| ways(slot)).sum()
}

async fn show(State(app): State<App>, visit: Visit) -> Answer {
    visit.view()?;
    let (language, now) = (visit.language(), visit.ctx.now);
    let tally = app.authority.tally();
    tally.connections(now, app.live.signed_in());
    let day = tally.day(now);
    let (texts, words) = (Texts::of(language), applications::Texts::of(language));
    let most = |slots: &[(Timestamp, Slot)], of: fn(&Slot) -> u32| -> u64 {
        slots.iter().map(|(_, slot)| u64::from(of(slot))).max().unwrap_or(0)
    };
    let sign_ins = columns(&day, |slots| std::array::from_fn(|outcome| count(slots, None, outcome)));
    let live = columns(&day, |slots| [most(slots, |slot| slot.connections)]);
    let delays = columns(&day, |slots| [most(slots, |slot| slot.slowest_ms)]);
    let totals: [String; OUTCOMES.len()] = std::array::from_fn(|outcome| language.number(count(&day, None, outcome)));
    let named = [texts.ok, texts.refused, texts.failed];
    let summary =
        totals.iter().zip(named).map(|(count, name)| format!("{count} {name}")).collect::<Vec<_>>().join(", ");
    let plots = vec![
        (texts.sign_ins, Plot::of(language, &sign_ins, ["good", "warn", "bad"], ""), summary),
        (
            texts.live,
            Plot::of(language, &live, [""], ""),
            texts.most.replace("{}", &language.number(most(&day, |slot| slot.connections))),
        ),
        (texts.delay, Plot::of(language, &delays, [""], " ms"), said_of_delays(texts, language, &day)),
    ];
    let headings =
        [words.way_password, words.way_guest, words.way_assertion, words.way_federated, texts.digest, texts.token];
    let ways = (0..WAYS.len())
        .map(|way| (headings[way], std::array::from_fn(|outcome| language.number(count(&day, Some(way), outcome)))));
    let ways = ways.collect();
    Ok(visit.show(&PlotsPage { look: &visit.look, visit: &visit, texts, plots, ways }))
}

fn said_of_delays(texts: &Texts, language: Language, day: &[(Timestamp, Slot)]) -> String {
    let revoked: u64 = day.iter().map(|(_, slot)| u64::from(slot.revoked)).sum();
    let total: u64 = day.iter().map(|(_, slot)| slot.total_ms).sum();
    let slowest = day.iter().map(|(_, slot)| u64::from(slot.slowest_ms)).max().unwrap_or(0);
    let Some(mean) = total.checked_div(revoked) else { return texts.none_revoked.to_owned() };
    [revoked, slowest, mean]
        .iter()
        .fold(texts.delays.to_owned(), |text, number| text.replacen("{}", &language.number(*number), 1))
}
