//! How many experiments and variants an assignment log may name.
//!
//! Each has rows of its own in the tables, and sums in memory for every metric and segment. A log with more is none of
//! experiments: most often an id stands where the name of a variant should.

use crate::config::plan::{Plan, SourcePlan};
use crate::input::InputError;
use crate::journey::Codebook;

/// A log keeps what is long over, so this is generous; more are a column of ids, not of names.
pub const MAX_EXPERIMENTS: usize = 4_000;

/// More variants than anybody compares with one control: corrected for so many, nothing that is worth finding is found.
pub const MAX_VARIANTS: usize = 64;

/// Checks the names of a log: column 0 of the book is the experiment, column 1 the variant.
///
/// Variants that the plan names are as many as it likes, and those of experiments that are only counted have no rows.
///
/// # Errors
/// [`InputError::TooManyExperiments`], [`InputError::TooManyVariants`].
pub fn check_names(plan: &Plan, source: &SourcePlan, book: &Codebook) -> Result<(), InputError> {
    if book.is_empty() {
        return Ok(());
    }
    let experiments = book.values(0).len();
    if experiments > MAX_EXPERIMENTS {
        return Err(InputError::TooManyExperiments {
            key: source.key.clone(),
            column: source.physical("experiment").to_owned(),
            found: experiments,
            limit: MAX_EXPERIMENTS,
        });
    }
    // Codes are ranks: those of an experiment come one after the other.
    let codes: Vec<u32> = (0..book.len() as u32).collect();
    for codes in codes.chunk_by(|one, other| book.value_id(*one, 0) == book.value_id(*other, 0)) {
        let name = codes.first().and_then(|code| book.text(*code, 0)).unwrap_or_default();
        let planned = plan.experiments.iter().find(|experiment| experiment.name == name);
        if planned.is_none() && plan.experiment_defaults.is_none() {
            continue;
        }
        let is_planned = |variant: &str| {
            planned.is_some_and(|experiment| experiment.weights.iter().any(|(name, _)| name == variant))
        };
        let found = codes.iter().filter(|code| !book.text(**code, 1).is_some_and(is_planned)).count();
        if found > MAX_VARIANTS {
            return Err(InputError::TooManyVariants {
                key: source.key.clone(),
                column: source.physical("variant").to_owned(),
                experiment: name.to_owned(),
                found,
                limit: MAX_VARIANTS,
            });
        }
    }
    Ok(())
}
