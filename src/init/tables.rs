//! Which input an export is, by the columns that it has, and what it lacks to be one.

use super::names::{self, Wish};
use super::survey::{Column, Export, Kind};

/// The inputs of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// What customers did.
    Touchpoints,
    /// Cost by day and channel.
    Spend,
    /// Attributes of customers.
    Customers,
    /// Which customer saw which variant.
    Assignments,
    /// What a unit of other currencies is worth.
    Rates,
    /// Ids that are dropped.
    Suppress,
}

impl Table {
    /// Key under `inputs`.
    pub fn as_str(self) -> &'static str {
        match self {
            Table::Touchpoints => "touchpoints",
            Table::Spend => "spend",
            Table::Customers => "customers",
            Table::Assignments => "assignments",
            Table::Rates => "rates",
            Table::Suppress => "suppress",
        }
    }

    /// Whether a run reads it from CSV too.
    fn may_be_csv(self) -> bool {
        matches!(self, Table::Spend | Table::Rates)
    }

    /// The columns without which it can't be read, in the order of messages.
    fn required(self) -> &'static [&'static Wish] {
        match self {
            Table::Touchpoints => &[&names::CUSTOMER_ID, &names::OCCURRED_AT, &names::EVENT],
            Table::Spend => &[&names::SPEND_DATE, &names::SPEND_CHANNEL, &names::COST],
            Table::Customers | Table::Suppress => &[&names::CUSTOMER_ID],
            Table::Assignments => {
                &[&names::EXPERIMENT, &names::VARIANT, &names::CUSTOMER_ID, &names::ASSIGNED_AT]
            }
            Table::Rates => &[&names::RATE_DATE, &names::RATE_CURRENCY, &names::RATE],
        }
    }

    /// Columns that it may have.
    fn extras(self) -> &'static [Wish] {
        match self {
            Table::Touchpoints => &names::TOUCHPOINT_EXTRAS,
            Table::Spend => &names::SPEND_EXTRAS,
            Table::Customers => &[names::VALID_FROM],
            Table::Assignments | Table::Rates | Table::Suppress => &[],
        }
    }
}

/// A logical column and where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapped {
    /// As the configuration calls it.
    pub logical: &'static str,
    /// As the file calls it.
    pub physical: String,
    /// What it holds.
    pub kind: Kind,
    /// Why it was taken.
    pub why: Why,
}

/// Why a column was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It has one of the names that are known.
    Name,
    /// It is the only one of its type.
    OnlyOne,
}

/// An export read as one of the inputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Which input.
    pub table: Table,
    /// What was found, in the order of the input's columns.
    pub mapped: Vec<Mapped>,
}

/// What an export lacks to be an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// Which input.
    pub table: Table,
    /// What it would need, in words.
    pub reasons: Vec<String>,
}

/// What is known of an export besides its columns.
#[derive(Clone, Copy)]
pub struct Hints<'a> {
    /// The event of all rows where the export has no column for it.
    pub event: Option<&'a str>,
    /// Whether no customer stands in two rows of the sample; asked only where it decides.
    pub ids_are_unique: &'a dyn Fn(&str) -> bool,
}

/// What an export is, or what it lacks.
///
/// # Errors
///
/// What it lacks to be touchpoints, and to be what it comes nearest to.
pub fn classify(export: &Export, hints: Hints<'_>) -> Result<Reading, Vec<Lack>> {
    let columns = &export.columns;
    let has = |wish: &Wish| wish.find(columns).is_some();
    let read = |table: Table| read_as(export, table, hints.event);
    let is_log = has(&names::EVENT);
    // What tells of an experiment is read as assignments, unless it is a log of events that names one.
    if !is_log && let Ok(reading) = read(Table::Assignments) {
        return Ok(reading);
    }
    let customer = names::CUSTOMER_ID.find(columns).map(|at| columns[at].name.as_str());
    let touchpoints = read(Table::Touchpoints);
    if is_log && let Ok(reading) = touchpoints {
        return Ok(reading);
    }
    let Some(customer) = customer else {
        let spend = read(Table::Spend);
        return read(Table::Rates).or(spend.clone()).map_err(|_| lacks(touchpoints, spend));
    };
    let stem = export.file.path.file_stem().map(|stem| names::normal(&stem.to_string_lossy()));
    let says_suppress = stem.is_some_and(|stem| SUPPRESS_NAMES.iter().any(|name| stem.contains(name)));
    if columns.len() == 1 || says_suppress {
        return read(Table::Suppress).map_err(|lack| lacks(touchpoints, Err(lack)));
    }
    if names::VALID_FROM.find(columns).is_some() || (hints.ids_are_unique)(customer) {
        return read(Table::Customers).map_err(|lack| lacks(touchpoints, Err(lack)));
    }
    let assignments = if has(&names::VARIANT) { read(Table::Assignments) } else { touchpoints.clone() };
    touchpoints.clone().map_err(|_| lacks(touchpoints, assignments))
}

/// Words in the name of a file of ids that are not to be read.
const SUPPRESS_NAMES: [&str; 7] =
    ["suppress", "erasure", "erased", "opt_out", "optout", "unsubscribe", "no_consent"];

fn lacks(touchpoints: Result<Reading, Lack>, nearest: Result<Reading, Lack>) -> Vec<Lack> {
    let mut lacks: Vec<Lack> = touchpoints.err().into_iter().collect();
    let is_new = |lack: &Lack| lacks.iter().all(|known| known.reasons != lack.reasons);
    // Another input is worth a word where it lacks a single column.
    let nearest = nearest.err().filter(|lack| lack.reasons.len() == 1 && is_new(lack));
    lacks.extend(nearest);
    lacks
}

/// Reads an export as an input.
fn read_as(export: &Export, table: Table, event: Option<&str>) -> Result<Reading, Lack> {
    let columns = &export.columns;
    let mut mapped: Vec<Mapped> = Vec::new();
    let mut reasons = Vec::new();
    for wish in table.required() {
        if let Some((at, why)) = find(wish, columns, &mapped) {
            mapped.push(of_column(wish.logical, &columns[at], why));
        } else if wish.logical == "channel" && table == Table::Spend && has_source_and_medium(columns) {
            // Rules make the channel.
        } else if wish.logical != "event" || event.is_none() {
            reasons.push(reason(wish, columns));
        }
    }
    if export.footer.is_none() && !table.may_be_csv() {
        reasons.push("the form of Parquet (only spend and rates may be CSV)".to_owned());
    }
    if !reasons.is_empty() {
        return Err(Lack { table, reasons });
    }
    for wish in table.extras() {
        if let Some((at, why)) = find(wish, columns, &mapped) {
            mapped.push(of_column(wish.logical, &columns[at], why));
        }
    }
    Ok(Reading { table, mapped })
}

fn of_column(logical: &'static str, column: &Column, why: Why) -> Mapped {
    Mapped { logical, physical: column.name.clone(), kind: column.kind, why }
}

/// The column of a wish that nothing else has taken.
fn find(wish: &Wish, columns: &[Column], taken: &[Mapped]) -> Option<(usize, Why)> {
    let is_free = |at: &usize| taken.iter().all(|mapped| mapped.physical != columns[*at].name);
    if let Some(at) = wish.find(columns).filter(is_free) {
        return Some((at, Why::Name));
    }
    // A log has its time under any name, if it has one time only.
    if wish.logical != "occurred_at" && wish.logical != "assigned_at" {
        return None;
    }
    let is_time = |column: &Column| matches!(column.kind, Kind::Instant | Kind::LocalTime);
    let mut times = (0..columns.len()).filter(|at| is_time(&columns[*at]));
    let only = times.next().filter(|_| times.next().is_none());
    only.filter(is_free).map(|at| (at, Why::OnlyOne))
}

fn has_source_and_medium(columns: &[Column]) -> bool {
    let wish = |logical: &str| names::SPEND_EXTRAS.iter().find(|wish| wish.logical == logical);
    ["source", "medium"].iter().all(|name| wish(name).is_some_and(|wish| wish.find(columns).is_some()))
}

/// Why a column was not found, in words.
fn reason(wish: &Wish, columns: &[Column]) -> String {
    match wish.find_of_other_type(columns) {
        Some(column) => format!(
            "`{}`, for `{}` is {}, not {}",
            wish.logical,
            column.name,
            with_article(column.kind.as_str()),
            with_article(wish.kinds.first().map_or("text", |kind| kind.as_str())),
        ),
        None => format!("`{}` (also known as {} …)", wish.logical, wish.examples()),
    }
}

fn with_article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    match noun {
        "text" | "other" => noun.to_owned(),
        noun => format!("{article} {noun}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::InputFile;
    use crate::input::identity::Identity;

    /// `name:kind`, by the first letter of the kind.
    fn export(name: &str, columns: &[(&str, Kind)]) -> Export {
        let identity = Identity { device: 0, inode: 0, size: 1, modified_ns: 0, changed_ns: 0 };
        let file = InputFile {
            path: name.into(),
            identity,
            hive: Vec::new(),
            sidecar: None,
            #[cfg(feature = "cloud")]
            object: None,
        };
        let columns =
            columns.iter().map(|(name, kind)| Column { name: (*name).to_owned(), kind: *kind }).collect();
        Export { file, footer: None, columns, rows: None }
    }

    /// As if it were Parquet: what a file lacks for being CSV is left out.
    fn table(export: &Export, unique: bool, event: Option<&str>) -> Result<Table, Vec<(Table, usize)>> {
        let ids_are_unique: &dyn Fn(&str) -> bool = &|_| unique;
        classify(export, Hints { event, ids_are_unique })
            .map(|reading| reading.table)
            .map_err(|lacks| lacks.into_iter().map(|lack| (lack.table, lack.reasons.len())).collect())
    }

    #[test]
    fn spend_and_rates_are_told_apart_and_may_be_csv() {
        let spend =
            export("a.csv", &[("Day", Kind::Date), ("Channel", Kind::Text), ("Amount spent", Kind::Number)]);
        assert_eq!(table(&spend, false, None), Ok(Table::Spend));
        let rates =
            export("b.csv", &[("date", Kind::Date), ("currency", Kind::Text), ("rate", Kind::Number)]);
        assert_eq!(table(&rates, false, None), Ok(Table::Rates));
        let by_medium = export(
            "c.csv",
            &[
                ("date", Kind::Date),
                ("utm_source", Kind::Text),
                ("utm_medium", Kind::Text),
                ("cost", Kind::Number),
            ],
        );
        assert_eq!(table(&by_medium, false, None), Ok(Table::Spend));
        let without =
            export("d.csv", &[("date", Kind::Date), ("cost", Kind::Number), ("clicks", Kind::Integer)]);
        let lacks = table(&without, false, None).unwrap_err();
        assert_eq!(lacks[1], (Table::Spend, 1), "{lacks:?}");
    }

    #[test]
    fn what_is_lacking_names_the_column_of_the_wrong_type() {
        let columns = [
            Column { name: "user_id".to_owned(), kind: Kind::Text },
            Column { name: "event_timestamp".to_owned(), kind: Kind::Integer },
        ];
        assert_eq!(
            reason(&names::OCCURRED_AT, &columns),
            "`occurred_at`, for `event_timestamp` is an integer, not a timestamp"
        );
        assert!(reason(&names::EVENT, &columns).starts_with("`event` (also known as event_name"));
    }

    #[test]
    fn a_column_is_taken_once() {
        let columns = [Column { name: "timestamp".to_owned(), kind: Kind::Instant }];
        let taken = [of_column("date", &columns[0], Why::Name)];
        assert_eq!(find(&names::OCCURRED_AT, &columns, &[]), Some((0, Why::Name)));
        assert_eq!(find(&names::OCCURRED_AT, &columns, &taken), None);
        let other = [Column { name: "wann".to_owned(), kind: Kind::LocalTime }];
        assert_eq!(find(&names::OCCURRED_AT, &other, &[]), Some((0, Why::OnlyOne)));
    }
}
