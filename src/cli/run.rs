//! `touchline run`: the job, a short summary for a person and another for a program.

use std::time::Instant;

use serde_json::json;

use crate::config::{self, location, plan::Plan};
use crate::engine::EngineError;
use crate::interrupt::Interrupt;
use crate::job::{self, JobError, Outcome, QUALITY_WARNINGS, RunOptions as JobOptions};
use crate::lineage::Recorder;

use super::args::{ConfigOptions, OnEmpty, RunOptions, RunOutput};
use super::console::{Console, printable, printable_lines};
use super::diagnostics::Failure;
use super::lineage;
use super::panics::guarded;
use super::progress::{Steps, counted, grouped};
use super::signals;
use super::summary::{Summary, SummaryFile};

/// No input rows, and that is no failure: what schedulers take for a task to be skipped.
const SKIPPED: u8 = 99;

/// Resolves the configuration as the command line has it; notes what of the environment must not show.
pub(super) fn load_plan(options: &ConfigOptions, console: &Console) -> Result<Plan, Failure> {
    let environment = |name: &str| {
        let value = std::env::var(name).ok()?;
        console.secrets.note(name, &value);
        Some(value)
    };
    #[cfg(feature = "cloud")]
    note_credentials(console);
    Ok(config::load(&options.config, &options.overrides(), &environment)?)
}

/// Notes what opens object stores and catalogues, so that no message shows it.
#[cfg(feature = "cloud")]
fn note_credentials(console: &Console) {
    for (name, value) in std::env::vars_os() {
        if let (Some(name), Some(value)) = (name.to_str(), value.to_str())
            && crate::cloud::VARIABLES.iter().any(|prefix| name.starts_with(prefix))
        {
            console.secrets.note(name, value);
        }
    }
}

/// How a run ended that didn't fail.
enum Ended {
    Published(Box<(Plan, Outcome)>),
    /// There were no rows, in these words.
    Empty(String),
}

/// Runs the job. Returns the exit code.
pub(super) fn run(options: &RunOptions, console: &Console, interrupt: &Interrupt) -> Result<u8, Failure> {
    let begun = Instant::now();
    let file = options.summary_file.as_deref().map(SummaryFile::prepare).transpose()?;
    let ended = guarded(console, interrupt, || attempt(options, file.as_ref(), console, interrupt));
    let seconds = begun.elapsed().as_secs_f64();
    let summary = match &ended {
        Ok(Ended::Published(done)) => Summary::published(&done.1, seconds),
        Ok(Ended::Empty(message)) => Summary::empty(SKIPPED, message, seconds),
        Err(failure) => Summary::failed(failure, seconds),
    }
    .encode();
    let line = match summary {
        Ok(line) => line,
        Err(failure) => return Err(ended.err().unwrap_or(failure)),
    };
    let written = file.as_ref().map_or(Ok(()), |file| file.write(&console.secrets.redact(&line)));
    // Of two failures the first: it is the reason of the other, or the graver.
    let ended = ended?;
    let code = match &ended {
        Ended::Published(done) => {
            tell(&done.0, &done.1, (options, seconds), console);
            0
        }
        Ended::Empty(message) => {
            console.tell("skipped", &format!("skipped: {message}\n"), json!({ "message": message }));
            SKIPPED
        }
    };
    written?;
    if options.output == RunOutput::Json {
        console.answer(&line)?;
    }
    Ok(code)
}

fn attempt(
    options: &RunOptions,
    summary: Option<&SummaryFile>,
    console: &Console,
    interrupt: &Interrupt,
) -> Result<Ended, Failure> {
    signals::watch(interrupt, console)?;
    let plan = load_plan(&options.config, console)?;
    if let Some(summary) = summary {
        summary.clear(&plan.output.path)?;
    }
    let fields = json!({ "job": plan.job.name, "version": job::BUILD, "pid": std::process::id() });
    console.detail("started", &format!("{}: touchline {}\n", plan.job.name, job::BUILD), fields);
    let steps = Steps::new(options.progress, console);
    let how = JobOptions {
        threads: options.config.threads,
        memory: options.memory,
        temp_dir: options.temp_dir.clone(),
        force: options.force,
        make_current: options.make_current,
        strict: options.strict,
        wait: options.wait(),
        interrupt: interrupt.clone(),
        secrets: console.secrets.clone(),
        only: options.only.clone(),
    };
    let recorder = Recorder::begin(&plan, console.secrets.clone());
    let outcome = job::run(&plan, &how, &steps);
    steps.clear();
    for error in recorder.end(&lineage::end(&outcome, options.on_empty)) {
        lineage::warn(&error, console);
    }
    match outcome {
        Ok(outcome) => Ok(Ended::Published(Box::new((plan, outcome)))),
        Err(JobError::Engine(error @ EngineError::NoRows { .. })) if options.on_empty == OnEmpty::Skip => {
            Ok(Ended::Empty(error.to_string()))
        }
        Err(error) => Err(error.into()),
    }
}

/// Tells the result, and what is most telling in it.
fn tell(plan: &Plan, outcome: &Outcome, (options, seconds): (&RunOptions, f64), console: &Console) {
    let published = &outcome.published;
    let rows: u64 = published.rows.iter().map(|(_, rows)| rows).sum();
    let fields = json!({
        "job": plan.job.name,
        "run_id": outcome.run_id,
        "directory": published.directory.to_string_lossy(),
        "current": published.is_current,
        "unchanged": published.reused,
        "tables": published.rows.len(),
        "rows": rows,
        "counts": outcome.counts,
        "seconds": seconds,
    });
    console.tell("published", &text(plan, outcome, !options.only.is_empty(), seconds), fields);
    if let Some(warning) = &published.warning {
        console.warn(&format!("warning: {}\n", printable_lines(warning)), json!({ "message": warning }));
    }
    for warning in &outcome.warnings {
        console.warn(&format!("  ! {}\n", printable(warning)), json!({ "message": warning }));
    }
    for finding in &outcome.findings {
        let text = format!("  * {}  [{}]\n", printable(&finding.text), finding.table);
        console.tell("finding", &text, json!({ "table": finding.table, "message": finding.text }));
    }
}

fn text(plan: &Plan, outcome: &Outcome, partial: bool, seconds: f64) -> String {
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
        let pointer = if location::is_remote(&root.to_string_lossy()) { "current.json" } else { "current" };
        format!("{}  ->  {}", root.join(pointer).display(), published.directory.display())
    } else {
        let why = if partial { "it has some tables only" } else { "an earlier window" };
        format!("{} ({why}: `current` stays)", published.directory.display())
    };
    lines.push(format!("  where      {place}"));
    match count(QUALITY_WARNINGS) {
        0 => {}
        warnings => {
            lines.push(format!("  data       {}: see data_quality", counted(warnings, "warning")));
        }
    }
    lines.push(format!("  took       {seconds:.1} s"));
    lines.push(String::new());
    lines.join("\n")
}
