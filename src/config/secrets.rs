//! Values of the environment that nobody may read in what a run writes.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// A variable is a secret if one of the words of its name says so.
const WORDS: [&str; 17] = [
    "APIKEY",
    "AUTH",
    "CREDENTIAL",
    "CREDENTIALS",
    "DSN",
    "KEY",
    "KEYS",
    "PASS",
    "PASSPHRASE",
    "PASSWD",
    "PASSWORD",
    "PWD",
    "SAS",
    "SECRET",
    "SECRETS",
    "TOKEN",
    "TOKENS",
];

/// What is shorter is no secret, and would be found in every second word.
const LEAST_BYTES: usize = 4;

/// The secrets that a configuration took in by `${NAME}`, to be kept out of logs, errors and the manifest.
///
/// Which variables are secrets, their names tell: those with a word such as `TOKEN`, `KEY` or `PASSWORD` in them, words
/// being parted by `_`. Others, such as the root of the exports, are part of paths that messages have to name. Clones
/// share what they know.
#[derive(Clone, Default)]
pub struct Secrets {
    /// Name and value, the longest values first: one may be part of another.
    found: Arc<Mutex<Vec<(String, String)>>>,
}

impl Secrets {
    /// Notes the value of a variable, if it is a secret.
    pub fn note(&self, name: &str, value: &str) {
        if !is_secret(name) || value.len() < LEAST_BYTES {
            return;
        }
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if !found.iter().any(|(_, known)| known == value) {
            found.push((name.to_owned(), value.to_owned()));
            found.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
        }
    }

    /// The text with `${NAME}` in place of each secret.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = Cow::Borrowed(text);
        for (name, value) in found.iter() {
            if text.contains(value.as_str()) {
                text = Cow::Owned(text.replace(value.as_str(), &format!("${{{name}}}")));
            }
        }
        text
    }
}

/// Without the values, so that no `{:?}` tells them.
impl fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        formatter.debug_list().entries(found.iter().map(|(name, _)| name)).finish()
    }
}

fn is_secret(name: &str) -> bool {
    name.split('_').any(|word| WORDS.iter().any(|secret| word.eq_ignore_ascii_case(secret)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_is_secret() {
        for name in ["TOKEN", "S3_SECRET", "AWS_SECRET_ACCESS_KEY", "db_password", "AZURE_SAS"] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["EXPORTS", "DATA_ROOT", "MONKEY", "KEYNOTE_ROOT", "COMPASS"] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn secrets_read_as_their_names() {
        let secrets = Secrets::default();
        secrets.note("TOKEN", "hush");
        secrets.note("LONG_TOKEN", "hush-hush");
        secrets.note("ROOT", "/exports");
        secrets.note("KEY", "a");
        assert_eq!(secrets.redact("/exports/hush/a"), "/exports/${TOKEN}/a");
        assert_eq!(secrets.redact("a hush-hush"), "a ${LONG_TOKEN}");
        assert!(matches!(secrets.redact("nothing"), Cow::Borrowed("nothing")));
        assert_eq!(format!("{secrets:?}"), r#"["LONG_TOKEN", "TOKEN"]"#);
    }
}
