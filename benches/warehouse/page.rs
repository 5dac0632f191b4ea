//! The page of figures, from all that was measured, now or before.

use std::fmt::Write as _;

use super::Outcome;
use super::contestants::Timing;
use super::figures::Figures;
use super::machine::Machine;
use super::measure::Spread;
use super::runs::{DECODE, RUN, RUN_IN_BUDGET, RUN_ONE_DAY, WarehouseFigures};
use super::shapes::ShapeFigures;
use super::warehouses;

/// Written by hand, and taken over as it is.
const NOTES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/notes.md");

/// The size that most bars are about, in millions.
const REFERENCE_MILLIONS: u32 = 20;
/// Peak memory that a run may take: bytes per touchpoint, and MiB beside.
const BYTES_PER_TOUCHPOINT: f64 = 56.0;
const FIXED_MIB: f64 = 300.0;
/// Peak memory in MiB that a run with a budget of 256 MiB may take.
const BUDGET_PEAK_MIB: f64 = 320.0;

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
             decodes what a run reads of touchpoints, customers, assignments and suppressed ids, with the same reader and threads, and does nothing with it.\n\n";
    page += &bars(figures);
    page += &machines(figures);
    for warehouse in &figures.warehouses {
        page += &runs(warehouse);
    }
    page += &growth(&figures.warehouses);
    for warehouse in &figures.warehouses {
        page += &peers(warehouse);
    }
    page += &shapes(&figures.shapes);
    if std::path::Path::new(NOTES).exists() {
        page += &std::fs::read_to_string(NOTES)?;
    }
    Ok(format!("{}\n", page.trim_end()))
}

/// A bar, what was measured, and whether it is at most that.
fn bar(name: &str, limit: f64, unit: &str, found: Option<f64>) -> String {
    let (found, holds) = match found.filter(|found| found.is_finite()) {
        Some(found) => (figure(found, unit), if found <= limit { "yes" } else { "**no**" }),
        None => ("not measured".to_owned(), ""),
    };
    format!("| {name} | at most {} | {found} | {holds} |\n", figure(limit, unit))
}

fn figure(figure: f64, unit: &str) -> String {
    match unit {
        "×" => format!("{figure:.2} ×"),
        unit => format!("{figure:.0} {unit}"),
    }
}

fn bars(figures: &Figures) -> String {
    let mut text = String::from("## The bars\n\n| | bar | measured | holds |\n| --- | --- | --- | --- |\n");
    let reference = figures.warehouses.iter().find(|warehouse| warehouse.millions == REFERENCE_MILLIONS);
    let wall = |name: &str| Some(timing(reference?, name)?.wall().median);
    let peak = |name: &str| Some(timing(reference?, name)?.peak().median);
    let ratio = |one: Option<f64>, other: Option<f64>| Some(one? / other?);
    let limit_mib = reference
        .and_then(|warehouse| Some(memory_limit_mib(warehouse.runs.as_ref()?.workload.touchpoints as f64)));
    text += &bar("whole run, by decode, 20 million touchpoints", 2.7, "×", ratio(wall(RUN), wall(DECODE)));
    text +=
        &bar("its peak: 56 bytes per touchpoint + 300 MiB", limit_mib.unwrap_or(FIXED_MIB), "MiB", peak(RUN));
    text += &bar("with a budget of 256 MiB, by the run", 1.35, "×", ratio(wall(RUN_IN_BUDGET), wall(RUN)));
    text += &bar("its peak", BUDGET_PEAK_MIB, "MiB", peak(RUN_IN_BUDGET));
    text += &bar("one day of 120, by the run", 0.35, "×", ratio(wall(RUN_ONE_DAY), wall(RUN)));
    let growth = marginal_growth(&figures.warehouses);
    text += &bar("time for one touchpoint more, 20 to 100 million by 5 to 20", 1.1, "×", growth);
    let asked = reference.and_then(|warehouse| warehouse.peers.as_ref());
    for (name, peer, limit) in [
        ("run, by DuckDB, tuned", "duckdb_tuned", 6.0),
        ("run, by ClickHouse", "clickhouse", 6.0),
        ("run, by Polars expressions", "polars", 15.0),
    ] {
        let faster = asked.and_then(|asked| {
            let peer = asked.timings.iter().find(|timing| timing.name == peer)?;
            Some(peer.wall().median / asked.run.wall().median)
        });
        let (found, holds) = match faster.filter(|faster| faster.is_finite()) {
            Some(faster) => (format!("{faster:.1} × faster"), if faster >= limit { "yes" } else { "**no**" }),
            None => ("not measured".to_owned(), ""),
        };
        let _ = writeln!(text, "| {name} | at least {limit:.0} × faster | {found} | {holds} |");
    }
    let hard = figures.shapes.iter().filter(|shape| !shape.is_standard());
    let worst = hard.clone().filter_map(|shape| per_row_ratio(shape, &figures.shapes)).max_by(f64::total_cmp);
    text += &bar("hardest shape per row, by the standard shape of as many rows", 3.0, "×", worst);
    let peak = hard
        .map(|shape| shape.in_budget.peak().median)
        .filter(|peak| peak.is_finite())
        .max_by(f64::total_cmp);
    text += &bar("highest peak of a shape with a budget of 256 MiB", BUDGET_PEAK_MIB, "MiB", peak);
    text + "\n"
}

fn memory_limit_mib(touchpoints: f64) -> f64 {
    touchpoints * BYTES_PER_TOUCHPOINT / f64::from(1 << 20) + FIXED_MIB
}

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

fn ratio(one: f64, other: f64) -> String {
    let ratio = one / other;
    if ratio.is_finite() { format!("{ratio:.2}") } else { String::new() }
}

fn runs(figures: &WarehouseFigures) -> String {
    let Some(runs) = &figures.runs else { return String::new() };
    let work = &runs.workload;
    let mut text = format!("## {} million touchpoints\n\n", figures.millions);
    let per_customer = |count: f64| count / work.customers as f64;
    let _ = writeln!(
        text,
        "`touchline generate DIR {}`: {} touchpoints of {} customers, {:.0} MB. A run has {} targets, {} models and {} channels. It shares out {} conversions and \
         stage entries with a touch in reach, {:.2} per customer, with {:.1} touches on their paths per customer, each under every model; {} have no touch in \
         reach. It publishes {} tables with {} rows, as Parquet and CSV.\n",
        warehouses::options(figures.millions).join(" "),
        grouped(work.touchpoints as f64),
        grouped(work.customers as f64),
        figures.bytes as f64 / 1e6,
        work.targets,
        work.models,
        work.channels,
        grouped(work.allocated),
        per_customer(work.allocated),
        per_customer(work.path_touches),
        grouped(work.unattributed),
        work.tables,
        grouped(work.table_rows as f64),
    );
    text += "| | wall s | CPU s | peak MiB | wall by decode | CPU by decode |\n| --- | ---: | ---: | ---: | ---: | ---: |\n";
    let decode = timing(figures, DECODE);
    for timing in &runs.timings {
        let name = match &timing.note {
            Some(note) => format!("{}: {note}", timing.name),
            None => timing.name.clone(),
        };
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {} | {} | {} |",
            spread(timing.wall(), 2),
            spread(timing.cpu(), 2),
            spread(timing.peak(), 0),
            decode.map_or(String::new(), |decode| ratio(timing.wall().median, decode.wall().median)),
            decode.map_or(String::new(), |decode| ratio(timing.cpu().median, decode.cpu().median)),
        );
    }
    text += &match &runs.synced {
        Some(synced) => format!(
            "\nOf a run, {:.3} s are {} calls that wait for the disk (`strace -T`, one run apart; they are in the wall time above).\n\n",
            synced.seconds, synced.calls
        ),
        None => "\nTime that waits for the disk was not measured: there is no `strace`.\n\n".to_owned(),
    };
    text
}

/// Seconds of wall and of CPU for one touchpoint more, between two sizes of whole runs.
fn marginal_s(one: &WarehouseFigures, other: &WarehouseFigures) -> Option<(f64, f64)> {
    let touchpoints = |figures: &WarehouseFigures| Some(figures.runs.as_ref()?.workload.touchpoints as f64);
    let rows = touchpoints(other)? - touchpoints(one)?;
    let (one, other) = (timing(one, RUN)?, timing(other, RUN)?);
    let difference = |of: &dyn Fn(&Timing) -> f64| (of(other) - of(one)) / rows;
    Some((difference(&|timing| timing.wall().median), difference(&|timing| timing.cpu().median)))
}

fn marginal_growth(warehouses: &[WarehouseFigures]) -> Option<f64> {
    let of = |millions: u32| warehouses.iter().find(|figures| figures.millions == millions);
    let (five, twenty, hundred) = (of(5)?, of(20)?, of(100)?);
    Some(marginal_s(twenty, hundred)?.0 / marginal_s(five, twenty)?.0)
}

fn growth(warehouses: &[WarehouseFigures]) -> String {
    let steps: Vec<_> = warehouses
        .windows(2)
        .filter_map(|pair| Some((pair[0].millions, pair[1].millions, marginal_s(&pair[0], &pair[1])?)))
        .collect();
    if steps.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "## Growth\n\nTime of a whole run for one touchpoint more.\n\n| from million | to million | wall ns | CPU ns |\n| ---: | ---: | ---: | ---: |\n",
    );
    for (from, to, (wall_s, cpu_s)) in steps {
        let _ = writeln!(text, "| {from} | {to} | {:.1} | {:.1} |", wall_s * 1e9, cpu_s * 1e9);
    }
    text + "\n"
}

fn peers(figures: &WarehouseFigures) -> String {
    let Some(asked) = &figures.peers else { return String::new() };
    let mut text = format!("## Other engines, {} million touchpoints\n\n", figures.millions);
    text += "They answer the attribution part for one conversion, see `benches/peers`, and no more: a run does everything in its time. Python's start is in their \
             time, as the start of a process is in all.\n\n";
    text += "| | version | wall s | CPU s | peak MiB | wall by decode | wall by run |\n| --- | --- | ---: | ---: | ---: | ---: | ---: |\n";
    let version = |name: &str| {
        let answer = asked.answers.iter().find(|answer| answer.peer == name);
        answer.map_or(String::new(), |answer| answer.version.clone())
    };
    for timing in [&asked.decode, &asked.run].into_iter().chain(&asked.timings) {
        let name = match &timing.note {
            Some(note) => {
                format!("{}: not measured, {}", timing.name, note.lines().next().unwrap_or_default())
            }
            None => timing.name.clone(),
        };
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {} | {} | {} | {} |",
            version(&timing.name),
            spread(timing.wall(), 2),
            spread(timing.cpu(), 2),
            spread(timing.peak(), 0),
            ratio(timing.wall().median, asked.decode.wall().median),
            ratio(timing.wall().median, asked.run.wall().median),
        );
    }
    text += "\nTheir answers against the tables of the run, for the conversion `purchase`: how many figures differ by more than the rounding of credit to millionths explains, and the largest \
             relative difference.\n\n";
    let Some(first) = asked.answers.first() else { return text };
    let _ = write!(text, "| figures | compared |");
    asked.answers.iter().for_each(|answer| text += &format!(" {} |", answer.peer));
    let _ = writeln!(text, "\n| --- | ---: |{}", " --- |".repeat(asked.answers.len()));
    for (row, figures) in first.disagreements.iter().enumerate() {
        let _ = write!(text, "| {} | {} |", figures.what, figures.compared);
        for answer in &asked.answers {
            let found = &answer.disagreements[row];
            let _ = match found.worst {
                0.0 => write!(text, " equal |"),
                worst => write!(text, " {} differ, {worst:.1e} |", found.beyond),
            };
        }
        text.push('\n');
    }
    text + "\n"
}

fn per_row_ns(seconds: Spread, shape: &ShapeFigures) -> f64 {
    seconds.median * 1e9 / shape.rows as f64
}

/// Time per row of a run by that of the standard shape of as many rows.
fn per_row_ratio(shape: &ShapeFigures, shapes: &[ShapeFigures]) -> Option<f64> {
    let standard = shapes.iter().find(|other| other.is_standard() && other.rows == shape.rows)?;
    Some(per_row_ns(shape.run.wall(), shape) / per_row_ns(standard.run.wall(), standard))
        .filter(|ratio| ratio.is_finite())
}

fn shapes(shapes: &[ShapeFigures]) -> String {
    if shapes.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "## Hard shapes\n\nWarehouses of touchpoints only, each unlike the standard shape in one thing. *By standard* is the time per row of a run by that of the standard \
         shape of as many rows.\n\n| shape | million rows | MB | decode ns per row | run ns per row | its CPU ns per row | run by decode | by standard | peak MiB | in 256 MiB: \
         ns per row | peak MiB |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for shape in shapes {
        let number = |number: f64| if number.is_finite() { format!("{number:.0}") } else { String::new() };
        // What no shape has is said once, below.
        let failed: Vec<String> = [&shape.decode, &shape.run]
            .into_iter()
            .filter_map(|timing| timing.note.as_ref().map(|note| format!("; {}: {note}", timing.name)))
            .collect();
        let _ = writeln!(
            text,
            "| `{}`: {}{} | {:.0} | {:.0} | {} | {} | {} | {} | {} | {} | {} | {} |",
            shape.name,
            shape.says,
            failed.concat(),
            shape.rows as f64 / 1e6,
            shape.bytes as f64 / 1e6,
            number(per_row_ns(shape.decode.wall(), shape)),
            number(per_row_ns(shape.run.wall(), shape)),
            number(per_row_ns(shape.run.cpu(), shape)),
            ratio(shape.run.wall().median, shape.decode.wall().median),
            per_row_ratio(shape, shapes).map_or(String::new(), |ratio| format!("{ratio:.2}")),
            number(shape.run.peak().median),
            number(per_row_ns(shape.in_budget.wall(), shape)),
            number(shape.in_budget.peak().median),
        );
    }
    let mut notes: Vec<&String> = shapes.iter().filter_map(|shape| shape.in_budget.note.as_ref()).collect();
    notes.sort_unstable();
    notes.dedup();
    for note in notes {
        let names: Vec<&str> = shapes
            .iter()
            .filter(|shape| shape.in_budget.note.as_ref() == Some(note))
            .map(|shape| shape.name.as_str())
            .collect();
        let _ = writeln!(text, "\nWithout figures in 256 MiB: {}: {note}.", names.join(", "));
    }
    text + "\n"
}
