//! What a store says, as errors of input and output.

use std::io::{Error, ErrorKind};

use object_store::Error as StoreError;

/// Characters of what a store says that a message shows: some answer with a page of XML.
const MOST_LETTERS: usize = 400;
/// What stores answer where there is no such bucket or container; a listing that fails tells it in words only.
const NO_BUCKET: [&str; 2] = ["<Code>NoSuchBucket</Code>", "<Code>ContainerNotFound</Code>"];

/// The error with the kind that the rest of the program tells apart: [`ErrorKind::NotFound`],
/// [`ErrorKind::AlreadyExists`], [`ErrorKind::PermissionDenied`], [`ErrorKind::StaleNetworkFileHandle`] where the object
/// is another than the one that was asked for, and [`ErrorKind::Other`].
pub(super) fn told(error: StoreError) -> Error {
    let kind = match &error {
        StoreError::NotFound { .. } => ErrorKind::NotFound,
        StoreError::AlreadyExists { .. } => ErrorKind::AlreadyExists,
        StoreError::Precondition { .. } | StoreError::NotModified { .. } => ErrorKind::StaleNetworkFileHandle,
        StoreError::PermissionDenied { .. } | StoreError::Unauthenticated { .. } => {
            ErrorKind::PermissionDenied
        }
        StoreError::InvalidPath { .. } => ErrorKind::InvalidInput,
        _ => ErrorKind::Other,
    };
    let said = error.to_string();
    if NO_BUCKET.iter().any(|code| said.contains(code)) {
        return Error::new(ErrorKind::NotFound, "there is no such bucket or container");
    }
    Error::new(kind, clean(&said))
}

/// One line, without what stands in URLs after `?`: with shared access signatures that is a credential.
fn clean(text: &str) -> String {
    let mut clean = String::new();
    for word in text.split_whitespace() {
        let is_url = word.contains("://");
        let shown = word.split_once('?').filter(|_| is_url).map_or(word, |(before, _)| before);
        if !clean.is_empty() {
            clean.push(' ');
        }
        clean.push_str(shown);
    }
    match clean.char_indices().nth(MOST_LETTERS) {
        Some((at, _)) => format!("{} …", &clean[..at]),
        None => clean,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_in_urls_and_long_answers_do_not_show() {
        let said = "error sending request for url (https://a.blob/c?sv=1&sig=abc)\n  caused by <xml/>";
        assert_eq!(clean(said), "error sending request for url (https://a.blob/c caused by <xml/>");
        assert!(clean(&"é ".repeat(1_000)).ends_with('…'));
        let gone = StoreError::NotFound { path: "a".to_owned(), source: "b".into() };
        assert_eq!(told(gone).kind(), ErrorKind::NotFound);
        let source = "404 Not Found: <Error><Code>NoSuchBucket</Code></Error>".into();
        assert_eq!(told(StoreError::Generic { store: "S3", source }).kind(), ErrorKind::NotFound);
    }
}
