//! Integration tests: one binary, so that the heavy dependencies link once.

mod bad_config;
mod bad_input;
mod cli;
mod inputs;
mod rejects;
mod support;
