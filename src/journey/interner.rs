//! Dense ids for the customers of a partition.

use super::key::CustomerHash;

/// No customer has this id.
pub const NOBODY: u32 = u32::MAX;

/// Gives every customer of a partition a dense id: open addressing on bits of the hash below those
/// that chose the partition.
pub(super) struct Interner<'a> {
    table: &'a mut Vec<u32>,
    customers: &'a mut Vec<CustomerHash>,
}

impl<'a> Interner<'a> {
    pub(super) fn new(
        table: &'a mut Vec<u32>,
        customers: &'a mut Vec<CustomerHash>,
        expected: usize,
    ) -> Self {
        table.clear();
        table.resize((expected.max(16) * 2).next_power_of_two(), NOBODY);
        customers.clear();
        Self { table, customers }
    }

    /// Goes on with a table that was filled before.
    pub(super) fn resume(table: &'a mut Vec<u32>, customers: &'a mut Vec<CustomerHash>) -> Self {
        Self { table, customers }
    }

    /// Number of customers.
    pub(super) fn len(&self) -> usize {
        self.customers.len()
    }

    #[inline]
    fn slot(&self, customer: CustomerHash) -> usize {
        let mask = self.table.len() - 1;
        let mut slot = customer.0 as usize & mask;
        loop {
            let id = self.table[slot];
            if id == NOBODY || self.customers[id as usize] == customer {
                return slot;
            }
            slot = (slot + 1) & mask;
        }
    }

    #[inline]
    pub(super) fn find(&self, customer: CustomerHash) -> Option<u32> {
        let id = self.table[self.slot(customer)];
        (id != NOBODY).then_some(id)
    }

    #[inline]
    pub(super) fn intern(&mut self, customer: CustomerHash) -> u32 {
        let slot = self.slot(customer);
        if self.table[slot] != NOBODY {
            return self.table[slot];
        }
        let id = self.customers.len() as u32;
        self.customers.push(customer);
        self.table[slot] = id;
        if self.customers.len() * 4 > self.table.len() * 3 {
            self.grow();
        }
        id
    }

    #[cold]
    fn grow(&mut self) {
        let length = self.table.len() * 2;
        self.table.clear();
        self.table.resize(length, NOBODY);
        let mask = length - 1;
        for (id, customer) in self.customers.iter().enumerate() {
            let mut slot = customer.0 as usize & mask;
            while self.table[slot] != NOBODY {
                slot = (slot + 1) & mask;
            }
            self.table[slot] = id as u32;
        }
    }
}
