//! What comparing customers costs: two experiments of six metrics and five dimensions, against none of that.
//!
//! Both runs are of the same warehouse with the same inputs. Their configurations are the generated one with
//! other `[segments]`, `[metrics]` and `[experiments]`, so that they differ in nothing else.

use std::path::{Path, PathBuf};

use super::Outcome;
use super::warehouses::Warehouse;

/// Nothing is compared.
pub const RUN_WITHOUT: &str = "run without comparisons";
/// All of [`COMPARISONS`] is.
pub const RUN_COMPARING: &str = "run with comparisons";

/// Five dimensions, six metrics of four kinds, a pre-period and two experiments over them.
const COMPARISONS: &str = r#"
[segments]
dimensions = ["country", "plan", "device_type", "first_channel", "cart_abandoner"]
min_customers = 10

[segments.rules]
cart_abandoner = [ { event = ["add_to_cart"], without = ["purchase"], within = "1d" } ]

[metrics.conversion_rate]
kind = "proportion"
conversion = "purchase"
window = "14d"

[metrics.revenue]
kind = "mean"
conversion = "purchase"
of = "value"
window = "14d"
cap = { percentile = 0.99 }

[metrics.orders]
kind = "mean"
conversion = "purchase"
of = "count"
window = "14d"

[metrics.order_value]
kind = "ratio"
numerator = { conversion = "purchase", of = "value" }
denominator = { conversion = "purchase", of = "count" }
window = "14d"

[metrics.revenue_p90]
kind = "quantile"
quantile = 0.9
conversion = "purchase"
of = "value"
window = "14d"

[metrics.referral_rate]
kind = "proportion"
conversion = "referral"
window = "14d"

[experiments.checkout_flow]
control = "A"
weights = { A = 0.5, B = 0.5 }
metrics = ["conversion_rate", "revenue", "orders", "order_value"]
guardrails = ["revenue_p90", "referral_rate"]
pre_period = "14d"

[experiments.email_subject]
control = "A"
weights = { A = 1.0, B = 1.0, C = 1.0 }
metrics = ["conversion_rate", "revenue", "orders", "order_value"]
guardrails = ["revenue_p90", "referral_rate"]
pre_period = "14d"
"#;

/// The configurations of the two runs.
#[derive(Debug)]
pub struct Configs {
    /// Of [`RUN_WITHOUT`].
    pub without: PathBuf,
    /// Of [`RUN_COMPARING`].
    pub comparing: PathBuf,
}

/// Writes both into a folder. They stand beside no warehouse, for that takes no files but its own.
///
/// # Errors
///
/// The generated configuration can't be read, or these can't be written.
pub fn write(warehouse: &Warehouse, folder: &Path) -> Outcome<Configs> {
    let mut base: toml::Table = std::fs::read_to_string(warehouse.config())?.parse()?;
    for compared in ["segments", "metrics", "experiments"] {
        base.remove(compared);
    }
    let root = std::path::absolute(&warehouse.folder)?;
    let inputs = base.get_mut("inputs").and_then(toml::Value::as_table_mut).ok_or("no inputs")?;
    for (name, input) in inputs.iter_mut() {
        let path = input.get_mut("path").ok_or_else(|| format!("inputs.{name} has no path"))?;
        let relative = path.as_str().ok_or_else(|| format!("inputs.{name}.path is no text"))?;
        *path = root.join(relative).display().to_string().into();
    }
    std::fs::create_dir_all(folder)?;
    let configs = Configs { without: folder.join("without.toml"), comparing: folder.join("comparing.toml") };
    let without = toml::to_string(&base)?;
    std::fs::write(&configs.comparing, format!("{without}{COMPARISONS}"))?;
    std::fs::write(&configs.without, without)?;
    Ok(configs)
}
