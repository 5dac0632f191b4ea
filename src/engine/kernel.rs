//! What every run does with rows once they lie in partitions, wherever they came from.

use crate::analyses::Context;
use crate::config::plan::{Plan, Population};
use crate::contract::spend::SpendRow;
use crate::journey::dimensions::DimensionOrigin;
use crate::journey::partition::CutOptions;
use crate::journey::{Codebook, Dimension, Rules};

/// What is known beside the rows themselves.
#[derive(Debug, Clone, Copy)]
pub struct KernelInput<'a> {
    /// The resolved configuration.
    pub plan: &'a Plan,
    /// Names of the columns of `book`.
    pub texts: &'a [String],
    /// Combinations of the touchpoints' text columns.
    pub book: &'a Codebook,
    /// Combinations of the customers' attributes.
    pub attributes: &'a Codebook,
    /// Combinations of experiment and variant.
    pub assignments: &'a Codebook,
    /// The configured dimensions, each with where it comes from.
    pub dimensions: &'a [(String, DimensionOrigin)],
    /// Spend of all days.
    pub spend: &'a [SpendRow],
    /// By conversion: amounts of rejected rows, minor units; may be empty where none were rejected.
    pub excluded_value_minor: &'a [i128],
    /// The reporting window, µs.
    pub window_us: (i64, i64),
}

/// The rules, decided once for every combination of texts.
#[derive(Debug, Clone)]
pub struct Kernel {
    /// By code, with targets, channels and window.
    pub rules: Rules,
    /// The same for the window before, where it is compared.
    pub previous: Option<Rules>,
    /// In the order of the configuration.
    pub dimensions: Vec<Dimension>,
    /// Who is counted in tables of segments.
    pub population: Population,
}

impl Kernel {
    /// Decides the rules.
    pub fn new(input: &KernelInput<'_>) -> Self {
        let dimension = |(name, origin): &(String, DimensionOrigin)| match *origin {
            DimensionOrigin::Column(source) => {
                Dimension::new(name, source, source.book(input.attributes, input.book))
            }
            DimensionOrigin::Behaviour(at) => {
                Dimension::of_behaviour(&input.plan.segments.behaviours[at], input.book, input.texts)
            }
        };
        let rules = Rules::resolve(input.plan, input.book, input.texts, input.window_us);
        let before = |from_us| Rules { from_us, to_us: rules.from_us, ..rules.clone() };
        Self {
            previous: input.plan.window.previous_from_us.map(before),
            rules,
            dimensions: input.dimensions.iter().map(dimension).collect(),
            population: input.plan.segments.population,
        }
    }

    /// What the analyses know before they see a journey, and on how many threads they may finish.
    pub fn context<'a>(&'a self, input: &KernelInput<'a>, threads: usize) -> Context<'a> {
        Context {
            plan: input.plan,
            rules: &self.rules,
            previous: self.previous.as_ref(),
            dimensions: &self.dimensions,
            assignments: input.assignments,
            spend: input.spend,
            excluded_value_minor: input.excluded_value_minor,
            threads,
        }
    }
}

/// How a plan cuts partitions into journeys.
pub fn cut_options(plan: &Plan) -> CutOptions {
    CutOptions {
        dedupe: plan.contract.dedupe,
        max_rows_per_customer: plan.contract.max_touchpoints_per_customer,
        everyone: plan.segments.population == Population::All,
    }
}
