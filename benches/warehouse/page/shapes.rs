//! Hard shapes beside the standard one.

use std::fmt::Write as _;

use super::super::measure::Spread;
use super::super::shapes::ShapeFigures;
use super::{ratio, rounds};

/// Nanoseconds per row.
fn per_row_ns(seconds: Spread, shape: &ShapeFigures) -> f64 {
    seconds.median * 1e9 / shape.rows as f64
}

/// Time per row of a run by that of the standard shape of as many rows.
pub fn per_row_ratio(shape: &ShapeFigures, shapes: &[ShapeFigures]) -> Option<f64> {
    let standard = shapes.iter().find(|other| other.is_standard() && other.rows == shape.rows)?;
    Some(per_row_ns(shape.run.wall(), shape) / per_row_ns(standard.run.wall(), standard))
        .filter(|ratio| ratio.is_finite())
}

/// What hard shapes cost per row.
pub fn shapes(shapes: &[ShapeFigures]) -> String {
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
    let _ = writeln!(text, "\nRounds: {}.", rounds(shapes.iter().map(|shape| &shape.run)));
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
