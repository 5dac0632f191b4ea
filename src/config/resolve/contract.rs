//! `[contract]`: what the data must satisfy.

use std::path::Path;

use toml::Spanned;

use super::Resolver;
use crate::config::plan::{
    ContractPlan, Dedupe, Freshness, Integrity, OnAnomaly, OnCorrupt, SourcePlan, UnknownColumns,
};
use crate::config::schema::{Contract, Text};

impl Resolver<'_, '_, '_> {
    pub(super) fn contract(&mut self, contract: &Contract, folder: &Path) -> ContractPlan {
        let dedupe = [("event_id", Dedupe::EventId), ("row", Dedupe::Row), ("off", Dedupe::Off)];
        let unknown_columns = [
            ("ignore", UnknownColumns::Ignore),
            ("warn", UnknownColumns::Warn),
            ("fail", UnknownColumns::Fail),
        ];
        let integrity =
            [("prefer", Integrity::Prefer), ("require", Integrity::Require), ("off", Integrity::Off)];
        let on_corrupt = [("fail", OnCorrupt::Fail), ("quarantine_file", OnCorrupt::QuarantineFile)];
        let on_anomaly = [("warn", OnAnomaly::Warn), ("fail", OnAnomaly::Fail), ("off", OnAnomaly::Off)];
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
            integrity: self.choose(contract.integrity.as_ref(), "integrity", &integrity).unwrap_or_default(),
            on_corrupt: self
                .choose(contract.on_corrupt.as_ref(), "on_corrupt", &on_corrupt)
                .unwrap_or_default(),
            row_count_anomaly: self
                .choose(contract.row_count_anomaly.as_ref(), "row_count_anomaly", &on_anomaly)
                .unwrap_or_default(),
            hash_key_file: contract.hash_key_file.as_ref().and_then(|path| self.path(path, folder)),
        }
    }

    /// How old the newest row of a source may be.
    pub(super) fn freshness(&mut self, warn: Option<&Text>, error: Option<&Text>) -> Freshness {
        let [warn_after_us, error_after_us] = [warn, error].map(|text| self.duration(text));
        if let (Some(text), Some(warn_us), Some(error_us)) = (warn, warn_after_us, error_after_us)
            && warn_us >= error_us
        {
            self.refuse(
                text.span(),
                format!("`warn_after` is `{text}`, and `error_after` would stop the run by then"),
                "write a shorter one, or leave it out",
            );
        }
        Freshness { warn_after_us, error_after_us }
    }

    /// What the contract says of the freshness of touchpoints holds for each source that says nothing of its own.
    /// Without an end of the window there is nothing that rows could be old at.
    pub(super) fn fresh_sources(
        &mut self,
        contract: &Contract,
        sources: &mut [SourcePlan],
        (to_us, own): (Option<i64>, Option<&Text>),
    ) {
        let common = self.freshness(contract.warn_after.as_ref(), contract.error_after.as_ref());
        for source in sources {
            let Freshness { warn_after_us, error_after_us } = &mut source.freshness;
            if (*warn_after_us, *error_after_us) == (None, None) {
                (*warn_after_us, *error_after_us) = (common.warn_after_us, common.error_after_us);
            }
        }
        let written = contract.error_after.as_ref().or(contract.warn_after.as_ref()).or(own);
        if let Some(text) = written
            && to_us.is_none()
            && self.problems.is_empty()
        {
            self.refuse(
                text.span(),
                "the age of the newest row is that at the end of the window, and the window has none",
                "set window.to, or give --to or --date",
            );
        }
    }
}
