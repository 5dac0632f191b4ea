//! Customers, their rows in order, and the partitions that hold them.
