//! Whether the files of a source have the same columns.
//!
//! Types may differ where every one of them can be read as what the column is used as: texts and integers are the
//! same ids, times of any unit are the same instants, numbers of any width the same amounts. That is a coercion, and
//! the run says so. A column that only some files have is none: the rows of the others would count as null.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::config::nearest::most_alike;
use crate::config::plan::SourcePlan;

use super::error::InputError;
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
            Some(found) => write!(formatter, "and {found} in {}", there.0.display()),
            None => write!(formatter, "and {} doesn't have it", there.0.display()),
        }?;
        near.as_ref().map_or(Ok(()), |near| write!(formatter, ", but `{near}`"))
    }
}

/// How the files of a source differ in the columns that the run reads of them. What is there and readable everywhere,
/// but as different types, is returned.
///
/// # Errors
/// [`InputError::Drift`] where a column is missing from some of the files.
pub fn differences(
    source: &SourcePlan,
    needs: &[Need],
    files: &[OpenFile],
) -> Result<Vec<Difference>, InputError> {
    let (mut missing, mut coerced) = (Vec::new(), Vec::new());
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
        if let Some(file) = absent {
            let untyped = file.columns.contains(&column);
            let near = most_alike(&column, file.columns.iter().map(String::as_str)).map(str::to_owned);
            // A column of nothing but nulls may come without a type.
            match untyped {
                true => coerced.push(difference(file, Some("without a type".to_owned()), None)),
                false => missing.push(difference(file, None, near)),
            }
        }
        coerced.extend(present[1..].iter().map(|(kind, file)| difference(file, Some(kind.clone()), None)));
    }
    match missing.is_empty() {
        true => Ok(coerced),
        false => Err(InputError::Drift { key: source.key.clone(), differences: missing }),
    }
}

/// What a file has of a column, as a person calls it; None: nothing.
fn kind(located: &Located) -> Option<String> {
    match located {
        Located::Column(_, found) => Some(type_name(found)),
        Located::Constant(_) => Some("given by its folder or the configuration".to_owned()),
        Located::Absent => None,
    }
}
