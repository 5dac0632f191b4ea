//! Object stores: Amazon S3 and what speaks its protocol, Azure Blob Storage.
//!
//! The only module that knows of a network, and only there with the feature `cloud`. What a run asks of a store are a few
//! requests, each waited for by the thread that needs the answer; the rest of the program knows of no futures.
//!
//! Credentials and endpoints come from the environment variables that the tools of each store read (`AWS_…`,
//! `AZURE_…`). A request that the store or the way to it fails is tried again, later each time.

mod bucket;
mod error;
mod object;

pub use bucket::{Bucket, Condition, Entry};
pub use object::Object;

/// Prefixes of the environment variables that credentials come from.
pub const VARIABLES: [&str; 2] = ["AWS_", "AZURE_"];
