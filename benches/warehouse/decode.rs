//! The yardstick: opens and decodes what a run would read, with the same reader and threads, and does nothing
//! with it.

use std::path::Path;

use touchline::config::{self, Overrides};
use touchline::engine::load::decode_only;
use touchline::engine::open::{OpenSource, open_inputs};
use touchline::engine::{Budget, work};

use super::Outcome;

/// Decodes touchpoints, customers, assignments and suppressed ids as far as a run reads them; prints the rows.
/// Spend, some kilobytes of CSV, is left out.
pub fn decode(config: &Path, only_touchpoints: bool) -> Outcome<()> {
    let plan = config::load(config, &Overrides::default(), &|_| None)?;
    let pool = work::pool(0)?;
    let limits = Budget::unlimited(0).limits();
    let opened = open_inputs(&plan, &pool, &limits)?;
    let touchpoints: Vec<&OpenSource> = opened.touchpoints.iter().collect();
    let mut rows = decode_only(&touchpoints, &pool)?;
    if !only_touchpoints {
        // A run doesn't read the customers where no dimension asks for them.
        let customers = opened.customers.as_ref().filter(|_| !opened.attributes.is_empty());
        for source in [customers, opened.assignments.as_ref(), opened.suppress.as_ref()].into_iter().flatten()
        {
            rows += decode_only(&[source], &pool)?;
        }
    }
    println!("{rows}");
    Ok(())
}
