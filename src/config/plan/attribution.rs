//! How credit is given.

use serde::Serialize;

use super::Matcher;

/// How credit is given.
#[derive(Debug, Clone, Serialize)]
pub struct AttributionPlan {
    /// In the order of the tables.
    pub models: Vec<Model>,
    /// Rows that may earn credit. None: rows with a channel that are no conversion.
    pub touches: Option<Vec<Matcher>>,
    /// What becomes of the touches of a path before they are counted.
    pub path: PathTransform,
    /// Whether `stage_attribution` has rows of channels, of campaigns, or of both.
    pub by: Levels,
    /// How far back a later conversion of the same target looks.
    pub after_conversion: AfterConversion,
    /// Whether journeys without a conversion inform the data-driven models.
    pub null_paths: bool,
    /// Share of the first touch in the position model.
    pub position_first: f64,
    /// Share of the last touch in the position model.
    pub position_last: f64,
    /// Age at which a touch weighs half, in µs.
    pub half_life_us: i64,
    /// How many channels a state of the Markov chain remembers, 1 to 3.
    pub markov_order: u8,
    /// What a set of channels is worth in the Shapley model.
    pub shapley_value: ShapleyValue,
}

/// What a set of channels is worth in the Shapley model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ShapleyValue {
    /// The conversions of the journeys that met nothing else.
    Total,
    /// The conversion rate of those journeys.
    Rate,
}

/// Attribution models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Model {
    /// All to the first touch.
    FirstTouch,
    /// All to the last touch.
    LastTouch,
    /// All to the last touch whose channel isn't direct; where all are, to the last.
    LastNonDirect,
    /// The same to each touch.
    Linear,
    /// Fixed shares to first and last, the rest between.
    Position,
    /// Halved with every half-life of age.
    TimeDecay,
    /// Removal effects of an absorbing Markov chain.
    Markov,
    /// Shapley values of the channel sets.
    Shapley,
    /// A whole conversion to each distinct channel.
    Participation,
}

impl Model {
    /// All models, in the order of the tables.
    pub const ALL: [Model; 9] = [
        Model::FirstTouch,
        Model::LastTouch,
        Model::LastNonDirect,
        Model::Linear,
        Model::Position,
        Model::TimeDecay,
        Model::Markov,
        Model::Shapley,
        Model::Participation,
    ];

    /// Those of a run that names none: all whose credit adds up.
    pub fn default_models() -> Vec<Model> {
        Self::ALL.into_iter().filter(|model| model.is_additive()).collect()
    }

    /// Whether credit over all channels adds up to the conversions.
    pub fn is_additive(self) -> bool {
        self != Model::Participation
    }

    /// Whether credit comes from counts over all paths, not from the touches of one.
    pub fn is_data_driven(self) -> bool {
        matches!(self, Model::Markov | Model::Shapley)
    }

    /// Whether credit depends on when the touches were, not only on their channels and order.
    pub fn looks_at_times(self) -> bool {
        self == Model::TimeDecay
    }

    /// Name in configuration and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Model::FirstTouch => "first_touch",
            Model::LastTouch => "last_touch",
            Model::LastNonDirect => "last_non_direct",
            Model::Linear => "linear",
            Model::Position => "position",
            Model::TimeDecay => "time_decay",
            Model::Markov => "markov",
            Model::Shapley => "shapley",
            Model::Participation => "participation",
        }
    }
}

/// What becomes of the touches of a path before anything is counted (names after fractribution).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PathTransform {
    /// Nothing.
    Unique,
    /// Of a run of the same channel its first touch stays.
    Exposure,
    /// Of each channel its first touch stays.
    First,
    /// As `First`, and a channel that was met once is another state than one that was met twice.
    Frequency,
}

/// Levels at which credit is shown; at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Levels {
    /// By channel.
    pub channel: bool,
    /// By channel and campaign.
    pub campaign: bool,
}

/// How far back a later conversion of the same target looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterConversion {
    /// Every conversion on its own.
    Reuse,
    /// Only to the conversion before it.
    Restart,
}
