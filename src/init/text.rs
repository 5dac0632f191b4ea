//! The configuration as text, with what each guess rests on, and the same in short for a person.

use std::fmt::Write;
use std::path::Path;

use super::draft::Draft;
use super::groups::Group;
use super::patterns::{Places, patterns};
use super::stages::Conversion;
use super::survey::Kind;
use super::tables::{Mapped, Table, Why};

/// Where comments begin.
const COMMENT_COLUMN: usize = 36;
/// Names that a comment lists.
const LISTED: usize = 12;
/// Of an input that so many paths name it is said.
const MANY_PARTS: usize = 4;

/// The text of the configuration.
pub fn config(draft: &Draft, places: &Places<'_>) -> String {
    let seen = if draft.log.is_whole { "the rows" } else { "a sample of the rows" };
    let mut text = format!(
        "# Written by `touchline init`, which guessed from names, types and {seen}. Read it once and correct\n\
         # what is wrong; every comment says what a guess rests on. The reference of all keys: docs/configuration.md\n\n",
    );
    job(&mut text, draft);
    text.push_str(
        "[window]                            # the whole of the data, unless `--from`, `--to` or `--date` say otherwise\n\
         lookback = \"30d\"                    # how far a conversion looks back for touches\n\n",
    );
    let several = draft.touchpoints.len() > 1;
    for group in &draft.touchpoints {
        input(&mut text, draft, group, several, places);
    }
    for group in &draft.others {
        input(&mut text, draft, group, false, places);
    }
    contract(&mut text, draft);
    channels(&mut text, draft);
    stages(&mut text, draft);
    conversions(&mut text, draft);
    segments(&mut text, draft);
    experiments(&mut text, draft);
    text.push_str("[output]\npath = \"out\"                        # a folder beside this file\n");
    text
}

/// What was written, in lines for a person.
pub fn summary(draft: &Draft, places: &Places<'_>) -> String {
    let mut text = String::new();
    let mut parted = Vec::new();
    for group in draft.touchpoints.iter().chain(&draft.others) {
        let found = patterns(&paths_of(group), places);
        if found.len() >= MANY_PARTS {
            parted.push(format!(
                "{}: other files lie among these, so {} parts name them; in a folder of their own new ones are found",
                group.table.as_str(),
                found.len()
            ));
        }
        let place = shorten(&found.join(", "));
        let _ = writeln!(text, "  {:12} {place} ({})", group.table.as_str(), amount(group));
        let mapped = group.mapped.iter().map(|mapped| {
            if mapped.logical == mapped.physical {
                mapped.logical.to_owned()
            } else {
                format!("{} = {}", mapped.logical, mapped.physical)
            }
        });
        let constant =
            draft.event.iter().filter(|_| is_without_event(group)).map(|event| format!("event is {event:?}"));
        let _ = writeln!(text, "  {:12}   {}", "", mapped.chain(constant).collect::<Vec<_>>().join(", "));
    }
    let stages: Vec<&str> = draft.stages.stages.iter().map(|stage| &*stage.name).collect();
    let mode = if draft.stages.any { ", in any order" } else { "" };
    let none = |list: Vec<&str>, between: &str| {
        if list.is_empty() { "none".to_owned() } else { list.join(between) }
    };
    let _ = writeln!(text, "  {:12} {}{mode}", "stages", none(stages, " > "));
    let conversions = draft.conversions.iter().map(|conversion| {
        let value = if draft.has_value(conversion) { ", with its value" } else { "" };
        format!("{} ({} {}{value})", conversion.name, conversion.column, conversion.values.join(", "))
    });
    let conversions: Vec<String> = conversions.collect();
    let _ = writeln!(
        text,
        "  {:12} {}",
        "conversions",
        none(conversions.iter().map(|name| &**name).collect(), ", ")
    );
    if !draft.direct.is_empty() {
        let _ = writeln!(text, "  {:12} {}", "direct", shorten(&comment(&draft.direct.join(", "))));
    }
    let dimensions = draft.dimensions.iter().map(|name| &**name).collect();
    let _ = writeln!(text, "  {:12} {}", "segments", none(dimensions, ", "));
    for guess in guesses(draft).into_iter().chain(parted) {
        let _ = writeln!(text, "  {:12} {guess}", "look at");
    }
    for (path, why) in draft.left_out.iter().take(LISTED) {
        let path = path.strip_prefix(places.base).unwrap_or(path);
        let _ = writeln!(text, "  {:12} {}: {why}", "left out", path.display());
    }
    if let Some(more @ 1..) = draft.left_out.len().checked_sub(LISTED) {
        let _ = writeln!(text, "  {:12} {more} more files", "left out");
    }
    text
}

/// What a person should look at first.
fn guesses(draft: &Draft) -> Vec<String> {
    let mut guesses = Vec::new();
    let groups = || draft.touchpoints.iter().chain(&draft.others);
    if groups().any(Group::needs_timezone) {
        guesses.push("timezone = \"UTC\": there are times without a zone, so this is a guess".to_owned());
    }
    if draft.currency.as_ref().is_none_or(|(_, known)| !known) && draft.has("value") {
        guesses.push("currency: no column says it, or several are named".to_owned());
    }
    if draft.mixed_currencies {
        guesses.push(
            "amounts are in several currencies: add [inputs.rates], then `value` to the conversions"
                .to_owned(),
        );
    }
    if !draft.has("channel") && !draft.channel_rules {
        guesses.push("no column says the channel: without one no touch gets credit".to_owned());
    }
    if draft.conversions.is_empty() {
        guesses.push("no event looks like a conversion: add one".to_owned());
    }
    if draft.stages.stages.iter().any(|stage| !stage.by_words) {
        guesses.push(
            "stages: the order of events with unknown names is that in which customers have them".to_owned(),
        );
    }
    guesses
}

fn job(text: &mut String, draft: &Draft) {
    text.push_str("[job]\n");
    line(text, "timezone = \"UTC\"", "a guess: whose midnight ends a day, such as \"Europe/Sofia\"");
    let (code, why) = match &draft.currency {
        Some((code, true)) => (code.as_str(), "by the column `currency`"),
        Some((code, false)) => (code.as_str(), "a guess: the column `currency` names several"),
        None => ("EUR", "a guess: the ISO 4217 code of the amounts"),
    };
    line(text, &format!("currency = {}", quoted(code)), why);
    text.push('\n');
}

fn input(text: &mut String, draft: &Draft, group: &Group, several: bool, places: &Places<'_>) {
    let name = group.table.as_str();
    let header = if several { format!("[[inputs.{name}]]") } else { format!("[inputs.{name}]") };
    line(text, &header, &amount(group));
    let paths = patterns(&paths_of(group), places);
    let paths: Vec<String> = paths.iter().map(|path| quoted(path)).collect();
    match &paths[..] {
        [only] => {
            let _ = writeln!(text, "path = {only}");
        }
        several => {
            let _ = writeln!(text, "path = [\n    {},\n]", several.join(",\n    "));
        }
    }
    if let Some(event) = draft.event.as_deref().filter(|_| is_without_event(group)) {
        line(text, &format!("constants = {{ event = {} }}", quoted(event)), "by `--event`");
    }
    if group.needs_timezone() {
        let times: Vec<String> = group
            .mapped
            .iter()
            .filter(|mapped| matches!(mapped.kind, Kind::LocalTime | Kind::Date))
            .map(|mapped| format!("`{}`", mapped.physical))
            .collect();
        let why = format!("a guess: {} has no zone; say whose time it is", times.join(", "));
        line(text, "timezone = \"UTC\"", &why);
    }
    let (own, renamed): (Vec<&Mapped>, Vec<&Mapped>) =
        group.mapped.iter().partition(|mapped| mapped.logical == mapped.physical);
    if !own.is_empty() {
        let own: Vec<&str> = own.iter().map(|mapped| mapped.logical).collect();
        let _ = writeln!(text, "# found by their own names: {}", own.join(", "));
    }
    if !group.partly.is_empty() {
        let partly: Vec<String> = group
            .partly
            .iter()
            .map(|mapped| format!("`{}` ({})", comment(&mapped.physical), mapped.logical))
            .collect();
        let _ = writeln!(text, "# not in all files, so not mapped: {}", partly.join(", "));
    }
    if !renamed.is_empty() {
        let _ = writeln!(text, "[inputs.{name}.columns]");
    }
    for mapped in renamed {
        line(
            text,
            &format!("{} = {}", mapped.logical, quoted(&mapped.physical)),
            &reason(mapped, draft, group),
        );
    }
    text.push('\n');
}

/// What a mapping rests on.
fn reason(mapped: &Mapped, draft: &Draft, group: &Group) -> String {
    let why = match mapped.why {
        Why::Name => "by its name and type",
        Why::OnlyOne => "the only column with times",
    };
    let values = match (mapped.logical, group.table) {
        ("event", Table::Touchpoints) => listed(draft.log.events.iter().map(|(name, _)| &**name), "event"),
        ("channel", Table::Touchpoints) if draft.log.channels.more => {
            "more than 50 values, is this a channel?".to_owned()
        }
        ("channel", Table::Touchpoints) => {
            listed(draft.log.channels.distinct.iter().map(|name| &**name), "channel")
        }
        _ => String::new(),
    };
    if values.is_empty() { why.to_owned() } else { format!("{why}; {values}") }
}

fn channels(text: &mut String, draft: &Draft) {
    if draft.channel_rules {
        line(text, "[channels]", "no column says the channel: rules make it of source and medium");
        text.push_str("preset = \"ga4\"\n\n");
        return;
    }
    let direct: Vec<String> = draft.direct.iter().map(|name| quoted(name)).collect();
    let value = match &direct[..] {
        [] => return,
        [only] => only.clone(),
        several => format!("[{}]", several.join(", ")),
    };
    text.push_str("[channels]\n");
    line(
        text,
        &format!("direct = {value}"),
        "by its name: who came by themselves; last_non_direct passes over them",
    );
    text.push('\n');
}

fn contract(text: &mut String, draft: &Draft) {
    let shares = [
        (
            "max_rejected_share",
            draft.max_rejected_share,
            "rows of the sample lack a customer, a time or an event",
        ),
        (
            "max_duplicate_share",
            draft.max_duplicate_share,
            "rows of the sample repeat the event id of a customer",
        ),
    ];
    if shares.iter().all(|(_, share, _)| share.is_none()) {
        return;
    }
    text.push_str("[contract]\n");
    for (key, share, why) in shares {
        if let Some(share) = share {
            line(text, &format!("{key} = {share:.2}"), &format!("more than usual: {why}"));
        }
    }
    text.push('\n');
}

fn stages(text: &mut String, draft: &Draft) {
    let stages = &draft.stages.stages;
    if stages.is_empty() {
        text.push_str("# [stages]                          # no event has a name that is known: see docs/configuration.md\n\n");
        return;
    }
    let why = match (stages.iter().any(|stage| stage.by_words), stages.iter().any(|stage| !stage.by_words)) {
        (true, false) => "by the words in the names of the events",
        (false, _) => "by the order in which customers of the sample have them",
        (true, true) => "by the words in their names, the others by when customers of the sample have them",
    };
    line(text, "[stages]", why);
    let order: Vec<String> = stages.iter().map(|stage| quoted(&stage.name)).collect();
    let _ = writeln!(text, "order = [{}]", order.join(", "));
    let (mode, why) = match draft.stages.any {
        true => ("any", "\"ordered\" would need every stage before: most customers of the sample skip one"),
        false => ("ordered", "a stage counts once the ones before it were entered; else \"any\""),
    };
    line(text, &format!("mode = {}", quoted(mode)), why);
    if !draft.stages.left_out.is_empty() {
        let left = draft.stages.left_out.iter().map(|name| &**name);
        let _ = writeln!(text, "# in no stage, {}", listed(left, "event"));
    }
    text.push_str("\n[stages.rules]\n");
    for stage in stages {
        let events: Vec<String> = stage.events.iter().map(|event| quoted(event)).collect();
        let _ = writeln!(text, "{} = [ {{ event = [{}] }} ]", key(&stage.name), events.join(", "));
    }
    text.push('\n');
}

fn conversions(text: &mut String, draft: &Draft) {
    if draft.conversions.is_empty() {
        text.push_str("# [conversions.purchase]            # which rows convert: no event looks like it\n# event = [\"…\"]\n\n");
    }
    for conversion in &draft.conversions {
        line(text, &format!("[conversions.{}]", key(&conversion.name)), &conversion.why);
        let values: Vec<String> = conversion.values.iter().map(|value| quoted(value)).collect();
        let _ = writeln!(text, "{} = [{}]", key(&conversion.column), values.join(", "));
        worth(text, draft, conversion);
        text.push('\n');
    }
}

fn worth(text: &mut String, draft: &Draft, conversion: &Conversion) {
    if draft.has_value(conversion) {
        line(text, "value = \"value\"", "the column; most of these rows have one");
        if draft.has("order_id") {
            let (orders, why) = match conversion.has_items {
                true => ("sum", "rows of an order have other values: its items; \"first\" if they repeat it"),
                false => ("first", "rows with the same order repeat it; \"sum\" if they are its items"),
            };
            line(text, &format!("orders = {}", quoted(orders)), why);
        }
    } else if conversion.has_value {
        let why = "amounts are in several currencies: add [inputs.rates] first";
        line(text, "# value = \"value\"", why);
    } else if draft.has("value") {
        line(text, "# value = \"value\"", "most of these rows have none");
    }
}

fn segments(text: &mut String, draft: &Draft) {
    if draft.dimensions.is_empty() {
        return;
    }
    line(text, "[segments]", "columns with 2 to 20 values, and the channel of the first touch");
    let names: Vec<String> = draft.dimensions.iter().map(|name| quoted(name)).collect();
    let _ = writeln!(text, "dimensions = [{}]\n", names.join(", "));
}

fn experiments(text: &mut String, draft: &Draft) {
    let Some(conversion) = draft.conversions.first().filter(|_| draft.other(Table::Assignments).is_some())
    else {
        return;
    };
    let name = quoted(&conversion.name);
    line(text, "[metrics.conversion_rate]", "converted at least once within 14 days of exposure");
    let _ = writeln!(text, "kind = \"proportion\"\nconversion = {name}\nwindow = \"14d\"\n");
    if draft.has_value(conversion) {
        line(text, "[metrics.value_per_customer]", "what one counts at most keeps a few from deciding");
        let _ = writeln!(
            text,
            "kind = \"mean\"\nconversion = {name}\nof = \"value\"\nwindow = \"14d\"\ncap = {{ percentile = 0.99 }}\n"
        );
    }
    line(text, "[experiments.\"*\"]", "all that the log has: name one to plan its weights and its control");
    let _ = writeln!(
        text,
        "metrics = [{}]\n",
        match draft.has_value(conversion) {
            true => "\"conversion_rate\", \"value_per_customer\"",
            false => "\"conversion_rate\"",
        }
    );
}

/// A line with its comment.
fn line(text: &mut String, left: &str, why: &str) {
    let _ = writeln!(
        text,
        "{left:width$}# {}",
        comment(why),
        width = COMMENT_COLUMN.max(left.chars().count() + 2)
    );
}

/// Text that can't end a comment.
fn comment(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

fn is_without_event(group: &Group) -> bool {
    group.table == Table::Touchpoints && group.find("event").is_none()
}

fn paths_of(group: &Group) -> Vec<&Path> {
    group.exports.iter().map(|export| export.file.path.as_path()).collect()
}

/// Files and rows.
fn amount(group: &Group) -> String {
    let plural = |count: u64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let files = plural(group.exports.len() as u64, "file");
    match group.exports.iter().all(|export| export.rows.is_some()) {
        true => format!("{files}, {}", plural(group.rows(), "row")),
        false => files,
    }
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(200) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// How many there are, and the first of them.
fn listed<'n>(names: impl ExactSizeIterator<Item = &'n str>, what: &str) -> String {
    let count = names.len();
    let first: Vec<String> = names.take(LISTED).map(|name| shorten(&comment(name))).collect();
    let more = if count > LISTED { ", …" } else { "" };
    match count {
        0 => String::new(),
        1 => format!("1 {what}: {}", first.join(", ")),
        _ => format!("{count} {what}s: {}{more}", first.join(", ")),
    }
}

/// A key of TOML.
fn key(name: &str) -> String {
    let bare = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    if !name.is_empty() && name.chars().all(bare) { name.to_owned() } else { basic(name) }
}

/// A text value of TOML, in which the environment isn't read.
fn quoted(text: &str) -> String {
    basic(&text.replace("${", "$${"))
}

fn basic(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            letter if letter.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(letter));
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_comes_back_from_toml() {
        for text in ["plain", "a \"b\" \\ c", "line\nbreak\t\u{7f}", "é ${HOME}", "", "x]#"] {
            let line = format!("{} = {}", key(text), quoted(text));
            let table: toml::Table = line.parse().unwrap_or_else(|error| panic!("{line}: {error}"));
            let (name, value) = table.iter().next().expect("a key");
            assert_eq!((name.as_str(), value.as_str()), (text, Some(&*text.replace("${", "$${"))));
        }
    }

    #[test]
    fn a_comment_is_one_line() {
        let mut text = String::new();
        line(&mut text, "a = 1", "x\ny = 2");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}
