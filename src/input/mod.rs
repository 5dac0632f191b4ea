//! Finding, opening and decoding the exported files.

pub mod bytes;
pub mod columns;
pub mod csv;
pub mod decimal;
pub mod discover;
pub mod error;
pub mod open;
pub mod pages;

pub use discover::{InputFile, discover};
pub use error::InputError;
