//! What a run must keep to, and whether it does.

use std::fmt::Write as _;

use super::super::comparisons::{RUN_COMPARING, RUN_WITHOUT};
use super::super::figures::Figures;
use super::super::runs::{DECODE, RUN, RUN_IN_BUDGET, RUN_ONE_DAY};
use super::runs::marginal_growth;
use super::shapes::per_row_ratio;
use super::timing;

/// The size that most bars are about, in millions.
const REFERENCE_MILLIONS: u32 = 20;
/// Peak memory that a run may take: bytes per touchpoint, and MiB beside.
const BYTES_PER_TOUCHPOINT: f64 = 56.0;
const FIXED_MIB: f64 = 300.0;
/// Peak memory in MiB that a run with a budget of 256 MiB may take.
const BUDGET_PEAK_MIB: f64 = 320.0;

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
        _ if figure.is_nan() => "–".to_owned(),
        "×" => format!("{figure:.2} ×"),
        unit => format!("{figure:.0} {unit}"),
    }
}

/// All bars.
pub fn bars(figures: &Figures) -> String {
    let mut text = String::from("## The bars\n\n| | bar | measured | holds |\n| --- | --- | --- | --- |\n");
    let reference = figures.warehouses.iter().find(|warehouse| warehouse.millions == REFERENCE_MILLIONS);
    let wall = |name: &str| Some(timing(reference?, name)?.wall().median);
    let peak = |name: &str| Some(timing(reference?, name)?.peak().median);
    let ratio = |one: Option<f64>, other: Option<f64>| Some(one? / other?);
    let limit_mib =
        reference.and_then(|warehouse| Some(memory_limit_mib(warehouse.runs.as_ref()?.workload.touchpoints)));
    text += &bar("whole run, by decode, 20 million touchpoints", 2.7, "×", ratio(wall(RUN), wall(DECODE)));
    text +=
        &bar("its peak: 56 bytes per touchpoint + 300 MiB", limit_mib.unwrap_or(f64::NAN), "MiB", peak(RUN));
    text += &bar("with a budget of 256 MiB, by the run", 1.35, "×", ratio(wall(RUN_IN_BUDGET), wall(RUN)));
    text += &bar("its peak", BUDGET_PEAK_MIB, "MiB", peak(RUN_IN_BUDGET));
    text += &bar("one day of 120, by the run", 0.35, "×", ratio(wall(RUN_ONE_DAY), wall(RUN)));
    let cpu = |name: &str| Some(timing(reference?, name)?.cpu().median);
    let comparing = "two experiments of six metrics and five dimensions, by a run without any";
    text += &bar(comparing, 1.15, "×", ratio(wall(RUN_COMPARING), wall(RUN_WITHOUT)));
    text += &bar("their CPU", 1.15, "×", ratio(cpu(RUN_COMPARING), cpu(RUN_WITHOUT)));
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

fn memory_limit_mib(touchpoints: u64) -> f64 {
    touchpoints as f64 * BYTES_PER_TOUCHPOINT / f64::from(1 << 20) + FIXED_MIB
}
