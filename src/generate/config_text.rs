//! The `touchline.toml` that runs on the generated warehouse as it is.

use super::layout;
use super::world::STAGES;

/// The text of the config for a window of so many days.
pub(super) fn config_text(days: u32) -> String {
    let from = layout::day_name(0);
    let to = layout::day_name(days);
    let rules: String = STAGES
        .iter()
        .map(|(stage, events)| {
            let names: Vec<String> = events.iter().map(|event| format!("\"{}\"", event.name())).collect();
            format!("{stage} = [ {{ event = [{}] }} ]\n", names.join(", "))
        })
        .collect();
    format!(
        r#"# A generated warehouse. What was planted in it, and what a run should find: TRUTHS.md

[job]
name = "generated"
timezone = "UTC"
currency = "EUR"

[window]
from = "{from}"
to = "{to}"                  # half-open: the first instant that is no longer read
lookback = "30d"                   # how far a conversion looks back for touches

[inputs.touchpoints]
path = "touchpoints/**/*.parquet"

[inputs.spend]
path = "spend/*.csv"

[inputs.customers]
path = "{customers}"

[inputs.assignments]
path = "{assignments}"

[inputs.suppress]                  # these customers are dropped before anything is counted
path = "{suppress}"

[stages]
preset = "lifecycle"
mode = "ordered"                   # a stage counts once the ones before it were entered

[stages.rules]
{rules}
[conversions.purchase]
event = ["purchase"]
value = "value"

[conversions.referral]
event = ["referral"]

[attribution]
models = ["first_touch", "last_touch", "linear", "position", "time_decay", "markov", "shapley"]

[segments]
dimensions = ["country", "plan", "device_type", "first_channel"]
min_customers = 10                 # smaller segments are merged; no table tells of one or two customers
population = "active"              # customers with a row in the window; "all": everybody in the customers table

[segments.rules]                   # what customers do, as dimensions with the segments yes and no
cart_abandoner = [ {{ event = ["add_to_cart"], without = ["purchase"], within = "1d" }} ]
high_intent = [ {{ event = ["product_view", "search"], at_least = 2, within = "1d" }} ]

[metrics.conversion_rate]          # bought at least once within 14 days of exposure
kind = "proportion"
conversion = "purchase"
window = "14d"

[metrics.revenue]                  # per customer; what one counts at most keeps a few businesses from deciding
kind = "mean"
conversion = "purchase"
of = "value"
window = "14d"
cap = {{ percentile = 0.99 }}

[metrics.order_value]              # sum over sum
kind = "ratio"
numerator = {{ conversion = "purchase", of = "value" }}
denominator = {{ conversion = "purchase", of = "count" }}
window = "14d"

[metrics.revenue_p90]              # over all customers, those with nothing among them
kind = "quantile"
quantile = 0.9
conversion = "purchase"
of = "value"
window = "14d"

[metrics.referral_rate]
kind = "proportion"
conversion = "referral"
window = "14d"

[metrics.repeat_rate]              # ordered again within 30 days of the first delivery
kind = "proportion"
conversion = "purchase"
window = "30d"

[metrics.repeat_revenue]
kind = "mean"
conversion = "purchase"
of = "value"
window = "30d"

[experiments.checkout_flow]
control = "A"
weights = {{ A = 0.5, B = 0.5 }}
metrics = ["conversion_rate", "revenue", "order_value"]
guardrails = ["revenue_p90", "referral_rate"]   # must not get worse
flat_within = 0.05                 # relative: less than that is no difference worth having
target_lift = 0.05                 # relative: what one would like to find; says how many customers that takes

[experiments.reorder_mail]
control = "A"
weights = {{ A = 0.5, B = 0.5 }}
metrics = ["repeat_rate", "repeat_revenue"]
pre_period = "30d"                 # adjusts for what customers paid before

[experiments."*"]                  # what the log has beside these, such as email_subject: equal weights are assumed
control = "A"
metrics = ["conversion_rate", "revenue"]

[output]
path = "{output}"
"#,
        customers = layout::CUSTOMERS,
        assignments = layout::ASSIGNMENTS,
        suppress = layout::SUPPRESS,
        output = layout::OUTPUT_DIR,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_config_is_toml_with_the_window_of_the_days() {
        let config: toml::Table = config_text(90).parse().expect("TOML");
        assert_eq!(config["window"]["from"].as_str(), Some("2026-04-01"));
        assert_eq!(config["window"]["to"].as_str(), Some("2026-06-30"));
        assert_eq!(config["stages"]["rules"].as_table().map(toml::Table::len), Some(6));
        assert_eq!(config["experiments"]["checkout_flow"]["weights"]["B"].as_float(), Some(0.5));
    }
}
