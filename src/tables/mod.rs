//! One spec per result table; everything documented about a table comes from here.
