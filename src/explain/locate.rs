//! Which row of which table is asked for: `--table T --where column=value …`.

use std::collections::BTreeMap;

use crate::analyses::attribution::UNATTRIBUTED;
use crate::config::nearest::suggest;
use crate::config::plan::{ConversionValue, Model, Plan};
use crate::journey::{Rules, Unit};
use crate::tables::{self, TableSpec};

use super::contributions::Part;
use super::error::ExplainError;

/// Tables whose rows are sums over journeys.
const EXPLAINED: [&str; 2] = ["stage_attribution", "channel_roi"];
/// Level of rows by channel.
pub(super) const CHANNEL_LEVEL: &str = "channel";
/// Level of rows by campaign under a channel.
pub(super) const CAMPAIGN_LEVEL: &str = "campaign";

/// What was asked for, its names checked against the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    table: &'static str,
    /// By key column.
    wanted: BTreeMap<String, String>,
}

/// The keys of one row, checked against a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RowKey {
    pub(super) spec: TableName,
    /// Index into [`Rules::targets`].
    pub(super) target: usize,
    pub(super) target_kind: &'static str,
    pub(super) target_name: String,
    pub(super) has_value: bool,
    pub(super) model: Model,
    pub(super) channel: String,
    /// None: the row is that of the whole channel.
    pub(super) campaign: Option<String>,
}

/// A table that can be explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TableName {
    /// `stage_attribution`.
    StageAttribution,
    /// `channel_roi`.
    ChannelRoi,
}

impl TableName {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            TableName::StageAttribution => EXPLAINED[0],
            TableName::ChannelRoi => EXPLAINED[1],
        }
    }

    /// Key column of the target.
    fn target_column(self) -> &'static str {
        match self {
            TableName::StageAttribution => "target",
            TableName::ChannelRoi => "conversion",
        }
    }
}

impl Selector {
    /// Of a table and `column=value` terms.
    ///
    /// # Errors
    /// [`ExplainError::Usage`] for a table or column that isn't known or can't be asked for.
    pub fn parse(table: &str, terms: &[String]) -> Result<Self, ExplainError> {
        let Some(spec) = tables::spec(table) else {
            let names = tables::ALL.iter().map(|spec| spec.name);
            return Err(ExplainError::usage(
                format!("there is no table `{table}`"),
                suggest(table, "tables", names),
            ));
        };
        if !EXPLAINED.contains(&spec.name) {
            return Err(ExplainError::usage(
                format!("rows of `{table}` can't be explained"),
                format!(
                    "those of `{}` can; `touchline tables` says how every figure is defined",
                    EXPLAINED.join("` and `")
                ),
            ));
        }
        let mut wanted = BTreeMap::new();
        for term in terms {
            let Some((column, value)) = term.split_once('=') else {
                return Err(ExplainError::usage(
                    format!("`--where {term}` has no `=`"),
                    format!("write `--where {}=VALUE`", spec.keys[0]),
                ));
            };
            let column = column.trim();
            if !spec.keys.contains(&column) {
                return Err(unknown_column(spec, column));
            }
            if wanted.insert(column.to_owned(), value.trim().to_owned()).is_some() {
                return Err(ExplainError::usage(
                    format!("`{column}` is asked for twice"),
                    "one row is explained at a time",
                ));
            }
        }
        Ok(Self { table: spec.name, wanted })
    }

    fn name(&self) -> TableName {
        if self.table == EXPLAINED[0] { TableName::StageAttribution } else { TableName::ChannelRoi }
    }

    fn get(&self, column: &str) -> Option<&str> {
        self.wanted.get(column).map(String::as_str)
    }

    /// The keys of the row under a plan.
    pub(super) fn resolve(&self, plan: &Plan) -> Result<RowKey, ExplainError> {
        let spec = self.name();
        let target_column = spec.target_column();
        let mut missing: Vec<&str> = [target_column, "model", "channel"].into();
        missing.retain(|column| self.get(column).is_none());
        if let [first, ..] = missing[..] {
            let known = match first {
                "model" => plan.attribution.models.iter().map(|model| model.as_str().to_owned()).collect(),
                "channel" => Vec::new(),
                _ => {
                    let mut names: Vec<String> =
                        self.targets(plan).into_iter().map(|target| target.name).collect();
                    names.sort();
                    names.dedup();
                    names
                }
            };
            let choice = if known.is_empty() { String::new() } else { format!(": {}", known.join(", ")) };
            return Err(ExplainError::usage(
                format!(
                    "several rows of `{}` fit: nothing says which `{}`",
                    self.table,
                    missing.join("`, `")
                ),
                format!("add `--where {first}=VALUE`{choice}"),
            ));
        }
        let target = self.target(plan)?;
        let model = self.get("model").unwrap_or_default();
        let Some(model) = plan.attribution.models.iter().copied().find(|known| known.as_str() == model)
        else {
            let known = plan.attribution.models.iter().map(|model| model.as_str());
            return Err(self.no_such("model", model, known));
        };
        let campaign = self.campaign(model)?;
        Ok(RowKey {
            spec,
            target: target.index,
            target_kind: target.kind,
            target_name: target.name,
            has_value: target.has_value,
            model,
            channel: self.get("channel").unwrap_or_default().to_owned(),
            campaign,
        })
    }

    /// The campaign, where the row of one is asked for.
    fn campaign(&self, model: Model) -> Result<Option<String>, ExplainError> {
        let campaign = self.get("campaign");
        let level = match (self.get("level"), campaign) {
            (Some(level), _) => level,
            (None, Some(_)) => CAMPAIGN_LEVEL,
            (None, None) => CHANNEL_LEVEL,
        };
        match (level, campaign) {
            (CHANNEL_LEVEL, None) => Ok(None),
            (CHANNEL_LEVEL, Some(_)) => Err(ExplainError::usage(
                "rows of level `channel` have no `campaign`",
                "leave one of the two out",
            )),
            (CAMPAIGN_LEVEL, None) => Err(ExplainError::usage(
                format!("several rows of `{}` fit: nothing says which `campaign`", self.table),
                "add `--where campaign=VALUE`",
            )),
            (CAMPAIGN_LEVEL, Some(_)) if model.is_data_driven() => Err(ExplainError::usage(
                format!("rows of campaigns can't be explained under `{}`", model.as_str()),
                "they are the channel's credit, split by the linear credit of its campaigns: ask for the row of the \
                 channel, and for that of the campaign under `linear`",
            )),
            (CAMPAIGN_LEVEL, Some(campaign)) => Ok(Some(campaign.to_owned())),
            (other, _) => Err(self.no_such("level", other, [CHANNEL_LEVEL, CAMPAIGN_LEVEL])),
        }
    }

    /// Targets of the table, in the order of [`Rules::targets`].
    fn targets(&self, plan: &Plan) -> Vec<TargetName> {
        let stages = plan.stages.stages.iter().map(|stage| ("stage", stage.name.clone(), false));
        let conversions = plan.conversions.iter().map(|conversion| {
            let has_value = conversion.value != ConversionValue::Absent;
            ("conversion", conversion.name.clone(), has_value)
        });
        stages
            .chain(conversions)
            .enumerate()
            .map(|(index, (kind, name, has_value))| TargetName { index, kind, name, has_value })
            .filter(|target| self.name() == TableName::StageAttribution || target.kind == "conversion")
            .collect()
    }

    fn target(&self, plan: &Plan) -> Result<TargetName, ExplainError> {
        let column = self.name().target_column();
        let wanted = self.get(column).unwrap_or_default();
        let targets = self.targets(plan);
        let kind = self.get("target_kind");
        let mut found = targets
            .iter()
            .filter(|target| target.name == wanted && kind.is_none_or(|kind| kind == target.kind));
        match (found.next(), found.next()) {
            (Some(target), None) => Ok(target.clone()),
            (Some(_), Some(_)) => Err(ExplainError::usage(
                format!("`{wanted}` is the name of a stage and of a conversion"),
                "add `--where target_kind=stage` or `--where target_kind=conversion`",
            )),
            (None, _) => Err(self.no_such(column, wanted, targets.iter().map(|target| target.name.as_str()))),
        }
    }

    fn no_such<'k>(
        &self,
        column: &str,
        value: &str,
        known: impl IntoIterator<Item = &'k str>,
    ) -> ExplainError {
        ExplainError::usage(
            format!("no row of `{}` has `{column}` = `{value}`", self.table),
            suggest(value, &format!("values of `{column}`"), known),
        )
    }
}

#[derive(Debug, Clone)]
struct TargetName {
    index: usize,
    kind: &'static str,
    name: String,
    has_value: bool,
}

fn unknown_column(spec: &TableSpec, column: &str) -> ExplainError {
    let keys = format!("rows are told apart by `{}`", spec.keys.join("`, `"));
    if spec.columns.iter().any(|known| known.name == column) {
        return ExplainError::usage(format!("`{column}` of `{}` is a figure, not a key", spec.name), keys);
    }
    let hint = suggest(column, "keys", spec.keys.iter().copied());
    let hint = if hint.starts_with("did you mean") { format!("{hint} {keys}") } else { keys };
    ExplainError::usage(format!("`{}` has no column `{column}`", spec.name), hint)
}

impl RowKey {
    /// What of a path belongs to the row.
    pub(super) fn part(&self, rules: &Rules) -> Part {
        if self.channel == UNATTRIBUTED && self.spec == TableName::StageAttribution {
            return Part::Unattributed;
        }
        let Ok(channel) = rules.channels.binary_search(&self.channel) else { return Part::Nothing };
        let channel = channel as u16;
        let Some(campaign) = &self.campaign else { return Part::Channel(channel) };
        let unit = Unit { channel, campaign: campaign.clone() };
        rules.units.all.binary_search(&unit).map_or(Part::Nothing, |unit| Part::Unit(unit as u32))
    }

    fn level(&self) -> &'static str {
        if self.campaign.is_some() { CAMPAIGN_LEVEL } else { CHANNEL_LEVEL }
    }

    /// By key column, in the order of the table; None: null.
    pub(super) fn columns(&self) -> Vec<(&'static str, Option<String>)> {
        let (target, model) = (Some(self.target_name.clone()), Some(self.model.as_str().to_owned()));
        let rest = [
            ("model", model),
            ("level", Some(self.level().to_owned())),
            ("channel", Some(self.channel.clone())),
            ("campaign", self.campaign.clone()),
        ];
        let mut keys = match self.spec {
            TableName::StageAttribution => {
                vec![("target_kind", Some(self.target_kind.to_owned())), ("target", target)]
            }
            TableName::ChannelRoi => vec![("conversion", target)],
        };
        keys.extend(rest);
        keys
    }

    /// Where the row isn't there: the channels that have one at its level, or the campaigns of its channel.
    pub(super) fn not_found(&self, channels: &[String], campaigns: &[String]) -> ExplainError {
        let of =
            format!("of level `{}` for `{}` under `{}`", self.level(), self.target_name, self.model.as_str());
        let table = self.spec.as_str();
        let (column, value, known) = match &self.campaign {
            Some(campaign) if channels.contains(&self.channel) => ("campaign", campaign, campaigns),
            _ => ("channel", &self.channel, channels),
        };
        let hint = match channels.is_empty() {
            true => "the run has no rows of that level: `attribution.by` asks for them".to_owned(),
            false => suggest(value, &format!("values of `{column}`"), known.iter().map(String::as_str)),
        };
        ExplainError::usage(format!("no row of `{table}` {of} has `{column}` = `{value}`"), hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(table: &str, terms: &[&str]) -> String {
        let terms: Vec<String> = terms.iter().map(|&term| term.to_owned()).collect();
        match Selector::parse(table, &terms) {
            Err(error) => format!("{error}; {}", error.hint().unwrap_or_default()),
            Ok(selector) => panic!("{selector:?}"),
        }
    }

    #[test]
    fn unknown_names_are_refused_with_what_there_is() {
        assert_eq!(
            refused("stage_atribution", &[]),
            "there is no table `stage_atribution`; did you mean `stage_attribution`?"
        );
        assert!(
            refused("stage_funnel", &[]).starts_with("rows of `stage_funnel` can't be explained; those of")
        );
        assert_eq!(
            refused("channel_roi", &["chanel=Email"]),
            "`channel_roi` has no column `chanel`; did you mean `channel`? rows are told apart by `conversion`, `model`, \
             `level`, `channel`, `campaign`"
        );
        assert!(
            refused("channel_roi", &["roas=2"]).starts_with("`roas` of `channel_roi` is a figure, not a key")
        );
        assert!(refused("channel_roi", &["model"]).starts_with("`--where model` has no `=`"));
        assert!(refused("channel_roi", &["model=a", "model=b"]).starts_with("`model` is asked for twice"));
    }
}
