//! Rows between simulation and Parquet: packed, appended to one temporary file per day.
//!
//! Files are opened for each append and closed again, so that many days need no open-file limit.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use super::GenerateError;
use super::block::Block;
use super::layout;
use super::simulate::SimulatedRow;

/// The length of a packed row.
pub(super) const ROW_BYTES: usize = 21;
/// The code of a channel or campaign that is null.
pub(super) const NONE: u8 = u8::MAX;

/// One touchpoint as it is spooled: codes instead of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    pub time_us: i64,
    pub customer: u32,
    /// 0: no order.
    pub value_minor: u32,
    pub event: u8,
    pub device: u8,
    pub channel: u8,
    pub campaign: u8,
    /// 0: no order.
    pub order_number: u8,
}

impl Row {
    pub(super) fn new(customer: u32, row: &SimulatedRow) -> Self {
        Self {
            time_us: row.time_us,
            customer,
            // The largest draw of the lognormal, of a business, stays a hundred times below the limit.
            value_minor: row.value_minor.map_or(0, |minor| minor as u32),
            event: row.event as u8,
            device: row.device.0,
            channel: row.channel.map_or(NONE, |channel| channel.0),
            campaign: row.campaign.map_or(NONE, |campaign| campaign.0),
            order_number: row.order_number.unwrap_or(0),
        }
    }

    pub(super) fn pack(&self, bytes: &mut [u8]) {
        bytes[..8].copy_from_slice(&self.time_us.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.customer.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.value_minor.to_le_bytes());
        bytes[16..].copy_from_slice(&[
            self.event,
            self.device,
            self.channel,
            self.campaign,
            self.order_number,
        ]);
    }

    pub(super) fn unpack(bytes: &[u8; ROW_BYTES]) -> Self {
        let [t0, t1, t2, t3, t4, t5, t6, t7, c0, c1, c2, c3, v0, v1, v2, v3, codes @ ..] = *bytes;
        let [event, device, channel, campaign, order_number] = codes;
        Self {
            time_us: i64::from_le_bytes([t0, t1, t2, t3, t4, t5, t6, t7]),
            customer: u32::from_le_bytes([c0, c1, c2, c3]),
            value_minor: u32::from_le_bytes([v0, v1, v2, v3]),
            event,
            device,
            channel,
            campaign,
            order_number,
        }
    }
}

/// The temporary folder; it goes when this is dropped, whatever happened.
pub(super) struct Spool {
    dir: PathBuf,
    /// Rows per day.
    counts: Vec<u64>,
}

impl Spool {
    pub(super) fn create(dir: &Path, days: u32) -> Result<Self, GenerateError> {
        let folder = dir.join(layout::SPOOL_DIR);
        fs::create_dir(&folder).map_err(GenerateError::io("create", &folder))?;
        Ok(Self { dir: dir.to_path_buf(), counts: vec![0; days as usize] })
    }

    /// Appends the rows of some blocks, in the order of the blocks.
    pub(super) fn append(&mut self, blocks: &[Block]) -> Result<(), GenerateError> {
        for (day, count) in self.counts.iter_mut().enumerate() {
            let bytes: usize = blocks.iter().map(|block| block.day(day).len()).sum();
            if bytes == 0 {
                continue;
            }
            let path = self.dir.join(layout::spool_day(day as u32));
            let mut file = OpenOptions::new()
                .create(true)
                .append(true)
                .open(&path)
                .map_err(GenerateError::io("create", &path))?;
            for block in blocks {
                file.write_all(block.day(day)).map_err(GenerateError::io("write", &path))?;
            }
            *count += (bytes / ROW_BYTES) as u64;
        }
        Ok(())
    }

    /// Rows per day.
    pub(super) fn counts(&self) -> &[u64] {
        &self.counts
    }

    pub(super) fn read_day(&self, day: u32) -> Result<DayReader, GenerateError> {
        let path = self.dir.join(layout::spool_day(day));
        let file = File::open(&path).map_err(GenerateError::io("open", &path))?;
        Ok(DayReader { file, path, bytes: Vec::new() })
    }

    /// Frees the disk as soon as a day is converted.
    pub(super) fn remove_day(&self, day: u32) -> Result<(), GenerateError> {
        let path = self.dir.join(layout::spool_day(day));
        fs::remove_file(&path).map_err(GenerateError::io("remove", &path))
    }

    /// Removes the folder and says so if that fails.
    pub(super) fn remove(self) -> Result<(), GenerateError> {
        let folder = self.dir.join(layout::SPOOL_DIR);
        fs::remove_dir_all(&folder).map_err(GenerateError::io("remove", &folder))
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        // On the way out with an error: that one is worth more to the user than a second.
        let _ = fs::remove_dir_all(self.dir.join(layout::SPOOL_DIR));
    }
}

/// Reads one day's rows in chunks.
pub(super) struct DayReader {
    file: File,
    path: PathBuf,
    bytes: Vec<u8>,
}

impl DayReader {
    /// Fills `rows` with up to `limit` further rows; it stays empty at the end.
    pub(super) fn read(&mut self, limit: usize, rows: &mut Vec<Row>) -> Result<(), GenerateError> {
        rows.clear();
        self.bytes.resize(limit * ROW_BYTES, 0);
        let mut filled = 0;
        while filled < self.bytes.len() {
            match self.file.read(&mut self.bytes[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(GenerateError::io("read", &self.path)(error)),
            }
        }
        let (packed, rest) = self.bytes[..filled].as_chunks::<ROW_BYTES>();
        debug_assert!(rest.is_empty(), "the spool ends inside a row");
        rows.extend(packed.iter().map(Row::unpack));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_survive_packing() {
        let row = Row {
            time_us: -1_775_001_600_123_456,
            customer: 4_000_000_000,
            value_minor: 123_456,
            event: 6,
            device: 2,
            channel: NONE,
            campaign: 17,
            order_number: 3,
        };
        let mut bytes = [0; ROW_BYTES];
        row.pack(&mut bytes);
        assert_eq!(Row::unpack(&bytes), row);
    }
}
