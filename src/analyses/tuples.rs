//! Customers by the tuple of their segments.
//!
//! A customer stands in as many segments as there are dimensions. Tuples are fewer than customers: what is counted of
//! them is spread over the dimensions once for all.

use std::ops::Range;

use crate::journey::Dimension;

/// With more tuples, they are spread before the next batch, which may bring as many as it has customers.
const MANY: usize = 4096;
/// No tuple.
const NO_TUPLE: u16 = u16::MAX;

/// The tuples that were met of some dimensions, numbered as they came.
#[derive(Debug, Clone)]
pub struct TupleIds {
    dimensions: Range<usize>,
    /// By dimension: number of its segments.
    sizes: Vec<usize>,
    /// By segments in mixed radix: the tuple, or [`NO_TUPLE`].
    ids: Vec<u16>,
    /// By tuple: its place in `ids`.
    keys: Vec<usize>,
    /// By dimension, then tuple.
    segments: Vec<Vec<u32>>,
    /// By dimension: the tuples, one segment after the other. As many as there were when it was last needed.
    by_segment: Vec<Vec<u16>>,
}

impl TupleIds {
    /// Neighbouring dimensions in groups with so many possible tuples at most, unless it is a single one: 2 bytes each.
    pub fn groups(dimensions: &[Dimension], most: usize) -> Vec<TupleIds> {
        let sizes: Vec<usize> = dimensions.iter().map(|dimension| dimension.segments.len()).collect();
        Self::groups_of(&sizes, most)
    }

    /// The same, given the number of segments of each.
    pub fn groups_of(sizes: &[usize], most: usize) -> Vec<TupleIds> {
        let mut groups = Vec::new();
        let (mut start, mut possible) = (0, 1_usize);
        for (at, size) in sizes.iter().chain([&usize::MAX]).enumerate() {
            let more = possible.saturating_mul(*size);
            if at > start && (more > most || at == sizes.len()) {
                groups.push(TupleIds {
                    dimensions: start..at,
                    sizes: sizes[start..at].to_vec(),
                    ids: vec![NO_TUPLE; possible],
                    keys: Vec::new(),
                    segments: vec![Vec::new(); at - start],
                    by_segment: vec![Vec::new(); at - start],
                });
                (start, possible) = (at, *size);
            } else {
                possible = more;
            }
        }
        groups
    }

    /// The dimensions of the group.
    pub fn dimensions(&self) -> Range<usize> {
        self.dimensions.clone()
    }

    /// How many tuples were met.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether it is time to spread what was counted.
    pub fn are_many(&self) -> bool {
        self.len() > MANY
    }

    /// The tuple of a customer who stands in these segments, one per dimension of all groups.
    #[inline]
    pub fn of(&mut self, segments: &[u32]) -> u16 {
        let own = &segments[self.dimensions.clone()];
        let key = self.sizes.iter().zip(own).fold(0, |key, (size, segment)| key * size + *segment as usize);
        match self.ids[key] {
            NO_TUPLE => self.add(key),
            tuple => tuple,
        }
    }

    #[cold]
    fn add(&mut self, key: usize) -> u16 {
        let tuple = self.keys.len() as u16;
        self.ids[key] = tuple;
        self.keys.push(key);
        let mut rest = key;
        for (segments, size) in self.segments.iter_mut().zip(&self.sizes).rev() {
            segments.push((rest % size) as u32);
            rest /= size;
        }
        tuple
    }

    /// By dimension of the group: the segment of each tuple.
    pub fn segments(&self) -> impl Iterator<Item = &[u32]> {
        self.segments.iter().map(Vec::as_slice)
    }

    /// The same, with the tuples one segment after the other.
    pub fn by_segment(&mut self) -> impl Iterator<Item = (&[u32], &[u16])> {
        self.segments.iter().zip(&mut self.by_segment).map(|(segments, order)| {
            if order.len() != segments.len() {
                order.clear();
                order.extend(0..segments.len() as u16);
                order.sort_unstable_by_key(|tuple| segments[usize::from(*tuple)]);
            }
            (&segments[..], &order[..])
        })
    }

    /// Forgets all tuples.
    pub fn clear(&mut self) {
        for key in self.keys.drain(..) {
            self.ids[key] = NO_TUPLE;
        }
        self.segments.iter_mut().for_each(Vec::clear);
        self.by_segment.iter_mut().for_each(Vec::clear);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_have_so_many_possible_tuples() {
        let groups = |sizes: &[usize]| -> Vec<(usize, usize)> {
            let groups = TupleIds::groups_of(sizes, 1 << 16);
            groups.iter().map(|group| (group.dimensions.start, group.dimensions.end)).collect()
        };
        assert!(groups(&[]).is_empty());
        assert_eq!(groups(&[40, 3, 4, 10]), [(0, 4)]);
        assert_eq!(groups(&[256, 256, 2]), [(0, 2), (2, 3)]);
        assert_eq!(groups(&[2, 1 << 20, 3, 4]), [(0, 1), (1, 2), (2, 4)]);
    }

    #[test]
    fn tuples_are_numbered_as_they_come_until_they_are_forgotten() {
        let mut group = TupleIds::groups_of(&[9, 3, 4], 12).remove(1);
        assert_eq!(group.dimensions(), 1..3);
        for _ in 0..2 {
            let met = [[7, 2, 3], [8, 0, 1], [0, 2, 3], [0, 0, 0]].map(|segments| group.of(&segments));
            assert_eq!(met, [0, 1, 0, 2]);
            let segments: Vec<&[u32]> = group.segments().collect();
            assert_eq!(segments, [[2, 0, 0], [3, 1, 0]]);
            let orders: Vec<Vec<u16>> = group.by_segment().map(|(_, order)| order.to_vec()).collect();
            assert_eq!(orders[1], [2, 1, 0]);
            group.clear();
            assert_eq!(group.len(), 0);
        }
    }
}
