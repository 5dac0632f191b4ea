//! What experiments compare, and how they decide.

use serde::Serialize;

/// A metric of experiments, per customer.
#[derive(Debug, Clone, Serialize)]
pub struct MetricPlan {
    /// Unique.
    pub name: String,
    /// What is compared.
    pub kind: MetricKind,
    /// From the first exposure, in µs. None: to the end of the reporting window, never immature.
    pub window_us: Option<i64>,
    /// Whether more is better.
    pub good_up: bool,
    /// What a customer counts at most: means and numerators of ratios only.
    pub cap: Option<Cap>,
}

/// What is compared between variants.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricKind {
    /// Share of customers with at least one row of the quantity.
    Proportion(Quantity),
    /// Mean over customers.
    Mean(Quantity),
    /// Sum over sum.
    Ratio {
        /// What is divided.
        numerator: Quantity,
        /// By what.
        denominator: Quantity,
    },
    /// Quantile over customers, those with zero among them.
    Quantile {
        /// What customers are ordered by.
        of: Quantity,
        /// Inside (0, 1).
        share: f64,
    },
}

impl MetricKind {
    /// What is summed: one quantity, of ratios two.
    pub fn quantities(self) -> impl Iterator<Item = Quantity> {
        let (first, second) = match self {
            MetricKind::Proportion(of) | MetricKind::Mean(of) | MetricKind::Quantile { of, .. } => (of, None),
            MetricKind::Ratio { numerator, denominator } => (numerator, Some(denominator)),
        };
        std::iter::once(first).chain(second)
    }
}

/// A sum per customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Quantity {
    /// Index into `Plan::conversions`: only its rows count. None: all rows, which makes sense for numbers only.
    pub conversion: Option<usize>,
    /// What is summed over them.
    pub of: MetricOf,
}

impl Quantity {
    /// So many of the integers that are summed are one unit, given the minor units of a unit of currency.
    pub fn per_unit(self, minor_per_unit: i64) -> i64 {
        match self.of {
            MetricOf::Value => minor_per_unit,
            MetricOf::Count => 1,
            MetricOf::Number(_) => NUMBER_PER_UNIT,
        }
    }
}

/// Numbers of touchpoint columns are summed in millionths.
pub const NUMBER_PER_UNIT: i64 = 1_000_000;

/// What is summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricOf {
    /// The value of the conversions.
    Value,
    /// Their number.
    Count,
    /// A numeric touchpoint column: index into `Plan::numbers`.
    Number(usize),
}

/// What a customer counts at most.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cap {
    /// In the integers of the quantity: minor units, rows, millionths.
    Amount(i64),
    /// The quantile of this share over all analysed customers of the experiment, inside (0, 1).
    Percentile(f64),
}

/// An experiment.
#[derive(Debug, Clone, Serialize)]
pub struct ExperimentPlan {
    /// As in the assignment log.
    pub name: String,
    /// The variant that others are compared with.
    pub control: String,
    /// Planned share by variant, in the order of the file, summing to 1 after normalisation.
    pub weights: Vec<(String, f64)>,
    /// Indices into `Plan::metrics`.
    pub metrics: Vec<usize>,
    /// Indices into `Plan::metrics` of what must not get worse; none of them is in `metrics`.
    pub guardrails: Vec<usize>,
    /// How long before the first exposure a customer's figures are taken to adjust those after it, in µs. None: not
    /// adjusted.
    pub pre_period_us: Option<i64>,
    /// Level of tests and `1 − alpha` of intervals.
    pub alpha: f64,
    /// How p-values are adjusted for several metrics and variants.
    pub correction: Correction,
    /// Whether verdicts may be looked at as often as one likes.
    pub sequential: bool,
    /// Customers at which the sequential interval is tightest.
    pub sequential_tuning: f64,
    /// What is believed of the relative lift before the experiment.
    pub prior: LiftPrior,
    /// Relative: an interval inside ± this is no difference worth having. None: never `flat`.
    pub flat_within: Option<f64>,
    /// Relative: the smallest lift worth finding; it says how many customers are still needed. None: not said.
    pub target_lift: Option<f64>,
}

/// What is believed of a relative lift before the experiment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LiftPrior {
    /// Nothing.
    Flat,
    /// A normal distribution.
    Normal {
        /// Its mean.
        mean: f64,
        /// Its standard deviation, above 0.
        standard_deviation: f64,
    },
}

/// How p-values are adjusted for looking at several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Correction {
    /// Benjamini and Hochberg (1995).
    BenjaminiHochberg,
    /// Holm (1979).
    Holm,
    /// None.
    None,
}
