//! Runs by size, and how their time grows.

use std::fmt::Write as _;

use super::super::contestants::Timing;
use super::super::runs::{DECODE, RUN, WarehouseFigures};
use super::super::warehouses;
use super::{grouped, ratio, rounds, spread, timing};

/// What a run does over a warehouse, and what it takes.
pub fn runs(figures: &WarehouseFigures) -> String {
    let Some(runs) = &figures.runs else { return String::new() };
    let work = &runs.workload;
    let mut text = format!("## {} million touchpoints\n\n", figures.millions);
    let per_customer = |count: f64| count / work.customers as f64;
    let _ = writeln!(
        text,
        "`touchline generate DIR {}`: {} touchpoints of {} customers, {:.0} MB. A run has {} targets, {} models and {} channels. It shares out {} conversions and \
         stage entries with a touch in reach, {:.2} per customer, with {:.1} touches on their paths per customer, each under every model; {} have no touch in \
         reach. It publishes {} tables with {} rows, as Parquet and CSV. Rounds: {}.\n",
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
        rounds(&runs.timings),
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

/// How much more a touchpoint costs from 20 to 100 million than from 5 to 20.
pub fn marginal_growth(warehouses: &[WarehouseFigures]) -> Option<f64> {
    let of = |millions: u32| warehouses.iter().find(|figures| figures.millions == millions);
    let (five, twenty, hundred) = (of(5)?, of(20)?, of(100)?);
    Some(marginal_s(twenty, hundred)?.0 / marginal_s(five, twenty)?.0)
}

/// What one touchpoint more costs.
pub fn growth(warehouses: &[WarehouseFigures]) -> String {
    let measured: Vec<&WarehouseFigures> =
        warehouses.iter().filter(|figures| figures.runs.is_some()).collect();
    let steps: Vec<_> = measured
        .windows(2)
        .filter_map(|pair| Some((pair[0].millions, pair[1].millions, marginal_s(pair[0], pair[1])?)))
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
