//! Thrift's compact protocol, as far as footers and page headers need it.
//!
//! The decoder makes room for as many elements as a list claims to have, before it looks at the first. So
//! whatever it is given is read here first, and every length is held against the bytes that are there.
//! Format: <https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>.

/// Structs and lists lie in each other at most so deep; Parquet has no more than six.
const MOST_DEEP: u8 = 32;
/// No struct in a list of Parquet's takes fewer bytes.
const LEAST_STRUCT_BYTES: usize = 3;

/// Why something isn't what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// It goes on beyond the bytes that are there.
    Cut,
    /// It holds what can't be.
    Invalid(&'static str),
}

/// What follows a field or an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bool(bool),
    Byte,
    I16,
    I32,
    I64,
    Double,
    Binary,
    List,
    Map,
    Struct,
    Uuid,
}

impl Kind {
    fn of(code: u8) -> Result<Self, Broken> {
        Ok(match code {
            1 => Kind::Bool(true),
            2 => Kind::Bool(false),
            3 => Kind::Byte,
            4 => Kind::I16,
            5 => Kind::I32,
            6 => Kind::I64,
            7 => Kind::Double,
            8 => Kind::Binary,
            9 | 10 => Kind::List,
            11 => Kind::Map,
            12 => Kind::Struct,
            13 => Kind::Uuid,
            _ => return Err(Broken::Invalid("a field of no known type")),
        })
    }
}

/// The head of a field.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) id: i16,
    pub(super) kind: Kind,
    /// Where its head begins.
    pub(super) begin: usize,
}

/// Reads on through some bytes.
#[derive(Debug)]
pub(super) struct Compact<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Compact<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes read so far.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    fn byte(&mut self) -> Result<u8, Broken> {
        let byte = *self.bytes.get(self.at).ok_or(Broken::Cut)?;
        self.at += 1;
        Ok(byte)
    }

    fn advance(&mut self, bytes: u64) -> Result<(), Broken> {
        if bytes > self.left() as u64 {
            return Err(Broken::Cut);
        }
        self.at += bytes as usize;
        Ok(())
    }

    /// A number of seven bits a byte, the lowest first.
    pub(super) fn varint(&mut self) -> Result<u64, Broken> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Broken::Invalid("a number of more than ten bytes"))
    }

    /// A number with a sign.
    pub(super) fn zigzag(&mut self) -> Result<i64, Broken> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// An integer of 32 bits; what the field says it is must be that, for the decoder doesn't ask.
    pub(super) fn i32(&mut self, field: Field) -> Result<i32, Broken> {
        if field.kind != Kind::I32 {
            return Err(Broken::Invalid("a field of another type than the format has"));
        }
        i32::try_from(self.zigzag()?).map_err(|_| Broken::Invalid("a number of more than 32 bits"))
    }

    /// The next field of a struct after the one of number `last`; None: the struct ends.
    pub(super) fn field(&mut self, last: i16) -> Result<Option<Field>, Broken> {
        let begin = self.at;
        let head = self.byte()?;
        if head & 0x0f == 0 {
            return match head {
                0 => Ok(None),
                _ => Err(Broken::Invalid("a field of no known type")),
            };
        }
        let id = match head >> 4 {
            0 => i16::try_from(self.zigzag()?).ok(),
            step => last.checked_add(i16::from(step)),
        };
        let id = id.ok_or(Broken::Invalid("a field number of more than 16 bits"))?;
        Ok(Some(Field { id, kind: Kind::of(head & 0x0f)?, begin }))
    }

    /// The head of a list: what it holds and how many, which must fit into what is left.
    pub(super) fn list(&mut self) -> Result<(Kind, usize), Broken> {
        let head = self.byte()?;
        let kind = Kind::of(head & 0x0f)?;
        let count = match head >> 4 {
            15 => self.varint()?,
            count => u64::from(count),
        };
        let least = if kind == Kind::Struct { LEAST_STRUCT_BYTES } else { 1 };
        if count > (self.left() / least) as u64 {
            return Err(Broken::Invalid("a list that claims more elements than there are bytes for"));
        }
        Ok((kind, count as usize))
    }

    /// Leaves out what a field holds.
    pub(super) fn skip(&mut self, kind: Kind) -> Result<(), Broken> {
        match kind {
            // It stands in the head.
            Kind::Bool(_) => Ok(()),
            kind => self.skip_element(kind, MOST_DEEP),
        }
    }

    fn skip_element(&mut self, kind: Kind, depth: u8) -> Result<(), Broken> {
        let deeper =
            depth.checked_sub(1).ok_or(Broken::Invalid("structs that lie too deep in each other"))?;
        match kind {
            Kind::Bool(_) | Kind::Byte => self.advance(1),
            Kind::I16 | Kind::I32 | Kind::I64 => self.varint().map(|_| ()),
            Kind::Double => self.advance(8),
            Kind::Uuid => self.advance(16),
            Kind::Binary => {
                let length = self.varint()?;
                self.advance(length)
            }
            Kind::List => {
                let (kind, count) = self.list()?;
                (0..count).try_for_each(|_| self.skip_element(kind, deeper))
            }
            Kind::Map => self.skip_map(deeper),
            Kind::Struct => {
                // The number of a field doesn't matter here.
                while let Some(field) = self.field(0)? {
                    match field.kind {
                        Kind::Bool(_) => {}
                        kind => self.skip_element(kind, deeper)?,
                    }
                }
                Ok(())
            }
        }
    }

    fn skip_map(&mut self, depth: u8) -> Result<(), Broken> {
        let count = self.varint()?;
        if count == 0 {
            return Ok(());
        }
        let kinds = self.byte()?;
        let (key, value) = (Kind::of(kinds >> 4)?, Kind::of(kinds & 0x0f)?);
        for _ in 0..count {
            self.skip_element(key, depth)?;
            self.skip_element(value, depth)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_struct_is_read_and_left_out() {
        // 1: i32 = -3, 3: binary "ab", 20: bool, 21: list of two i64, stop.
        let bytes = [0x15, 0x05, 0x28, 2, b'a', b'b', 0x01, 0x28, 0x19, 0x26, 0x80, 0x01, 0x02, 0x00];
        let mut compact = Compact::new(&bytes);
        let first = compact.field(0).unwrap().unwrap();
        assert_eq!((first.id, first.kind), (1, Kind::I32));
        assert_eq!(compact.i32(first), Ok(-3));
        let second = compact.field(1).unwrap().unwrap();
        assert_eq!((second.id, second.kind), (3, Kind::Binary));
        compact.skip(second.kind).unwrap();
        let third = compact.field(3).unwrap().unwrap();
        assert_eq!((third.id, third.kind), (20, Kind::Bool(true)));
        compact.skip(third.kind).unwrap();
        let fourth = compact.field(20).unwrap().unwrap();
        assert_eq!(fourth.id, 21);
        compact.skip(fourth.kind).unwrap();
        assert!(compact.field(21).unwrap().is_none());
        assert_eq!(compact.at(), bytes.len());
        let mut whole = Compact::new(&bytes);
        whole.skip(Kind::Struct).unwrap();
        assert_eq!(whole.at(), bytes.len());
    }

    #[test]
    fn claims_are_held_against_the_bytes() {
        let too_many = [0xf5, 0xff, 0xff, 0xff, 0xff, 0x07];
        assert!(matches!(Compact::new(&too_many).list(), Err(Broken::Invalid(_))));
        assert_eq!(Compact::new(&[0x28, 9, 1]).skip(Kind::Struct), Err(Broken::Cut));
        let endless = [0x1c_u8; 100];
        assert!(matches!(Compact::new(&endless).skip(Kind::Struct), Err(Broken::Invalid(_))));
        assert!(Compact::new(&[0xff; 20]).varint().is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_come_to_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let mut compact = Compact::new(&bytes);
            let _ = compact.skip(Kind::Struct);
            prop_assert!(compact.at() <= bytes.len());
        }
    }
}
