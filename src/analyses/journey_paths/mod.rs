//! `journey_paths`: which ways customers took, and how often each led to the primary conversion.

use polars::prelude::PolarsError;

use crate::journey::{Path, PathEnd, Walk};

use self::counts::{ARRIVING_PER_PATH, Arriving, MOST, Sorted};
use self::keys::Keys;

use super::columns::elapsed_ms;
use super::suppression::Withheld;
use super::{Analysis, Context, NamedFrame, Observed};

mod counts;
mod keys;
mod rows;
#[cfg(test)]
mod tests;

/// Name of the table.
const TABLE: &str = "journey_paths";

/// Counts the paths of the primary conversion, converted and null, as attribution sees them.
///
/// A path is told apart by its channels in order, as `attribution.path` leaves them, up to the last eight (six with a
/// thousand channels; fewer with `frequency`, where it matters how often each was met, as in `b(2)`); what is longer is
/// counted under its last ones, as `… > b > c`. Where one of the 64 buckets of customers sees more than
/// 20,000 different paths, all of the run are told apart by one touch less, and so on: that bounds memory for any
/// input, and every figure stays an exact count of what the row says.
///
/// Frame: the 1,000 paths with most journeys, ties by the names of the channels from the last one back; then
/// `(other)`, all other paths, and `(unattributed)`, conversions without a touch in reach. Journeys and conversions
/// sum to all, value to what `stage_attribution` shows. Conversions are those of the window, refunded or not; value is
/// less what went back in the window. The rate has the bucket jackknife's interval: a customer may have many journeys.
/// Notes: `no_null_paths` (what didn't convert isn't kept, or has no path: no rate), `undefined` (no journey: only a
/// refund), and why bounds are withheld.
#[derive(Debug, Clone, Copy)]
pub struct JourneyPaths<'a> {
    context: Context<'a>,
    keys: Keys,
    /// Different paths of a bucket that are told apart.
    most: usize,
    /// Index into the targets; None without a conversion.
    target: Option<usize>,
}

/// What one bucket saw.
#[derive(Debug)]
pub struct PathsPartial {
    /// Since the paths were put in order last.
    arriving: Arriving,
    sorted: Sorted,
}

impl<'a> JourneyPaths<'a> {
    /// Over the paths of the primary conversion.
    pub fn new(context: Context<'a>) -> Self {
        let keys = Keys::new(context.rules);
        Self { context, keys, most: MOST, target: context.primary_target() }
    }

    fn count(&self, path: &Path, walk: &Walk, partial: &mut PathsPartial) {
        let touches = &walk.on_paths()[path.touches.clone()];
        let key = self.keys.key(touches, partial.sorted.longest);
        let arriving = &mut partial.arriving;
        let is_journey = match path.end {
            PathEnd::Null => {
                arriving.add_null(key);
                true
            }
            PathEnd::Converted { time_us, value_minor } => {
                let took_ms = touches.first().map_or(0, |first| elapsed_ms(first.time_us, time_us));
                arriving.add_conversion(key, value_minor, took_ms);
                true
            }
            // The path of a conversion again: that is no second journey.
            PathEnd::Refunded { value_minor, .. } => {
                arriving.add_refund(key, value_minor);
                false
            }
        };
        if is_journey && !self.keys.tells_touches(key) {
            arriving.had(key, self.keys.count(touches));
        }
        if arriving.len() >= self.most * ARRIVING_PER_PATH {
            self.sort(partial);
        }
    }

    /// Puts what has arrived in order, and looks at fewer touches where that is too much.
    fn sort(&self, partial: &mut PathsPartial) {
        let arrived = partial.arriving.take_sorted(partial.sorted.longest);
        partial.sorted.merge(self.keys, arrived, self.most);
    }
}

impl Analysis for JourneyPaths<'_> {
    type Partial = PathsPartial;

    fn partial(&self) -> PathsPartial {
        PathsPartial { arriving: Arriving::default(), sorted: Sorted::new(self.keys.longest()) }
    }

    fn observe(&self, observed: Observed<'_>, partial: &mut PathsPartial) {
        let Some(target) = self.target else { return };
        for path in observed.walk.paths.iter().filter(|path| path.target == target) {
            self.count(path, observed.walk, partial);
        }
    }

    fn close(&self, partial: &mut PathsPartial) {
        self.sort(partial);
    }

    fn merge(&self, into: &mut PathsPartial, from: PathsPartial) {
        into.sorted.merge(self.keys, from.sorted, self.most);
    }

    fn finish(
        &self,
        buckets: Vec<PathsPartial>,
        _withheld: &mut Withheld,
    ) -> Result<Vec<NamedFrame>, PolarsError> {
        let Some(target) = self.target else { return Ok(Vec::new()) };
        let buckets: Vec<&Sorted> = buckets.iter().map(|bucket| &bucket.sorted).collect();
        Ok(vec![(TABLE, rows::frame(self, target, &buckets)?)])
    }
}
