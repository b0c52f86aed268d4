//! Scaling curves as SVG: few enough marks to be written by hand.

use std::{fmt::Write as _, fs, path::Path};

use crate::document;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 70.0;
const BOTTOM: f64 = 50.0;
const TOP: f64 = 40.0;
const RIGHT: f64 = 20.0;

/// A curve over a logarithmic axis.
pub(crate) struct Plot<'a> {
    pub(crate) title: &'a str,
    pub(crate) across: &'a str,
    pub(crate) up: &'a str,
    pub(crate) points: &'a [(f64, f64)],
}

impl Plot<'_> {
    /// Writes it into the folder of the document's name, and has the document show it.
    pub(crate) fn keep(&self, document: &Path, name: &str, says: &str) -> anyhow::Result<()> {
        let folder = document.with_extension("");
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(name).with_extension("svg"), self.svg()?)?;
        let folder = folder.file_name().unwrap_or_default().to_string_lossy();
        document::keep(&format!("\n![{says}]({folder}/{name}.svg)\n"));
        Ok(())
    }

    fn svg(&self) -> anyhow::Result<String> {
        let most = self.points.iter().map(|point| point.1).fold(0.0, f64::max) * 1.15;
        let (least_x, most_x) = self
            .points
            .iter()
            .fold((f64::MAX, 1.0_f64), |(least, most), point| (least.min(point.0), most.max(point.0)));
        let span = (most_x / least_x).log10().max(0.1);
        let x = |value: f64| LEFT + (value / least_x).log10() / span * (WIDTH - LEFT - RIGHT);
        let y = |value: f64| HEIGHT - BOTTOM - value / most.max(f64::MIN_POSITIVE) * (HEIGHT - BOTTOM - TOP);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
             <text x=\"{LEFT}\" y=\"22\" font-size=\"15\" font-weight=\"bold\">{}</text>\n",
            self.title
        );
        for step in 0..=4 {
            let value = most * f64::from(step) / 4.0;
            let at = y(value);
            writeln!(svg, "<path d=\"M{LEFT} {at:.1}H{:.1}\" stroke=\"#ddd\"/>", WIDTH - RIGHT)?;
            writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 6.0,
                at + 4.0,
                short(value)
            )?;
        }
        let mut path = String::new();
        for (index, (across, up)) in self.points.iter().enumerate() {
            let (at, height) = (x(*across), y(*up));
            write!(path, "{}{at:.1} {height:.1}", if index == 0 { "M" } else { "L" })?;
            writeln!(svg, "<circle cx=\"{at:.1}\" cy=\"{height:.1}\" r=\"4\" fill=\"#1f5fa8\"/>")?;
            writeln!(
                svg,
                "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                height - 9.0,
                short(*up)
            )?;
            writeln!(
                svg,
                "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                HEIGHT - BOTTOM + 18.0,
                short(*across)
            )?;
        }
        writeln!(svg, "<path d=\"{path}\" fill=\"none\" stroke=\"#1f5fa8\" stroke-width=\"2\"/>")?;
        writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            f64::midpoint(LEFT, WIDTH),
            HEIGHT - 10.0,
            self.across
        )?;
        writeln!(
            svg,
            "<text x=\"16\" y=\"{:.1}\" text-anchor=\"middle\" transform=\"rotate(-90 16 {:.1})\">{}</text>\n</svg>",
            HEIGHT / 2.0,
            HEIGHT / 2.0,
            self.up
        )?;
        Ok(svg)
    }
}

/// A number as an axis has room for it.
fn short(value: f64) -> String {
    match value {
        _ if value >= 1e6 => format!("{:.0} M", value / 1e6),
        _ if value >= 1e4 => format!("{:.0} k", value / 1e3),
        _ if value >= 1e3 => format!("{:.1} k", value / 1e3),
        _ if value >= 10.0 => format!("{value:.0}"),
        _ => format!("{value:.1}"),
    }
}
