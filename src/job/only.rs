//! `--only`: some tables instead of all.

use crate::queries::Query;
use crate::tables;

use super::{JobError, Table};

/// By this table a reader sees that the others add up, so it always comes along.
const ALWAYS: &str = "reconciliation";

/// The tables to publish. All are computed: what is hidden in one depends on what the others show.
#[derive(Debug)]
pub(super) struct Only {
    /// In order, each once; none: all.
    names: Vec<String>,
}

impl Only {
    /// Those that were asked for, and the one that always comes along.
    ///
    /// # Errors
    /// There is no such table.
    pub(super) fn new(asked: &[String], queries: &[Query]) -> Result<Self, JobError> {
        let known = || {
            let core = tables::ALL.iter().map(|spec| spec.name.to_owned());
            core.chain(queries.iter().map(|query| query.name.clone()))
        };
        if let Some(name) = asked.iter().find(|name| !known().any(|known| known == **name)) {
            return Err(JobError::UnknownTable { name: name.clone(), known: known().collect() });
        }
        let mut names = asked.to_vec();
        if !names.is_empty() {
            names.push(ALWAYS.to_owned());
        }
        names.sort();
        names.dedup();
        Ok(Self { names })
    }

    /// Their names, in order; none: all.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Those of the computed tables.
    pub(super) fn of(&self, mut tables: Vec<Table>) -> Vec<Table> {
        if !self.names.is_empty() {
            tables.retain(|(docs, _)| self.names.contains(&docs.name));
        }
        tables
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_tables_and_the_books_come_along() {
        let names = |asked: &[&str]| {
            let asked: Vec<String> = asked.iter().map(|name| (*name).to_owned()).collect();
            Only::new(&asked, &[]).map(|only| only.names)
        };
        assert_eq!(names(&[]).unwrap(), Vec::<String>::new());
        let found = names(&["stage_funnel", "channel_roi", "stage_funnel"]).unwrap();
        assert_eq!(found, ["channel_roi", "reconciliation", "stage_funnel"]);
        let error = names(&["stage_funel"]).unwrap_err();
        assert_eq!(error.to_string(), "there is no table `stage_funel`");
        assert_eq!((error.hint().as_deref(), error.exit_code()), (Some("did you mean `stage_funnel`?"), 64));
    }
}
