//! What a row must satisfy to be counted, and what happens to one that does not.
