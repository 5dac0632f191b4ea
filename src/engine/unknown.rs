//! Columns of files that are neither mapped nor used: most often one that was renamed, or one that somebody expects
//! to be looked at.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::config::known_columns;
use crate::config::plan::{Plan, SourcePlan, UnknownColumns};
use crate::input::open::Need;
use crate::input::{InputError, csv};

use super::open::{OpenSource, Opened};
use super::small::{SmallFile, SmallSource};

/// A column that nothing of the configuration asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownColumn {
    /// `touchpoints`, `spend` …
    pub input: &'static str,
    /// Physical name.
    pub column: String,
    /// The first file that has it, in the order of sources and paths.
    pub file: PathBuf,
    /// How many files have it.
    pub files: usize,
}

impl std::fmt::Display for UnknownColumn {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "inputs.{}: `{}` in {}", self.input, self.column, self.file.display())?;
        match self.files - 1 {
            0 => Ok(()),
            1 => write!(formatter, " and 1 more file"),
            more => write!(formatter, " and {more} more files"),
        }
    }
}

/// At most so many are named in an error.
const MOST_NAMED: usize = 20;

/// Finds them, by input and name, in the files that are read; none where the contract ignores them.
///
/// # Errors
/// There are some, and the contract allows none; or the header of a CSV file can't be read.
pub(super) fn find(plan: &Plan, opened: &Opened) -> Result<Vec<UnknownColumn>, InputError> {
    if plan.contract.unknown_columns == UnknownColumns::Ignore {
        return Ok(Vec::new());
    }
    let mut found = Found::default();
    for source in &opened.touchpoints {
        found.look(("touchpoints", &source.plan), &opened.columns.needs, parquet(source));
    }
    let customers = opened.customers.as_ref().filter(|_| opened.reads_customers);
    let attributes = opened.attributes.iter().map(String::as_str);
    for (input, source) in [
        ("customers", customers),
        ("assignments", opened.assignments.as_ref()),
        ("suppress", opened.suppress.as_ref()),
    ] {
        let Some(source) = source else { continue };
        let needs: Vec<Need> = match input {
            "customers" => {
                attributes.clone().map(|name| Need::optional(name, crate::input::open::Role::Text)).collect()
            }
            _ => Vec::new(),
        };
        found.look((input, &source.plan), &needs, parquet(source));
    }
    for (input, source) in [("spend", &opened.spend), ("rates", &opened.rates)] {
        let Some(source) = source else { continue };
        for (path, columns) in small(source)? {
            found.look((input, &source.plan), source.needs(), std::iter::once((path, columns.as_slice())));
        }
    }
    let found: Vec<UnknownColumn> = found.0.into_values().collect();
    if plan.contract.unknown_columns == UnknownColumns::Fail && !found.is_empty() {
        let mut columns: String =
            found.iter().take(MOST_NAMED).map(|column| format!("\n  {column}")).collect();
        if found.len() > MOST_NAMED {
            columns.push_str(&format!("\n  and {} more", found.len() - MOST_NAMED));
        }
        return Err(InputError::UnknownColumns { count: found.len(), columns });
    }
    Ok(found)
}

/// The Parquet files that are read, with their columns.
fn parquet(source: &OpenSource) -> impl Iterator<Item = (&Path, &[String])> {
    let read = source.files.iter().filter(|file| !file.is_pruned());
    read.map(|file| (file.file.path.as_path(), file.columns.as_slice()))
}

/// The files of a small table, with their columns.
fn small(source: &SmallSource) -> Result<Vec<(&Path, Vec<String>)>, InputError> {
    let mut columns = Vec::with_capacity(source.files.len());
    for file in &source.files {
        columns.push(match file {
            SmallFile::Parquet(opened) => (opened.file.path.as_path(), opened.columns.clone()),
            SmallFile::Csv(file) => (file.path.as_path(), csv::columns(file)?),
        });
    }
    Ok(columns)
}

/// By input and column.
#[derive(Default)]
struct Found(BTreeMap<(&'static str, String), UnknownColumn>);

impl Found {
    fn look<'f>(
        &mut self,
        (input, source): (&'static str, &SourcePlan),
        needs: &[Need],
        files: impl Iterator<Item = (&'f Path, &'f [String])>,
    ) {
        let is_known = |column: &str| {
            known_columns(input).any(|known| known == column)
                || needs.iter().any(|need| source.physical(&need.logical) == column)
                || source.columns.values().any(|mapped| mapped == column)
        };
        for (path, columns) in files {
            for column in columns.iter().filter(|column| !is_known(column)) {
                let unknown =
                    || UnknownColumn { input, column: column.clone(), file: path.to_owned(), files: 0 };
                self.0.entry((input, column.clone())).or_insert_with(unknown).files += 1;
            }
        }
    }
}
