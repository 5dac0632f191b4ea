//! Synthetic warehouses with planted truths.
