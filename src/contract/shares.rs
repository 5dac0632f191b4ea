//! The rows of a batch that count, by partition.
//!
//! Sent one by one to 256 buffers, rows would wait for memory at every step. So a batch is sorted first, by
//! counting, while it lies in the cache; then each buffer is visited once and takes its rows together.

use crate::journey::key::{CustomerHash, PARTITIONS};

/// Rows of a batch to be kept, shared out among the partitions. The same one serves batch after batch.
#[derive(Debug)]
pub struct Shares {
    /// Numbers of rows in the batch, in its order.
    rows: Vec<u32>,
    /// By kept row: its partition.
    partitions: Vec<u8>,
    /// By partition: rows of the batch.
    counts: [u32; PARTITIONS],
    /// Numbers of rows by partition, in each in the order of the batch.
    sorted: Vec<u32>,
}

impl Default for Shares {
    fn default() -> Self {
        Self { rows: Vec::new(), partitions: Vec::new(), counts: [0; PARTITIONS], sorted: Vec::new() }
    }
}

impl Shares {
    /// Begins a batch of at most so many rows.
    pub fn begin(&mut self, rows: usize) {
        self.rows.clear();
        self.rows.reserve(rows);
        self.partitions.clear();
        self.partitions.reserve(rows);
        self.counts = [0; PARTITIONS];
    }

    /// Keeps a row of a customer. Rows come in the order of the batch.
    #[inline(always)]
    pub fn keep(&mut self, row: usize, customer: CustomerHash) {
        let partition = customer.partition();
        self.rows.push(row as u32);
        self.partitions.push(partition as u8);
        self.counts[partition] += 1;
    }

    /// Numbers of the rows of the batch that are kept, in its order.
    pub fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// The partitions that have rows in the batch, each with the numbers of its rows, which ascend.
    pub fn by_partition(&mut self) -> impl Iterator<Item = (usize, &[u32])> {
        let mut ends = [0_u32; PARTITIONS];
        let mut total = 0;
        for (end, count) in ends.iter_mut().zip(self.counts) {
            *end = total;
            total += count;
        }
        self.sorted.resize(self.rows.len(), 0);
        for (row, partition) in self.rows.iter().zip(&self.partitions) {
            // Begins as the start of the partition and ends as its end.
            let end = &mut ends[usize::from(*partition)];
            self.sorted[*end as usize] = *row;
            *end += 1;
        }
        let sorted = &self.sorted;
        ends.into_iter()
            .zip(self.counts)
            .enumerate()
            .filter(|(_, (_, count))| *count > 0)
            .map(|(partition, (end, count))| (partition, &sorted[(end - count) as usize..end as usize]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_gets_its_rows_in_order() {
        let mut shares = Shares::default();
        // The second batch is smaller and must not see the first.
        for (rows, every) in [(10_000_u32, 1), (1_000, 3)] {
            let customers: Vec<CustomerHash> =
                (0..rows).map(|row| CustomerHash::of(&(row % 700).to_le_bytes())).collect();
            let kept = |row: &usize| row.is_multiple_of(every);
            shares.begin(customers.len());
            for row in (0..customers.len()).filter(kept) {
                shares.keep(row, customers[row]);
            }
            let mut wanted = vec![Vec::new(); PARTITIONS];
            for row in (0..customers.len()).filter(kept) {
                wanted[customers[row].partition()].push(row as u32);
            }
            let mut found = vec![Vec::new(); PARTITIONS];
            for (partition, rows) in shares.by_partition() {
                found[partition] = rows.to_vec();
            }
            assert_eq!(found, wanted);
        }
        shares.begin(5);
        assert_eq!(shares.by_partition().count(), 0);
    }
}
