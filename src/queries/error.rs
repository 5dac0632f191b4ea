//! Why a query can't run, where, and what to write instead.

use std::fmt;

/// Why a query can't run.
#[derive(Debug)]
pub struct QueryError {
    /// The SQL or TOML file.
    pub file: String,
    /// Line, from 1, and column, from 1, where they are known.
    pub position: Option<(u64, u64)>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Whose fault it is.
    pub kind: QueryErrorKind,
}

/// Whose fault a query's failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryErrorKind {
    /// The query or its documentation.
    Query,
    /// The file system.
    Io,
}

impl QueryError {
    pub(super) fn new(file: &str, message: impl Into<String>) -> Self {
        QueryError {
            file: file.to_owned(),
            position: None,
            message: message.into(),
            hint: None,
            kind: QueryErrorKind::Query,
        }
    }

    pub(super) fn at(self, position: Option<(u64, u64)>) -> Self {
        QueryError { position, ..self }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        QueryError { hint: Some(hint.into()), ..self }
    }

    pub(super) fn io(file: &str, operation: &str, error: &std::io::Error) -> Self {
        let kind = QueryErrorKind::Io;
        QueryError { kind, ..QueryError::new(file, format!("could not {operation} it: {error}")) }
    }

    /// The exit code of the command: 78 config, 74 I/O.
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            QueryErrorKind::Query => 78,
            QueryErrorKind::Io => 74,
        }
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some((line, column)) => write!(formatter, "{}:{line}:{column}: {}", self.file, self.message),
            None => write!(formatter, "{}: {}", self.file, self.message),
        }
    }
}

impl std::error::Error for QueryError {}
