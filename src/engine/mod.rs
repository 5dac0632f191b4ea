//! Drives the kernel over files and partitions.
