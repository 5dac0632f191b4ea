//! Whether the files of a source have the same columns.
//!
//! Types may differ where every one of them can be read as what the column is used as: texts and integers are the
//! same ids, times of any unit are the same instants, numbers of any width the same amounts. A column that a run can
//! do without is null in the files that lack it. Either is a coercion, and the run says so.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::config::nearest::most_alike;
use crate::config::plan::SourcePlan;

use super::open::{Located, Need, OpenFile, type_name};

/// A column in which files of one source differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Physical name.
    pub column: String,
    /// The first file that has it, and as what.
    pub here: (PathBuf, String),
    /// The first file that has it otherwise, and as what; None: not at all.
    pub there: (PathBuf, Option<String>),
    /// A column of the other file that may be meant.
    pub near: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { column, here, there, near } = self;
        write!(formatter, "`{column}` is {} in {}, ", here.1, here.0.display())?;
        match &there.1 {
            Some(found) => write!(formatter, "and {found} in {}: read as the same", there.0.display()),
            None => {
                write!(formatter, "and {} doesn't have it", there.0.display())?;
                if let Some(near) = near {
                    write!(formatter, ", but `{near}`")?;
                }
                write!(formatter, ": null in its rows")
            }
        }
    }
}

/// How the files of a source differ in the columns that the run reads of them. What a run can't do without, and what
/// is mapped by hand, was refused before where it is missing.
pub fn differences(source: &SourcePlan, needs: &[Need], files: &[OpenFile]) -> Vec<Difference> {
    let mut differences = Vec::new();
    for (place, need) in needs.iter().enumerate() {
        // What is absent has no type; a file without rows says nothing.
        let mut kinds: BTreeMap<Option<String>, &OpenFile> = BTreeMap::new();
        for file in files.iter().filter(|file| file.rows > 0).rev() {
            kinds.insert(kind(&file.located[place]), file);
        }
        let absent = kinds.remove(&None);
        let mut present: Vec<(String, &OpenFile)> =
            kinds.into_iter().filter_map(|(kind, file)| Some((kind?, file))).collect();
        present.sort_by(|one, other| one.1.file.path.cmp(&other.1.file.path));
        let Some((found, here)) = present.first() else { continue };
        let column = source.physical(&need.logical).to_owned();
        let difference = |file: &OpenFile, kind: Option<String>, near: Option<String>| Difference {
            column: column.clone(),
            here: (here.file.path.clone(), found.clone()),
            there: (file.file.path.clone(), kind),
            near,
        };
        differences.extend(absent.map(|file| {
            // A column of nothing but nulls may come without a type.
            let kind = file.columns.contains(&column).then(|| "without a type".to_owned());
            let near = most_alike(&column, file.columns.iter().map(String::as_str)).map(str::to_owned);
            difference(file, kind, near)
        }));
        differences
            .extend(present[1..].iter().map(|(kind, file)| difference(file, Some(kind.clone()), None)));
    }
    differences
}

/// What a file has of a column, as a person calls it; None: nothing.
fn kind(located: &Located) -> Option<String> {
    match located {
        Located::Column(_, found) => Some(type_name(found)),
        Located::Constant(_) => Some("given by its folder or the configuration".to_owned()),
        Located::Absent => None,
    }
}
