//! The page of figures, from all that was measured, now or before.

mod bars;
mod peers;
mod runs;
mod shapes;

use std::fmt::Write as _;

use super::Outcome;
use super::contestants::Timing;
use super::figures::Figures;
use super::machine::Machine;
use super::measure::Spread;
use super::runs::WarehouseFigures;

/// Written by hand, and taken over as it is.
const NOTES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/notes.md");

/// Renders the page.
///
/// # Errors
///
/// The notes can't be read.
pub fn render(figures: &Figures) -> Outcome<String> {
    let mut page = String::from(
        "# Performance\n\nWritten by `cargo bench --bench warehouse` from what it measured; don't edit. What stands below the figures comes from `benches/notes.md`, if there is one.\n\n",
    );
    page += "Every figure is the median of the rounds, with the least and the most in brackets, of a process of its own, page cache warm; all contestants of a \
             table are measured in turn, round by round. *CPU* is user and system seconds of all threads, *peak* the highest resident memory. *Decode* opens and \
             decodes what a run reads of touchpoints, customers, assignments and suppressed ids, with the same reader and threads, and does nothing with it. \
             Runs are `touchline run --quiet --force`, with the options named, of a generated warehouse as it is configured; the two with and without \
             comparisons differ from that in `[segments]`, `[metrics]` and `[experiments]` alone.\n\n";
    page += &bars::bars(figures);
    page += &machines(figures);
    for warehouse in &figures.warehouses {
        page += &runs::runs(warehouse);
    }
    page += &runs::growth(&figures.warehouses);
    for warehouse in &figures.warehouses {
        page += &peers::peers(warehouse);
    }
    page += &shapes::shapes(&figures.shapes);
    if std::path::Path::new(NOTES).exists() {
        page += &std::fs::read_to_string(NOTES)?;
    }
    Ok(format!("{}\n", page.trim_end()))
}

/// What a contestant of a warehouse took.
fn timing<'a>(warehouse: &'a WarehouseFigures, name: &str) -> Option<&'a Timing> {
    warehouse.runs.as_ref()?.timings.iter().find(|timing| timing.name == name)
}

/// What was measured on: each machine once, with what on it.
fn machines(figures: &Figures) -> String {
    let mut text = String::from("## Machine\n\n");
    let runs = figures.warehouses.iter().filter_map(|figures| {
        let runs = figures.runs.as_ref()?;
        Some((&runs.machine, format!("{} million (build {})", figures.millions, runs.workload.version)))
    });
    let peers = figures.warehouses.iter().filter_map(|figures| {
        let peers = figures.peers.as_ref()?;
        let what = format!("other engines, {} million (build {})", figures.millions, peers.workload.version);
        Some((&peers.machine, what))
    });
    let shapes = figures.shapes.iter().map(|figures| (&figures.machine, figures.name.clone()));
    let mut by_machine: Vec<(&Machine, Vec<String>)> = Vec::new();
    for (machine, what) in runs.chain(peers).chain(shapes) {
        match by_machine.iter_mut().find(|(known, _)| *known == machine) {
            Some((_, whats)) => whats.push(what),
            None => by_machine.push((machine, vec![what])),
        }
    }
    for (machine, whats) in by_machine {
        let Machine { processor, cores, memory_gib, kernel, rustc, day } = machine;
        let _ = writeln!(
            text,
            "- {processor}, {cores} cores, {memory_gib} GiB of memory, Linux {kernel}; {rustc}; {day}: {}",
            whats.join(", ")
        );
    }
    text + "\n"
}

/// How many rounds there were.
fn rounds<'a>(timings: impl IntoIterator<Item = &'a Timing>) -> usize {
    timings.into_iter().map(|timing| timing.measured.len()).max().unwrap_or(0)
}

/// Median and extremes; nothing where nothing was measured.
fn spread(spread: Spread, decimals: usize) -> String {
    if spread.median.is_nan() {
        return String::new();
    }
    let Spread { median, min, max } = spread;
    format!("{median:.decimals$} ({min:.decimals$}–{max:.decimals$})")
}

/// A whole number with commas between the thousands.
fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How many times one is the other; nothing where one of them wasn't measured.
fn ratio(one: f64, other: f64) -> String {
    let ratio = one / other;
    if ratio.is_finite() { format!("{ratio:.2}") } else { String::new() }
}
