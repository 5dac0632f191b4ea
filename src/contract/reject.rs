//! Rows that break the contract: written aside with their reason, never dropped in silence.

use std::collections::BTreeMap;

/// Why a row was rejected. The names stand in `rejected/` and `data_quality`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// The customer's id is null or empty.
    NullCustomer,
    /// The time is null or doesn't fit.
    NullTime,
    /// The time lies before 1990 or after 2100.
    ImpossibleTime,
    /// The event is null or empty.
    NullEvent,
    /// A conversion uses the value, and it is NaN, infinite or too large.
    UnusableValue,
    /// A conversion uses the value, and there is no rate of its currency on its day.
    MissingRate,
    /// A conversion uses the value, and it is negative.
    NegativeValue,
    /// The event id of another row of the customer, with other values.
    ConflictingDuplicate,
    /// The experiment is null or empty.
    NullExperiment,
    /// The variant is null or empty, and the experiment isn't.
    NullVariant,
    /// A metric sums the number at this place in [`Plan::numbers`](crate::config::plan::Plan::numbers) over the row, and
    /// it is NaN, infinite or too large.
    UnusableNumber(u16),
}

impl Rule {
    /// Name in the tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Rule::NullCustomer => "null_customer_id",
            Rule::NullTime => "null_time",
            Rule::ImpossibleTime => "impossible_time",
            Rule::NullEvent => "null_event",
            Rule::UnusableValue => "unusable_value",
            Rule::MissingRate => "missing_rate",
            Rule::NegativeValue => "negative_value",
            Rule::ConflictingDuplicate => "conflicting_duplicate",
            Rule::NullExperiment => "null_experiment",
            Rule::NullVariant => "null_variant",
            Rule::UnusableNumber(_) => "unusable_number",
        }
    }

    /// Logical column of an input that the rule looks at; `numbers` are those of the plan.
    pub fn column<'n>(self, input: &str, numbers: &'n [String]) -> &'n str {
        match self {
            Rule::NullCustomer => "customer_id",
            Rule::NullTime | Rule::ImpossibleTime if input == "assignments" => "assigned_at",
            Rule::NullTime | Rule::ImpossibleTime if input == "customers" => "valid_from",
            Rule::NullTime | Rule::ImpossibleTime => "occurred_at",
            Rule::NullEvent => "event",
            Rule::UnusableValue | Rule::NegativeValue => "value",
            Rule::MissingRate => "currency",
            Rule::ConflictingDuplicate => "event_id",
            Rule::NullExperiment => "experiment",
            Rule::NullVariant => "variant",
            Rule::UnusableNumber(at) => numbers.get(usize::from(at)).map_or("", String::as_str),
        }
    }
}

/// A rejected row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reject {
    /// Position of the source among those of the input.
    pub source: usize,
    /// Position of the file in its source.
    pub file: usize,
    /// Row of the file, from 0.
    pub row: u64,
    /// What it broke.
    pub rule: Rule,
    /// Keyed hash of the offending value; None for null.
    pub value_hash: Option<String>,
}

/// Counts of one input. Rows in scope = kept + rejected + excluded + suppressed + duplicates + bots.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowCounts {
    /// Rows read whose time lies in the window or its history.
    pub in_scope: u64,
    /// Kept rows of touchpoints whose time lies in the window itself.
    pub in_window: u64,
    /// Rows read, or pruned, whose time lies outside.
    pub outside: u64,
    /// Dropped by `exclude`.
    pub excluded: u64,
    /// Of customers whose id is suppressed.
    pub suppressed: u64,
    /// Rejected by rule.
    pub rejected: BTreeMap<Rule, u64>,
    /// Values that were unusable where nothing uses them, and became null.
    pub nulled_values: u64,
    /// The same by number of the plan.
    pub nulled_numbers: Vec<u64>,
    /// Kept rows of files whose folders say on which day they came.
    pub dated: u64,
    /// Of those, rows that came on a later day than their own.
    pub late: u64,
    /// Of those, rows that came on an earlier day than their own.
    pub future: u64,
    /// By conversion: sum of the amounts of rejected rows that could be read, minor units.
    pub excluded_value_minor: Vec<i128>,
    /// The last instant that was kept, µs.
    pub newest_us: Option<i64>,
}

impl RowCounts {
    /// Adds what another worker counted.
    pub fn merge(&mut self, other: &RowCounts) {
        self.in_scope += other.in_scope;
        self.in_window += other.in_window;
        self.outside += other.outside;
        self.excluded += other.excluded;
        self.suppressed += other.suppressed;
        for (rule, count) in &other.rejected {
            *self.rejected.entry(*rule).or_default() += count;
        }
        self.nulled_values += other.nulled_values;
        self.dated += other.dated;
        self.late += other.late;
        self.future += other.future;
        self.newest_us = self.newest_us.max(other.newest_us);
        self.nulled_numbers.resize(self.nulled_numbers.len().max(other.nulled_numbers.len()), 0);
        for (sum, nulled) in self.nulled_numbers.iter_mut().zip(&other.nulled_numbers) {
            *sum += nulled;
        }
        let conversions = self.excluded_value_minor.len().max(other.excluded_value_minor.len());
        self.excluded_value_minor.resize(conversions, 0);
        for (sum, minor) in self.excluded_value_minor.iter_mut().zip(&other.excluded_value_minor) {
            *sum += minor;
        }
    }

    /// Rows that were neither rejected, excluded nor suppressed.
    pub fn kept(&self) -> u64 {
        self.in_scope - self.excluded - self.suppressed - self.rejected_total()
    }

    /// All rejected rows.
    pub fn rejected_total(&self) -> u64 {
        self.rejected.values().sum()
    }
}

/// Hashes values of rejected rows under the key of the run, so that equal values can be seen to be equal
/// but not what they are.
#[derive(Debug, Clone, Copy)]
pub struct ValueHasher {
    key: [u8; 32],
}

impl ValueHasher {
    /// With a key that nobody else knows.
    pub fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// Of a value; the first 128 bits as hexadecimal digits.
    pub fn hash(&self, value: &[u8]) -> String {
        blake3::keyed_hash(&self.key, value).to_hex()[..32].to_owned()
    }
}
