//! `experiment_health`: whether an experiment can be trusted.

use super::spec::{ColumnSpec as C, RowOrder, TableSpec, Unit};

/// Checks on assignments, on what was done before and after them, and on how early one looks.
pub static SPEC: TableSpec = TableSpec {
    name: "experiment_health",
    grain: "One row per experiment, check and variant.",
    description: "Whether an experiment can be trusted. A failed check makes its verdicts `invalid`; a warning asks \
                  for a look. Checks, in the order of the rows: `no_assignments`: the log has nobody, and there is \
                  no other row. `not_configured`: neither the plan nor its defaults have the experiment of the log. \
                  `assumed_plan`: only defaults do, and weights and control are assumed. `srm`, by variant: analysed \
                  customers against the planned weights, χ²; `warn` below p = 0.01, `fail` below 0.001. `srm_by_day` \
                  and `srm_by_segment`: the same for each local day of assignment and each segment as of first \
                  exposure that expects 5 customers in every variant; the one furthest from the plan, its p \
                  multiplied by the number of days or segments tested; `warn` below 0.01, never `fail`. \
                  `double_assignment`: customers seen in two variants; `warn` above 0.1 % of those first assigned in \
                  the window, `fail` above 1 %. `assigned_before_window`: first assigned earlier, left out; `warn` \
                  if any. `unknown_variant`: in a variant that isn't planned, left out; `warn` if any. \
                  `no_activity`, by variant: no kept row at or after assignment; `warn` above 50 %. \
                  `activity_before`, by variant: a kept row before assignment, against the share of all variants, \
                  χ²; `warn` below p = 0.01: assignment depends on what was done before, or is logged late. \
                  `immature`: customers whose metric window isn't over, for the metric with most; `warn` above 10 %. \
                  `novelty`, by variant but the control: does the effect on the first goal that is a proportion or a \
                  mean change from the first week since exposure to the second, for customers whose first two weeks \
                  are over; both as a difference (Welch on each customer's change) and as a relative lift (delta \
                  method), the larger p multiplied by the number of variants; `warn` below 0.01: it wears off or \
                  grows; `detail` has every week, the first two of the same customers, later ones of fewer. `peeking`: customers whose longest metric window isn't over (without windows: assigned on \
                  the last day); `warn` if any, unless the verdicts are sequential.",
    keys: &["experiment", "check", "variant"],
    columns: &[
        C::text("experiment", "Name of the experiment."),
        C::text("check", "Name of the check."),
        C::text("variant", "The variant; `(all)` for a check over all of them."),
        C::figure(
            "expected",
            Unit::Check,
            "What a healthy experiment shows, in customers; of `novelty` the difference to the control in the first \
             week, per customer.",
        )
        .or_null("the check expects nothing, or it is withheld"),
        C::figure(
            "observed",
            Unit::Check,
            "What was seen, in customers; of `novelty` the difference to the control in the second week, per customer.",
        )
        .or_null(
            "nothing is counted, or withheld: one or two customers of a variant, or all but so few, did it. \
             Counts of assignments are never withheld",
        ),
        C::figure("p_value", Unit::Fraction, "Of the test, where the check is one, adjusted for several.")
            .or_null("not a test, too few customers for one, or withheld"),
        C::text("status", "`ok`, `warn` or `fail`; `ok` as well where nothing could be tested."),
        C::text("detail", "One sentence for the reader: which day, segment or week, and its counts.")
            .or_null("nothing to say"),
    ],
    order: RowOrder::Given {
        grouped_by: 2,
        description: "Experiments by name; checks in a fixed order; variants by name",
    },
};
