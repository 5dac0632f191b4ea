//! `[contract]`: what the data must satisfy.

use toml::Spanned;

use super::Resolver;
use crate::config::plan::{ContractPlan, Dedupe, UnknownColumns};
use crate::config::schema::Contract;

impl Resolver<'_, '_, '_> {
    pub(super) fn contract(&mut self, contract: &Contract) -> ContractPlan {
        let dedupe = [("event_id", Dedupe::EventId), ("row", Dedupe::Row), ("off", Dedupe::Off)];
        let unknown_columns = [
            ("ignore", UnknownColumns::Ignore),
            ("warn", UnknownColumns::Warn),
            ("fail", UnknownColumns::Fail),
        ];
        let touches = self.count(contract.max_path_touches.as_ref(), "max_path_touches", 1_000);
        let known_events = contract.known_events.as_ref().map(|patterns| {
            let name = Spanned::new(patterns.span(), "known_events".to_owned());
            self.patterns(&name, patterns)
        });
        let mut share = |value: &Option<Spanned<f64>>, key, default| self.share(value.as_ref(), key, default);
        let max_rejected_share = share(&contract.max_rejected_share, "max_rejected_share", 0.01);
        let max_duplicate_share = share(&contract.max_duplicate_share, "max_duplicate_share", 0.05);
        let max_unknown_event_share =
            share(&contract.max_unknown_event_share, "max_unknown_event_share", 1.0);
        // Rules that fit less than every other row weren't written for these data.
        let max_unknown_channel_share =
            share(&contract.max_unknown_channel_share, "max_unknown_channel_share", 0.5);
        let max_late_share = share(&contract.max_late_share, "max_late_share", 1.0);
        let max_future_share = share(&contract.max_future_share, "max_future_share", 1.0);
        ContractPlan {
            max_rejected_share,
            max_duplicate_share,
            dedupe: self.choose(contract.dedupe.as_ref(), "dedupe", &dedupe).unwrap_or(Dedupe::EventId),
            max_touchpoints_per_customer: self.count(
                contract.max_touchpoints_per_customer.as_ref(),
                "max_touchpoints_per_customer",
                100_000,
            ),
            max_path_touches: usize::try_from(touches).unwrap_or(usize::MAX),
            unknown_columns: self
                .choose(contract.unknown_columns.as_ref(), "`contract.unknown_columns`", &unknown_columns)
                .unwrap_or(UnknownColumns::Warn),
            known_events: known_events.unwrap_or_default(),
            max_unknown_event_share,
            max_unknown_channel_share,
            max_late_share,
            max_future_share,
        }
    }
}
