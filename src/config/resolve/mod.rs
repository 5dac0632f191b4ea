//! From what is written to what is meant: every check, every default.
//!
//! A mistake is noted and its default taken, so that the next one is found too; a plan with
//! mistakes never leaves [`super::parse`].

mod attribution;
mod channels;
mod contract;
mod experiments;
mod inputs;
mod lineage;
mod metrics;
mod output;
mod segments;
mod stages;
#[cfg(test)]
mod tests;

pub use inputs::known_columns;

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;

use super::diagnostic::{Complaint, ErrorKind, Problems};
use super::document::Document;
use super::plan::{ConversionPlan, Correction, JobPlan, Plan, WindowPlan, Zone};
use super::profiles::{OWN, PROFILES, Profile};
use super::schema::{Job, Schema, Text, Window};
use super::{currency, duration, nearest, time};

/// How p-values are adjusted, by name.
const CORRECTIONS: [(&str, Correction); 3] = [
    ("benjamini_hochberg", Correction::BenjaminiHochberg),
    ("holm", Correction::Holm),
    ("none", Correction::None),
];

/// What beside the file decides what is meant.
#[derive(Debug)]
pub(super) struct Surroundings<'a> {
    /// The configuration file; paths are relative to its folder.
    pub(super) file: &'a Path,
    /// `--date`.
    pub(super) date: Option<Text>,
    /// `--out`.
    pub(super) out: Option<Spanned<&'a Path>>,
}

impl Surroundings<'_> {
    /// The absolute folder of the file.
    fn folder(&self) -> PathBuf {
        let file = std::path::absolute(self.file).unwrap_or_else(|_| self.file.to_owned());
        file.parent().map(Path::to_owned).unwrap_or_default()
    }
}

/// The plan of a schema; only good if no problem was added.
pub(super) fn resolve(
    schema: Schema,
    document: &Document<'_>,
    surroundings: &Surroundings<'_>,
    problems: &mut Problems<'_>,
) -> Plan {
    let places = document.places(problems.sources());
    let mut resolver = Resolver { document, problems, mapped: BTreeSet::new(), defaults: &OWN };
    resolver.choose_profile(schema.attribution.profile.as_ref());
    let folder = surroundings.folder();
    let job = resolver.job(&schema.job, surroundings.file);
    let ages =
        schema.inputs.touchpoints.0.iter().flat_map(|source| [&source.error_after, &source.warn_after]);
    let age = ages.flatten().next().cloned();
    let mut inputs = resolver.inputs(schema.inputs.0, &folder);
    let contract = resolver.contract(&schema.contract, &folder);
    let refunds = resolver.refunds(&schema.refunds);
    let channels = resolver.channels(schema.channels.0);
    let event_order = resolver.unique(&schema.journey.event_order, "event");
    let stages = resolver.stages(schema.stages.map(|stages| stages.0));
    let conversions = resolver.conversions(schema.conversions, &job.currency, !refunds.is_empty());
    let attribution = resolver.attribution(&schema.attribution);
    let segments = resolver.segments(&schema.segments, inputs.customers.as_ref());
    let roi = resolver.roi(&schema.roi, &conversions, &attribution.models);
    let (metrics, numbers) = resolver.metrics(&schema.metrics, &conversions, &job.currency);
    let assigned = inputs.assignments.is_some();
    let (experiments, experiment_defaults) = resolver.experiments(&schema.experiments, &metrics, assigned);
    let queries = schema.queries.path.as_ref().and_then(|path| resolver.path(path, &folder));
    let output = resolver.output(&schema.output, surroundings.out.as_ref(), &folder);
    let lineage = schema.lineage.and_then(|lineage| resolver.lineage(&lineage, &folder, &output.path));
    let metric_window = metrics.iter().filter_map(|metric| metric.window_us).max();
    let compared = experiments.iter().chain(&experiment_defaults);
    let pre_period = compared.filter_map(|experiment| experiment.pre_period_us).max();
    let needs = [
        (stages.window_us, "stages.window"),
        (metric_window, "the window of a metric"),
        (pre_period, "the pre-period of an experiment"),
    ];
    let date = surroundings.date.as_ref();
    let window = resolver.window(&schema.window, &job.timezone, date, needs, schema.roi.compare.as_ref());
    let end = (window.to_us, age.as_ref());
    resolver.fresh_sources(&schema.contract, &mut inputs.touchpoints, end);
    Plan {
        job,
        window,
        touchpoints: inputs.touchpoints,
        spend: inputs.spend,
        customers: inputs.customers,
        assignments: inputs.assignments,
        rates: inputs.rates,
        suppress: inputs.suppress,
        contract,
        event_order,
        refunds,
        channels,
        stages,
        conversions,
        attribution,
        segments,
        roi,
        metrics,
        numbers,
        experiments,
        experiment_defaults,
        queries,
        output,
        places,
        lineage,
        written: Default::default(),
    }
}

/// What the checks share.
struct Resolver<'a, 'p, 's> {
    document: &'a Document<'a>,
    problems: &'p mut Problems<'s>,
    /// Logical columns that some source of touchpoints maps or holds constant.
    mapped: BTreeSet<String>,
    /// What holds where the file leaves a choice open.
    defaults: &'static Profile,
}

impl Resolver<'_, '_, '_> {
    /// From here on what is left open is chosen as a tool does.
    fn choose_profile(&mut self, name: Option<&Text>) {
        let profiles: Vec<(&str, &'static Profile)> =
            PROFILES.iter().map(|profile| (profile.name, profile)).collect();
        self.defaults = self.choose(name, "profile", &profiles).unwrap_or(&OWN);
    }

    fn job(&mut self, job: &Job, file: &Path) -> JobPlan {
        let name = match &job.name {
            Some(name) => self.name(name, "job"),
            None => file
                .file_stem()
                .map_or_else(|| "touchline".into(), |stem| stem.to_string_lossy())
                .into_owned(),
        };
        let timezone = self.zone(job.timezone.as_ref()).unwrap_or_else(time::utc);
        let parsed = job.currency.as_ref().and_then(|code| {
            let parsed = currency::parse(code.get_ref());
            self.accept(code.span(), parsed)
        });
        let currency =
            parsed.unwrap_or_else(|| super::plan::Currency { code: "EUR".to_owned(), minor_digits: 2 });
        JobPlan { name, timezone, currency }
    }

    fn window(
        &mut self,
        window: &Window,
        zone: &Zone,
        date: Option<&Text>,
        needs_us: [(Option<i64>, &'static str); 3],
        compare: Option<&Spanned<bool>>,
    ) -> WindowPlan {
        let (from_us, to_us) = match date {
            Some(date) => {
                let day = self.accept(date.span(), time::day(date.get_ref(), zone));
                if day.is_some_and(|(from_us, to_us)| from_us >= to_us) {
                    self.refuse(
                        date.span(),
                        format!("the day {date} does not exist in {}", zone.name),
                        "its clocks skipped that day: name another one",
                    );
                }
                day.unzip()
            }
            None => self.bounds(window, zone),
        };
        let lookback_us = self.duration(window.lookback.as_ref()).unwrap_or(self.defaults.lookback_us);
        let history = self.duration(window.history.as_ref());
        let previous_from_us = self.previous(compare, from_us.zip(to_us), zone);
        let compared_us =
            previous_from_us.zip(from_us).map(|(previous_us, us)| us - previous_us + lookback_us);
        let own = [(Some(lookback_us), "window.lookback"), (compared_us, "roi.compare")];
        let needs = own.into_iter().chain(needs_us);
        let needed = needs.filter_map(|(us, name)| Some((us?, name))).max_by_key(|(us, _)| *us);
        let (needed_us, needed_by) = needed.unwrap_or((lookback_us, "window.lookback"));
        // With a mistake in one of these, a comparison would only mislead.
        if let (Some(history_us), Some(text)) = (history, &window.history)
            && history_us < needed_us
            && self.problems.is_empty()
        {
            let needed = duration::format(needed_us);
            self.refuse(
                text.span(),
                format!("a history of `{text}` is shorter than what the run looks back"),
                format!("`{needed}` is needed for {needed_by}: write at least that, or leave `history` out"),
            );
        }
        let history_us = history.unwrap_or(0).max(needed_us);
        WindowPlan { from_us, to_us, lookback_us, history_us, previous_from_us }
    }

    /// Where the window before begins, if it is compared.
    fn previous(
        &mut self,
        compare: Option<&Spanned<bool>>,
        bounds_us: Option<(i64, i64)>,
        zone: &Zone,
    ) -> Option<i64> {
        let compare = compare.filter(|compare| *compare.get_ref())?;
        // Bounds that were refused are no missing ones.
        if bounds_us.is_none() && self.problems.is_empty() {
            self.refuse(
                compare.span(),
                "there is no window before one whose bounds come from the data",
                "set window.from and window.to, or leave `compare` out",
            );
        }
        bounds_us.map(|bounds_us| time::before(bounds_us, zone))
    }

    fn bounds(&mut self, window: &Window, zone: &Zone) -> (Option<i64>, Option<i64>) {
        let [from_us, to_us] = [&window.from, &window.to].map(|bound| {
            let bound = bound.as_ref()?;
            self.accept(bound.span(), time::instant(bound.get_ref(), zone))
        });
        if let (Some(from), Some(to)) = (&window.from, &window.to)
            && let (Some(from_us), Some(to_us)) = (from_us, to_us)
            && from_us >= to_us
        {
            // The later of the two places is the option, if there is one.
            let span = if from.span().start > to.span().start { from.span() } else { to.span() };
            self.refuse(
                span,
                format!("the window is empty: `from` is `{from}` and `to` is `{to}`"),
                "`to` is the first instant after the window: write a later one than `from`",
            );
        }
        (from_us, to_us)
    }

    /// Notes that a value isn't allowed.
    fn refuse(&mut self, span: Range<usize>, message: impl Into<String>, hint: impl Into<String>) {
        self.problems.at(ErrorKind::Value, span, Complaint::new(message, hint));
    }

    /// Notes that something isn't there, at the key that should hold it.
    fn missing(&mut self, span: Option<Range<usize>>, message: impl Into<String>, hint: impl Into<String>) {
        self.problems.near(ErrorKind::Missing, span, Complaint::new(message, hint));
    }

    /// The value, or the complaint noted at its place.
    fn accept<T>(&mut self, span: Range<usize>, result: Result<T, Complaint>) -> Option<T> {
        result.map_err(|complaint| self.problems.at(ErrorKind::Value, span, complaint)).ok()
    }

    fn duration(&mut self, text: Option<&Text>) -> Option<i64> {
        let text = text?;
        self.accept(text.span(), duration::parse(text.get_ref()))
    }

    fn zone(&mut self, text: Option<&Text>) -> Option<Zone> {
        let text = text?;
        self.accept(text.span(), time::zone(text.get_ref()))
    }

    /// One of a fixed list of words.
    fn choose<T: Copy>(&mut self, text: Option<&Text>, what: &str, choices: &[(&str, T)]) -> Option<T> {
        let text = text?;
        let found = choices.iter().find(|(name, _)| name == text.get_ref());
        if found.is_none() {
            let names = choices.iter().map(|(name, _)| *name);
            let hint = nearest::suggest(text.get_ref(), "choices", names);
            self.refuse(text.span(), format!("unknown {what} `{text}`"), hint);
        }
        found.map(|(_, value)| *value)
    }

    /// The place of a declared name.
    fn reference<'n>(
        &mut self,
        text: &Text,
        what: &str,
        names: impl Iterator<Item = &'n str> + Clone,
    ) -> Option<usize> {
        let found = names.clone().position(|name| name == text.get_ref());
        if found.is_none() {
            let hint = if names.clone().next().is_none() {
                format!("declare it first: [{what}s.{text}]")
            } else {
                nearest::suggest(text.get_ref(), &format!("{what}s"), names)
            };
            self.refuse(text.span(), format!("unknown {what} `{text}`"), hint);
        }
        found
    }

    /// A share from 0 to 1, both allowed.
    fn share(&mut self, value: Option<&Spanned<f64>>, key: &str, default: f64) -> f64 {
        let Some(value) = value else { return default };
        if !(0.0..=1.0).contains(value.get_ref()) {
            self.refuse(
                value.span(),
                format!("`{key}` is `{value}`, which is no share"),
                percent(*value.get_ref()),
            );
        }
        *value.get_ref()
    }

    /// A number between 0 and 1, neither allowed; `example` is a sensible one.
    fn inner_share(&mut self, value: Option<&Spanned<f64>>, key: &str, example: f64) -> Option<f64> {
        let value = value?;
        let share = *value.get_ref();
        if !(share > 0.0 && share < 1.0) {
            let message = format!("`{key}` is `{value}`");
            let hint = format!("write a number above 0 and below 1, such as {example}");
            self.refuse(value.span(), message, hint);
        }
        Some(share)
    }

    /// A whole number of at least one.
    fn count(&mut self, value: Option<&Spanned<i64>>, key: &str, default: i64) -> u64 {
        let number = value.map_or(default, |value| *value.get_ref());
        if let Some(value) = value
            && number < 1
        {
            self.refuse(
                value.span(),
                format!("`{key}` is `{value}`"),
                format!("write a whole number of at least 1; the default is {default}"),
            );
        }
        number.max(1).unsigned_abs()
    }

    /// A name that is shown in tables, where names in parentheses have a meaning of their own.
    fn name(&mut self, name: &Text, what: &str) -> String {
        let text = name.get_ref();
        if text.trim().is_empty() || text.starts_with('(') || text.chars().any(char::is_control) {
            self.refuse(
                name.span(),
                format!("`{}` can't be the name of a {what}", text.escape_debug()),
                "write a name that isn't empty and doesn't begin with `(`",
            );
        }
        text.clone()
    }

    /// Texts that aren't empty and of which none stands twice.
    fn unique(&mut self, texts: &[Text], what: &str) -> Vec<String> {
        let mut seen = BTreeSet::new();
        for text in texts {
            if text.get_ref().trim().is_empty() {
                self.refuse(text.span(), format!("this {what} is empty"), "write its name, or remove it");
            } else if !seen.insert(text.get_ref()) {
                self.refuse(text.span(), format!("{what} `{text}` stands twice"), "remove one of the two");
            }
        }
        texts.iter().map(|text| text.get_ref().clone()).collect()
    }
}

/// How a share is written that may have been meant as a percentage.
fn percent(value: f64) -> String {
    let meant = if value > 1.0 && value <= 100.0 { value } else { 5.0 };
    format!("write a number from 0 to 1: {meant} % is {}", meant / 100.0)
}

/// Names of conversions.
fn conversion_names(conversions: &[ConversionPlan]) -> impl Iterator<Item = &str> + Clone {
    conversions.iter().map(|conversion| conversion.name.as_str())
}
