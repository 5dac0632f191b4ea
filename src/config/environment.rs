//! `${NAME}` and `${NAME:-default}` inside text values.

use std::ops::Range;

/// Why a text could not be filled in, and at which of its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unfilled {
    /// The variable isn't set and there is no default.
    Unset { name: String, at: Range<usize> },
    /// `${` without `}`.
    Unclosed { at: Range<usize> },
    /// What stands between the braces is no name of a variable.
    BadName { name: String, at: Range<usize> },
}

/// The text with its variables filled in; none where it has no `${`.
///
/// As in a shell, a default also stands in for a variable that is set but empty. `$${` is a plain `${`.
pub(super) fn expand(
    text: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<String>, Unfilled> {
    if !text.contains("${") {
        return Ok(None);
    }
    let mut filled = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(found) = text[at..].find('$') {
        let start = at + found;
        filled.push_str(&text[at..start]);
        let rest = &text[start..];
        if rest.starts_with("$${") {
            filled.push_str("${");
            at = start + 3;
        } else if rest.starts_with("${") {
            let Some(length) = rest.find('}') else {
                return Err(Unfilled::Unclosed { at: start..text.len() });
            };
            let end = start + length + 1;
            filled.push_str(&lookup(&rest[2..length], start..end, environment)?);
            at = end;
        } else {
            filled.push('$');
            at = start + 1;
        }
    }
    filled.push_str(&text[at..]);
    Ok(Some(filled))
}

fn lookup(
    inside: &str,
    at: Range<usize>,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<String, Unfilled> {
    let (name, default) = match inside.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inside, None),
    };
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
    if !is_name {
        return Err(Unfilled::BadName { name: name.to_owned(), at });
    }
    match (environment(name), default) {
        (Some(value), None) => Ok(value),
        (Some(value), Some(_)) if !value.is_empty() => Ok(value),
        (_, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err(Unfilled::Unset { name: name.to_owned(), at }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(name: &str) -> Option<String> {
        match name {
            "ROOT" => Some("/data".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }
    }

    #[test]
    fn variables_and_defaults_are_filled_in() {
        for (text, filled) in [
            ("${ROOT}/x", "/data/x"),
            ("a ${ROOT} b ${ROOT}", "a /data b /data"),
            ("${NONE:-/tmp}/x", "/tmp/x"),
            ("${ROOT:-/tmp}/x", "/data/x"),
            ("${EMPTY:-/tmp}", "/tmp"),
            ("${EMPTY}", ""),
            ("${NONE:-}", ""),
            ("$${ROOT}", "${ROOT}"),
            ("$5 ${ROOT} $", "$5 /data $"),
            ("é${ROOT}é", "é/dataé"),
        ] {
            assert_eq!(expand(text, &variables), Ok(Some(filled.to_owned())), "{text}");
        }
        assert_eq!(expand("$5", &variables), Ok(None));
    }

    #[test]
    fn what_cannot_be_filled_in_says_where() {
        assert_eq!(
            expand("a/${NONE}", &variables),
            Err(Unfilled::Unset { name: "NONE".to_owned(), at: 2..9 })
        );
        assert_eq!(expand("a${ROOT", &variables), Err(Unfilled::Unclosed { at: 1..7 }));
        for text in ["${}", "${1A}", "${a b}", "${ROOT-x}"] {
            assert!(matches!(expand(text, &variables), Err(Unfilled::BadName { .. })), "{text}");
        }
    }
}
