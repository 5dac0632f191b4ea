//! Integration tests: one binary, so that the heavy dependencies link once.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop")]

mod architecture;
mod bad_config;
mod books;
mod coverage;
mod determinism;
mod journeys;
mod naive;
mod planted;
mod reference;
mod sample_data;
