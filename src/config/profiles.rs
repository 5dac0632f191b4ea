//! What holds where the file leaves a choice open: the defaults of this job, or those of a tool whose figures
//! are to be met. `docs/profiles.md` names the source of every figure, and where a tool can't be followed.

use super::plan::{AfterConversion, DAY_US, Model, PathTransform, ShapleyValue, StageMode};

/// Shares of the first and the last touch, U-shaped.
const U_SHAPE: (f64, f64) = (0.4, 0.4);

/// The choices that a tool makes, or this job.
#[derive(Debug)]
pub(super) struct Profile {
    pub(super) name: &'static str,
    pub(super) lookback_us: i64,
    /// None: all whose credit adds up.
    pub(super) models: Option<&'static [Model]>,
    pub(super) path: PathTransform,
    pub(super) after_conversion: AfterConversion,
    pub(super) null_paths: bool,
    /// Shares of the first and the last touch.
    pub(super) position: (f64, f64),
    pub(super) half_life_us: i64,
    pub(super) shapley_value: ShapleyValue,
    pub(super) stage_mode: StageMode,
    pub(super) stage_window_us: Option<i64>,
}

impl Profile {
    /// The models that are computed unless the file names some.
    pub(super) fn default_models(&self) -> Vec<Model> {
        self.models.map_or_else(Model::default_models, <[Model]>::to_vec)
    }
}

/// The defaults of this job.
pub(super) static OWN: Profile = Profile {
    name: "",
    lookback_us: 30 * DAY_US,
    models: None,
    path: PathTransform::Unique,
    after_conversion: AfterConversion::Reuse,
    null_paths: true,
    position: U_SHAPE,
    half_life_us: 7 * DAY_US,
    shapley_value: ShapleyValue::Total,
    stage_mode: StageMode::Ordered,
    stage_window_us: None,
};

/// Tools by name.
pub(super) static PROFILES: [Profile; 5] = [
    // https://experienceleague.adobe.com/en/docs/analytics-platform/using/cja-workspace/attribution/models
    Profile {
        name: "adobe",
        lookback_us: 30 * DAY_US,
        models: Some(&[
            Model::FirstTouch,
            Model::LastTouch,
            Model::Linear,
            Model::Position,
            Model::TimeDecay,
            Model::Shapley,
            Model::Participation,
        ]),
        path: PathTransform::Unique,
        after_conversion: AfterConversion::Reuse,
        // The Harsanyi dividend is taken of conversions alone.
        null_paths: false,
        position: U_SHAPE,
        half_life_us: 7 * DAY_US,
        shapley_value: ShapleyValue::Total,
        stage_mode: StageMode::Ordered,
        stage_window_us: None,
    },
    // https://support.google.com/analytics/answer/10596866
    Profile {
        name: "ga4",
        lookback_us: 90 * DAY_US,
        models: Some(&[Model::LastNonDirect, Model::Shapley]),
        path: PathTransform::Unique,
        after_conversion: AfterConversion::Reuse,
        null_paths: true,
        position: U_SHAPE,
        half_life_us: 7 * DAY_US,
        shapley_value: ShapleyValue::Rate,
        stage_mode: StageMode::Ordered,
        stage_window_us: None,
    },
    // https://docs.mixpanel.com/docs/features/attribution
    Profile {
        name: "mixpanel",
        lookback_us: 30 * DAY_US,
        models: Some(&[
            Model::FirstTouch,
            Model::LastTouch,
            Model::Linear,
            Model::Position,
            Model::TimeDecay,
            Model::Participation,
        ]),
        path: PathTransform::Unique,
        after_conversion: AfterConversion::Reuse,
        null_paths: true,
        position: U_SHAPE,
        half_life_us: 7 * DAY_US,
        shapley_value: ShapleyValue::Total,
        stage_mode: StageMode::Ordered,
        stage_window_us: Some(7 * DAY_US),
    },
    // https://amplitude.com/docs/analytics/charts/data-tables/data-tables-attribute-credit
    Profile {
        name: "amplitude",
        lookback_us: 30 * DAY_US,
        models: Some(&[
            Model::FirstTouch,
            Model::LastTouch,
            Model::LastNonDirect,
            Model::Linear,
            Model::Position,
            Model::Markov,
            Model::Participation,
        ]),
        path: PathTransform::Unique,
        after_conversion: AfterConversion::Reuse,
        null_paths: true,
        position: U_SHAPE,
        half_life_us: 7 * DAY_US,
        shapley_value: ShapleyValue::Total,
        stage_mode: StageMode::Ordered,
        stage_window_us: None,
    },
    // https://docs.snowplow.io/docs/modeling-your-data/modeling-your-data-with-dbt/dbt-models/dbt-attribution-data-model/
    Profile {
        name: "snowplow",
        lookback_us: 30 * DAY_US,
        models: Some(&[Model::FirstTouch, Model::LastTouch, Model::Linear, Model::Position]),
        path: PathTransform::Exposure,
        after_conversion: AfterConversion::Reuse,
        null_paths: false,
        position: U_SHAPE,
        half_life_us: 7 * DAY_US,
        shapley_value: ShapleyValue::Total,
        stage_mode: StageMode::Ordered,
        stage_window_us: None,
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::duration;

    const PAGE: &str = include_str!("../../docs/profiles.md");

    /// Rows of the page's table: a key, then its value under each profile.
    fn row(key: &str) -> Vec<&'static str> {
        let line = PAGE.lines().find(|line| line.starts_with(&format!("| `{key}` |")));
        let cells = line.unwrap_or_else(|| panic!("no row of {key}")).trim_matches('|').split('|');
        cells.skip(1).map(|cell| cell.trim().trim_matches('`')).collect()
    }

    #[test]
    fn the_page_says_what_each_profile_sets_and_names_its_source() {
        let names: Vec<&str> = PROFILES.iter().map(|profile| profile.name).collect();
        assert_eq!(row("attribution.profile"), names);
        for (at, profile) in PROFILES.iter().enumerate() {
            assert!(PAGE.contains(&format!("## `{}`", profile.name)), "{}", profile.name);
            assert_eq!(row("window.lookback")[at], duration::format(profile.lookback_us));
            let position = format!("{} / {}", profile.position.0, profile.position.1);
            assert_eq!(row("attribution.position")[at], position);
            assert_eq!(row("attribution.half_life")[at], duration::format(profile.half_life_us));
            let window = profile.stage_window_us.map_or("none".to_owned(), duration::format);
            assert_eq!(row("stages.window")[at], window);
            assert_eq!(row("attribution.null_paths")[at], profile.null_paths.to_string());
            let value = format!("{:?}", profile.shapley_value).to_lowercase();
            assert_eq!(row("attribution.shapley_value")[at], value);
            let path = format!("{:?}", profile.path).to_lowercase();
            assert_eq!(row("attribution.path")[at], path);
            let models: Vec<&str> =
                profile.default_models().into_iter().map(|model| model.as_str()).collect();
            assert_eq!(row("attribution.models")[at].replace('`', ""), models.join(", "));
        }
    }

    #[test]
    fn models_come_in_the_order_of_the_tables() {
        for profile in &PROFILES {
            let models = profile.default_models();
            assert!(models.is_sorted(), "{}", profile.name);
        }
    }
}
