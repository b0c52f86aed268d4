//! Medians and spreads, and a table that a person can read.

use crate::document;

/// Median, least and most of some figures.
#[derive(Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    /// Of at least one figure.
    pub(crate) fn of(mut figures: Vec<f64>) -> Self {
        figures.sort_by(f64::total_cmp);
        let at = |index: usize| figures.get(index).copied().unwrap_or(f64::NAN);
        Self { median: at(figures.len() / 2), least: at(0), most: at(figures.len().saturating_sub(1)) }
    }

    /// Median and spread with two decimals.
    pub(crate) fn show(self) -> String {
        format!("{:.2} ({:.2}–{:.2})", self.median, self.least, self.most)
    }
}

/// Prints rows under a header, each column as wide as it needs.
#[expect(clippy::print_stdout, reason = "the result of a command line tool")]
pub(crate) fn print(title: &str, header: &[&str], rows: &[Vec<String>]) {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(header.get(column).map(|cell| cell.chars().count())).max().unwrap_or(0)
    };
    let line = |cells: &[String]| {
        let padded: Vec<_> =
            cells.iter().enumerate().map(|(column, cell)| format!("{cell:<w$}", w = width(column))).collect();
        padded.join("  ").trim_end().to_owned()
    };
    println!("\n{title}");
    println!("{}", line(&header.iter().map(|&cell| cell.to_owned()).collect::<Vec<_>>()));
    for row in rows {
        println!("{}", line(row));
    }
    document::keep_table(title, header, rows);
}
