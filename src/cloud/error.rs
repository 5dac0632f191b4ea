//! What a store says, as errors of input and output.

use std::io::{Error, ErrorKind};

use object_store::Error as StoreError;

/// Characters of what a store says that a message shows: some answer with a page of HTML.
const MOST_LETTERS: usize = 400;
/// What stores answer where there is no such bucket or container; a listing that fails tells it in words only.
const NO_BUCKET: [&str; 2] = ["NoSuchBucket", "ContainerNotFound"];
/// Where a machine of a cloud asks for its role, which is done where the environment has no credentials.
const METADATA: &str = "http://169.254.169.254/";
/// How the answers begin in which stores say what is wrong.
const ANSWERS: [&str; 2] = ["<?xml", "<Error"];

/// The error with the kind that the rest of the program tells apart: [`ErrorKind::NotFound`],
/// [`ErrorKind::AlreadyExists`], [`ErrorKind::PermissionDenied`], [`ErrorKind::StaleNetworkFileHandle`] where the object
/// is another than the one that was asked for, [`ErrorKind::InvalidData`] where a key that was listed can't be asked for, and
/// [`ErrorKind::Other`].
pub(super) fn told(error: StoreError) -> Error {
    let kind = match &error {
        StoreError::NotFound { .. } => ErrorKind::NotFound,
        StoreError::AlreadyExists { .. } => ErrorKind::AlreadyExists,
        StoreError::Precondition { .. } | StoreError::NotModified { .. } => ErrorKind::StaleNetworkFileHandle,
        StoreError::PermissionDenied { .. } | StoreError::Unauthenticated { .. } => {
            ErrorKind::PermissionDenied
        }
        StoreError::InvalidPath { .. } => ErrorKind::InvalidData,
        _ => ErrorKind::Other,
    };
    let said = error.to_string();
    let code = element(&said, "Code");
    if code.is_some_and(|code| NO_BUCKET.contains(&code)) {
        return Error::new(ErrorKind::NotFound, "there is no such bucket or container");
    }
    let said = clean(&said);
    if said.contains(METADATA) {
        let said = format!("the environment has no credentials, and this machine no role: {said}");
        return Error::new(ErrorKind::PermissionDenied, said);
    }
    Error::new(kind, said)
}

/// One line without credentials: of an answer in XML its code and its message, for the rest may repeat the token of a
/// session; URLs without users, and without what stands after `?`, which with shared access signatures opens the store.
pub(super) fn clean(said: &str) -> String {
    let answer = ANSWERS.iter().filter_map(|begin| said.find(begin)).min();
    let mut text = answer.map_or(said, |at| &said[..at]).to_owned();
    if answer.is_some() {
        let message = element(said, "Message").and_then(|message| message.lines().next());
        for part in element(said, "Code").into_iter().chain(message) {
            text.push_str(": ");
            text.push_str(part);
        }
    }
    let words: Vec<String> = text.split_whitespace().map(without_credentials).collect();
    let clean = words.join(" ").replace(": :", ":");
    match clean.char_indices().nth(MOST_LETTERS) {
        Some((at, _)) => format!("{} …", &clean[..at]),
        None => clean,
    }
}

/// What stands in the first element of a name.
fn element<'t>(xml: &'t str, name: &str) -> Option<&'t str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once('<').map(|(text, _)| text)
}

fn without_credentials(word: &str) -> String {
    let Some((before, rest)) = word.split_once("://") else { return word.to_owned() };
    let rest = rest.split('?').next().unwrap_or_default();
    let authority = rest.find('/').unwrap_or(rest.len());
    let from = rest[..authority].rfind('@').map_or(0, |at| at + 1);
    format!("{before}://{}", &rest[from..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_users_and_tokens_do_not_show() {
        let said = "error sending request for url (https://a.blob/c?sv=1&sig=abc)\n  caused by this";
        assert_eq!(clean(said), "error sending request for url (https://a.blob/c caused by this");
        assert_eq!(clean("at http://me:secret@minio:9000/b/k@2"), "at http://minio:9000/b/k@2");
        let said = "Server returned 403 Forbidden: <?xml version=\"1.0\"?>\n<Error><Code>InvalidToken</Code>\
                    <Message>The provided token is malformed.\nRequestId:1</Message><Token-0>hush</Token-0></Error>";
        assert_eq!(
            clean(said),
            "Server returned 403 Forbidden: InvalidToken: The provided token is malformed."
        );
        assert_eq!(clean("<Error><Token-0>hush</Token-0></Error>"), "");
        assert!(clean(&"é ".repeat(1_000)).ends_with('…'));
    }

    #[test]
    fn kinds_are_told_apart() {
        let gone = StoreError::NotFound { path: "a".to_owned(), source: "b".into() };
        assert_eq!(told(gone).kind(), ErrorKind::NotFound);
        let source = "404 Not Found: <Error><Code>NoSuchBucket</Code></Error>".into();
        assert_eq!(told(StoreError::Generic { store: "S3", source }).kind(), ErrorKind::NotFound);
        let source = "Error performing PUT http://169.254.169.254/latest/api/token in 1 s".into();
        let alone = told(StoreError::Generic { store: "S3", source });
        assert_eq!(alone.kind(), ErrorKind::PermissionDenied);
        assert!(alone.to_string().starts_with("the environment has no credentials"), "{alone}");
        let source = "403 Forbidden".into();
        let refused = StoreError::PermissionDenied { path: "a".to_owned(), source };
        assert_eq!(told(refused).kind(), ErrorKind::PermissionDenied);
    }
}
