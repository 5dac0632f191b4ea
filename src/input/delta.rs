//! Delta encoding of integers, as far as it takes to know how long texts are that are written by it.
//!
//! A page of it says how many values it holds, and the decoder makes room for them before it has seen one.
//! Format: <https://parquet.apache.org/docs/file-format/data-pages/encodings/#DELTAENC>.

use super::compact::{Broken, Compact};

/// Writers make blocks of 128 to 2048 values.
const MOST_BLOCK_VALUES: u64 = 1 << 16;

/// Reads up to `most` integers that follow each other; returns the bytes after them.
pub(super) fn read(bytes: &[u8], most: u64, mut each: impl FnMut(i64)) -> Result<&[u8], Broken> {
    let mut head = Compact::new(bytes);
    let block_values = head.varint()?;
    let miniblocks = head.varint()?;
    let count = head.varint()?;
    let mut value = head.zigzag()?;
    if block_values == 0 || block_values > MOST_BLOCK_VALUES || miniblocks == 0 || miniblocks > block_values {
        return Err(Broken::Invalid("blocks of no possible size"));
    }
    if count > most {
        return Err(Broken::Invalid("more values than it has room for"));
    }
    let per_miniblock = block_values / miniblocks;
    let mut rest = &bytes[head.at()..];
    if count > 0 {
        each(value);
    }
    let mut left = count.saturating_sub(1);
    while left > 0 {
        let mut head = Compact::new(rest);
        let least = head.zigzag()?;
        let (widths, mut packed) =
            rest[head.at()..].split_at_checked(miniblocks as usize).ok_or(Broken::Cut)?;
        for width in widths {
            if left == 0 {
                break;
            }
            if *width > 64 {
                return Err(Broken::Invalid("integers of more than 64 bits"));
            }
            let length = (per_miniblock * u64::from(*width)).div_ceil(8) as usize;
            // The last of a page may be cut off after its last value.
            let own = packed.get(..length).unwrap_or(packed);
            for at in 0..per_miniblock.min(left) {
                let delta = bits(own, at * u64::from(*width), *width).ok_or(Broken::Cut)?;
                value = value.wrapping_add(least).wrapping_add(delta as i64);
                each(value);
            }
            left -= per_miniblock.min(left);
            packed = packed.get(length..).unwrap_or_default();
        }
        rest = packed;
    }
    Ok(rest)
}

/// So many bits from a position on, the lowest first.
fn bits(bytes: &[u8], from: u64, width: u8) -> Option<u64> {
    let mut value = 0_u128;
    let (first, last) = ((from / 8) as usize, ((from + u64::from(width)).div_ceil(8)) as usize);
    for (at, byte) in bytes.get(first..last)?.iter().enumerate() {
        value |= u128::from(*byte) << (at * 8);
    }
    let mask = if width == 0 { 0 } else { u128::MAX >> (128 - u32::from(width)) };
    Some((value >> (from % 8) & mask) as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(bytes: &[u8], most: u64) -> Result<(Vec<i64>, usize), Broken> {
        let mut values = Vec::new();
        let rest = read(bytes, most, |value| values.push(value))?;
        Ok((values, rest.len()))
    }

    #[test]
    fn the_examples_of_the_format() {
        // 1, 2, 3, 4, 5: all deltas are one.
        let counting = [128, 1, 4, 5, 2, 2, 0, 0, 0, 0, b'x'];
        assert_eq!(all(&counting, 5).unwrap(), (vec![1, 2, 3, 4, 5], 1));
        // 7, 5, 3, 1, 2, 3, 4, 5: deltas from -2 to 1, in two bits each.
        let mut changing = vec![128, 1, 4, 8, 14, 3, 2, 0, 0, 0, 0b1100_0000, 0b0011_1111];
        changing.extend([0; 6]);
        assert_eq!(all(&changing, 8).unwrap(), (vec![7, 5, 3, 1, 2, 3, 4, 5], 0));
        assert_eq!(all(&changing, 7), Err(Broken::Invalid("more values than it has room for")));
        assert_eq!(all(&[128, 1, 4, 0, 0], 0).unwrap(), (vec![], 0));
    }

    proptest! {
        #[test]
        fn any_bytes_come_to_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok((values, _)) = all(&bytes, 10_000) {
                prop_assert!(values.len() <= 10_000);
            }
        }
    }
}
