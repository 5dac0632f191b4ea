//! Values of the environment that nobody may read in what a run writes.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// A variable is a secret if one of the words of its name, or of several of them, says so.
const WORDS: [&str; 20] = [
    "AUTH",
    "BEARER",
    "CONNSTR",
    "COOKIE",
    "CREDENTIAL",
    "DSN",
    "JWT",
    "KEY",
    "PASS",
    "PASSPHRASE",
    "PASSWD",
    "PASSWORD",
    "PAT",
    "PWD",
    "SALT",
    "SAS",
    "SECRET",
    "SIG",
    "SIGNATURE",
    "TOKEN",
];

/// What says so also at the end of a word, as in `PGPASSWORD`: no other words end so.
const ENDINGS: [&str; 8] =
    ["ACCESSKEY", "APIKEY", "PASSPHRASE", "PASSWD", "PASSWORD", "SECRET", "TOKEN", "WEBHOOK"];

/// Where the shell is, and was: parts of paths that messages have to name.
const FOLDERS: [&str; 2] = ["PWD", "OLDPWD"];

/// Parts of addresses by which whoever knows them may post messages.
const HOOKS: [&str; 2] = ["hook", "hooks"];

/// What is shorter is no secret, and would be found in every second word.
const LEAST_BYTES: usize = 4;

/// A user's name without a password is as long as this if it is a token.
const TOKEN_BYTES: usize = 16;

/// Stands for what an address had before its `@`.
const MASK: &str = "…";

/// The secrets that a configuration took in by `${NAME}`, to be kept out of logs, errors and the manifest.
///
/// Which variables are secrets, their names tell: those with a word such as `TOKEN`, `KEY` or `PASSWORD` in them, words
/// being parted by `_`. So do values: addresses with a password or a token in them, those of webhooks, and lists of
/// settings one of which is a secret by its name. Others, such as the root of the exports, are part of paths that messages
/// have to name. What an address has before its `@` shows nowhere, whoever wrote it. Clones share what they know.
#[derive(Clone, Default)]
pub struct Secrets {
    /// Name and value, the longest values first: one may be part of another.
    found: Arc<Mutex<Vec<(String, String)>>>,
}

impl Secrets {
    /// Notes the value of a variable, if it is a secret or has one in it.
    pub fn note(&self, name: &str, value: &str) {
        let parts = parts(value);
        if is_secret(name) || !parts.is_empty() || is_hook(value) {
            for secret in std::iter::once(value).chain(parts) {
                self.add(name, secret);
            }
        }
    }

    /// Adds a value as it is, and as it reads within quotes.
    fn add(&self, name: &str, value: &str) {
        if value.len() < LEAST_BYTES {
            return;
        }
        let quoted = [serde_json::Value::from(value).to_string(), format!("{value:?}")];
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        for form in std::iter::once(value).chain(quoted.iter().map(|text| &text[1..text.len() - 1])) {
            if !found.iter().any(|(_, known)| known == form) {
                found.push((name.to_owned(), form.to_owned()));
            }
        }
        found.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
    }

    /// The text with `${NAME}` in place of each secret, and without what stands before the `@` of an address.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = Cow::Borrowed(text);
        for (name, value) in found.iter() {
            if text.contains(value.as_str()) {
                text = Cow::Owned(text.replace(value.as_str(), &format!("${{{name}}}")));
            }
        }
        let logins: Vec<Range<usize>> = logins(&text).filter(|login| opens(&text[login.clone()])).collect();
        for login in logins.into_iter().rev() {
            text.to_mut().replace_range(login, MASK);
        }
        text
    }
}

/// Without the values, so that no `{:?}` tells them.
impl fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let mut names: Vec<&String> = found.iter().map(|(name, _)| name).collect();
        names.dedup();
        formatter.debug_list().entries(names).finish()
    }
}

/// Whether the name of a variable or setting says that it is a secret. Words are parted by what is no letter or digit, and
/// where small letters end: `SLACK_WEBHOOK`, `X-Amz-Signature`, `AccountKey`.
fn is_secret(name: &str) -> bool {
    if FOLDERS.contains(&name) {
        return false;
    }
    let mut parted = String::with_capacity(name.len() + 4);
    let mut was_small = false;
    for letter in name.chars() {
        if was_small && letter.is_ascii_uppercase() {
            parted.push(' ');
        }
        parted.push(if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { ' ' });
        was_small = letter.is_ascii_lowercase();
    }
    parted.split(' ').any(|word| {
        // Of several, too, but for SASS, which is no plural.
        let one = word.strip_suffix('S').filter(|one| *one != "SAS").unwrap_or(word);
        [word, one]
            .iter()
            .any(|word| WORDS.contains(word) || ENDINGS.iter().any(|ending| word.ends_with(ending)))
    })
}

/// What a value has of secrets in it: passwords and tokens of addresses, and settings whose names say so, as in
/// `?sig=…`, `AccountKey=…;` or `host=db password=…`.
fn parts(value: &str) -> Vec<&str> {
    let logins = logins(value).map(|login| &value[login]).filter(|login| opens(login));
    let logins = logins.map(|login| login.split_once(':').map_or(login, |(_, password)| password));
    let settings = value.split(|letter: char| letter.is_whitespace() || "?&;#".contains(letter));
    // Of `bucket/key=7` the folder is no setting.
    let is_plain =
        |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    let settings = settings.filter_map(|setting| setting.split_once('='));
    let settings = settings.filter(|(name, _)| is_plain(name) && is_secret(name));
    let settings = settings.map(|(_, secret)| secret.trim_matches(['"', '\'']));
    logins.chain(settings).filter(|secret| !secret.is_empty()).collect()
}

/// Where users and passwords stand in the addresses of a text: between `://` and `@`.
fn logins(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    text.match_indices("://").filter_map(|(at, separator)| {
        let begin = at + separator.len();
        let ends =
            |letter: char| letter.is_whitespace() || letter.is_control() || "/?#\"'`\\".contains(letter);
        let end = text[begin..].find(ends).map_or(text.len(), |length| begin + length);
        text[begin..end].rfind('@').map(|length| begin..begin + length)
    })
}

/// Whether what stands before the `@` of an address lets somebody in: a password, or a token in place of a user.
fn opens(login: &str) -> bool {
    login.split_once(':').map_or(login.len() >= TOKEN_BYTES, |(_, password)| !password.is_empty())
}

/// Whether a value is an address of a webhook: whoever knows it may post.
fn is_hook(value: &str) -> bool {
    value.split_once("://").is_some_and(|(_, rest)| {
        let mut pieces = rest.split(['/', '.', '-']).map(str::to_ascii_lowercase);
        pieces.any(|piece| HOOKS.contains(&piece.as_str()) || piece.starts_with("webhook"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(name: &str, value: &str) -> Secrets {
        let secrets = Secrets::default();
        secrets.note(name, value);
        secrets
    }

    #[test]
    fn names_tell_what_is_secret() {
        for name in [
            "TOKEN",
            "S3_SECRET",
            "AWS_SECRET_ACCESS_KEY",
            "db_password",
            "AZURE_SAS",
            "SLACK_WEBHOOK",
            "ALERT_WEBHOOKS",
            "PGPASSWORD",
            "githubToken",
            "AccountKey",
            "X-Amz-Signature",
            "API_KEYS",
            "MYSQL_PWD",
            "GITLAB_PAT",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "EXPORTS",
            "DATA_ROOT",
            "MONKEY",
            "KEYNOTE_ROOT",
            "COMPASS",
            "PWD",
            "OLDPWD",
            "PATH",
            "TOKENIZED_EXPORTS",
            "SASS",
            "DESIGN",
            "API_URL",
        ] {
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

    #[test]
    fn values_tell_what_is_secret_under_any_name() {
        for (value, secret) in [
            ("postgres://me:hush-hush@db:5432/x", "hush-hush"),
            ("https://ghp_0123456789abcdef@host/repo", "ghp_0123456789abcdef"),
            ("https://account.blob.example/box?sv=2024&sig=hush%2Fhush", "hush%2Fhush"),
            ("https://host/x?user=me&access_token=hush-hush", "hush-hush"),
            ("AccountName=me;AccountKey=hush-hush==;Suffix=x", "hush-hush=="),
            ("host=db user=me password='hush-hush'", "hush-hush"),
            (
                "https://hooks.chat.example/services/T0/B0/hush",
                "https://hooks.chat.example/services/T0/B0/hush",
            ),
            ("https://chat.example/api/webhooks/1/hush", "https://chat.example/api/webhooks/1/hush"),
        ] {
            let secrets = noted("SOME_URL", value);
            assert_eq!(secrets.redact(&format!("at {value}.")), "at ${SOME_URL}.", "{value}");
            assert_eq!(secrets.redact(&format!("at {secret}.")), "at ${SOME_URL}.", "{value}");
        }
        for value in [
            "/data/exports",
            "s3://bucket/exports/dt=2026-04-01",
            "s3://bucket/hookah/key=7/a",
            "sftp://deploy@host/exports",
            "https://host/a?page=2",
            "someone@shop.example",
        ] {
            let told = format!("no file in {value}/x");
            assert_eq!(noted("EXPORTS", value).redact(&told), told);
        }
    }

    #[test]
    fn addresses_show_no_login_whoever_wrote_them() {
        let secrets = Secrets::default();
        for (text, shown) in [
            (r#""s3://id:hush@bucket/a" and b"#, r#""s3://…@bucket/a" and b"#),
            ("a://b:c@d, e://f:g@h@i/j", "a://…@d, e://…@i/j"),
            ("http://0123456789abcdef0@host", "http://…@host"),
            ("s3://bucket/a:b@c", "s3://bucket/a:b@c"),
            ("git://git@host and a:b@c", "git://git@host and a:b@c"),
        ] {
            assert_eq!(secrets.redact(text), shown);
        }
    }

    #[test]
    fn secrets_within_quotes_are_found_too() {
        let secret = "a\"b\\c\nd\u{7f}é";
        let secrets = noted("TOKEN", secret);
        let json = serde_json::json!({ "message": format!("no {secret}!") }).to_string();
        for text in [json, format!("{:?}", format!("no {secret}!")), format!("no {secret}!")] {
            let shown = secrets.redact(&text);
            assert!(shown.contains("no ${TOKEN}!"), "{shown}");
        }
    }
}
