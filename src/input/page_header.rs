//! Headers of pages: what a page claims, before the decoder believes it.

use super::compact::{Broken, Compact, Field, Kind};

/// Of the format, as its headers number them.
pub(super) mod encodings {
    pub(in crate::input) const PLAIN: i32 = 0;
    pub(in crate::input) const PLAIN_DICTIONARY: i32 = 2;
    pub(in crate::input) const RLE_DICTIONARY: i32 = 8;
}

/// The number of the field with the checksum.
const CHECKSUM: i16 = 4;
/// A field of this number more than the last is none that the format has.
const UNKNOWN_STEP: u8 = 9;

/// What kind of page it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PageKind {
    Data,
    /// Nothing reads it.
    Index,
    Dictionary,
    /// With levels outside of what is compressed; their lengths.
    DataV2 {
        level_bytes: u64,
    },
}

/// A header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PageHeader {
    pub(super) kind: PageKind,
    /// Bytes of the header itself.
    pub(super) header_bytes: usize,
    /// Bytes of the page as it is stored.
    pub(super) stored_bytes: u32,
    /// Bytes of the page when it is unpacked.
    pub(super) unpacked_bytes: u32,
    /// Values, nulls among them.
    pub(super) values: u32,
    /// How they are encoded.
    pub(super) encoding: i32,
    /// Where the field with the checksum of what is stored lies in the header.
    pub(super) checksum: Option<(usize, usize)>,
}

/// Reads a header.
pub(super) fn read(bytes: &[u8]) -> Result<PageHeader, Broken> {
    let mut compact = Compact::new(bytes);
    let (mut number, mut unpacked, mut stored) = (None, None, None);
    let mut checksum = None;
    let (mut data, mut index, mut dictionary, mut data_v2) = (None, false, None, None);
    let mut last = 0;
    while let Some(field) = compact.field(last)? {
        match field.id {
            1 => number = Some(compact.i32(field)?),
            2 => unpacked = Some(compact.i32(field)?),
            3 => stored = Some(compact.i32(field)?),
            CHECKSUM => {
                // Of two the decoder would take the last.
                if checksum.is_some() {
                    return Err(Broken::Invalid("two checksums"));
                }
                compact.i32(field)?;
                checksum = Some((field.begin, compact.at()));
            }
            5 => data = Some(fields(&mut compact, field)?),
            6 => {
                fields(&mut compact, field)?;
                index = true;
            }
            7 => dictionary = Some(fields(&mut compact, field)?),
            8 => data_v2 = Some(fields(&mut compact, field)?),
            _ => compact.skip(field.kind)?,
        }
        last = field.id;
    }
    let size = |size: Option<i32>| {
        size.and_then(|size| u32::try_from(size).ok()).ok_or(Broken::Invalid("a page without a size"))
    };
    let count = |count: Option<i32>| {
        count.and_then(|count| u32::try_from(count).ok()).ok_or(Broken::Invalid("a page without a count"))
    };
    let (kind, values, encoding) = match (number, data, index, dictionary, data_v2) {
        (Some(0), Some(own), ..) => (PageKind::Data, count(own[1])?, own[2]),
        (Some(1), ..) => (PageKind::Index, 0, Some(encodings::PLAIN)),
        (Some(2), _, _, Some(own), _) => (PageKind::Dictionary, count(own[1])?, own[2]),
        (Some(3), _, _, _, Some(own)) => {
            let level_bytes = u64::from(count(own[5])?) + u64::from(count(own[6])?);
            (PageKind::DataV2 { level_bytes }, count(own[1])?, own[4])
        }
        _ => return Err(Broken::Invalid("a page of no known kind")),
    };
    Ok(PageHeader {
        kind,
        header_bytes: compact.at(),
        stored_bytes: size(stored)?,
        unpacked_bytes: size(unpacked)?,
        values,
        encoding: encoding.ok_or(Broken::Invalid("a page without an encoding"))?,
        checksum,
    })
}

/// The integers of a struct by their numbers, of which the format has no more than eight.
fn fields(compact: &mut Compact<'_>, field: Field) -> Result<[Option<i32>; 9], Broken> {
    if field.kind != Kind::Struct {
        return Err(Broken::Invalid("a field of another type than the format has"));
    }
    let mut integers = [None; 9];
    let mut last = 0;
    while let Some(field) = compact.field(last)? {
        match integers.get_mut(usize::try_from(field.id).unwrap_or(usize::MAX)) {
            Some(place) if field.kind == Kind::I32 => *place = Some(compact.i32(field)?),
            _ => compact.skip(field.kind)?,
        }
        last = field.id;
    }
    Ok(integers)
}

/// A header that says the same but has no checksum, of the same length: an unknown field that every reader leaves
/// out takes its place. For those who want to read a file whose checksums are wrong.
pub(super) fn without_checksum(bytes: &[u8], header: &PageHeader) -> Vec<u8> {
    let bytes = &bytes[..header.header_bytes];
    let Some((begin, end)) = header.checksum else { return bytes.to_vec() };
    let stop = bytes.len() - 1;
    let mut plain = bytes[..begin].to_vec();
    plain.extend_from_slice(&bytes[end..stop]);
    // The number of the field after it counts from the one before it now.
    let from_three = bytes[begin] >> 4;
    if let Some(next) = plain.get_mut(begin)
        && *next >> 4 > 0
    {
        *next += from_three << 4;
    }
    // Its head, the length of what it holds, and what it holds.
    let room = end - begin;
    plain.extend_from_slice(&[UNKNOWN_STEP << 4 | 8, room as u8 - 2]);
    plain.resize(stop, 0);
    plain.push(0);
    plain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Data page, 300 bytes unpacked, 200 stored, with a checksum, 100 values in PLAIN.
    const WITH: [u8; 23] = [
        0x15, 0x00, 0x15, 0xd8, 0x04, 0x15, 0x90, 0x03, 0x15, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x1c, 0x15, 0xc8,
        0x01, 0x15, 0x00, 0x15, 0x06, 0x00,
    ];

    fn bytes() -> Vec<u8> {
        // The struct of the page ends, then the header.
        [&WITH[..], &[0x00][..]].concat()
    }

    #[test]
    fn a_header_says_what_it_says() {
        let bytes = bytes();
        let header = read(&bytes).unwrap();
        assert_eq!(header.kind, PageKind::Data);
        assert_eq!((header.unpacked_bytes, header.stored_bytes, header.values), (300, 200, 100));
        assert_eq!((header.encoding, header.header_bytes), (encodings::PLAIN, bytes.len()));
        assert_eq!(header.checksum, Some((8, 14)));
        for cut in 0..bytes.len() {
            assert!(read(&bytes[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn a_header_without_its_checksum_says_the_same_at_the_same_length() {
        let bytes = bytes();
        let header = read(&bytes).unwrap();
        let plain = without_checksum(&bytes, &header);
        assert_eq!(plain.len(), bytes.len());
        assert_eq!(read(&plain).unwrap(), PageHeader { checksum: None, ..header });
        assert_eq!(without_checksum(&plain, &read(&plain).unwrap()), plain);
    }

    proptest! {
        #[test]
        fn any_bytes_come_to_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(header) = read(&bytes) {
                let plain = without_checksum(&bytes, &header);
                prop_assert_eq!(plain.len(), header.header_bytes);
            }
        }
    }
}
