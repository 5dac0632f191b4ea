//! Pure statistics on sufficient statistics: no Polars, files, clocks, threads or global randomness.
