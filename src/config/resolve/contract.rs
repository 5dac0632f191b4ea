//! `[contract]`: what the data must satisfy.

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
        ContractPlan {
            max_rejected_share: self.share(contract.max_rejected_share.as_ref(), "max_rejected_share", 0.01),
            max_duplicate_share: self.share(
                contract.max_duplicate_share.as_ref(),
                "max_duplicate_share",
                0.05,
            ),
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
        }
    }
}
