//! Finding, opening and decoding the exported files.

pub mod bytes;
pub mod columns;
mod compact;
pub mod csv;
pub mod decimal;
mod delta;
pub mod discover;
pub mod drift;
pub mod error;
pub mod footer;
pub mod guard;
pub mod handle;
pub mod identity;
pub mod integrity;
pub mod limits;
mod links;
#[cfg(feature = "cloud")]
mod objects;
pub mod open;
mod page_header;
mod pages;
pub mod read;
mod spelling;
mod texts;
mod walk;

pub use discover::{InputFile, discover};
pub use error::InputError;
pub use limits::Limits;
