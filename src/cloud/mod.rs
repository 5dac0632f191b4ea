//! Object stores: Amazon S3 and what speaks its protocol, Azure Blob Storage; and addresses that take JSON.
//!
//! The only module that knows of a network, and only there with the feature `cloud`. What a run asks of a store are a few
//! requests, each waited for by the thread that needs the answer; the rest of the program knows of no futures.
//!
//! Credentials and endpoints come from the environment variables that the tools of each store read (`AWS_…`,
//! `AZURE_…`). A request that the store or the way to it fails is tried again, later each time.

mod bucket;
mod connect;
mod error;
mod object;
mod post;
mod runtime;

pub use bucket::{Bucket, Condition, Entry};
pub use object::Object;
pub use post::{Receiver, Sending};

/// Prefixes of the environment variables that credentials come from.
pub const VARIABLES: [&str; 3] = ["AWS_", "AZURE_", "OPENLINEAGE_"];
