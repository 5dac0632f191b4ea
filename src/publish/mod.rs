//! Writing, reading back and publishing a run.
