//! Steps of a run: a progress bar on a terminal, times in a verbose log.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use crate::engine::work::Progress;

use super::args::When;
use super::console::{Console, LogFormat, Verbosity};

/// The bar.
#[derive(Debug)]
pub(super) struct Bar {
    bar: ProgressBar,
}

impl Bar {
    pub(super) fn new(when: When) -> Self {
        let target =
            if when.draws() { ProgressDrawTarget::stderr_with_hz(10) } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) =
            ProgressStyle::with_template("{msg:22} {wide_bar} {human_pos}/{human_len} {elapsed}")
        {
            bar.set_style(style);
        }
        Self { bar }
    }

    /// Shows a step at a position.
    pub(super) fn set(&self, step: &'static str, done: u64, of: u64) {
        self.bar.set_message(step);
        self.bar.set_length(of);
        self.bar.set_position(done);
    }

    /// Takes the bar away.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for Bar {
    fn begin(&self, step: &'static str, units: u64) {
        self.bar.reset();
        self.set(step, 0, units);
    }

    fn advance(&self, units: u64) {
        self.bar.inc(units);
    }

    fn end(&self) {
        self.clear();
    }
}

/// The steps of a run: shown by a bar, and told with their times to who wants to know.
#[derive(Debug)]
pub(super) struct Steps<'a> {
    bar: Bar,
    console: &'a Console,
    /// The one that is under way: its name, its units and when it began.
    step: Mutex<Option<(&'static str, u64, Instant)>>,
}

impl<'a> Steps<'a> {
    /// Where nothing shall be said, or for programs only, no bar is drawn either, unless it was asked for.
    pub(super) fn new(when: When, console: &'a Console) -> Self {
        let silent = console.verbosity == Verbosity::Quiet || console.format == LogFormat::Json;
        let when = if when == When::Auto && silent { When::Never } else { when };
        Self { bar: Bar::new(when), console, step: Mutex::new(None) }
    }

    /// Takes the bar away.
    pub(super) fn clear(&self) {
        self.bar.clear();
    }
}

impl Progress for Steps<'_> {
    fn begin(&self, step: &'static str, units: u64) {
        *self.step.lock().unwrap_or_else(PoisonError::into_inner) = Some((step, units, Instant::now()));
        self.bar.begin(step, units);
    }

    fn advance(&self, units: u64) {
        self.bar.advance(units);
    }

    fn end(&self) {
        self.bar.end();
        let ended = self.step.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((step, units, begun)) = ended else { return };
        let seconds = begun.elapsed().as_secs_f64();
        let of = if units == 0 { String::new() } else { format!(" ({})", grouped(units)) };
        let fields = json!({ "step": step, "units": units, "seconds": seconds });
        self.console.detail("step", &format!("  {step}{of}: {seconds:.2} s\n"), fields);
    }
}

/// So many of something: `1 file`, `1,200 files`.
pub(super) fn counted(number: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// A number with its thousands apart.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn thousands_stand_apart() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345_678, "12,345,678")] {
            assert_eq!(grouped(number), text);
        }
    }
}
