//! How long the texts of a page become: what a few bytes can say of a great deal of them.

use parquet::basic::Encoding;
use parquet::column::page::Page;
use parquet::errors::{ParquetError, Result};

use super::compact::Broken;
use super::delta;
use super::limits::mebibytes;

/// What texts of a column may become.
#[derive(Debug, Clone, Copy)]
pub(super) struct TextLimits {
    /// Bytes that a batch of them may take.
    pub(super) most_bytes: u64,
    /// Rows of a batch.
    pub(super) batch_rows: u64,
    /// Whether a batch may hold texts of a dictionary beside others: it then holds each as often as it occurs.
    pub(super) leaves_dictionary: bool,
    /// Whether pages begin with levels.
    pub(super) has_nulls: bool,
}

impl TextLimits {
    /// Looks at a page that is unpacked.
    pub(super) fn check(&self, page: &Page) -> Result<()> {
        match page {
            Page::DictionaryPage { buf, num_values, .. } if self.leaves_dictionary => {
                self.check_longest(longest_plain(buf, *num_values))
            }
            Page::DictionaryPage { .. } => Ok(()),
            Page::DataPage { buf, num_values, encoding, def_level_encoding, .. } if is_delta(*encoding) => {
                let levels = match (self.has_nulls, def_level_encoding) {
                    (false, _) => Some(0),
                    #[expect(deprecated, reason = "old files have it")]
                    (true, Encoding::BIT_PACKED) => Some(num_values.div_ceil(8) as usize),
                    (true, _) => buf.first_chunk().map(|length| 4 + u32::from_le_bytes(*length) as usize),
                };
                self.check_delta(levels.and_then(|levels| buf.get(levels..)), *num_values, *encoding)
            }
            Page::DataPageV2 {
                buf, num_values, encoding, def_levels_byte_len, rep_levels_byte_len, ..
            } if is_delta(*encoding) => {
                let levels = *def_levels_byte_len as usize + *rep_levels_byte_len as usize;
                self.check_delta(buf.get(levels..), *num_values, *encoding)
            }
            _ => Ok(()),
        }
    }

    fn check_delta(&self, values: Option<&[u8]>, rows: u32, encoding: Encoding) -> Result<()> {
        let values = values.ok_or_else(|| broken(Broken::Cut))?;
        let (mut prefixes, mut longest, mut at) = (Vec::new(), 0, 0);
        let rest = match encoding {
            Encoding::DELTA_BYTE_ARRAY => {
                delta::read(values, u64::from(rows), |length| prefixes.push(length)).map_err(broken)?
            }
            _ => values,
        };
        delta::read(rest, u64::from(rows), |length| {
            let prefix = prefixes.get(at).copied().unwrap_or(0);
            longest = longest.max(prefix.saturating_add(length));
            at += 1;
        })
        .map_err(broken)?;
        // What isn't shared with the text before lies in the page itself.
        match prefixes.is_empty() {
            true => Ok(()),
            false => self.check_longest(u64::try_from(longest).unwrap_or(u64::MAX)),
        }
    }

    fn check_longest(&self, longest: u64) -> Result<()> {
        let bytes = longest.saturating_mul(self.batch_rows);
        if bytes <= self.most_bytes {
            return Ok(());
        }
        Err(ParquetError::General(format!(
            "texts of {longest} bytes each may become {}, and {} is what there is room for",
            mebibytes(bytes),
            mebibytes(self.most_bytes)
        )))
    }
}

fn is_delta(encoding: Encoding) -> bool {
    matches!(encoding, Encoding::DELTA_BYTE_ARRAY | Encoding::DELTA_LENGTH_BYTE_ARRAY)
}

fn broken(what: Broken) -> ParquetError {
    let what = match what {
        Broken::Cut => "it ends too early",
        Broken::Invalid(what) => what,
    };
    ParquetError::General(format!("a page of texts can't be read: {what}"))
}

/// Length of the longest of texts that each follow their length.
fn longest_plain(mut bytes: &[u8], values: u32) -> u64 {
    let mut longest = 0;
    for _ in 0..values {
        let Some((length, rest)) = bytes.split_first_chunk() else { break };
        let length = u32::from_le_bytes(*length);
        longest = longest.max(length);
        bytes = rest.get(length as usize..).unwrap_or_default();
    }
    u64::from(longest)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    const LIMITS: TextLimits =
        TextLimits { most_bytes: 1_000, batch_rows: 10, leaves_dictionary: true, has_nulls: false };

    fn dictionary(longest: usize) -> Page {
        let mut buf = vec![1, 0, 0, 0, b'a'];
        buf.extend((longest as u32).to_le_bytes());
        buf.resize(buf.len() + longest, b'b');
        Page::DictionaryPage { buf: buf.into(), num_values: 2, encoding: Encoding::PLAIN, is_sorted: false }
    }

    fn delta(buf: Vec<u8>, num_values: u32, encoding: Encoding) -> Page {
        Page::DataPage {
            buf: Bytes::from(buf),
            num_values,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        }
    }

    #[test]
    fn long_texts_that_occur_often_are_refused() {
        assert!(LIMITS.check(&dictionary(100)).is_ok());
        assert!(LIMITS.check(&dictionary(101)).is_err());
        let by_code = TextLimits { leaves_dictionary: false, ..LIMITS };
        assert!(by_code.check(&dictionary(101)).is_ok(), "each is held once");
    }

    #[test]
    fn texts_that_repeat_what_was_before_are_measured() {
        // Prefixes 0, 90, 90, … and suffixes 90, 1, 1, … or 90, 50, 50, …: one block with deltas of no bits.
        let page = |suffix: u8| {
            let prefixes = [128, 1, 1, 2, 0, 180, 1, 0];
            let suffixes = [128, 1, 1, 2, 180, 1, suffix, 1, 0];
            delta([&prefixes[..], &suffixes[..]].concat(), 2, Encoding::DELTA_BYTE_ARRAY)
        };
        // A delta of -89, then of -79: the second text has 91 or 101 bytes.
        assert!(LIMITS.check(&page(177)).is_ok());
        assert!(LIMITS.check(&page(157)).is_err());
    }

    #[test]
    fn a_page_that_claims_more_texts_than_rows_is_refused() {
        let claim = vec![128, 1, 1, 0xff, 0xff, 0xff, 0xff, 0x07, 0, 0, 0];
        let page = delta(claim, 5, Encoding::DELTA_LENGTH_BYTE_ARRAY);
        assert!(LIMITS.check(&page).unwrap_err().to_string().contains("more values"));
    }
}
