//! What stands beside the rows: attributes and assignments, gathered by customer.

use super::super::interner::{Interner, NOBODY};
use super::super::key::CustomerHash;
use super::super::partition::{Assignment, AttributesSince, CutCounts, Partition, Remaps};
use super::{Scratch, to_starts};

impl Scratch {
    /// Finds the attributes of everyone who has rows or assignments, or with `everyone` of whoever has attributes; who
    /// needs an id gets one.
    pub(super) fn find_attributes(
        &mut self,
        partition: &Partition,
        remaps: &Remaps,
        everyone: bool,
        counts: &mut CutCounts,
    ) {
        let rows_end = self.ends.last().copied().unwrap_or(0);
        // Whoever comes from here on, or has no id, has no touchpoint.
        let with_rows = self.ends.len() as u32;
        let is_without_rows = |id: u32| u64::from(id >= with_rows);
        let mut interner = Interner::resume(&mut self.table, &mut self.customers);
        self.assignment_ids.clear();
        for (_, assignments) in &partition.assignments {
            for row in assignments.iter() {
                self.assignment_ids.push(interner.intern(CustomerHash(row.key)));
            }
        }
        let mut id_of = |key| match everyone {
            true => interner.intern(CustomerHash(key)),
            false => interner.find(CustomerHash(key)).unwrap_or(NOBODY),
        };
        self.attributes.clear();
        let mut conflicts = false;
        for (worker, rows) in &partition.attributes {
            let remap = &remaps.attributes[*worker];
            for row in rows.iter() {
                let id = id_of(row.key);
                counts.table_rows_without_touchpoints += is_without_rows(id);
                if id == NOBODY {
                    continue;
                }
                let id = id as usize;
                if id >= self.attributes.len() {
                    self.attributes.resize(id + 1, NOBODY);
                }
                let code = remap[row.code as usize];
                // Of different rows of a customer the last in the order of their values is kept, null being
                // first: that doesn't depend on the files.
                let slot = &mut self.attributes[id];
                if *slot == NOBODY {
                    *slot = code;
                } else if *slot != code {
                    conflicts = true;
                    *slot = (*slot).max(code);
                }
            }
        }
        self.dated_ids.clear();
        for (_, rows) in &partition.dated_attributes {
            self.dated_ids.extend(rows.iter().map(|row| id_of(row.key)));
        }
        counts.table_rows_without_touchpoints +=
            self.dated_ids.iter().map(|id| is_without_rows(*id)).sum::<u64>();
        if conflicts {
            counts.conflicting_attributes += count_conflicts(partition, remaps, &interner, &self.attributes);
        }
        let customers = interner.len();
        self.ends.resize(customers, rows_end);
        self.suspects.resize(customers, false);
        self.attributes.resize(customers, NOBODY);
        if !partition.dated_attributes.is_empty() {
            self.place_dated_attributes(partition, remaps, counts);
        }
    }

    /// Gathers attributes that hold from an instant on by customer, in order.
    fn place_dated_attributes(&mut self, partition: &Partition, remaps: &Remaps, counts: &mut CutCounts) {
        let Self { dated_ids, dated_ends, dated, customers, .. } = self;
        dated_ends.clear();
        dated_ends.resize(customers.len(), 0);
        let known = || dated_ids.iter().filter(|id| **id != NOBODY);
        known().for_each(|id| dated_ends[*id as usize] += 1);
        to_starts(dated_ends);
        dated.clear();
        dated.resize(known().count(), AttributesSince::default());
        let mut ids = dated_ids.iter();
        for (worker, rows) in &partition.dated_attributes {
            let remap = &remaps.attributes[*worker];
            for (row, id) in rows.iter().zip(ids.by_ref()).filter(|(_, id)| **id != NOBODY) {
                let place = &mut dated_ends[*id as usize];
                dated[*place as usize] =
                    AttributesSince { from_us: row.from_us, code: remap[row.code as usize] };
                *place += 1;
            }
        }
        let mut begin = 0;
        for end in dated_ends.iter().map(|end| *end as usize) {
            let own = &mut dated[begin..end];
            begin = end;
            own.sort_unstable();
            // Of different rows of one instant the last in the order of their values holds.
            for of_instant in own.chunk_by(|one, other| one.from_us == other.from_us) {
                let differ =
                    of_instant.iter().filter(|since| since.code != of_instant[of_instant.len() - 1].code);
                counts.conflicting_attributes += differ.count() as u64;
            }
        }
    }

    /// Gathers the assignments by customer.
    pub(super) fn place_assignments(&mut self, partition: &Partition, remaps: &Remaps) {
        let Self { assignment_ids, assignment_ends, assignments, customers, .. } = self;
        assignment_ends.clear();
        assignment_ends.resize(customers.len(), 0);
        assignment_ids.iter().for_each(|id| assignment_ends[*id as usize] += 1);
        to_starts(assignment_ends);
        assignments.clear();
        assignments.resize(assignment_ids.len(), Assignment::default());
        let mut ids = assignment_ids.iter();
        for (worker, rows) in &partition.assignments {
            let remap = &remaps.assignments[*worker];
            for (row, id) in rows.iter().zip(ids.by_ref()) {
                let place = &mut assignment_ends[*id as usize];
                assignments[*place as usize] =
                    Assignment { time_us: row.time_us, code: remap[row.code as usize] };
                *place += 1;
            }
        }
    }
}

/// Rows of the customers table that say something else than what is kept of their customers.
fn count_conflicts(
    partition: &Partition,
    remaps: &Remaps,
    interner: &Interner<'_>,
    attributes: &[u32],
) -> u64 {
    let mut conflicts = 0;
    for (worker, rows) in &partition.attributes {
        let remap = &remaps.attributes[*worker];
        let differs = |id: u32, code: u32| attributes[id as usize] != remap[code as usize];
        conflicts += rows
            .iter()
            .filter(|row| interner.find(CustomerHash(row.key)).is_some_and(|id| differs(id, row.code)))
            .count();
    }
    conflicts as u64
}
