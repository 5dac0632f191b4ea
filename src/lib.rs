//! Customer-journey analytics as a batch job: stage attribution, channel ROI, segment conversion
//! and experiment readouts over exported touchpoint logs, each figure with its interval.
//!
//! The modules stand in the order in which the data passes through them; none imports one that
//! comes after it, and only [`cli`] prints.

pub mod analyses;
pub mod attribution;
pub mod cli;
pub mod config;
pub mod contract;
pub mod engine;
pub mod generate;
pub mod input;
pub mod journey;
pub mod publish;
pub mod queries;
pub mod stats;
pub mod tables;
