//! Whether files are what was exported: by the checksums beside them, and page by page.

use rayon::ThreadPool;

use crate::input::InputError;
use crate::input::open::OpenFile;

use super::open::Opened;
use super::small::SmallFile;
use super::work;

/// Compares files with the checksums beside them, also those of which no row group is read: why none is, their
/// footers say. Small tables are compared as they are read.
///
/// # Errors
/// A file is another than the one that its checksum was made of, or can't be read.
pub(super) fn by_sidecars(opened: &Opened, pool: &ThreadPool) -> Result<(), InputError> {
    work::map(pool, &large_files(opened), |file| file.verify())?;
    Ok(())
}

/// Compares all files with the checksums beside them, small tables among them, and reads their pages where a run needs the
/// checksums of those, or where `pages` says so.
///
/// # Errors
/// See above; of small tables in CSV also that a column is missing.
pub(super) fn wholly(opened: &Opened, pages: bool, pool: &ThreadPool) -> Result<(), InputError> {
    // Where nobody asks who the customers are, their pages aren't read.
    let lookups =
        [(&opened.customers, opened.reads_customers), (&opened.assignments, true), (&opened.suppress, true)];
    let lookups = lookups.into_iter().filter_map(|(source, is_read)| Some((source.as_ref()?, is_read)));
    let sources = opened.touchpoints.iter().map(|source| (source, true)).chain(lookups);
    let mut files: Vec<(&OpenFile, bool)> =
        sources.flat_map(|(source, is_read)| source.files.iter().map(move |file| (file, is_read))).collect();
    for source in [&opened.spend, &opened.rates].into_iter().flatten() {
        source.verify_csv()?;
        files.extend(source.files.iter().filter_map(|file| match file {
            SmallFile::Parquet(file) => Some((&**file, true)),
            SmallFile::Csv(_) => None,
        }));
    }
    work::map(pool, &files, |(file, is_read)| {
        file.verify()?;
        if *is_read && (pages || file.needs_page_checksums()) { read_pages(file) } else { Ok(()) }
    })?;
    Ok(())
}

/// Decodes what a run would read of a file.
///
/// # Errors
/// A page is damaged, or claims too much.
pub(super) fn read_pages(file: &OpenFile) -> Result<(), InputError> {
    let groups: Vec<usize> = file.row_groups.iter().map(|(group, _)| *group).collect();
    for portion in file.portions(&groups) {
        for batch in file.read(portion, None)? {
            batch?;
        }
    }
    Ok(())
}

fn large_files(opened: &Opened) -> Vec<&OpenFile> {
    let lookups = [&opened.customers, &opened.assignments, &opened.suppress].into_iter().flatten();
    opened.touchpoints.iter().chain(lookups).flat_map(|source| &source.files).collect()
}
