//! Random journeys and the plans that they run under, for the property tests.

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;
use touchline::config::plan::{Model, Plan};
use touchline::config::{Overrides, parse};
use touchline::engine::memory::{Memory, MemoryRow};

/// 2026-04-01T00:00:00Z, in µs since the epoch: the first instant at which a row may lie.
pub const START_US: i64 = 1_775_001_600_000_000;
/// Microseconds of an hour.
pub const HOUR_US: i64 = 3_600_000_000;
/// Rows lie at multiples of six hours, so that they tie and meet the ends of windows exactly.
const STEP_HOURS: i64 = 6;

/// One row of a touchpoint log.
#[derive(Debug, Clone)]
pub struct Row {
    pub customer: u8,
    pub time_us: i64,
    pub event: &'static str,
    pub channel: Option<&'static str>,
    pub campaign: Option<&'static str>,
    pub amount_minor: Option<i64>,
    pub event_id: Option<u8>,
}

/// What a plan may say otherwise.
#[derive(Debug, Clone)]
pub struct Settings {
    pub lookback_hours: i64,
    pub ordered: bool,
    pub stage_window_hours: Option<i64>,
    /// Index into [`STAGE_RULES`].
    pub stage_rules: usize,
    pub restart: bool,
    pub null_paths: bool,
    /// Instead of the default, [`TOUCH_EVENTS`] are touches, with or without a channel.
    pub touches_by_rule: bool,
    /// In the words of the configuration.
    pub path: &'static str,
    /// Whether credit goes to campaigns too.
    pub by_campaign: bool,
    pub position: (f64, f64),
    pub half_life_hours: i64,
    pub max_path_touches: usize,
    /// [`EVENT_ORDER`] decides at the same instant.
    pub event_order: bool,
}

/// Stages with their events; rows may match several.
pub const STAGE_RULES: [&[(&str, &[&str])]; 3] = [
    &[("see", &["view", "click"]), ("pick", &["cart"]), ("own", &["buy", "renew"])],
    &[("see", &["click", "cart"]), ("pick", &["cart", "click"]), ("own", &["buy", "cart"])],
    &[("see", &["view"]), ("try", &["click", "view"]), ("pick", &["cart", "buy"]), ("own", &["buy"])],
];
/// Conversions with their events and fixed worth in cents; None: the row's value.
pub const CONVERSIONS: [(&str, &[&str], Option<i64>); 3] =
    [("purchase", &["buy"], None), ("renewal", &["renew"], Some(250)), ("either", &["renew", "buy"], None)];
/// The channel that `last_non_direct` passes over.
pub const DIRECT: &str = "shop";
pub const TOUCH_EVENTS: [&str; 3] = ["click", "cart", "buy"];
pub const EVENT_ORDER: [&str; 3] = ["buy", "view", "cart"];
/// Rows are read from at least so long before the window on.
pub const METRIC_HOURS: i64 = 48;
/// The reporting window begins on day 3 and ends on day 12.
pub const WINDOW_DAYS: (i64, i64) = (3, 12);

impl Settings {
    /// The plan.
    pub fn plan(&self) -> Plan {
        let mut text = String::from(
            "[job]\nname = \"random\"\ntimezone = \"UTC\"\ncurrency = \"EUR\"\n\
             [inputs.touchpoints]\npath = \"touchpoints/*.parquet\"\n\
             [inputs.customers]\npath = \"customers.parquet\"\n\
             [inputs.assignments]\npath = \"assignments.parquet\"\n\
             [segments]\ndimensions = [\"country\", \"first_channel\"]\nmin_customers = 1\n\
             [experiments.colour]\ncontrol = \"A\"\nmetrics = [\"revenue\"]\nweights = { A = 0.5, B = 0.5 }\n\
             [contract]\ndedupe = \"off\"\n",
        );
        // A list of names is written in TOML as in Rust.
        let quoted = |names: &[&str]| format!("{names:?}");
        let mode = if self.ordered { "ordered" } else { "any" };
        let stages = STAGE_RULES[self.stage_rules];
        let mut put = |line: String| {
            text.push_str(&line);
            text.push('\n');
        };
        put(format!("max_path_touches = {}", self.max_path_touches));
        put(format!("[window]\nfrom = \"2026-04-{:02}\"", WINDOW_DAYS.0 + 1));
        put(format!("to = \"2026-04-{:02}\"\nlookback = \"{}h\"", WINDOW_DAYS.1 + 1, self.lookback_hours));
        if self.event_order {
            put(format!("[journey]\nevent_order = {}", quoted(&EVENT_ORDER)));
        }
        let names: Vec<&str> = stages.iter().map(|(name, _)| *name).collect();
        put(format!("[stages]\norder = {}\nmode = \"{mode}\"", quoted(&names)));
        if let Some(hours) = self.stage_window_hours {
            put(format!("window = \"{hours}h\""));
        }
        put("[stages.rules]".to_owned());
        for (name, events) in stages {
            put(format!("{name} = [ {{ event = {} }} ]", quoted(events)));
        }
        for (name, events, worth) in CONVERSIONS {
            let worth = worth.map_or("\"value\"".to_owned(), |minor| format!("{}", minor as f64 / 100.0));
            put(format!("[conversions.{name}]\nevent = {}\nvalue = {worth}", quoted(events)));
        }
        let metric = "kind = \"mean\"\nconversion = \"purchase\"\nof = \"value\"";
        put(format!("[metrics.revenue]\n{metric}\nwindow = \"{METRIC_HOURS}h\""));
        let after = if self.restart { "restart" } else { "reuse" };
        put(format!("[attribution]\nafter_conversion = \"{after}\"\nnull_paths = {}", self.null_paths));
        let models: Vec<&str> = Model::ALL.iter().map(|model| model.as_str()).collect();
        let by = if self.by_campaign { "both" } else { "channel" };
        put(format!("models = {models:?}\nby = \"{by}\"\npath = \"{}\"", self.path));
        put(format!("position = {{ first = {}, last = {} }}", self.position.0, self.position.1));
        put(format!("half_life = \"{}h\"", self.half_life_hours));
        if self.touches_by_rule {
            put(format!("touches = [ {{ event = {} }} ]", quoted(&TOUCH_EVENTS)));
        }
        put(format!("[channels]\ndirect = {DIRECT:?}"));
        let parsed = parse(&text, Path::new("touchline.toml"), &Overrides::default(), &|_| None);
        parsed.unwrap_or_else(|errors| panic!("{}", errors.render(false)))
    }
}

/// Any settings.
pub fn settings() -> impl Strategy<Value = Settings> {
    let steps = |range: std::ops::Range<i64>| range.prop_map(|step| step * STEP_HOURS);
    let position = prop::sample::select(vec![(0.4, 0.4), (0.2, 0.6), (0.3, 0.0), (0.5, 0.5)]);
    let when = (steps(1..40), any::<bool>(), prop::option::of(steps(1..40)), steps(1..40));
    let path = prop::sample::select(vec!["unique", "unique", "exposure", "first", "frequency"]);
    let longest = prop::sample::select(vec![2_usize, 3, 1_000]);
    let what = (0..STAGE_RULES.len(), any::<[bool; 5]>(), path, position, longest);
    (when, what).prop_map(|((lookback_hours, ordered, stage_window_hours, half_life_hours), what)| {
        let (
            stage_rules,
            [restart, null_paths, touches_by_rule, event_order, by_campaign],
            path,
            position,
            max_path_touches,
        ) = what;
        Settings {
            lookback_hours,
            ordered,
            stage_window_hours,
            stage_rules,
            restart,
            null_paths,
            touches_by_rule,
            path,
            by_campaign,
            position,
            half_life_hours,
            max_path_touches,
            event_order,
        }
    })
}

/// Up to `most` rows of up to six customers, from three days before the window to two after it; and one in
/// the window that is nothing, as a run without any row is an error.
pub fn rows(most: usize, amounts: impl Strategy<Value = Option<i64>>) -> impl Strategy<Value = Vec<Row>> {
    let event = prop::sample::select(vec!["view", "click", "click", "cart", "buy", "renew", "noise"]);
    let channel = prop::sample::select(vec![None, Some("ads"), Some("mail"), Some("search"), Some("shop")]);
    let place = (0_u8..6, 0..14 * 24 / STEP_HOURS);
    let campaign = prop::sample::select(vec![None, Some("spring"), Some("sale"), Some("brand")]);
    let row = (place, event, (channel, campaign), amounts, prop::option::of(0_u8..3)).prop_map(
        |((customer, step), event, (channel, campaign), amount_minor, event_id)| Row {
            customer,
            time_us: START_US + step * STEP_HOURS * HOUR_US,
            event,
            channel,
            campaign,
            amount_minor,
            event_id,
        },
    );
    let noise = Row {
        customer: 0,
        time_us: START_US + WINDOW_DAYS.0 * 24 * HOUR_US,
        event: "noise",
        channel: None,
        campaign: None,
        amount_minor: None,
        event_id: None,
    };
    prop::collection::vec(row, 0..most).prop_map(move |mut rows| {
        rows.push(noise.clone());
        rows
    })
}

/// Hands rows to the kernel; with the first row of a customer come the attributes and the assignment.
pub fn memory<'a>(plan: &'a Plan, rows: &[Row], readers: usize) -> Memory<'a> {
    let mut memory = Memory::new(plan, &["country"], readers);
    let texts = ["event", "channel", "campaign"];
    assert!(texts.iter().take(memory.texts().len()).eq(memory.texts()), "{:?}", memory.texts());
    let mapped = memory.texts().len();
    let mut known = BTreeSet::new();
    for row in rows {
        let customer = format!("customer {}", row.customer);
        memory.push(&MemoryRow {
            customer: &customer,
            time_us: row.time_us,
            texts: &[Some(row.event), row.channel, row.campaign][..mapped],
            amount_minor: row.amount_minor,
            event: row.event_id.map(|id| id.to_string()).as_deref(),
            order: None,
        });
        if known.insert(row.customer) {
            let odd = row.customer % 2 == 1;
            memory.attributes(&customer, &[(row.customer > 1).then_some(if odd { "BG" } else { "DE" })]);
            let assigned_us = START_US + (i64::from(row.customer) + 2) * 24 * HOUR_US;
            memory.assign(&customer, "colour", if odd { "A" } else { "B" }, assigned_us);
        }
    }
    memory
}
