//! Pure statistics on sufficient statistics.
pub mod jackknife {
    /// groups
    pub const BUCKETS: usize = 64;
}
