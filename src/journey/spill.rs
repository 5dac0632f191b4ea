//! Rows that leave memory as bytes and come back as they were. Where the bytes lie is the caller's business.

use bytemuck::Pod;

use super::buffer::{AssignmentRow, AttributeRow, Chunks, DatedAttributeRow, PartitionBuffer};

/// Which list of a partition a chunk belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// Touchpoints, customers' attributes or assignments: what a buffer is there for.
    Rows,
    /// Lower halves of event ids.
    EventsLow,
    /// Upper halves of event ids.
    EventsHigh,
    /// Amounts.
    Amounts,
    /// Orders.
    Orders,
    /// The number column at this place.
    Numbers(u32),
}

/// A chunk that lies outside.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// Which list it belongs to.
    pub list: List,
    /// Where it begins.
    pub offset: u64,
    /// How many bytes it has.
    pub bytes: u32,
}

/// What can leave memory and come back.
pub trait Spill {
    /// Bytes in memory.
    fn bytes(&self) -> usize;

    /// Hands the full chunks to `write`, with `all` also what is left, and forgets them. After `all` nothing may
    /// be added.
    fn unload<E>(&mut self, all: bool, write: &mut impl FnMut(List, &[u8]) -> Result<(), E>)
    -> Result<(), E>;

    /// Takes back what was unloaded, in the order in which it was.
    fn reload<E>(
        &mut self,
        extents: &[Extent],
        read: &mut impl FnMut(u64, &mut [u8]) -> Result<(), E>,
    ) -> Result<(), E>;
}

fn unload<T: Pod, E>(
    list: List,
    chunks: &mut Chunks<T>,
    all: bool,
    write: &mut impl FnMut(List, &[u8]) -> Result<(), E>,
) -> Result<(), E> {
    for chunk in chunks.take_full() {
        write(list, bytemuck::cast_slice(&chunk))?;
    }
    let rest = if all { chunks.take_rest() } else { Vec::new() };
    if rest.is_empty() { Ok(()) } else { write(list, bytemuck::cast_slice(&rest)) }
}

fn reload<T: Pod, E>(
    list: List,
    chunks: &mut Chunks<T>,
    extents: &[Extent],
    read: &mut impl FnMut(u64, &mut [u8]) -> Result<(), E>,
) -> Result<(), E> {
    let own = extents.iter().filter(|extent| extent.list == list);
    let back = own.map(|extent| {
        let mut chunk = vec![T::zeroed(); extent.bytes as usize / size_of::<T>()];
        read(extent.offset, bytemuck::cast_slice_mut(&mut chunk))?;
        Ok(chunk)
    });
    chunks.put_back(back.collect::<Result<_, E>>()?);
    Ok(())
}

impl Spill for PartitionBuffer {
    fn bytes(&self) -> usize {
        self.rows.bytes()
            + self.events.low.bytes()
            + self.events.high.bytes()
            + self.amounts.bytes()
            + self.orders.bytes()
            + self.numbers.iter().map(Chunks::bytes).sum::<usize>()
    }

    fn unload<E>(
        &mut self,
        all: bool,
        write: &mut impl FnMut(List, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        unload(List::Rows, &mut self.rows, all, write)?;
        unload(List::EventsLow, &mut self.events.low, all, write)?;
        unload(List::EventsHigh, &mut self.events.high, all, write)?;
        unload(List::Amounts, &mut self.amounts, all, write)?;
        unload(List::Orders, &mut self.orders, all, write)?;
        let mut columns = (0..).zip(&mut self.numbers);
        columns.try_for_each(|(at, numbers)| unload(List::Numbers(at), numbers, all, write))
    }

    fn reload<E>(
        &mut self,
        extents: &[Extent],
        read: &mut impl FnMut(u64, &mut [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        reload(List::Rows, &mut self.rows, extents, read)?;
        reload(List::EventsLow, &mut self.events.low, extents, read)?;
        reload(List::EventsHigh, &mut self.events.high, extents, read)?;
        reload(List::Amounts, &mut self.amounts, extents, read)?;
        reload(List::Orders, &mut self.orders, extents, read)?;
        let mut columns = (0..).zip(&mut self.numbers);
        columns.try_for_each(|(at, numbers)| reload(List::Numbers(at), numbers, extents, read))
    }
}

/// Rows that nothing stands beside.
pub trait Alone: Pod {}
impl Alone for AttributeRow {}
impl Alone for DatedAttributeRow {}
impl Alone for AssignmentRow {}

impl<T: Alone> Spill for Chunks<T> {
    fn bytes(&self) -> usize {
        Chunks::bytes(self)
    }

    fn unload<E>(
        &mut self,
        all: bool,
        write: &mut impl FnMut(List, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        unload(List::Rows, self, all, write)
    }

    fn reload<E>(
        &mut self,
        extents: &[Extent],
        read: &mut impl FnMut(u64, &mut [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        reload(List::Rows, self, extents, read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journey::CustomerHash;
    use crate::journey::buffer::BufferedRow;
    use crate::journey::key::EventKey;

    fn row(n: i64) -> BufferedRow {
        BufferedRow {
            customer: CustomerHash(n as u128),
            time_us: n,
            code: 3,
            amount_minor: (n % 4 == 0).then_some(-n),
            // The first text comes late, when chunks of numbers lie outside already.
            event: if n < 5_000 { EventKey::of_integer(n) } else { EventKey::of_text(b"late") },
            order: (n % 9 == 0).then_some(n as u64),
        }
    }

    /// Everything as bytes, list by list.
    fn lists(mut buffer: PartitionBuffer) -> Vec<u8> {
        let mut bytes = Vec::new();
        let write = |list: List, chunk: &[u8]| -> Result<(), ()> {
            bytes.extend(format!("{list:?}").into_bytes());
            bytes.extend(chunk);
            Ok(())
        };
        let mut write = write;
        buffer.unload(true, &mut write).unwrap();
        bytes
    }

    #[test]
    fn what_left_in_pieces_comes_back_whole() {
        let mut buffer = PartitionBuffer::default();
        let mut kept = PartitionBuffer::default();
        let mut outside: Vec<u8> = Vec::new();
        let mut extents: Vec<Extent> = Vec::new();
        for n in 0..12_345 {
            for buffer in [&mut buffer, &mut kept] {
                buffer.push(row(n), true);
                buffer.push_numbers(&[(n % 3 == 0).then_some(n), Some(-n)]);
            }
            if n % 1_000 == 0 || n == 12_344 {
                let before = buffer.bytes();
                buffer
                    .unload(n == 12_344, &mut |list, chunk: &[u8]| -> Result<(), ()> {
                        extents.push(Extent {
                            list,
                            offset: outside.len() as u64,
                            bytes: chunk.len() as u32,
                        });
                        outside.extend(chunk);
                        Ok(())
                    })
                    .unwrap();
                assert!(buffer.bytes() <= before);
            }
        }
        assert_eq!((buffer.len(), buffer.bytes()), (kept.len(), 0));
        buffer
            .reload(&extents, &mut |offset, chunk: &mut [u8]| -> Result<(), ()> {
                chunk.copy_from_slice(&outside[offset as usize..][..chunk.len()]);
                Ok(())
            })
            .unwrap();
        assert_eq!(lists(buffer), lists(kept));
    }
}
