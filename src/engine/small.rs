//! Small tables, in Parquet or CSV: found and opened, and read one file after the other.

use crate::config::plan::{Integrity, SourcePlan};
use crate::contract::cells::{SmallBatch, locate_in_csv};
use crate::input::footer::read_footer;
use crate::input::open::{Located, Need, OpenFile, Scope, open};
use crate::input::{InputError, InputFile, Limits, csv, discover};

use super::load::{GroupDigests, InputRecord, Item, decode, records, with_folders};
use super::open::OpenSource;

/// A source with its files.
#[derive(Debug)]
pub struct SmallSource {
    /// Its configuration.
    pub plan: SourcePlan,
    /// In the order of their paths.
    pub files: Vec<SmallFile>,
    needs: Vec<Need>,
    integrity: Integrity,
}

/// A file: Parquet opened, CSV still to be read.
#[derive(Debug)]
pub enum SmallFile {
    /// With its footer.
    Parquet(Box<OpenFile>),
    /// As found.
    Csv(InputFile),
}

impl SmallSource {
    /// The columns that are looked for.
    pub fn needs(&self) -> &[Need] {
        &self.needs
    }

    /// Compares CSV files with the checksums beside them, and looks for the columns that are needed.
    pub(super) fn verify_csv(&self) -> Result<(), InputError> {
        for file in &self.files {
            if let SmallFile::Csv(file) = file {
                let read = csv::read(file, self.integrity)?;
                locate_in_csv(&self.plan, file, &read.batch, &self.needs)?;
            }
        }
        Ok(())
    }
}

impl SmallFile {
    /// Where it lies.
    pub fn file(&self) -> &InputFile {
        match self {
            SmallFile::Parquet(opened) => &opened.file,
            SmallFile::Csv(file) => file,
        }
    }
}

/// Finds the files of a source and reads the footers of those that have one.
///
/// # Errors
/// A file is missing or unreadable, or lacks a column that is needed.
pub fn open_small(
    source: &SourcePlan,
    needs: Vec<Need>,
    integrity: Integrity,
    limits: &Limits,
) -> Result<SmallSource, InputError> {
    let open_file = |file: InputFile| {
        if file.path.extension().is_some_and(|suffix| suffix.eq_ignore_ascii_case("csv")) {
            return Ok(SmallFile::Csv(file));
        }
        let footer = read_footer(file, limits)?;
        let opened = open(source, footer, &needs, None, Scope::default(), integrity)?;
        Ok(SmallFile::Parquet(Box::new(opened)))
    };
    let files = discover(source)?.into_iter().map(open_file).collect::<Result<_, InputError>>()?;
    Ok(SmallSource { plan: source.clone(), files, needs, integrity })
}

/// What was read of a source.
#[derive(Debug)]
pub struct SmallRows<T> {
    /// All rows.
    pub rows: Vec<T>,
    /// Its files, as the manifest names them.
    pub inputs: Vec<InputRecord>,
    /// By need: whether some file has the column.
    pub has: Vec<bool>,
}

impl<T> Default for SmallRows<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), inputs: Vec::new(), has: Vec::new() }
    }
}

/// Reads all files; `take` makes rows of a batch.
///
/// # Errors
/// A file can't be read, or `take` refuses a batch.
pub fn read_small<T>(
    source: &SmallSource,
    mut take: impl FnMut(SmallBatch<'_>) -> Result<Vec<T>, InputError>,
) -> Result<SmallRows<T>, InputError> {
    let mut found = SmallRows { has: vec![false; source.needs.len()], ..SmallRows::default() };
    let note = |has: &mut [bool], located: &[Located]| {
        has.iter_mut().zip(located).for_each(|(has, place)| *has |= *place != Located::Absent);
    };
    for file in &source.files {
        match file {
            SmallFile::Csv(file) => {
                let csv::Csv { batch, digest, sha256 } = csv::read(file, source.integrity)?;
                let located = locate_in_csv(&source.plan, file, &batch, &source.needs)?;
                note(&mut found.has, &located);
                found.rows.extend(take(SmallBatch {
                    source: &source.plan,
                    file,
                    located: &located,
                    batch: &batch,
                    first_row: 0,
                })?);
                found.inputs.push(InputRecord {
                    key: source.plan.key.clone(),
                    file: file.clone(),
                    digest: with_folders(digest, file),
                    rows: batch.num_rows() as u64,
                    is_verified: sha256.is_some(),
                    sha256,
                });
            }
            SmallFile::Parquet(opened) => {
                note(&mut found.has, &opened.located);
                opened.verify()?;
                let groups: Vec<usize> = opened.row_groups.iter().map(|(group, _)| *group).collect();
                let item = Item { source: 0, file: 0, groups, first_row: 0, rows: opened.rows };
                let mut digests = GroupDigests::new();
                decode(opened, &item, &mut digests, |batch, origin| {
                    found.rows.extend(take(SmallBatch {
                        source: &source.plan,
                        file: &opened.file,
                        located: origin.located,
                        batch,
                        first_row: origin.first_row,
                    })?);
                    Ok::<_, InputError>(())
                })?;
                let single = OpenSource { plan: source.plan.clone(), files: vec![(**opened).clone()] };
                found.inputs.extend(records(&[&single], digests));
            }
        }
    }
    Ok(found)
}
