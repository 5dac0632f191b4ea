//! The books close, and nothing but the rows decides what they show.

use polars::prelude::{AnyValue, DataFrame};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use touchline::analyses::NamedFrame;
use touchline::attribution::allocate::MILLIONTHS;
use touchline::config::plan::Plan;
use touchline::engine::work;

use crate::journeys::{CONVERSIONS, HOUR_US, Row, START_US, Settings, WINDOW_DAYS, memory, rows, settings};

/// The contract takes amounts below this many minor units.
const HUGE_MINOR: i64 = 9_000_000_000_000_000 - 1;

fn frames(plan: &Plan, rows: &[Row], readers: usize, threads: usize) -> Vec<NamedFrame> {
    let pool = work::pool(threads).expect("threads");
    memory(plan, rows, readers).frames(&pool).expect("frames").frames
}

fn texts(frame: &DataFrame, column: &str) -> Vec<String> {
    let column = frame.column(column).expect("a column").str().expect("texts").clone();
    column.iter().map(|text| text.unwrap_or_default().to_owned()).collect()
}

fn figures(frame: &DataFrame, column: &str) -> Vec<Option<f64>> {
    frame.column(column).expect("a column").f64().expect("figures").to_vec()
}

/// Every cell to the last bit, so that no two frames that differ give the same.
pub fn bytes(frames: &[NamedFrame]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, frame) in frames {
        bytes.extend(format!("{name} {:?} {:?}\n", frame.shape(), frame.schema()).into_bytes());
        for column in frame.columns() {
            for row in 0..column.len() {
                match column.get(row).expect("a row") {
                    AnyValue::Float64(figure) => bytes.extend(figure.to_bits().to_be_bytes()),
                    cell => bytes.extend(format!("{cell:?}\n").into_bytes()),
                }
            }
        }
    }
    bytes
}

/// Conversions and their value in the window, counted from the rows themselves.
fn booked(rows: &[Row], events: &[&str], fixed_minor: Option<i64>) -> (i128, i128) {
    let window = WINDOW_DAYS.0 * 24 * HOUR_US..WINDOW_DAYS.1 * 24 * HOUR_US;
    let own =
        rows.iter().filter(|row| events.contains(&row.event) && window.contains(&(row.time_us - START_US)));
    own.fold((0, 0), |(count, value), row| {
        let worth = fixed_minor.unwrap_or(row.amount_minor.unwrap_or(0));
        (count + 1, value + i128::from(worth))
    })
}

/// `credit` and `value` of `stage_attribution`, summed in whole units over the rows of a target, model and level.
fn attributed(frame: &DataFrame, target: &str, model: &str, level: &str) -> (i128, i128) {
    let [targets, models, levels] = ["target", "model", "level"].map(|column| texts(frame, column));
    let [credit, value] = ["credit", "value"].map(|column| figures(frame, column));
    let own = (0..frame.height())
        .filter(|row| targets[*row] == target && models[*row] == model && levels[*row] == level);
    own.fold((0, 0), |sums, row| {
        // Figures below 2^53 units are exact but for the last digit of the division.
        let whole = |figure: Option<f64>, unit: f64| (figure.unwrap_or(0.0) * unit).round() as i128;
        (sums.0 + whole(credit[row], MILLIONTHS as f64), sums.1 + whole(value[row], 100.0))
    })
}

fn check_books(settings: &Settings, rows: &[Row]) {
    let plan = settings.plan();
    let frames = frames(&plan, rows, 2, 1);
    let named = |wanted: &str| -> Vec<&DataFrame> {
        frames.iter().filter(|(name, _)| *name == wanted).map(|(_, frame)| frame).collect()
    };
    let mut lines = 0;
    for ledger in named("reconciliation") {
        for difference in figures(ledger, "difference") {
            assert_eq!(difference, Some(0.0), "{ledger}");
            lines += 1;
        }
    }
    let models: Vec<_> = plan.attribution.models.iter().filter(|model| model.is_additive()).collect();
    let levels = if settings.by_campaign { &["channel", "campaign"][..] } else { &["channel"] };
    let expected = 2 * models.len() * CONVERSIONS.len() * levels.len();
    assert_eq!(lines, expected, "credit and value of every conversion, model and level");

    let attribution = named("stage_attribution")[0];
    for (model, level) in models.iter().flat_map(|model| levels.iter().map(move |level| (model, *level))) {
        for (target, events, fixed_minor) in CONVERSIONS {
            let (count, value) = booked(rows, events, fixed_minor);
            let found = attributed(attribution, target, model.as_str(), level);
            let expected = (count * i128::from(MILLIONTHS), value);
            assert_eq!(found, expected, "{target}, {}, {level}", model.as_str());
        }
        let funnel = named("stage_funnel")[0];
        let entered = funnel.column("entered").expect("a column").i64().expect("counts").to_vec();
        for (stage, entered) in texts(funnel, "stage").iter().zip(entered) {
            let expected = i128::from(entered.unwrap_or(0)) * i128::from(MILLIONTHS);
            assert_eq!(attributed(attribution, stage, model.as_str(), level), (expected, 0), "stage {stage}");
        }
    }
}

/// As above, where values are too large for the tables' figures to hold them exactly.
fn check_huge_books(settings: &Settings, rows: &[Row]) {
    let plan = settings.plan();
    let pool = work::pool(1).expect("a thread");
    let found = memory(&plan, rows, 2).attribution(&pool).expect("attribution");
    for (target, solved) in found.rules.targets.iter().zip(&found.solved.targets) {
        let Some((_, events, fixed_minor)) = CONVERSIONS.iter().find(|(name, ..)| *name == target.name)
        else {
            continue;
        };
        let (_, value) = booked(rows, events, *fixed_minor);
        assert_eq!(solved.total.value_minor, value);
        for model in solved.models.iter().filter(|model| model.model.is_additive()) {
            let credited: i128 = model.channels.iter().map(|channel| channel.value_minor).sum();
            let what = format!("value of {}, {}", target.name, model.model.as_str());
            assert_eq!(credited + solved.total.unattributed_value_minor, value, "{what}");
        }
    }
}

fn amounts(most: i64) -> impl Strategy<Value = Option<i64>> {
    prop_oneof![Just(None), Just(Some(0)), (1..1_000_i64).prop_map(Some), (0..=most).prop_map(Some)]
}

/// So many cases without optimisation, in a few seconds, and ten times as many with it.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases: if cfg!(debug_assertions) { cases } else { 10 * cases },
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..ProptestConfig::default()
    }
}

fn rows_twice() -> impl Strategy<Value = (Vec<Row>, Vec<Row>)> {
    rows(80, amounts(1_000_000)).prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle()))
}

proptest! {
    #![proptest_config(cases(12))]

    #[test]
    fn books_close(settings in settings(), rows in rows(60, amounts(1_000_000_000))) {
        check_books(&settings, &rows);
    }

    #[test]
    fn books_of_huge_values_close(settings in settings(), rows in rows(60, amounts(HUGE_MINOR))) {
        check_huge_books(&settings, &rows);
    }

    /// Neither the order of rows, nor how many readers and threads share them, nor how partials merge.
    #[test]
    fn only_the_rows_decide(
        settings in settings(),
        (rows, shuffled) in rows_twice(),
        readers in 1_usize..6,
        partials in 1_usize..5,
        threads in 1_usize..4,
    ) {
        let plan = settings.plan();
        let pool = work::pool(threads).expect("threads");
        let other = memory(&plan, &shuffled, readers).frames_merged(&pool, partials).expect("frames");
        prop_assert!(bytes(&frames(&plan, &rows, 1, 1)) == bytes(&other.frames), "other bytes");
    }
}

proptest! {
    #![proptest_config(cases(2))]

    #[test]
    fn books_of_many_conversions_close(settings in settings(), rows in rows(4_000, amounts(100_000))) {
        check_books(&settings, &rows);
    }
}
