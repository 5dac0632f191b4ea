//! The run id: a hash of everything that can change a published byte.

use std::fmt;

use serde::Serialize;

use super::error::PublishError;
use crate::tables::Window;

/// 96 bits: no two of a billion runs share one.
const HASH_DIGITS: usize = 24;

/// `r-` and 24 hexadecimal digits: never a bare number, which engines would type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(String);

/// What a run id is made of. Paths, threads and memory are no part of it.
#[derive(Debug, Clone, Copy)]
pub struct RunIdParts<'a, P> {
    /// Input name and digest of each file, in any order.
    pub inputs: &'a [(String, String)],
    /// The resolved configuration.
    pub plan: &'a P,
    /// Name and text of each query and of its documentation, in the order they run.
    pub queries: &'a [(String, String)],
    /// Names of the tables that are published, in a fixed order; none: all.
    pub only: &'a [String],
    /// The resolved window.
    pub window: Window,
    /// Version of the build.
    pub version: &'a str,
}

impl RunId {
    /// Hashes what can change a published byte.
    ///
    /// # Errors
    ///
    /// The plan can't be written as JSON.
    pub fn new<P: Serialize>(parts: &RunIdParts<'_, P>) -> Result<Self, PublishError> {
        let json = serde_json::to_string(parts.plan)
            .map_err(|source| PublishError::Json { file: "the plan", source })?;
        let mut inputs: Vec<&(String, String)> = parts.inputs.iter().collect();
        inputs.sort();
        let mut hasher = blake3::Hasher::new();
        let mut add = |text: &str| {
            // The length keeps ("ab", "c") and ("a", "bc") apart.
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        };
        add("touchline run id 1");
        add(parts.version);
        add(&parts.window.from_us.to_string());
        add(&parts.window.to_us.to_string());
        add(&json);
        add(&inputs.len().to_string());
        for (input, digest) in inputs {
            add(input);
            add(digest);
        }
        add(&parts.only.len().to_string());
        for table in parts.only {
            add(table);
        }
        for (name, text) in parts.queries {
            add(name);
            add(text);
        }
        let hash = hasher.finalize().to_hex();
        Ok(RunId(format!("r-{}", &hash[..HASH_DIGITS])))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::sample::WINDOW;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|&(name, text)| (name.to_owned(), text.to_owned())).collect()
    }

    fn id(inputs: &[(&str, &str)], queries: &[(&str, &str)], plan: &str) -> RunId {
        let (inputs, queries) = (pairs(inputs), pairs(queries));
        let plan = &plan;
        let parts = RunIdParts {
            inputs: &inputs,
            plan,
            queries: &queries,
            only: &[],
            window: WINDOW,
            version: "0.1.0",
        };
        RunId::new(&parts).unwrap()
    }

    #[test]
    fn the_order_of_files_changes_nothing_and_all_else_does() {
        let base = id(&[("t", "aa"), ("t", "bb")], &[("q", "select 1")], "plan");
        assert_eq!(base, id(&[("t", "bb"), ("t", "aa")], &[("q", "select 1")], "plan"));
        for other in [
            id(&[("t", "aa")], &[("q", "select 1")], "plan"),
            id(&[("t", "aa"), ("t", "bb"), ("t", "bb")], &[("q", "select 1")], "plan"),
            id(&[("t", "aab"), ("t", "b")], &[("q", "select 1")], "plan"),
            id(&[("t", "aa"), ("t", "bb")], &[("q", "select 2")], "plan"),
            id(&[("t", "aa"), ("t", "bb")], &[], "plan"),
            id(&[("t", "aa"), ("t", "bb")], &[("q", "select 1")], "other"),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn it_starts_with_a_letter_and_is_safe_in_a_path() {
        let id = id(&[], &[], "");
        let digits = id.as_str().strip_prefix("r-").unwrap();
        assert_eq!(digits.len(), HASH_DIGITS);
        assert!(digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)));
    }
}
