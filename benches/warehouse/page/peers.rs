//! Other engines beside a run.

use std::fmt::Write as _;

use super::super::runs::WarehouseFigures;
use super::{ratio, rounds, spread};

/// What the others take and answer.
pub fn peers(figures: &WarehouseFigures) -> String {
    let Some(asked) = &figures.peers else { return String::new() };
    let mut text = format!("## Other engines, {} million touchpoints\n\n", figures.millions);
    let rounds = rounds([&asked.run]);
    let _ = write!(text, "Rounds: {rounds}. ");
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
