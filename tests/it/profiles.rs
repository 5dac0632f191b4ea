//! Each profile against an example that its tool publishes. Sources stand in `docs/profiles.md`.

use std::path::Path;

use touchline::config::plan::{DAY_US, Model, Plan};
use touchline::config::{Overrides, parse};
use touchline::engine::memory::{Memory, MemoryRow};
use touchline::engine::work;

use crate::support::micros;

/// A plan with one conversion under a profile; `window` and `more` are lines of `[window]` and `[attribution]`.
fn plan(profile: &str, window: &str, more: &str) -> Plan {
    let text = format!(
        "[inputs.touchpoints]\npath = \"touchpoints\"\n[window]\nfrom = \"2026-05-01\"\nto = \"2026-06-01\"\n{window}\n\
         [conversions.purchase]\nevent = \"purchase\"\nvalue = \"value\"\n\
         [attribution]\nprofile = \"{profile}\"\n{more}\n"
    );
    let parsed = parse(&text, Path::new("touchline.toml"), &Overrides::default(), &|_| None);
    parsed.unwrap_or_else(|errors| panic!("{}", errors.render(false)))
}

/// Touches of one customer in order, each with its channel, then the conversion worth so many cents.
fn journey<'a>(plan: &'a Plan, touches: &[(&str, &str)], at: &str, cents: i64) -> Memory<'a> {
    let mut memory = Memory::new(plan, &[], 1);
    let rows = touches.iter().map(|(channel, time)| (Some(*channel), "visit", *time, None));
    let conversion = (None, "purchase", at, Some(cents));
    for (number, (channel, event, time, amount_minor)) in rows.chain([conversion]).enumerate() {
        memory.push(&MemoryRow {
            customer: "somebody",
            time_us: micros(time),
            texts: &[Some(event), channel],
            amount_minor,
            // At the same instant the order is that of the ids.
            event: Some(&number.to_string()),
            order: None,
        });
    }
    memory
}

/// Credited cents by channel under a model, as `channel cents`, those without credit left out.
fn cents(plan: &Plan, model: Model, touches: &[(&str, &str)], at: &str, value: i64) -> String {
    let pool = work::pool(1).expect("a thread");
    let found = journey(plan, touches, at, value).attribution(&pool).expect("figures");
    let solved = found.solved.targets[0].models.iter().find(|solved| solved.model == model);
    let solved = solved.unwrap_or_else(|| panic!("the profile has no {}", model.as_str()));
    let shown = found.rules.channels.iter().zip(&solved.channels);
    let shown = shown.filter(|(_, credit)| credit.value_minor != 0);
    shown.map(|(channel, credit)| format!("{channel} {}", credit.value_minor)).collect::<Vec<_>>().join(", ")
}

/// Adobe Customer Journey Analytics, attribution models: a conversion of 50.
#[test]
fn adobe() {
    let touches = [
        ("search", "05-11 12:00"),
        ("social", "05-14 12:00"),
        ("email", "05-20 12:00"),
        ("display", "05-20 12:00"),
    ];
    let under = |more: &str, model| cents(&plan("adobe", "", more), model, &touches, "05-20 12:00", 5_000);
    assert_eq!(under("", Model::Linear), "display 1250, email 1250, search 1250, social 1250");
    assert_eq!(under("", Model::TimeDecay), "display 1688, email 1688, search 692, social 932");
    assert_eq!(under("", Model::Position), "display 2000, email 500, search 2000, social 500");
    let j = "position = { first = 0.2, last = 0.6 }";
    assert_eq!(under(j, Model::Position), "display 3000, email 500, search 1000, social 500");
    assert_eq!(under("", Model::LastTouch), "display 5000");
    assert_eq!(under("", Model::Participation), "display 5000, email 5000, search 5000, social 5000");
    assert_eq!(under("", Model::Shapley), "display 1250, email 1250, search 1250, social 1250");
}

/// Google Analytics, get started with attribution: paid and organic last click.
#[test]
fn ga4() {
    let plan = plan("ga4", "", "");
    assert_eq!(plan.window.lookback_us, 90 * DAY_US);
    let day = ["05-10 08:00", "05-11 08:00", "05-12 08:00", "05-13 08:00"];
    let last = |channels: &[&'static str]| {
        let touches: Vec<(&str, &str)> = channels.iter().copied().zip(day).collect();
        cents(&plan, Model::LastNonDirect, &touches, "05-14 08:00", 100)
    };
    assert_eq!(last(&["Display", "Social", "Paid Search", "Organic Search"]), "Organic Search 100");
    assert_eq!(last(&["Display", "Social", "Paid Search", "Email"]), "Email 100");
    assert_eq!(last(&["Display", "Social", "Paid Search", "Direct"]), "Paid Search 100");
    assert_eq!(last(&["Direct"]), "Direct 100");
}

/// Mixpanel, attribution: U-shape over six touches and over two; funnels: the window begins with the first step.
#[test]
fn mixpanel() {
    let touches = [
        ("a", "05-10 08:00"),
        ("b", "05-11 08:00"),
        ("c", "05-12 08:00"),
        ("d", "05-13 08:00"),
        ("e", "05-14 08:00"),
        ("f", "05-15 08:00"),
    ];
    let plan = plan("mixpanel", "", "");
    let u = |touches: &[(&str, &str)]| cents(&plan, Model::Position, touches, "05-16 08:00", 10_000);
    assert_eq!(u(&touches), "a 4000, b 500, c 500, d 500, e 500, f 4000");
    assert_eq!(u(&touches[..2]), "a 5000, b 5000");
    let j = "position = \"j\"";
    let j = cents(&self::plan("mixpanel", "", j), Model::Position, &touches[..2], "05-16 08:00", 10_000);
    assert_eq!(j, "a 2500, b 7500");
}

#[test]
fn mixpanel_funnel() {
    let stages = |window: &str| {
        let text = format!(
            "[inputs.touchpoints]\npath = \"touchpoints\"\n[window]\nfrom = \"2026-05-01\"\nto = \"2026-06-01\"\n\
             [attribution]\nprofile = \"mixpanel\"\n[stages]\norder = [\"A\", \"B\", \"C\"]\n{window}\n\
             [stages.rules]\nA = [ {{ event = \"a\" }} ]\nB = [ {{ event = \"b\" }} ]\nC = [ {{ event = \"c\" }} ]\n"
        );
        parse(&text, Path::new("touchline.toml"), &Overrides::default(), &|_| None).expect("a plan")
    };
    assert_eq!(stages("").stages.window_us, Some(7 * DAY_US));
    let plan = stages("window = \"1h\"");
    let mut memory = Memory::new(&plan, &[], 1);
    for (event, time) in
        [("a", "05-10 13:00"), ("a", "05-10 13:30"), ("b", "05-10 13:45"), ("c", "05-10 14:15")]
    {
        memory.push(&MemoryRow {
            customer: "somebody",
            time_us: micros(time),
            texts: &[Some(event), None],
            amount_minor: None,
            event: None,
            order: None,
        });
    }
    let frames = memory.frames(&work::pool(1).expect("a thread")).expect("frames").frames;
    let (_, funnel) = frames.iter().find(|(name, _)| *name == "stage_funnel").expect("a funnel");
    let entered: Vec<i64> =
        funnel.column("entered").expect("a column").i64().expect("counts").into_no_null_iter().collect();
    assert_eq!(entered, [1, 1, 0], "C comes more than an hour after the first A");
}

/// Amplitude, attribute credit to multiple acquisition touch points: example calculation.
#[test]
fn amplitude() {
    let touches = [("Google", "05-01 00:00"), ("Facebook", "05-07 00:00"), ("TikTok", "05-10 00:00")];
    let under = |window: &str, more: &str, model| {
        cents(&plan("amplitude", window, more), model, &touches, "05-10 00:00", 9_900)
    };
    let week = "lookback = \"7d\"";
    assert_eq!(under("", "", Model::FirstTouch), "Google 9900");
    assert_eq!(under(week, "", Model::FirstTouch), "Facebook 9900");
    assert_eq!(under(week, "", Model::LastTouch), "TikTok 9900");
    assert_eq!(under("", "", Model::Linear), "Facebook 3300, Google 3300, TikTok 3300");
    assert_eq!(under(week, "", Model::Linear), "Facebook 4950, TikTok 4950");
    assert_eq!(under("", "position = \"j\"", Model::Position), "Facebook 1980, Google 1980, TikTok 5940");
    let own = "position = { first = 0.05, last = 0.75 }";
    assert_eq!(under("", own, Model::Position), "Facebook 1980, Google 495, TikTok 7425");
}

/// Snowplow attribution package, integration seeds.
#[test]
fn snowplow() {
    let plan = plan("snowplow", "", "");
    let u = |touches: &[(&str, &str)], value| cents(&plan, Model::Position, touches, "05-16 08:00", value);
    let three = [("direct", "05-10 08:00"), ("organic", "05-11 08:00"), ("direct", "05-12 08:00")];
    assert_eq!(u(&three, 14_000), "direct 11200, organic 2800", "56, 28 and 56");
    assert_eq!(u(&three[..2], 6_650), "direct 3325, organic 3325");
    // The transform `exposure` makes one touch of neighbours of one channel.
    let again = [("direct", "05-09 08:00"), three[0], three[1]];
    assert_eq!(u(&again, 6_650), "direct 3325, organic 3325");
}

#[test]
fn what_the_file_says_wins_over_the_profile() {
    let own =
        plan("ga4", "lookback = \"12d\"", "models = [\"linear\"]\nnull_paths = false\nhalf_life = \"3d\"");
    assert_eq!(own.window.lookback_us, 12 * DAY_US);
    assert_eq!(own.attribution.models, [Model::Linear]);
    assert!(!own.attribution.null_paths);
    assert_eq!(own.attribution.half_life_us, 3 * DAY_US);
}
