//! Columns of stages that `stage_funnel` and `segment_funnel` share; each says itself what a null means.

use super::spec::{ColumnSpec as C, Interval, Unit};

pub(super) const STAGE_INDEX: C = C::index("stage_index", "Place of the stage, from 1.");
pub(super) const STAGE: C = C::text("stage", "Name of the stage.");
pub(super) const PROGRESSED: C = C::count("progressed", "Of them, those who entered the next stage.");
pub(super) const PROGRESS_RATE: C =
    C::figure("progress_rate", Unit::Fraction, "`progressed / (progressed + dropped)`.");
pub(super) const PROGRESS_RATE_LOW: C =
    C::bound("progress_rate_low", Unit::Fraction, Interval::Wilson, "Lower 95 % bound of `progress_rate`.");
pub(super) const PROGRESS_RATE_HIGH: C =
    C::bound("progress_rate_high", Unit::Fraction, Interval::Wilson, "Upper 95 % bound of `progress_rate`.");
pub(super) const DROPPED: C = C::count("dropped", "Of them, those whose time to go on is over.");
pub(super) const IMMATURE: C = C::count("immature", "Of them, those who may still go on.");
pub(super) const SHARE_OF_FIRST: C =
    C::figure("share_of_first", Unit::Fraction, "`entered` over those who entered the first stage.");
pub(super) const MEDIAN_HOURS: C =
    C::figure("median_hours_to_next", Unit::Hours, "Median time to the entry into the next stage.");
pub(super) const MEDIAN_HOURS_LOW: C = C::bound(
    "median_hours_to_next_low",
    Unit::Hours,
    Interval::OrderStatistic,
    "Lower 95 % bound of `median_hours_to_next`; from 6 who progressed on.",
);
pub(super) const MEDIAN_HOURS_HIGH: C = C::bound(
    "median_hours_to_next_high",
    Unit::Hours,
    Interval::OrderStatistic,
    "Upper 95 % bound of `median_hours_to_next`; from 6 who progressed on.",
);
pub(super) const P90_HOURS: C = C::figure("p90_hours_to_next", Unit::Hours, "90th percentile of that time.");
pub(super) const P90_HOURS_LOW: C = C::bound(
    "p90_hours_to_next_low",
    Unit::Hours,
    Interval::OrderStatistic,
    "Lower 95 % bound of `p90_hours_to_next`; from 36 who progressed on.",
);
pub(super) const P90_HOURS_HIGH: C = C::bound(
    "p90_hours_to_next_high",
    Unit::Hours,
    Interval::OrderStatistic,
    "Upper 95 % bound of `p90_hours_to_next`; from 36 who progressed on.",
);
pub(super) const ENTRIES_WITHOUT_PREVIOUS: C =
    C::count("entries_without_previous", "Entries by customers who never entered the stage before.");
