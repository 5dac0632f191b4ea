//! What the contract asks of a combination of texts, answered once for each.

use crate::config::plan::{ConversionPlan, ConversionValue, Matcher, MetricOf, Plan};
use crate::contract::named::is_named;
use crate::journey::channels::channel_of;
use crate::journey::codebook::CodebookBuilder;
use crate::journey::outcome::Outcome;

use super::columns::EVENT;

/// What the rules say of every row with one combination of texts, as far as the contract needs it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Verdict {
    /// A rule leaves it out, whatever the id.
    pub(super) excluded: bool,
    /// Nothing says what happened.
    pub(super) null_event: bool,
    /// Value goes back, so that it may be negative.
    pub(super) refund: bool,
    /// Bit `c`: conversion `c` uses the value.
    pub(super) uses_value: u64,
    /// Bit `c`: the row is one of conversion `c`.
    pub(super) conversions: u64,
    /// Its order counts: what is refunded, or may be there twice.
    pub(super) names_order: bool,
    /// No rule names it, see [`is_named`].
    pub(super) unnamed: bool,
}

impl Verdict {
    /// Whether the row moves money, so that its value must be usable.
    #[inline]
    pub(super) fn moves_money(self) -> bool {
        self.uses_value != 0 || self.refund
    }
}

/// Whose rows a number is summed over, so that it must be usable there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct NumberUse {
    /// All rows.
    all: bool,
    /// Bit `c`: those of conversion `c`.
    conversions: u64,
}

impl NumberUse {
    /// Of each number of a plan.
    pub(super) fn of(plan: &Plan) -> Vec<NumberUse> {
        let mut uses = vec![NumberUse::default(); plan.numbers.len()];
        for quantity in plan.metrics.iter().flat_map(|metric| metric.kind.quantities()) {
            let MetricOf::Number(at) = quantity.of else { continue };
            match quantity.conversion {
                Some(conversion) => uses[at].conversions |= 1 << conversion,
                None => uses[at].all = true,
            }
        }
        uses
    }

    /// Whether it is summed over rows with this verdict.
    #[inline]
    pub(super) fn includes(self, verdict: Verdict) -> bool {
        self.all || self.conversions & verdict.conversions != 0
    }
}

/// The verdicts of one source.
#[derive(Debug)]
pub(super) struct Verdicts {
    by_code: Vec<Verdict>,
    /// Whether any of them is of rows that no rule names.
    has_unnamed: bool,
    /// Bit `c`: conversion `c` is worth what the value says.
    by_value: u64,
    /// Bit `c`: the order of a row of conversion `c` counts.
    by_order: u64,
    /// Rules that leave out by text alone.
    exclude: Vec<Matcher>,
    /// Rules that look at the id, too: these are asked row by row.
    pub(super) exclude_ids: Vec<Matcher>,
}

impl Verdicts {
    /// Of a source of a plan.
    pub(super) fn new(plan: &Plan, exclude: &[Matcher]) -> Self {
        let names_id = |matcher: &Matcher| matcher.fields.iter().any(|field| field.column == "customer_id");
        let (exclude_ids, exclude) = exclude.iter().cloned().partition(names_id);
        let bits_of = |is: &dyn Fn(&ConversionPlan) -> bool| -> u64 {
            let conversions = plan.conversions.iter().enumerate();
            conversions.fold(0, |bits, (index, conversion)| bits | u64::from(is(conversion)) << index)
        };
        let by_value = bits_of(&|conversion| conversion.value == ConversionValue::Column);
        // A refund takes value back, and finds it by the order.
        let by_order = bits_of(&|conversion| conversion.orders.is_some())
            | if plan.refunds.is_empty() { 0 } else { by_value };
        Self { by_code: Vec::new(), has_unnamed: false, by_value, by_order, exclude, exclude_ids }
    }

    /// Judges the combinations that have come since the last time. `names` are the columns of the book.
    pub(super) fn judge(&mut self, plan: &Plan, book: &CodebookBuilder, names: &[String]) {
        let begin = self.by_code.len();
        for code in begin..book.len() {
            let row = book.row(code as u32);
            let value = |name: &str| {
                let column = names.iter().position(|column| column == name)?;
                book.text(column, row[column])
            };
            let channel = channel_of(&plan.channels, value);
            let outcome = Outcome::of(plan, |name| if name == "channel" { channel } else { value(name) });
            self.by_code.push(Verdict {
                excluded: self.exclude.iter().any(|matcher| matcher.matches(value)),
                null_event: row[EVENT] == 0,
                refund: outcome.refund,
                conversions: outcome.conversions,
                uses_value: outcome.conversions & self.by_value,
                names_order: outcome.refund || outcome.conversions & self.by_order != 0,
                unnamed: !is_named(plan, |name| if name == "channel" { channel } else { value(name) }),
            });
        }
        self.has_unnamed |= self.by_code[begin..].iter().any(|verdict| verdict.unnamed);
    }

    /// Whether there are combinations that no rule names.
    pub(super) fn has_unnamed(&self) -> bool {
        self.has_unnamed
    }

    /// By code.
    pub(super) fn by_code(&self) -> &[Verdict] {
        &self.by_code
    }
}
