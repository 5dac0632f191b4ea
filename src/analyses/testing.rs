//! Runs an analysis over journeys from text, for tests.

use polars::prelude::{AnyValue, DataFrame};
use proptest::prelude::*;

use crate::config::plan::{
    AfterConversion, AttributionPlan, ChannelPlan, ContractPlan, Correction, CsvStyle, Currency, Dedupe,
    Integrity, JobPlan, Levels, OnAnomaly, OnCorrupt, OutputPlan, PathTransform, Plan, Population, RoiPlan,
    SegmentPlan, ShapleyValue, StageMode, StagePlan, UnknownColumns, WindowPlan, Zone,
};
use crate::contract::spend::SpendRow;
use crate::journey::testing::{OwnedJourney, World};
use crate::journey::{Dimension, Rules};
use crate::stats::BUCKETS;

use super::suppression::Withheld;
use super::{Analysis, Context, NamedFrame, Observed, segments_of};

/// Journeys and what a context borrows.
pub(crate) struct Bench {
    pub(crate) world: World,
    pub(crate) plan: Plan,
    pub(crate) dimensions: Vec<Dimension>,
    /// Rules of the window before, if it is compared.
    pub(crate) previous: Option<Rules>,
    pub(crate) spend: Vec<SpendRow>,
    journeys: Vec<OwnedJourney>,
}

impl Bench {
    /// Reads the journeys; with an empty plan in euros and no dimensions.
    pub(crate) fn new<T: AsRef<str>>(mut world: World, texts: &[T]) -> Bench {
        let journeys = world.journeys(texts);
        Bench { world, plan: plan(), dimensions: Vec::new(), previous: None, spend: Vec::new(), journeys }
    }

    pub(crate) fn context(&self) -> Context<'_> {
        Context {
            plan: &self.plan,
            rules: &self.world.rules,
            previous: self.previous.as_ref(),
            dimensions: &self.dimensions,
            assignments: &self.world.assignments,
            spend: &self.spend,
            excluded_value_minor: &[],
            threads: 2,
        }
    }

    /// The frames of an analysis, one journey after the other into one bucket after the other.
    pub(crate) fn run<A: Analysis>(&self, analysis: &A) -> Vec<NamedFrame> {
        self.run_after(analysis, &mut self.withheld())
    }

    /// Nothing is hidden, of the population of the journeys.
    fn withheld(&self) -> Withheld {
        let segments = self.dimensions.iter().map(|dimension| vec![0; dimension.segments.len()]);
        let mut population: Vec<Vec<u64>> = segments.collect();
        for journey in &self.journeys {
            for (customers, segment) in population.iter_mut().zip(self.segments_of(journey)) {
                customers[segment as usize] += 1;
            }
        }
        let mut withheld = Withheld::new();
        withheld.population = population;
        withheld
    }

    /// The segments that tables of segments count a customer in.
    fn segments_of(&self, journey: &OwnedJourney) -> Vec<u32> {
        let walk = journey.walk(&self.world.rules);
        let (mut segments, population) = (Vec::new(), self.plan.segments.population);
        segments_of(
            &self.dimensions,
            population,
            &journey.journey(),
            &walk,
            &self.world.rules,
            &mut segments,
        );
        segments
    }

    /// The same after other analyses have hidden something.
    pub(crate) fn run_after<A: Analysis>(&self, analysis: &A, withheld: &mut Withheld) -> Vec<NamedFrame> {
        let mut buckets: Vec<A::Partial> = (0..BUCKETS).map(|_| analysis.partial()).collect();
        for (at, journey) in self.journeys.iter().enumerate() {
            self.observe(analysis, journey, &mut buckets[at % BUCKETS]);
        }
        buckets.iter_mut().for_each(|bucket| analysis.close(bucket));
        analysis.finish(buckets, withheld).unwrap()
    }

    /// The same, after asserting that another order, spread and merge give the same frames.
    pub(crate) fn run_in_any_order<A: Analysis>(&self, analysis: &A) -> Vec<NamedFrame> {
        let frames = self.run(analysis);
        let others = self.run_merged(analysis);
        assert_eq!(frames.len(), others.len());
        for ((name, frame), (other_name, other)) in frames.iter().zip(&others) {
            assert_eq!(name, other_name);
            assert!(frame.equals_missing(other), "{frame}\n{other}");
        }
        frames
    }

    /// The frames of journeys in another order, by several partials that are merged into one bucket: what has
    /// replicates differs.
    pub(crate) fn run_merged<A: Analysis>(&self, analysis: &A) -> Vec<NamedFrame> {
        let mut workers: Vec<A::Partial> = (0..3).map(|_| analysis.partial()).collect();
        for (at, journey) in self.journeys.iter().rev().enumerate() {
            self.observe(analysis, journey, &mut workers[at * 7 % 3]);
        }
        workers.iter_mut().for_each(|worker| analysis.close(worker));
        let mut merged = analysis.partial();
        workers.into_iter().rev().for_each(|worker| analysis.merge(&mut merged, worker));
        let mut buckets: Vec<A::Partial> = (1..BUCKETS).map(|_| analysis.partial()).collect();
        buckets.push(merged);
        analysis.finish(buckets, &mut self.withheld()).unwrap()
    }

    fn observe<A: Analysis>(&self, analysis: &A, journey: &OwnedJourney, partial: &mut A::Partial) {
        let walk = journey.walk(&self.world.rules);
        let segments = self.segments_of(journey);
        let observed = Observed { journey: &journey.journey(), walk: &walk, segments: &segments };
        analysis.observe(observed, partial);
    }
}

/// Some columns of a frame, a row a line: `-` for null, floats to three decimals.
pub(crate) fn show(frame: &DataFrame, columns: &[&str]) -> String {
    let columns: Vec<_> = columns.iter().map(|name| frame.column(name).unwrap()).collect();
    let row = |at: usize| {
        let cells = columns.iter().map(|column| match column.get(at).unwrap() {
            AnyValue::Null => "-".to_owned(),
            AnyValue::String(text) => text.to_owned(),
            AnyValue::StringOwned(text) => text.to_string(),
            AnyValue::Float64(figure) => {
                let text = format!("{figure:.3}");
                text.trim_end_matches('0').trim_end_matches('.').to_owned()
            }
            value => value.to_string(),
        });
        cells.collect::<Vec<_>>().join(" ")
    };
    (0..frame.height()).map(row).collect::<Vec<_>>().join("\n")
}

/// The one cell of a float column where a text column has a value.
pub(crate) fn figure(frame: &DataFrame, keys: &[(&str, &str)], column: &str) -> Option<f64> {
    let matches = |at: &usize| {
        keys.iter().all(|(key, value)| frame.column(key).unwrap().str().unwrap().get(*at) == Some(value))
    };
    let mut found = (0..frame.height()).filter(matches);
    let at = found.next().unwrap();
    assert_eq!(found.next(), None, "more than one row has {keys:?}");
    frame.column(column).unwrap().f64().unwrap().get(at)
}

/// Journeys of a few rows with these labels, from three days before the window to its last day.
pub(crate) fn journey_texts(labels: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    let row = (prop::sample::select(labels), -3_i64..30, 0_u32..3)
        .prop_map(|(label, day, hour)| format!("{label} d{day}/{hour}:00 ={}", (day + 5) * 100));
    let journey = prop::collection::vec(row, 0..8).prop_map(|rows| rows.join(", "));
    prop::collection::vec(journey, 0..30)
}

fn plan() -> Plan {
    let zone = Zone { name: "UTC".to_owned(), zone: jiff::tz::TimeZone::UTC };
    Plan {
        job: JobPlan {
            name: "test".to_owned(),
            timezone: zone,
            currency: Currency { code: "EUR".to_owned(), minor_digits: 2 },
        },
        window: WindowPlan {
            from_us: None,
            to_us: None,
            lookback_us: 0,
            history_us: 0,
            previous_from_us: None,
        },
        touchpoints: Vec::new(),
        spend: None,
        customers: None,
        assignments: None,
        rates: None,
        suppress: None,
        contract: ContractPlan {
            max_rejected_share: 0.0,
            max_duplicate_share: 0.0,
            dedupe: Dedupe::Off,
            max_touchpoints_per_customer: 1_000,
            max_path_touches: 1_000,
            unknown_columns: UnknownColumns::Warn,
            known_events: Vec::new(),
            max_unknown_event_share: 1.0,
            max_unknown_channel_share: 1.0,
            max_late_share: 1.0,
            max_future_share: 1.0,
            integrity: Integrity::default(),
            on_corrupt: OnCorrupt::default(),
            row_count_anomaly: OnAnomaly::default(),
            hash_key_file: None,
        },
        refunds: Vec::new(),
        channels: ChannelPlan::default(),
        event_order: Vec::new(),
        stages: StagePlan { stages: Vec::new(), mode: StageMode::Any, window_us: None },
        conversions: Vec::new(),
        attribution: AttributionPlan {
            models: Vec::new(),
            touches: None,
            path: PathTransform::Unique,
            by: Levels { channel: true, campaign: false },
            after_conversion: AfterConversion::Reuse,
            null_paths: true,
            position_first: 0.4,
            position_last: 0.4,
            half_life_us: 1,
            markov_order: 1,
            shapley_value: ShapleyValue::Total,
        },
        segments: SegmentPlan {
            dimensions: Vec::new(),
            behaviours: Vec::new(),
            population: Population::Active,
            correction: Correction::BenjaminiHochberg,
            min_customers: 10,
        },
        roi: RoiPlan { margin: 1.0, primary: None },
        metrics: Vec::new(),
        numbers: Vec::new(),
        experiments: Vec::new(),
        experiment_defaults: None,
        queries: None,
        output: OutputPlan {
            path: std::path::PathBuf::new(),
            parquet: true,
            csv: true,
            csv_style: CsvStyle::Plain,
            csv_separator: ',',
            csv_decimal: '.',
            keep: Default::default(),
        },
        places: crate::config::Places::default(),
        lineage: None,
        written: Default::default(),
    }
}
