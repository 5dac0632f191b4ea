//! Drives the kernel over files and partitions.

pub mod error;
pub mod kernel;
pub mod load;
pub mod memory;
pub mod observe;
pub mod open;
pub mod work;

pub use error::EngineError;
