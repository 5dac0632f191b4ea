//! Queries: one SQL file, one result table, over the core tables and nothing else.
//!
//! A query is a single `SELECT` in the dialect that Polars and DuckDB share. It reads no files, gives the
//! same rows every time, and sees suppressed tables only. [`run`] uses one thread, whatever
//! `POLARS_MAX_THREADS` says.

mod check;
mod docs;
mod error;
mod load;
mod run;

pub use docs::{QueryColumnDocs, QueryDocs};
pub use error::{QueryError, QueryErrorKind};
pub use load::{load, shipped};
pub use run::{dry_run, run};

/// A query that passed the checks that need no data.
#[derive(Debug, Clone)]
pub struct Query {
    /// Name of the file without `.sql`, and of the table.
    pub name: String,
    /// The SQL file, for messages.
    pub file: String,
    /// The statement.
    pub sql: String,
    /// The text of the file beside it that documents its columns.
    pub docs_text: Option<String>,
    /// What that file says; empty without one.
    pub docs: QueryDocs,
}

/// Names and texts for the run id: whatever in the queries can change a published byte.
pub fn texts(queries: &[Query]) -> Vec<(String, String)> {
    let mut texts = Vec::with_capacity(queries.len() * 2);
    for query in queries {
        texts.push((format!("{}.sql", query.name), query.sql.clone()));
        texts.extend(query.docs_text.iter().map(|text| (format!("{}.toml", query.name), text.clone())));
    }
    texts
}

#[cfg(test)]
mod tests;
