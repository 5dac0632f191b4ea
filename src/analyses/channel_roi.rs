//! Return on spend: credit and value of each channel beside what it cost in the window.
//!
//! A Polars pipeline over solved credit: spend is joined by channel, and both sides keep their rows.
//! `ROAS = value / spend`, `ROI = (value × margin − spend) / spend`, `cost per conversion = spend /
//! credit`. Spend is taken as given, so the bounds of value and credit carry over.

use std::collections::BTreeMap;

use polars::prelude::*;

use crate::attribution::allocate::MILLIONTHS;
use crate::contract::spend::{SpendRow, day_of};
use crate::journey::TargetKind;

use super::attribution::solve::Solved;
use super::{Context, NamedFrame};

/// Spend of one channel in the window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChannelSpend {
    /// Minor units.
    pub cost_minor: i128,
    /// None: in no row of the channel.
    pub impressions: Option<i64>,
    /// None: in no row of the channel.
    pub clicks: Option<i64>,
}

/// Sums the spend of the days that begin in the window, by channel.
pub fn spend_by_channel(context: &Context<'_>) -> BTreeMap<String, ChannelSpend> {
    let mut sums: BTreeMap<String, ChannelSpend> = BTreeMap::new();
    for row in spend_in_window(context) {
        let sum = sums.entry(row.channel.clone()).or_default();
        sum.cost_minor += i128::from(row.cost_minor);
        for (sum, count) in [(&mut sum.impressions, row.impressions), (&mut sum.clicks, row.clicks)] {
            if let Some(count) = count {
                *sum = Some(sum.unwrap_or(0) + count);
            }
        }
    }
    sums
}

/// Rows of spend whose local day begins in the window.
pub fn spend_in_window<'a>(context: &Context<'a>) -> impl Iterator<Item = &'a SpendRow> {
    let zone = context.plan.job.timezone.zone.clone();
    // The first local day that begins at or after an instant.
    let first_day = |instant_us: i64| -> i32 {
        let Ok(instant) = jiff::Timestamp::from_microsecond(instant_us) else { return 0 };
        let local = instant.to_zoned(zone.clone());
        let starts_day = local.start_of_day().is_ok_and(|start| start.timestamp() == instant);
        day_of(local.date()) + i32::from(!starts_day)
    };
    let days = first_day(context.rules.from_us)..first_day(context.rules.to_us);
    context.spend.iter().filter(move |row| days.contains(&row.day))
}

/// The table `channel_roi` and the spend ledger of `reconciliation`.
pub fn frames(context: &Context<'_>, solved: &Solved) -> PolarsResult<Vec<NamedFrame>> {
    let spend = spend_by_channel(context);
    let roi = channel_roi(context, solved, &spend)?;
    let ledger = spend_ledger(context, &spend, &roi)?;
    Ok(vec![("channel_roi", roi), ("reconciliation", ledger)])
}

fn channel_roi(
    context: &Context<'_>,
    solved: &Solved,
    spend: &BTreeMap<String, ChannelSpend>,
) -> PolarsResult<DataFrame> {
    let unit = context.plan.job.currency.minor_per_unit() as f64;
    let channels = &context.rules.channels;
    // Every conversion and model over every channel that has touches or spend, in the order of the table.
    let mut names: Vec<&str> =
        channels.iter().map(String::as_str).chain(spend.keys().map(String::as_str)).collect();
    names.sort_unstable();
    names.dedup();
    let (mut conversion, mut model, mut channel) = (Vec::new(), Vec::new(), Vec::new());
    let (mut credit, mut credit_low, mut credit_high) = (Vec::new(), Vec::new(), Vec::new());
    let (mut value, mut value_low, mut value_high) = (Vec::new(), Vec::new(), Vec::new());
    let (mut primary, mut reason, mut touched) = (Vec::new(), Vec::new(), Vec::new());
    for (target, found) in context.rules.targets.iter().zip(&solved.targets) {
        let TargetKind::Conversion(index) = target.kind else { continue };
        for solved in &found.models {
            let is_primary = context.plan.roi.primary == Some((index, solved.model));
            for name in &names {
                let own = channels.binary_search_by(|channel| channel.as_str().cmp(name)).ok();
                let own = own.map(|channel| &solved.channels[channel]);
                let interval = own.and_then(|own| own.credit_interval.ok());
                let value_interval = own.and_then(|own| own.value_interval.ok()).filter(|_| target.has_value);
                conversion.push(target.name.as_str());
                model.push(solved.model.as_str());
                channel.push(*name);
                primary.push(is_primary);
                let figures = solved.withheld.is_none();
                let earned = own.map_or(0.0, |own| own.credit_millionths as f64 / MILLIONTHS as f64);
                credit.push(figures.then_some(earned));
                credit_low.push(interval.map(|interval| interval.low));
                credit_high.push(interval.map(|interval| interval.high));
                let worth = own.map_or(0.0, |own| own.value_minor as f64 / unit);
                value.push((target.has_value && figures).then_some(worth));
                value_low.push(value_interval.map(|interval| interval.low / unit));
                value_high.push(value_interval.map(|interval| interval.high / unit));
                touched.push(own.is_some());
                let credited = own.filter(|own| own.credit_millionths > 0 || !figures);
                reason.push(credited.and_then(|own| {
                    let value_reason = own.value_interval.err().filter(|_| target.has_value);
                    own.credit_interval.err().or(value_reason).map(|reason| reason.as_str())
                }));
            }
        }
    }
    let credits = df!(
        "conversion" => conversion,
        "model" => model,
        "channel" => channel,
        "primary" => primary,
        "credit" => credit,
        "credit_low" => credit_low,
        "credit_high" => credit_high,
        "value" => value,
        "value_low" => value_low,
        "value_high" => value_high,
        "touched" => touched,
        "reason" => reason,
    )?;
    let costs = df!(
        "channel" => spend.keys().map(String::as_str).collect::<Vec<_>>(),
        "spend" => spend.values().map(|spend| spend.cost_minor as f64 / unit).collect::<Vec<_>>(),
        "impressions" => spend.values().map(|spend| spend.impressions).collect::<Vec<_>>(),
        "clicks" => spend.values().map(|spend| spend.clicks).collect::<Vec<_>>(),
    )?;
    let paid = || col("spend").gt(lit(0.0));
    let credited = || col("credit").gt(lit(0.0));
    let no_number = || lit(NULL).cast(DataType::Float64);
    let per_spend = |figure: &str| when(paid()).then(col(figure) / col("spend")).otherwise(no_number());
    let per =
        |figure: &str| when(paid().and(credited())).then(col("spend") / col(figure)).otherwise(no_number());
    let margin = context.plan.roi.margin;
    let no_text = || lit(NULL).cast(DataType::String);
    // Without any spend input every cost is unknown, not zero.
    let has_spend = !context.spend.is_empty();
    credits
        .lazy()
        .join(
            costs.lazy(),
            [col("channel")],
            [col("channel")],
            JoinArgs { maintain_order: MaintainOrderJoin::Left, ..JoinArgs::new(JoinType::Left) },
        )
        .with_columns([
            lit("channel").alias("level"),
            no_text().alias("campaign"),
            if has_spend { col("spend").fill_null(lit(0.0)) } else { col("spend") },
        ])
        .with_columns([
            per_spend("value").alias("roas"),
            per_spend("value_low").alias("roas_low"),
            per_spend("value_high").alias("roas_high"),
            when(paid())
                .then((col("value") * lit(margin) - col("spend")) / col("spend"))
                .otherwise(no_number())
                .alias("roi"),
            per("credit").alias("cost_per_conversion"),
            per("credit_high").alias("cost_per_conversion_low"),
            per("credit_low").alias("cost_per_conversion_high"),
            when(col("touched").not())
                .then(lit("no_touches"))
                .when(col("credit").is_null())
                .then(col("reason"))
                .when(credited().not())
                .then(lit("no_credit"))
                .when(paid().fill_null(lit(false)).not())
                .then(lit("no_spend"))
                .otherwise(col("reason"))
                .alias("note"),
        ])
        .select([
            col("conversion"),
            col("model"),
            col("level"),
            col("channel"),
            col("campaign"),
            col("primary"),
            col("spend"),
            col("impressions"),
            col("clicks"),
            col("credit"),
            col("value"),
            col("roas"),
            col("roas_low"),
            col("roas_high"),
            col("roi"),
            col("cost_per_conversion"),
            col("cost_per_conversion_low"),
            col("cost_per_conversion_high"),
            col("note"),
        ])
        .collect()
}

/// Booked spend against what the primary rows of the table show: beside a channel with touches, or without.
fn spend_ledger(
    context: &Context<'_>,
    spend: &BTreeMap<String, ChannelSpend>,
    roi: &DataFrame,
) -> PolarsResult<DataFrame> {
    let unit = context.plan.job.currency.minor_per_unit() as f64;
    let booked: i128 = spend_in_window(context).map(|row| i128::from(row.cost_minor)).sum();
    let (mut matched, mut unmatched) = (0_i128, 0_i128);
    let rows = context.spend.len();
    if context.plan.roi.primary.is_some() && rows > 0 {
        let primary = roi.column("primary")?.bool()?.clone();
        let rows = roi.filter(&primary)?;
        let costs = rows.column("spend")?.f64()?.clone();
        let names = rows.column("channel")?.str()?.clone();
        for (name, cost) in names.iter().zip(costs.iter()) {
            let (Some(name), Some(cost)) = (name, cost) else { continue };
            let minor = (cost * unit).round() as i128;
            if context.rules.channels.iter().any(|channel| channel == name) {
                matched += minor;
            } else {
                unmatched += minor;
            }
        }
    } else {
        // No conversion to show spend beside: all of it is unmatched.
        unmatched = spend.values().map(|spend| spend.cost_minor).sum();
    }
    let some = usize::from(rows > 0);
    let units = |minor: i128| vec![minor as f64 / unit; some];
    df!(
        "ledger" => vec!["spend"; some],
        "item" => vec!["spend"; some],
        "model" => vec![None::<&str>; some],
        "booked" => units(booked),
        "credited" => units(matched),
        "unattributed" => units(unmatched),
        "excluded" => vec![0.0; some],
        "refunds" => vec![0.0; some],
        "difference" => units(booked - matched - unmatched),
    )
}
