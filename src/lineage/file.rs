//! The file of events, shared by every run that names it.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use super::LineageError;

const FILE_MODE: u32 = 0o640;
const FOLDER_MODE: u32 = 0o750;

/// An event says its type or its time within so many bytes.
const LONGEST_BEGIN: u64 = 4_096;

/// Appends a line. It is handed to the system in one call, so that lines of runs side by side don't mix.
pub(super) fn append(path: &Path, line: &str) -> Result<(), LineageError> {
    let io = |source| LineageError::Io { path: path.to_owned(), source };
    // A pipe without a reader would hold up the run.
    if path.metadata().is_ok_and(|found| !found.is_file()) {
        return Err(LineageError::NotAFile { path: path.to_owned() });
    }
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder).map_err(io)?;
    }
    let mut file =
        OpenOptions::new().read(true).append(true).create(true).mode(FILE_MODE).open(path).map_err(io)?;
    if !holds_events(&mut file).map_err(io)? {
        return Err(LineageError::OfOthers { path: path.to_owned() });
    }
    // A line that a full disk cut off must not take this one along.
    let line = if ends_in_a_line(&mut file).map_err(io)? { line.to_owned() } else { format!("\n{line}") };
    file.write_all(line.as_bytes()).map_err(io)
}

/// Whether a file is empty or begins as a file of events does; others are never written to.
fn holds_events(file: &mut File) -> io::Result<bool> {
    let mut first = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    io::Read::by_ref(file).take(LONGEST_BEGIN).read_to_end(&mut first)?;
    let line = first.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let has = |word: &[u8]| line.windows(word.len()).any(|found| found == word);
    Ok(first.is_empty() || (line.starts_with(b"{") && has(b"\"eventT")))
}

/// Whether a file is empty or its last line has its end.
fn ends_in_a_line(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}
