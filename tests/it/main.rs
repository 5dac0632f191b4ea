//! Integration tests: one binary, so that the heavy dependencies link once.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop")]

mod architecture;
mod bad_config;
mod bad_input;
mod books;
mod budget;
mod channels;
mod cli;
mod contract;
mod coverage;
mod customers;
mod determinism;
mod diff;
mod explain;
mod faults;
mod init;
mod inputs;
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
mod reference_pages;
mod reference_paths;
mod rejects;
mod roi;
mod sample_data;
mod support;
mod told;
