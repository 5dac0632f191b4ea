//! Finding and decoding the exported files.
