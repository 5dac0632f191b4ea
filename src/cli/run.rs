//! `touchline run`: the job, and a short summary for a person.

use std::time::Instant;

use crate::config::{self, plan::Plan};
use crate::job::{self, Outcome, RunOptions as JobOptions};

use super::args::{ConfigOptions, RunOptions};
use super::diagnostics::Failure;
use super::progress::{Bar, counted, grouped};

/// Resolves the configuration as the command line has it.
pub(super) fn load_plan(options: &ConfigOptions) -> Result<Plan, Failure> {
    Ok(config::load(&options.config, &options.overrides(), &|name| std::env::var(name).ok())?)
}

/// Runs the job.
pub(super) fn run(options: &RunOptions) -> Result<(), Failure> {
    let begun = Instant::now();
    let plan = load_plan(&options.config)?;
    let bar = Bar::new(options.progress);
    let how = JobOptions {
        threads: options.config.threads,
        memory: options.memory,
        temp_dir: options.temp_dir.clone(),
        force: options.force,
        make_current: options.make_current,
        wait: options.wait(),
    };
    let outcome = job::run(&plan, &how, &bar);
    bar.clear();
    let outcome = outcome?;
    if let Some(warning) = &outcome.published.warning {
        eprintln!("warning: {warning}");
    }
    if !options.quiet {
        eprint!("{}", summary(&plan, &outcome, begun.elapsed().as_secs_f64()));
    }
    Ok(())
}

fn summary(plan: &Plan, outcome: &Outcome, seconds: f64) -> String {
    let count = |name: &str| outcome.counts.get(name).copied().unwrap_or(0);
    let published = &outcome.published;
    let mut lines = Vec::new();
    if published.reused {
        lines.push(format!("{}: nothing new, the same result is already published", plan.job.name));
    } else {
        lines.push(format!(
            "{}: {} of {} from {}",
            plan.job.name,
            counted(count("touchpoints_kept"), "touchpoint"),
            counted(count("customers"), "customer"),
            counted(outcome.files as u64, "file"),
        ));
        let left_out: Vec<String> = [
            ("rejected", count("touchpoints_rejected") + count("touchpoints_conflicting_duplicates")),
            ("duplicates", count("touchpoints_exact_duplicates")),
            ("excluded", count("touchpoints_excluded")),
            ("suppressed", count("touchpoints_suppressed")),
            ("of bots", count("touchpoints_of_bots")),
            ("outside the window", count("touchpoints_outside")),
        ]
        .into_iter()
        .filter(|(_, rows)| *rows > 0)
        .map(|(what, rows)| format!("{} {what}", grouped(rows)))
        .collect();
        let left_out = if left_out.is_empty() { "none".to_owned() } else { left_out.join(", ") };
        lines.push(format!("  left out   {left_out}"));
    }
    let rows: u64 = published.rows.iter().map(|(_, rows)| rows).sum();
    lines.push(format!(
        "  published  {} with {}",
        counted(published.rows.len() as u64, "table"),
        counted(rows, "row")
    ));
    let root = &plan.output.path;
    let place = if published.is_current {
        format!("{}  ->  {}", root.join("current").display(), published.directory.display())
    } else {
        format!("{} (an earlier window: `current` stays)", published.directory.display())
    };
    lines.push(format!("  where      {place}"));
    lines.push(format!("  took       {seconds:.1} s"));
    for warning in &outcome.warnings {
        lines.push(format!("  ! {warning}"));
    }
    for finding in &outcome.findings {
        lines.push(format!("  * {}  [{}]", finding.text, finding.table));
    }
    lines.push(String::new());
    lines.join("\n")
}
