//! Funnels and transitions of a shop's clickstream, against the figures of retentioneering 5.2.4 and, with
//! stage windows, against a naive count. See [`crate::reference`] for where the data are.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array};
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use touchline::job::Table;

use crate::journeys::HOUR_US;
use crate::naive_funnel::{NaiveFunnel, NaiveStep, StagedRow, assert_hours, check_funnel, check_steps};
use crate::reference::{data, number, read, row_of, run, table, told_absent, write};
use crate::support;

/// A stage and its events.
type StageOf<'e> = (&'e str, &'e [&'e str]);

const MAIN: [StageOf<'static>; 5] = [
    ("product_view", &["product_view"]),
    ("add_to_cart", &["add_to_cart"]),
    ("shipping_details", &["shipping_details"]),
    ("payment_details", &["payment_details"]),
    ("purchase", &["purchase"]),
];

/// Stages that share events, so that a row may be of several.
const OVERLAPPING: [StageOf<'static>; 4] = [
    ("browse", &["catalog", "search", "product_view"]),
    ("consider", &["product_view", "review_page", "compare"]),
    ("cart", &["product_view", "add_to_cart", "cart"]),
    ("purchase", &["purchase"]),
];

/// The rows of the set, in the order of the file.
struct Clicks {
    customers: Vec<String>,
    times_us: Vec<i64>,
    events: Vec<String>,
}

impl Clicks {
    /// Reads the set, and writes it again with the number of each row as its id: rows of one instant keep
    /// the order of the file then.
    fn numbered(data: &Path, temp: &Path) -> Clicks {
        let batch = read(&data.join("clickstream/events.parquet"));
        let cast = |name: &str, to: &DataType| {
            arrow::compute::cast(batch.column_by_name(name).unwrap(), to).unwrap()
        };
        let texts = |name: &str| -> Vec<String> {
            let column = cast(name, &DataType::Utf8);
            column.as_string::<i32>().iter().map(|text| text.unwrap().to_owned()).collect()
        };
        let times = cast("timestamp", &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())));
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..batch.num_rows() as i64));
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("event_id", ids),
            ("customer_id", cast("user_id", &DataType::Utf8)),
            ("occurred_at", Arc::clone(&times)),
            ("event", cast("event", &DataType::Utf8)),
            ("channel", cast("acquisition_channel", &DataType::Utf8)),
        ];
        write(&temp.join("clicks.parquet"), &RecordBatch::try_from_iter(columns).unwrap());
        Clicks {
            customers: texts("user_id"),
            times_us: times.as_primitive::<TimestampMicrosecondType>().values().to_vec(),
            events: texts("event"),
        }
    }

    /// Rows before an instant by customer, in order, with the stages they match.
    fn staged(&self, stages: &[StageOf<'_>], to_us: i64) -> BTreeMap<&str, Vec<StagedRow>> {
        let mut customers: BTreeMap<&str, Vec<StagedRow>> = BTreeMap::new();
        for at in (0..self.events.len()).filter(|at| self.times_us[*at] < to_us) {
            let is_in = |stage: &usize| stages[*stage].1.contains(&self.events[at].as_str());
            let own = (0..stages.len()).filter(is_in).collect();
            customers.entry(&self.customers[at]).or_default().push((self.times_us[at], own));
        }
        // Stable, so that ties stay as they are in the file.
        customers.values_mut().for_each(|rows| rows.sort_by_key(|row| row.0));
        customers
    }
}

/// A run over the numbered clicks.
fn funnel(data: &Path, temp: &Path, stages: &[StageOf<'_>], more: &str) -> Vec<Table> {
    let names: Vec<&str> = stages.iter().map(|(name, _)| *name).collect();
    let rules: String =
        stages.iter().map(|(name, events)| format!("{name} = [ {{ event = {events:?} }} ]\n")).collect();
    let text = format!(
        "{more}\norder = {names:?}\n[stages.rules]\n{rules}\n[segments]\nmin_customers = 1\n[contract]\ndedupe = \"off\"\n\
         [inputs.touchpoints]\npath = \"{{temp}}/clicks.parquet\"\ncolumns = {{ event_id = \"event_id\" }}\n"
    );
    run(&text, data, temp)
}

/// Half an hour, an hour, a day, and no limit.
const WINDOWS: [(Option<&str>, i64); 4] =
    [(None, 0), (Some("30m"), HOUR_US / 2), (Some("1h"), HOUR_US), (Some("1d"), 24 * HOUR_US)];

#[test]
fn funnels_of_a_clickstream_with_windows_are_those_of_a_naive_count() {
    let Some(data) = data() else { return told_absent() };
    let temp = tempfile::tempdir().unwrap();
    let clicks = Clicks::numbered(&data, temp.path());
    // The whole set, and two months of it, with what stands before them as context: some enter before
    // `from`, some are too young at `to`.
    for (from, to) in [("2024-01-01 00:00", "2024-07-01 00:00"), ("2024-02-20 07:30", "2024-04-19 18:45")] {
        let (from_us, to_us) = (support::micros(from), support::micros(to));
        let instant = |text: &str| format!("{}:00Z", text.replace(' ', "T"));
        let (from, to) = (instant(from), instant(to));
        for stages in [&MAIN[..], &OVERLAPPING[..]] {
            let customers = clicks.staged(stages, to_us);
            for ((window, window_us), mode) in WINDOWS.into_iter().flat_map(|w| [(w, "ordered"), (w, "any")])
            {
                let naive = NaiveFunnel {
                    stages: stages.len(),
                    ordered: mode == "ordered",
                    window_us: window.map(|_| window_us),
                    from_us,
                    to_us,
                };
                let window = window.map_or_else(String::new, |window| format!("window = \"{window}\""));
                let more = format!(
                    "[window]\nfrom = \"{from}\"\nto = \"{to}\"\nhistory = \"400d\"\n\
                     [stages]\nmode = \"{mode}\"\n{window}"
                );
                let tables = funnel(&data, temp.path(), stages, &more);
                let what = format!("{mode} {window} from {from}");
                let wanted = naive.stages(customers.values());
                check_funnel(table(&tables, "stage_funnel"), &wanted, &what);
                let names: Vec<&str> = stages.iter().map(|(name, _)| *name).collect();
                check_steps(table(&tables, "stage_transitions"), &names, &naive.steps(customers.values()));
            }
        }
    }
}

#[test]
fn conversions_of_a_clickstream_within_a_time_are_those_of_retentioneering() {
    let Some(data) = data() else { return told_absent() };
    let temp = tempfile::tempdir().unwrap();
    Clicks::numbered(&data, temp.path());
    let figures: serde_json::Value =
        serde_json::from_reader(File::open(data.join("clickstream/expected_funnel.json")).unwrap()).unwrap();
    for pair in [["add_to_cart", "purchase"], ["product_view", "add_to_cart"]] {
        let own = pair.map(|event| [event]);
        let stages: Vec<StageOf<'_>> = own.iter().map(|event| (event[0], &event[..])).collect();
        for window in ["None", "30m", "1d", "7d"] {
            let [start, end] = pair;
            let wanted = &figures[format!("conv_{start}->{end}_within_{window}_by_user_id")];
            let window = if window == "None" { String::new() } else { format!("window = \"{window}\"") };
            // Theirs take who is too young for one who stopped: so that nobody is, the reporting window ends later.
            let to = "[window]\nto = \"2024-07-20\"\n";
            let more = format!("{to}[stages]\nmode = \"ordered\"\n{window}");
            let tables = funnel(&data, temp.path(), &stages, &more);
            let found = table(&tables, "stage_funnel");
            let known = |name: &str| wanted[name].as_f64().unwrap();
            assert_eq!(number(found, 0, "entered"), known("paths_with_start"), "{pair:?} {window}");
            assert_eq!(number(found, 0, "progressed"), known("converted"), "{pair:?} {window}");
            assert_eq!(number(found, 0, "progress_rate"), known("conversion_rate"), "{pair:?} {window}");
        }
    }
}

/// `1 days 14:52:15.500000` or `0 days`, in hours.
fn hours(text: &str) -> f64 {
    let (days, clock) = text.split_once(" days").unwrap();
    let parts: Vec<f64> =
        clock.trim().split(':').filter(|part| !part.is_empty()).map(|part| part.parse().unwrap()).collect();
    let clock = match parts[..] {
        [hours, minutes, seconds] => hours + minutes / 60.0 + seconds / 3_600.0,
        _ => 0.0,
    };
    days.parse::<f64>().unwrap() * 24.0 + clock
}

/// The cells of a square table, by the names of its row and column.
fn cells(path: &Path) -> BTreeMap<(String, String), String> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let names: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let records = reader.records().map(Result::unwrap);
    let cells = records.flat_map(|record| {
        let cell = |at: usize| ((record[0].to_owned(), names[at].clone()), record[at].to_owned());
        (1..record.len()).map(cell).collect::<Vec<_>>()
    });
    cells.collect()
}

#[test]
fn transitions_of_a_clickstream_are_those_of_retentioneering() {
    let Some(data) = data() else { return told_absent() };
    let temp = tempfile::tempdir().unwrap();
    let clicks = Clicks::numbered(&data, temp.path());
    let mut events = clicks.events.clone();
    events.sort_unstable();
    events.dedup();
    let own: Vec<[&str; 1]> = events.iter().map(|event| [event.as_str()]).collect();
    let stages: Vec<StageOf<'_>> = own.iter().map(|event| (event[0], &event[..])).collect();
    let tables = funnel(&data, temp.path(), &stages, "[stages]\nmode = \"any\"");
    let transitions = table(&tables, "stage_transitions");

    let counts = cells(&data.join("clickstream/expected_transition_count.csv"));
    let times = cells(&data.join("clickstream/expected_transition_time_median.csv"));
    assert_eq!((counts.len(), times.len()), (21 * 21, 21 * 21));
    let mut pairs = 0;
    for ((from, to), wanted) in &counts {
        let wanted: f64 = wanted.parse().unwrap();
        if wanted == 0.0 {
            continue;
        }
        pairs += 1;
        let ours = |name: &str| match name {
            "path_start" => "(start)".to_owned(),
            "path_end" => "(exit)".to_owned(),
            other => other.to_owned(),
        };
        let row = row_of(transitions, &[("from_stage", &ours(from)), ("to_stage", &ours(to))]);
        assert_eq!(number(transitions, row, "transitions"), wanted, "{from} to {to}");
        // There they start and end with the first and last row, at no time; here that has no duration.
        let is_inside = from != "path_start" && to != "path_end";
        let found = transitions.column("median_hours").unwrap().f64().unwrap().get(row);
        let known = hours(&times[&(from.clone(), to.clone())]);
        assert!(is_inside || known == 0.0);
        assert_hours(found, is_inside.then_some(known), &format!("median from {from} to {to}"));
    }
    assert_eq!(pairs, transitions.height(), "no pair but theirs");
    let naive =
        NaiveFunnel { stages: stages.len(), ordered: false, window_us: None, from_us: 0, to_us: i64::MAX };
    let customers = clicks.staged(&stages, i64::MAX);
    let steps: BTreeMap<_, NaiveStep> = naive.steps(customers.values());
    let names: Vec<&str> = events.iter().map(String::as_str).collect();
    check_steps(transitions, &names, &steps);
}
