//! Where the keys of a configuration stand, for mistakes that only the data show: a rule about a column that no file
//! has is mended in the configuration, and nobody should have to look for its line.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::diagnostic::Location;
use super::sources::Sources;

/// The places of the keys and list elements of one configuration.
#[derive(Debug, Clone, Default)]
pub struct Places {
    sources: Arc<Sources>,
    /// By path; a number is a place in a list.
    spans: BTreeMap<Vec<String>, Range<usize>>,
}

impl Places {
    /// Of the keys with their bytes in the sources.
    pub(super) fn new(sources: &Sources, spans: BTreeMap<Vec<String>, Range<usize>>) -> Self {
        Self { sources: Arc::new(sources.clone()), spans }
    }

    /// The place of a key, or of the nearest table around it that is written down. None: neither is, as where a
    /// default or a preset decided.
    pub fn locate(&self, path: &[String]) -> Option<Location> {
        let written = (1..=path.len()).rev().find_map(|depth| self.spans.get(&path[..depth]));
        written.map(|span| self.sources.locate(span.clone()))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::{Overrides, parse};

    #[test]
    fn keys_elements_and_options_have_places_and_what_is_absent_that_of_its_table() {
        let text = "[inputs.touchpoints]\npath = \"a\"\n[segments]\ndimensions = [\"plan\", \"device\"]\n";
        let set = vec!["segments.rules.eager=[{ event = \"x\" }]".to_owned()];
        let overrides = Overrides { set, ..Overrides::default() };
        let plan = parse(text, Path::new("touchline.toml"), &overrides, &|_| None).unwrap();
        let place = |path: &[&str]| {
            let path: Vec<String> = path.iter().map(|key| (*key).to_owned()).collect();
            let found = plan.places.locate(&path)?;
            Some(format!(
                "{}:{}:{} {}",
                found.file,
                found.line,
                found.column,
                &found.source[found.span.clone()]
            ))
        };
        let shown = |path: &[&str]| place(path).unwrap_or_default();
        assert_eq!(shown(&["segments", "dimensions", "1"]), "touchline.toml:4:23 \"device\"");
        assert_eq!(shown(&["segments", "dimensions"]), "touchline.toml:4:1 dimensions");
        assert_eq!(shown(&["inputs", "touchpoints", "exclude"]), "touchline.toml:1:9 touchpoints");
        assert_eq!(shown(&["segments", "rules", "eager"]), "command line:1:28 [{ event = \"x\" }]");
        assert_eq!(place(&["stages", "rules", "seen"]), None);
    }
}
