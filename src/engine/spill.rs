//! Rows between reading and walking: in memory, and beyond the budget in a temporary file per thread.
//!
//! The files have no name (`O_TMPFILE`, or unlinked as soon as they are there), so that nothing is left of
//! them however the process ends.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use crate::journey::buffer::PartitionBuffer;
use crate::journey::key::PARTITIONS;
use crate::journey::partition::Partition;
use crate::journey::spill::{Extent, Spill};

use super::budget::{Budget, resident_bytes};
use super::error::EngineError;

/// Writes one thread's rows out when there are too many.
#[derive(Debug)]
pub struct Spiller<'b> {
    budget: &'b Budget,
    /// Bytes noted in the budget.
    held: u64,
    spilled: Spilled,
}

/// What one thread wrote out.
#[derive(Debug, Default)]
pub struct Spilled {
    file: Option<File>,
    end: u64,
    /// By partition; empty where nothing was written.
    extents: Vec<Vec<Extent>>,
}

impl<'b> Spiller<'b> {
    /// For a thread that holds nothing yet.
    pub fn new(budget: &'b Budget) -> Self {
        Self { budget, held: 0, spilled: Spilled::default() }
    }

    /// Looks at what the thread holds, by partition, and writes full chunks out if all threads together hold
    /// too much.
    pub fn relieve<S: Spill>(&mut self, partitions: &mut [S]) -> Result<(), EngineError> {
        if self.note(partitions) {
            self.unload(partitions, false)?;
        }
        Ok(())
    }

    /// Ends reading: where something was written out, or chunks that never filled are too much, all is.
    pub fn finish<S: Spill>(mut self, partitions: &mut [S]) -> Result<Spilled, EngineError> {
        if self.spilled.file.is_some() || self.note(partitions) {
            self.unload(partitions, true)?;
        }
        Ok(self.spilled)
    }

    fn note<S: Spill>(&mut self, partitions: &[S]) -> bool {
        let bytes = partitions.iter().map(|partition| partition.bytes() as u64).sum();
        self.budget.note(std::mem::replace(&mut self.held, bytes), bytes)
    }

    fn unload<S: Spill>(&mut self, partitions: &mut [S], all: bool) -> Result<(), EngineError> {
        let folder = self.budget.folder();
        for (index, partition) in partitions.iter_mut().enumerate() {
            let spilled = &mut self.spilled;
            partition
                .unload(all, &mut |list, chunk: &[u8]| {
                    let offset = spilled.write(folder, chunk)?;
                    spilled.extents[index].push(Extent { list, offset, bytes: chunk.len() as u32 });
                    Ok(())
                })
                .map_err(|source| EngineError::Spill { folder: folder.to_owned(), source })?;
        }
        self.note(partitions);
        Ok(())
    }
}

impl Spilled {
    fn write(&mut self, folder: &Path, bytes: &[u8]) -> io::Result<u64> {
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                self.extents = vec![Vec::new(); PARTITIONS];
                none.insert(tempfile::tempfile_in(folder)?)
            }
        };
        let offset = self.end;
        file.write_all_at(bytes, offset)?;
        self.end += bytes.len() as u64;
        Ok(offset)
    }

    fn reload(&self, partition: usize, into: &mut impl Spill) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        into.reload(&self.extents[partition], &mut |offset, bytes: &mut [u8]| {
            file.read_exact_at(bytes, offset)
        })
    }
}

/// What a row takes while its partition is cut and walked, at most: its bytes if they come back from a file, its
/// place in the order, its touch, its event in the index, and what grows by doubling.
const ROW_BYTES_AT_WORK: u64 = 128;
/// The same of a number that stands beside a row.
const NUMBER_BYTES_AT_WORK: u64 = 32;

/// All partitions on their way to be walked.
#[derive(Debug, Default)]
pub struct Waiting {
    /// Each is taken by exactly one thread; the lock is how it changes hands.
    partitions: Vec<Mutex<Partition>>,
    spilled: SpilledRows,
    folder: std::path::PathBuf,
    /// By partition: whether it takes more than a thread's share of memory.
    large: Vec<bool>,
    /// Held by the thread that works on a large one.
    turn: Mutex<()>,
    /// Of the whole process.
    most_resident: u64,
}

/// By worker that read them.
#[derive(Debug, Default)]
pub struct SpilledRows {
    /// Touchpoints.
    pub rows: Vec<Spilled>,
    /// Attributes of customers.
    pub attributes: Vec<Spilled>,
    /// Assignments of customers.
    pub assignments: Vec<Spilled>,
}

impl SpilledRows {
    /// Bytes written.
    pub fn bytes(&self) -> u64 {
        let all = self.rows.iter().chain(&self.attributes).chain(&self.assignments);
        all.map(|spilled| spilled.end).sum()
    }
}

impl Waiting {
    /// Partitions, and what of them lies in files.
    pub fn new(partitions: Vec<Partition>, spilled: SpilledRows, budget: &Budget) -> Self {
        let share = budget.share();
        let is_large = |partition: &Partition| {
            let bytes = |buffer: &PartitionBuffer| {
                let numbers: u64 = buffer.numbers.iter().map(|numbers| numbers.len() as u64).sum();
                buffer.len() as u64 * ROW_BYTES_AT_WORK + numbers * NUMBER_BYTES_AT_WORK
            };
            partition.rows.iter().map(|(_, rows)| bytes(rows)).sum::<u64>() > share
        };
        Self {
            large: partitions.iter().map(is_large).collect(),
            partitions: partitions.into_iter().map(Mutex::new).collect(),
            spilled,
            folder: budget.folder().to_owned(),
            turn: Mutex::default(),
            most_resident: budget.resident(),
        }
    }

    /// Partitions that are in memory as a whole.
    pub fn in_memory(partitions: Vec<Partition>) -> Self {
        Self { partitions: partitions.into_iter().map(Mutex::new).collect(), ..Self::default() }
    }

    /// Bytes that were written out.
    pub fn spilled_bytes(&self) -> u64 {
        self.spilled.bytes()
    }

    /// Whether there was more than memory is for.
    pub fn is_scarce(&self) -> bool {
        self.spilled_bytes() > 0
    }

    /// Whether the process takes more memory than the budget has, as far as the system says.
    pub fn is_overdrawn(&self) -> bool {
        self.is_scarce() && resident_bytes().is_some_and(|bytes| bytes > self.most_resident)
    }

    /// Whether a partition takes more than a thread's share of memory.
    pub fn is_large(&self, index: usize) -> bool {
        self.large.get(index).copied().unwrap_or(false)
    }

    /// Waits for the turn of a large partition, to be held while it is worked on; others need none.
    pub fn turn(&self, index: usize) -> Option<MutexGuard<'_, ()>> {
        self.is_large(index).then(|| self.turn.lock().unwrap_or_else(|lock| lock.into_inner()))
    }

    /// Takes a partition, with what comes back from the files. The second time there is nothing.
    pub fn take(&self, index: usize) -> Result<Partition, EngineError> {
        let mut partition =
            std::mem::take(&mut *self.partitions[index].lock().unwrap_or_else(|lock| lock.into_inner()));
        self.reload(index, &mut partition)
            .map_err(|source| EngineError::Spill { folder: self.folder.clone(), source })?;
        Ok(partition)
    }

    fn reload(&self, index: usize, partition: &mut Partition) -> io::Result<()> {
        fn back<S: Spill>(index: usize, spilled: &[Spilled], own: &mut [(usize, S)]) -> io::Result<()> {
            for (worker, rows) in own {
                if let Some(spilled) = spilled.get(*worker) {
                    spilled.reload(index, rows)?;
                }
            }
            Ok(())
        }
        back(index, &self.spilled.rows, &mut partition.rows)?;
        // There are those of one kind only.
        back(index, &self.spilled.attributes, &mut partition.attributes)?;
        back(index, &self.spilled.attributes, &mut partition.dated_attributes)?;
        back(index, &self.spilled.assignments, &mut partition.assignments)
    }
}
