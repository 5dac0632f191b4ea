//! Drives the kernel over files and partitions.

pub mod allocator;
pub mod budget;
pub mod conflicts;
pub mod error;
pub mod hash_key;
pub mod kernel;
mod limits;
pub mod load;
pub mod look;
pub mod memory;
pub mod observe;
pub mod open;
pub mod quarantine;
pub mod small;
pub mod spill;
pub mod unknown;
mod uses;
mod verify;
pub mod work;

pub use budget::Budget;
pub use error::EngineError;
