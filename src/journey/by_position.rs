//! What only some rows of a partition have, by their position.

/// Values by position in the partition.
///
/// Many rows may have one, so that they are counted off instead of searched: a bit for each position, and before each
/// 64 of them how many values there are (rank on a bit vector; Jacobson 1989).
#[derive(Debug, Clone)]
pub(super) struct ByPosition<T> {
    present: Vec<u64>,
    before: Vec<u32>,
    values: Vec<T>,
}

impl<T> Default for ByPosition<T> {
    fn default() -> Self {
        Self { present: Vec::new(), before: Vec::new(), values: Vec::new() }
    }
}

impl<T: Copy> ByPosition<T> {
    pub(super) fn clear(&mut self) {
        self.present.clear();
        self.before.clear();
        self.values.clear();
    }

    /// Adds the value at a position above all so far.
    #[inline]
    pub(super) fn push(&mut self, at: u32, value: T) {
        let word = at as usize / 64;
        if word >= self.present.len() {
            self.present.resize(word + 1, 0);
            self.before.resize(word + 1, self.values.len() as u32);
        }
        self.present[word] |= 1 << (at % 64);
        self.values.push(value);
    }

    /// The value at a position; None where there is none.
    #[inline]
    pub(super) fn get(&self, at: u32) -> Option<T> {
        let word = at as usize / 64;
        let present = *self.present.get(word)?;
        let bit = 1 << (at % 64);
        if present & bit == 0 {
            return None;
        }
        let before = self.before[word] + (present & (bit - 1)).count_ones();
        Some(self.values[before as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_their_position() {
        let mut values = ByPosition::default();
        let positions: Vec<u32> =
            (0..20_000).filter(|at| at % 7 == 0 || (5_000..5_200).contains(at)).collect();
        positions.iter().for_each(|at| values.push(*at, -i64::from(*at)));
        for at in 0..21_000 {
            let wanted = positions.binary_search(&at).is_ok().then_some(-i64::from(at));
            assert_eq!(values.get(at), wanted, "{at}");
        }
        assert_eq!(ByPosition::<i64>::default().get(0), None);
    }
}
