//! Customer-journey analytics as a batch job: stage attribution, channel ROI, segment conversion
//! and experiment readouts over exported touchpoint logs, each figure with its interval.
//!
//! None of the modules imports one that stands after it, and only [`cli`] prints. First comes what is
//! pure or plain data ([`stats`], [`config`]), then the way of the data. [`journey`] stands before
//! [`contract`], which fills its rows.

pub mod stats;

pub mod config;

pub mod interrupt;

#[cfg(feature = "cloud")]
pub mod cloud;

pub mod input;

pub mod journey;

pub mod contract;

pub mod attribution;

pub mod analyses;

pub mod tables;

pub mod queries;

pub mod publish;

pub mod lineage;

pub mod engine;

pub mod generate;

pub mod job;

pub mod explain;

pub mod init;

pub mod diff;

pub mod cli;
