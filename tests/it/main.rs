//! Integration tests: one binary, so that the heavy dependencies link once.

mod bad_config;
mod books;
mod coverage;
mod journeys;
mod naive;
mod planted;
mod reference;
