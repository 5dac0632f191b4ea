//! Integration tests: one binary, so that the heavy dependencies link once.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop")]

mod architecture;
mod bad_config;
mod bad_input;
mod bombs;
mod books;
mod budget;
mod channels;
mod cli;
mod coverage;
mod customers;
mod determinism;
mod explain;
mod faults;
mod hostile;
mod inputs;
mod integrity;
mod journeys;
mod limits;
mod money;
mod naive;
mod naive_funnel;
mod naive_tables;
mod planted;
mod profiles;
mod reference;
mod reference_experiment;
mod reference_funnel;
mod reference_health;
mod reference_paths;
mod rejects;
mod roi;
mod sample_data;
mod support;
