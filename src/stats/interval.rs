//! Two bounds.

/// A closed interval, in the unit of the figure it belongs to; `low <= high`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

impl Interval {
    /// Builds the interval `center ± half_width`; the half-width is not negative.
    pub fn around(center: f64, half_width: f64) -> Interval {
        Interval { low: center - half_width, high: center + half_width }
    }

    /// Tells whether a value lies in the interval, bounds included.
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// Tells whether the whole interval lies in `other`, bounds included.
    pub fn within(&self, other: &Interval) -> bool {
        other.low <= self.low && self.high <= other.high
    }
}
