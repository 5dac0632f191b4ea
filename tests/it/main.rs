//! Integration tests: one binary, so that the heavy dependencies link once.

mod architecture;
mod bad_config;
mod determinism;
mod reference;
mod sample_data;
