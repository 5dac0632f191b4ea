//! Integration tests: one binary, so that the heavy dependencies link once.

mod bad_config;
mod books;
mod journeys;
mod naive;
mod reference;
