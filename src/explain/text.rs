//! Explanations as text for people.

use std::fmt::Write;

use serde_json::Value;

use crate::config::plan::Currency;

use super::customer::CustomerExplained;
use super::money::{Given, credit_text, decimal, value_text};
use super::paths::{ExplainedPath, ModelCredit, Sum};
use super::row::{Journeys, RowExplained};
use super::rows::ExplainedRow;

/// Shown where there is nothing.
const NOTHING: &str = "-";

/// Columns as wide as their widest cell; those named in `right` end at one edge.
struct Grid<'h> {
    header: Vec<&'h str>,
    right: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl<'h> Grid<'h> {
    fn new(left: &[&'h str], right: &[&'h str]) -> Self {
        Self {
            header: left.iter().chain(right).copied().collect(),
            right: left.iter().map(|_| false).chain(right.iter().map(|_| true)).collect(),
            rows: Vec::new(),
        }
    }

    fn write(&self, indent: usize, into: &mut String) {
        let width = |at: usize| {
            let cells = self.rows.iter().map(|row| row[at].chars().count());
            cells.chain([self.header[at].chars().count()]).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.header.len()).map(width).collect();
        let header: Vec<String> = self.header.iter().map(|&name| name.to_owned()).collect();
        for row in std::iter::once(&header).chain(&self.rows) {
            let mut line = " ".repeat(indent);
            for (at, cell) in row.iter().enumerate() {
                let pad = " ".repeat(widths[at] - cell.chars().count());
                let (before, after) = if self.right[at] { (pad.as_str(), "") } else { ("", pad.as_str()) };
                let _ = write!(line, "{before}{cell}{after}  ");
            }
            let _ = writeln!(into, "{}", line.trim_end());
        }
    }
}

/// Text of a file, in which nothing can steer a terminal.
fn shown(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() { plain.extend(letter.escape_default()) } else { plain.push(letter) }
    }
    plain
}

fn cell(text: Option<&String>) -> String {
    text.map_or_else(|| NOTHING.to_owned(), |text| shown(text))
}

fn money(minor: Option<i64>, currency: &Currency) -> String {
    minor.map_or_else(|| NOTHING.to_owned(), |minor| decimal(i128::from(minor), currency.minor_digits))
}

fn given_value(given: &Given, currency: &Currency) -> String {
    match given.value {
        Some(_) => value_text(given.value_minor_millionths, currency),
        None => NOTHING.to_owned(),
    }
}

fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// The explanation of a customer.
pub fn customer(explained: &CustomerExplained) -> String {
    let currency = Currency { code: explained.currency.clone(), minor_digits: explained.minor_digits };
    let mut text = String::new();
    let _ = writeln!(text, "customer {} of {}", shown(&explained.customer), shown(&explained.job));
    let _ = writeln!(text, "window   {} to {}", explained.window_from, explained.window_to);
    let _ = writeln!(text, "lookback {} h, times in {}\n", explained.lookback_hours, explained.timezone);
    rows(&explained.rows, &currency, &mut text);
    rules(&explained.rows, &mut text);
    for path in &explained.paths {
        path_text(path, &currency, &mut text);
    }
    if explained.paths.is_empty() {
        text.push_str("\nno path ends in the window\n");
    }
    sums(explained, &currency, &mut text);
    effects(explained, &mut text);
    text
}

fn rows(rows: &[ExplainedRow], currency: &Currency, text: &mut String) {
    let mut grid = Grid::new(&["row", "time", "event", "channel", "campaign", "value", "what it is"], &[]);
    grid.right[0] = true;
    grid.right[5] = true;
    for row in rows {
        grid.rows.push(vec![
            row.number.map_or_else(|| NOTHING.to_owned(), |number| number.to_string()),
            cell(row.local_time.as_ref()),
            cell(row.event.as_ref()),
            cell(row.channel.as_ref()),
            cell(row.campaign.as_ref()),
            money(row.value_minor, currency),
            what(row),
        ]);
    }
    grid.write(0, text);
}

/// What a row is, in few words.
fn what(row: &ExplainedRow) -> String {
    if let Some(dropped) = &row.dropped {
        let file = row.file.rsplit('/').next().unwrap_or(&row.file);
        return shown(&format!(
            "dropped, {}: {} [{file} row {}]",
            dropped.reason, dropped.detail, row.file_row
        ));
    }
    let mut words: Vec<String> = row
        .roles
        .iter()
        // It has a column of its own.
        .filter(|role| role.role != "channel")
        .map(|role| match (&role.name, role.counts) {
            (Some(name), Some(true)) if role.role == "stage" => format!("enters stage {name}"),
            (Some(name), Some(false)) if role.role == "conversion" => {
                format!("further row of an order of {name}")
            }
            (Some(name), _) => format!("{} {name}", role.role),
            (None, _) => role.role.to_owned(),
        })
        .collect();
    if row.value_made_null {
        words.push("its value can't be read and counts as null".to_owned());
    }
    if !row.in_window {
        words.push("context, before the window".to_owned());
    }
    if words.is_empty() { "no rule takes it up".to_owned() } else { shown(&words.join("; ")) }
}

/// Each rule once, with the rows that it takes up.
fn rules(rows: &[ExplainedRow], text: &mut String) {
    let mut found: Vec<(String, &str, Vec<String>)> = Vec::new();
    for row in rows {
        let Some(number) = row.number else { continue };
        for role in &row.roles {
            let name = role.name.as_ref().map_or(String::new(), |name| format!(" {name}"));
            let what = format!("{}{name}", role.role);
            match found.iter_mut().find(|(known, rule, _)| *known == what && *rule == role.rule) {
                Some((.., numbers)) => numbers.push(number.to_string()),
                None => found.push((what, &role.rule, vec![number.to_string()])),
            }
        }
    }
    if found.is_empty() {
        return;
    }
    let mut grid = Grid::new(&["what", "by the rule", "rows"], &[]);
    for (what, rule, numbers) in found {
        grid.rows.push(vec![shown(&what), shown(rule), numbers.join(", ")]);
    }
    text.push('\n');
    grid.write(0, text);
}

fn path_text(path: &ExplainedPath, currency: &Currency, text: &mut String) {
    let target = format!("{} {}", path.target_kind, shown(&path.target));
    let worth = path.value_minor.map_or(String::new(), |minor| {
        format!(", {} {}", decimal(i128::from(minor), currency.minor_digits), currency.code)
    });
    let when = path.local_time.as_ref().map_or(String::new(), |time| format!(" at {time}"));
    let _ = match path.end {
        "converted" => writeln!(text, "\n{target}{when}{worth}"),
        "null" => writeln!(text, "\n{target}: no more of it, the path only informs models of all paths"),
        "refunded_in_whole" => writeln!(text, "\n{target}: refunded in whole{worth}"),
        _ => writeln!(text, "\n{target}: refunded in part{worth}, its credit stays"),
    };
    let touches: Vec<String> =
        path.touches.iter().map(|touch| format!("{} {}", touch.row, shown(&touch.channel))).collect();
    let touches =
        if touches.is_empty() { "no touch in reach: unattributed".to_owned() } else { touches.join(" > ") };
    let _ = writeln!(text, "  path      {touches}");
    let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
    for left_out in &path.left_out {
        match reasons.iter_mut().find(|(reason, _)| *reason == left_out.reason) {
            Some((_, rows)) => rows.push(left_out.row.to_string()),
            None => reasons.push((left_out.reason, vec![left_out.row.to_string()])),
        }
    }
    for (reason, rows) in reasons {
        let _ = writeln!(text, "  left out  {reason}: {}", rows.join(", "));
    }
    let by_touch: Vec<&ModelCredit> = path.models.iter().filter(|model| model.unit == "touch").collect();
    if !path.touches.is_empty() {
        let has_value = path.value_minor.is_some();
        shares("weight", &by_touch, text, |model, at| {
            credit_text(i128::from(model.shares[at].weight_millionths))
        });
        if has_value {
            shares(&currency.code, &by_touch, text, |model, at| {
                money(model.shares[at].money_minor, currency)
            });
        }
    }
    for model in &path.models {
        if model.unit == "channel" {
            let parts: Vec<String> = model
                .shares
                .iter()
                .map(|share| {
                    let weight = credit_text(i128::from(share.weight_millionths));
                    let worth = share
                        .money_minor
                        .map_or(String::new(), |_| format!(" ({})", money(share.money_minor, currency)));
                    format!("{} {weight}{worth}", shown(&share.channel))
                })
                .collect();
            let _ = writeln!(text, "  {}, by channel: {}", model.model, parts.join(", "));
        } else if model.unit == "all_paths" {
            let _ = writeln!(
                text,
                "  {}: not defined for one path, its credit comes from all of them",
                model.model
            );
        }
    }
}

/// One figure of every touch under every model that works touch by touch.
fn shares(
    what: &str,
    models: &[&ModelCredit],
    text: &mut String,
    figure: impl Fn(&ModelCredit, usize) -> String,
) {
    let Some(first) = models.first() else { return };
    let names: Vec<&str> = models.iter().map(|model| model.model).collect();
    let mut grid = Grid::new(&["row", what], &names);
    grid.right[0] = true;
    for (at, share) in first.shares.iter().enumerate() {
        let row = share.row.map_or_else(|| NOTHING.to_owned(), |row| row.to_string());
        let mut cells = vec![row, shown(&share.channel)];
        cells.extend(models.iter().map(|model| figure(model, at)));
        grid.rows.push(cells);
    }
    grid.write(2, text);
}

/// Kind and name of the target, channel, and campaign where the row is that of one.
type SumKey<'s> = (&'s str, &'s str, &'s str, Option<&'s str>);

fn key_of(sum: &Sum) -> SumKey<'_> {
    (sum.target_kind, &sum.target, &sum.channel, sum.campaign.as_deref())
}

/// What the journey adds to each row of the table.
fn sums(explained: &CustomerExplained, currency: &Currency, text: &mut String) {
    if explained.sums.is_empty() {
        return;
    }
    // In the order of the configuration, as every path has them.
    let mut models: Vec<&str> = Vec::new();
    for model in explained.paths.iter().flat_map(|path| &path.models).map(|model| model.model) {
        if !models.contains(&model) && explained.sums.iter().any(|sum| sum.model == model) {
            models.push(model);
        }
    }
    let mut keys: Vec<SumKey<'_>> = Vec::new();
    for sum in &explained.sums {
        let key = key_of(sum);
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let find = |key: &SumKey<'_>, model: &str| {
        explained.sums.iter().find(|sum| key_of(sum) == *key && sum.model == model)
    };
    text.push_str("\nwhat the journey adds to stage_attribution\n");
    let mut credit = Grid::new(&["target", "credit"], &models);
    let mut value = Grid::new(&["target", "value"], &models);
    for key in &keys {
        let (kind, target, channel, campaign) = *key;
        let campaign = campaign.map_or(String::new(), |campaign| format!(", campaign {campaign}"));
        let names = [shown(&format!("{kind} {target}")), shown(&format!("{channel}{campaign}"))];
        let cells = |figure: &dyn Fn(&Given) -> String| -> Vec<String> {
            let own = models.iter().map(|model| find(key, model));
            own.map(|sum| sum.map_or_else(|| NOTHING.to_owned(), |sum| figure(&sum.given))).collect()
        };
        let credits = cells(&|given| credit_text(given.credit_millionths));
        credit.rows.push(names.iter().cloned().chain(credits).collect());
        let has_value =
            models.iter().any(|model| find(key, model).is_some_and(|sum| sum.given.value.is_some()));
        if has_value {
            let values = cells(&|given| given_value(given, currency));
            value.rows.push(names.iter().cloned().chain(values).collect());
        }
    }
    credit.write(2, text);
    if !value.rows.is_empty() {
        value.write(2, text);
    }
}

fn effects(explained: &CustomerExplained, text: &mut String) {
    if let Some(note) = &explained.effects_note {
        let _ = writeln!(text, "\neffects of channels: {note}");
    }
    let Some(published) = &explained.effects else { return };
    let other = if published.same_configuration { "" } else { ", of another configuration" };
    let _ = writeln!(text, "\neffects of channels, as {} has published them{other}", published.run_id);
    let mut grid = Grid::new(&["target", "model", "channel"], &["effect", "low", "high", "on value"]);
    let figure =
        |figure: Option<f64>| figure.map_or_else(|| NOTHING.to_owned(), |figure| format!("{figure:.6}"));
    for effect in &published.effects {
        grid.rows.push(vec![
            shown(&effect.target),
            effect.model.clone(),
            shown(&effect.channel),
            figure(effect.effect),
            figure(effect.effect_low),
            figure(effect.effect_high),
            figure(effect.value_effect),
        ]);
    }
    grid.write(2, text);
}

/// The explanation of a row of a table.
pub fn row(explained: &RowExplained) -> String {
    let currency = Currency { code: explained.currency.clone(), minor_digits: explained.minor_digits };
    let mut text = String::new();
    let value = |value: &Value| match value {
        Value::Null => NOTHING.to_owned(),
        Value::String(text) => shown(text),
        other => other.to_string(),
    };
    let keys: Vec<String> = explained
        .keys
        .iter()
        .filter(|key| !key.value.is_null())
        .map(|key| format!("{} = {}", key.column, value(&key.value)))
        .collect();
    let _ = writeln!(text, "{} where {}", explained.table, keys.join(", "));
    let _ = writeln!(text, "window {} to {}\n", explained.window_from, explained.window_to);
    let mut figures = Grid::new(&["figure", "in the table"], &[]);
    for figure in &explained.figures {
        figures.rows.push(vec![figure.column.clone(), value(&figure.value)]);
    }
    figures.write(0, &mut text);
    if let Some(found) = &explained.journeys {
        journeys(found, &currency, &mut text);
    }
    if !explained.effects.is_empty() {
        text.push_str(
            "\nthis model's credit is no sum of what each touch is given: it depends on what all channels bring\n",
        );
        let mut grid = Grid::new(&["channel"], &["effect", "credit", "effect on value", "value"]);
        let figure =
            |figure: Option<f64>| figure.map_or_else(|| NOTHING.to_owned(), |figure| format!("{figure:.6}"));
        for part in &explained.effects {
            grid.rows.push(vec![
                shown(&part.channel),
                figure(part.effect),
                figure(part.credit),
                figure(part.value_effect),
                figure(part.value),
            ]);
        }
        grid.write(2, &mut text);
    }
    if !explained.steps.is_empty() {
        text.push('\n');
        let mut grid = Grid::new(&["figure", "is", "with the figures of the row", "gives"], &[]);
        for step in &explained.steps {
            grid.rows.push(vec![
                step.column.to_owned(),
                step.formula.to_owned(),
                step.terms.clone(),
                step.result.to_string(),
            ]);
        }
        grid.write(0, &mut text);
    }
    text
}

fn journeys(found: &Journeys, currency: &Currency, text: &mut String) {
    let has_value = found.sum.value.is_some();
    let _ = writeln!(
        text,
        "\nthe sum of {} of {}, largest {} first",
        counted(found.all_paths, "path", "paths"),
        counted(found.all_journeys, "journey", "journeys"),
        found.ranked_by,
    );
    let mut names = vec!["paths", "credit"];
    if has_value {
        names.push(&currency.code);
    }
    let mut grid = Grid::new(&["customer"], &names);
    let mut push = |name: String, paths: String, given: &Given| {
        let mut cells = vec![name, paths, credit_text(given.credit_millionths)];
        if has_value {
            cells.push(given_value(given, currency));
        }
        grid.rows.push(cells);
    };
    for part in &found.top {
        push(shown(&part.customer), part.paths.to_string(), &part.given);
    }
    if found.rest_journeys > 0 {
        let paths: u64 = found.top.iter().map(|part| part.paths).sum();
        let rest = format!("{} more", found.rest_journeys);
        push(rest, (found.all_paths - paths).to_string(), &found.rest);
    }
    push("sum".to_owned(), found.all_paths.to_string(), &found.sum);
    if has_value {
        let rounding = Given::new(0, found.rounding_minor_millionths, Some(currency));
        push("rounding to the whole table".to_owned(), String::new(), &rounding);
        let value = found.sum.value_minor_millionths + found.rounding_minor_millionths;
        let figure = Given::new(found.sum.credit_millionths, value, Some(currency));
        push("in the table".to_owned(), String::new(), &figure);
    }
    grid.write(2, text);
    if let Some(first) = found.top.first() {
        let _ = writeln!(
            text,
            "one of them touch by touch: touchline explain --customer {}",
            shown(&first.customer)
        );
    }
}
