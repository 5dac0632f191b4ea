//! Customers who are dropped before anything is counted.

use hashbrown::HashSet;

use crate::journey::key::CustomerHash;

/// Bits of the filter per id: one lookup in sixteen of an id that isn't suppressed goes on to the set.
const FILTER_BITS_PER_ID: usize = 16;

/// Ids that are dropped before anything is counted.
///
/// Every row asks, and next to none is of a suppressed customer: one bit of a small filter says so.
#[derive(Debug, Clone, Default)]
pub struct Suppressed {
    ids: HashSet<CustomerHash, foldhash::fast::FixedState>,
    /// Bit `hash % size`; a power of two of words.
    filter: Vec<u64>,
}

impl Suppressed {
    /// Of hashes.
    pub fn new(ids: impl IntoIterator<Item = CustomerHash>) -> Self {
        let ids: HashSet<CustomerHash, _> = ids.into_iter().collect();
        let words = (ids.len() * FILTER_BITS_PER_ID).div_ceil(64).next_power_of_two();
        let mut filter = vec![0_u64; words];
        for id in &ids {
            filter[word(*id, words)] |= bit(*id);
        }
        Self { ids, filter }
    }

    /// Whether a customer is to be dropped.
    #[inline]
    pub fn contains(&self, customer: CustomerHash) -> bool {
        self.may_contain(customer) && self.ids.contains(&customer)
    }

    /// False: certainly not to be dropped.
    #[inline]
    pub fn may_contain(&self, customer: CustomerHash) -> bool {
        self.filter.get(word(customer, self.filter.len())).is_some_and(|bits| bits & bit(customer) != 0)
    }

    /// Number of ids.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

/// Word of the filter, by the low bits of the hash: the high ones choose the partition.
#[inline]
fn word(customer: CustomerHash, words: usize) -> usize {
    (customer.0 as u64 >> 6) as usize & words.wrapping_sub(1)
}

#[inline]
fn bit(customer: CustomerHash) -> u64 {
    1 << (customer.0 as u64 & 63)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_those_and_no_others() {
        let hash = |n: u32| CustomerHash::of(n.to_string().as_bytes());
        for size in [0, 1, 5_000] {
            let suppressed = Suppressed::new((0..size).map(hash));
            assert_eq!(suppressed.len(), size as usize);
            assert!((0..10_000).all(|n| suppressed.contains(hash(n)) == (n < size)));
            let passed = (10_000..110_000).filter(|n| suppressed.may_contain(hash(*n))).count();
            assert!(passed < 10_000, "the filter lets {passed} of 100000 others through");
        }
        assert!(!Suppressed::default().contains(hash(1)));
    }
}
