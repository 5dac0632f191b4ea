//! What a configuration is to say, decided from the exports and a sample of their rows.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::config::unknown_currency;
use crate::input::InputError;

use super::groups::Group;
use super::names::normal;
use super::sample::{Log, Values, attributes, currencies};
use super::stages::{Conversion, Stages, conversions, stages};
use super::survey::Kind;
use super::tables::Table;
use super::vocabulary::is_direct;

/// Segments that a column divides customers into, at most.
const MAX_SEGMENTS: usize = 20;
/// Dimensions that are proposed, at most.
const MAX_DIMENSIONS: usize = 6;
/// Of the shares that stop a run: those of the contract's defaults.
const MAX_REJECTED_SHARE: f64 = 0.01;
const MAX_DUPLICATE_SHARE: f64 = 0.05;

/// Names of columns of 0 and 1 that say whether a row converts.
const FLAGS: [&str; 8] = [
    "conversion",
    "converted",
    "is_conversion",
    "is_converted",
    "conversion_flag",
    "purchased",
    "is_purchase",
    "is_purchased",
];

/// Everything that is written.
#[derive(Debug)]
pub struct Draft {
    /// Touchpoints; at least one.
    pub touchpoints: Vec<Group>,
    /// The other inputs, at most one of each.
    pub others: Vec<Group>,
    /// The event of touchpoints that have no column for it.
    pub event: Option<String>,
    /// What the sample of touchpoints showed.
    pub log: Log,
    /// The stage model.
    pub stages: Stages,
    /// Conversions.
    pub conversions: Vec<Conversion>,
    /// Dimensions of segments.
    pub dimensions: Vec<String>,
    /// Code of the reporting currency, and whether the data say it.
    pub currency: Option<(String, bool)>,
    /// Whether amounts are in several currencies without rates, so that no value can be added up.
    pub mixed_currencies: bool,
    /// Whether rules make channels of source and medium.
    pub channel_rules: bool,
    /// Channels of the sample whose customers came by themselves, as they are spelt.
    pub direct: Vec<String>,
    /// Share of rejected rows to allow, where the default would stop the run.
    pub max_rejected_share: Option<f64>,
    /// Share of duplicates to allow, where the default would stop the run.
    pub max_duplicate_share: Option<f64>,
    /// Files that are no input, and why.
    pub left_out: Vec<(PathBuf, String)>,
}

impl Draft {
    /// Decides; the groups hold touchpoints.
    ///
    /// # Errors
    ///
    /// A file can't be read after all.
    pub fn new(
        groups: Vec<Group>,
        event: Option<&str>,
        mut left_out: Vec<(PathBuf, String)>,
    ) -> Result<Self, InputError> {
        let (touchpoints, rest): (Vec<Group>, Vec<Group>) =
            groups.into_iter().partition(|group| group.table == Table::Touchpoints);
        let mut others: Vec<Group> = Vec::new();
        for group in rest {
            // Those with most rows come first.
            if let Some(taken) = others.iter().find(|taken| taken.table == group.table) {
                let first = taken.exports.first().map_or(String::new(), |export| {
                    format!("`{}` is read as {} already", export.file.path.display(), group.table.as_str())
                });
                left_out.extend(group.exports.into_iter().map(|export| (export.file.path, first.clone())));
            } else {
                others.push(group);
            }
        }
        let mut log = Log::new();
        for group in &touchpoints {
            log.add(group, event)?;
        }
        let stages = stages(&log);
        let flag = flag_of(&log);
        let conversions =
            conversions(&log, &stages, flag.as_ref().map(|(column, value)| (&**column, &**value)));
        let has = |logical: &str| touchpoints.iter().any(|group| group.find(logical).is_some());
        let channel_rules = !has("channel") && has("source") && has("medium");
        let has_rates = others.iter().any(|group| group.table == Table::Rates);
        // Amounts of touchpoints come before costs, which may be left out.
        let spend = others.iter().position(|group| group.table == Table::Spend);
        let of_spend = spend.map(|at| currencies(&others[at])).transpose()?.unwrap_or_default();
        let named = if log.currencies.distinct.is_empty() { &of_spend } else { &log.currencies.distinct };
        let codes: Vec<&String> = named.iter().filter(|code| unknown_currency(code).is_none()).collect();
        let currency = match &codes[..] {
            [only] => Some(((*only).clone(), true)),
            [first, ..] => {
                let own = codes.iter().find(|code| **code == "EUR").unwrap_or(first);
                Some(((*own).clone(), false))
            }
            [] => None,
        };
        let other = |code: &String| currency.as_ref().is_none_or(|(chosen, _)| chosen != code);
        let unusable = |at: &usize| {
            if !has_rates && of_spend.iter().any(other) {
                Some("its costs are in another currency than `job.currency`: add [inputs.rates]")
            } else if others[*at].find("channel").is_none() && !channel_rules {
                Some("as spend it lacks `channel`, and the touchpoints have one")
            } else {
                None
            }
        };
        if let Some((at, why)) = spend.and_then(|at| Some((at, unusable(&at)?))) {
            let spend = others.remove(at);
            left_out.extend(spend.exports.into_iter().map(|export| (export.file.path, why.to_owned())));
        }
        let dimensions = dimensions(&touchpoints, &others, &log, has("channel") || channel_rules)?;
        let share = |rows: u64| rows as f64 / log.rows.max(1) as f64;
        Ok(Self {
            event: event.map(str::to_owned),
            stages,
            conversions,
            dimensions,
            mixed_currencies: log.currencies.distinct.len() > 1 && !has_rates,
            currency,
            channel_rules,
            direct: log.channels.distinct.iter().filter(|name| is_direct(name)).cloned().collect(),
            max_rejected_share: allowed(share(log.unusable), MAX_REJECTED_SHARE),
            max_duplicate_share: allowed(share(log.duplicates), MAX_DUPLICATE_SHARE),
            touchpoints,
            others,
            log,
            left_out,
        })
    }

    /// An input other than touchpoints.
    pub fn other(&self, table: Table) -> Option<&Group> {
        self.others.iter().find(|group| group.table == table)
    }

    /// Whether any source of touchpoints has a column.
    pub fn has(&self, logical: &str) -> bool {
        self.touchpoints.iter().any(|group| group.find(logical).is_some())
    }

    /// The conversion that has a value, and that is added up.
    pub fn has_value(&self, conversion: &Conversion) -> bool {
        conversion.has_value && !self.mixed_currencies
    }
}

/// A share with room above it, in whole per cent, where the sample comes near a limit.
fn allowed(share: f64, limit: f64) -> Option<f64> {
    (share > limit / 2.0).then(|| ((share * 150.0).ceil() / 100.0).clamp(limit, 1.0))
}

/// A column of 0 and 1, or of true and false, whose name says that it tells of conversions; with the value that does.
fn flag_of(log: &Log) -> Option<(String, String)> {
    let is_two = |values: &Values, zero: &str, one: &str| {
        values.count() == Some(2) && values.distinct.contains(zero) && values.distinct.contains(one)
    };
    FLAGS.iter().find_map(|flag| {
        let (name, values) = log.others.iter().find(|(name, _)| normal(name) == *flag)?;
        let one =
            [("0", "1"), ("false", "true")].into_iter().find(|(zero, one)| is_two(values, zero, one))?.1;
        Some((name.clone(), one.to_owned()))
    })
}

/// Columns that divide customers into a few segments: attributes first, then columns of touchpoints.
fn dimensions(
    touchpoints: &[Group],
    others: &[Group],
    log: &Log,
    has_channel: bool,
) -> Result<Vec<String>, InputError> {
    let customers = others.iter().find(|group| group.table == Table::Customers);
    let of_customers = customers.map(attributes).transpose()?.unwrap_or_default();
    let mut names: Vec<String> = Vec::new();
    let mut take = |group: &Group, values: &BTreeMap<String, Values>| {
        let Some(first) = group.exports.first() else { return };
        // As they stand in the file, texts before flags.
        for wants_text in [true, false] {
            for column in first.columns.iter().filter(|column| (column.kind == Kind::Text) == wants_text) {
                let limit = if wants_text { MAX_SEGMENTS } else { 2 };
                let count = values.get(&column.name).and_then(Values::count).unwrap_or(0);
                if (2..=limit).contains(&count)
                    && is_dimension(&column.name, log)
                    && !names.contains(&column.name)
                {
                    names.push(column.name.clone());
                }
            }
        }
    };
    if let Some(customers) = customers {
        take(customers, &of_customers);
    }
    for group in touchpoints {
        take(group, &log.others);
    }
    names.truncate(MAX_DIMENSIONS);
    if has_channel {
        names.push("first_channel".to_owned());
    }
    Ok(names)
}

/// Whether the name of a column can be that of a dimension: no id, no outcome, and none that means something else.
fn is_dimension(name: &str, log: &Log) -> bool {
    let plain = normal(name);
    let means_other = [
        "all",
        "rfm",
        "customer_id",
        "occurred_at",
        "valid_from",
        "event_id",
        "order_id",
        "value",
        "sentiment",
        "score",
        "event",
        "channel",
    ];
    let is_event = || log.events.iter().any(|(event, _)| normal(event) == plain);
    !plain.is_empty()
        && !means_other.contains(&name)
        && !means_other.contains(&plain.as_str())
        && !name.starts_with("first_")
        && !name.starts_with("last_")
        && !plain.ends_with("_id")
        && !FLAGS.contains(&plain.as_str())
        && !is_event()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_near_the_limit_gets_room() {
        assert_eq!(allowed(0.0, 0.01), None);
        assert_eq!(allowed(0.004, 0.01), None);
        assert_eq!(allowed(0.008, 0.01), Some(0.02));
        assert_eq!(allowed(0.3, 0.01), Some(0.45));
        assert_eq!(allowed(0.9, 0.01), Some(1.0));
    }

    #[test]
    fn flags_have_two_values_and_a_name() {
        let values = |list: &[&str]| Values {
            distinct: list.iter().map(|value| (*value).to_owned()).collect(),
            more: false,
        };
        let mut log = Log::default();
        log.others.insert("Is Conversion".to_owned(), values(&["false", "true"]));
        log.others.insert("mobile".to_owned(), values(&["0", "1"]));
        assert_eq!(flag_of(&log), Some(("Is Conversion".to_owned(), "true".to_owned())));
        log.others.insert("Is Conversion".to_owned(), values(&["0", "1", "2"]));
        assert_eq!(flag_of(&log), None);
    }
}
