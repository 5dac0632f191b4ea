//! Why a figure is null, or what a reader must know about it.

/// Names why a figure is not defined, or (`Approximate`) that it rests on a weak approximation.
///
/// The text form stands in the `note` column of the result tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Fewer than ten jackknife buckets hold a non-zero numerator (or complement).
    FewBuckets,
    /// Too few conversions for bounds on a value.
    FewConversions,
    /// Too few observations for the method: fewer than two in an arm, no order statistic far enough out.
    TooFew,
    /// The values do not vary, so nothing can be said about their spread.
    ZeroVariance,
    /// The control mean is zero, so nothing can be said relative to it.
    ZeroControlMean,
    /// The control mean is less than ten of its standard errors from zero: relative figures are rough.
    Approximate,
    /// Both bounds of an order-statistic interval are the same value.
    Tied,
    /// Some figure is below zero, where the method knows none.
    Negative,
    /// The sum that a ratio divides by is zero.
    ZeroDenominator,
    /// The figures before the experiment do not vary, so there is nothing to adjust by.
    ZeroPreVariance,
    /// The values are so large that their squares exceed the integers they are summed in.
    Overflow,
    /// The figure itself is not defined, or lies where its scale isn't (a share of 0 or 1 on the logit).
    Undefined,
    /// The figure is defined, but not with some jackknife bucket left out.
    UndefinedReplicate,
    /// The effect that a credit follows from may be zero: its own interval contains it.
    EffectSpansZero,
    /// Nothing converts, so that nothing can be said about what leads there.
    NoConversions,
    /// The Markov chain has more states than are solved.
    TooManyStates,
    /// The solution of the Markov chain didn't settle.
    NotConverged,
}

impl Reason {
    /// Returns the text that stands in `note` columns.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::FewBuckets => "few_buckets",
            Reason::FewConversions => "few_conversions",
            Reason::TooFew => "too_few",
            Reason::ZeroVariance => "zero_variance",
            Reason::ZeroControlMean => "zero_control_mean",
            Reason::Approximate => "approximate",
            Reason::Tied => "tied",
            Reason::Negative => "negative",
            Reason::ZeroDenominator => "zero_denominator",
            Reason::ZeroPreVariance => "zero_pre_variance",
            Reason::Overflow => "overflow",
            Reason::Undefined => "undefined",
            Reason::UndefinedReplicate => "undefined_replicate",
            Reason::EffectSpansZero => "effect_spans_zero",
            Reason::NoConversions => "no_conversions",
            Reason::TooManyStates => "too_many_states",
            Reason::NotConverged => "not_converged",
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
