//! Which rows a rule is about.

use serde::Serialize;

/// All fields must match; within a field any pattern suffices. A null never matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Matcher {
    /// At least one.
    pub fields: Vec<FieldMatch>,
}

/// One logical text column against a list of patterns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldMatch {
    /// Logical column.
    pub column: String,
    /// Exact text, or text with `*` for any run of characters.
    pub patterns: Vec<String>,
}

impl Matcher {
    /// Whether the row whose columns `value` returns is matched.
    pub fn matches<'a>(&self, value: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.fields.iter().all(|field| {
            value(&field.column)
                .is_some_and(|text| field.patterns.iter().any(|pattern| wildcard_match(pattern, text)))
        })
    }
}

/// Whether `text` fits `pattern`, in which `*` stands for any run of characters, also none.
pub fn wildcard_match(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::wildcard_match;

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        for (pattern, text, expected) in [
            ("click", "click", true),
            ("click", "clicks", false),
            ("Paid*", "Paid Search", true),
            ("*Search", "Paid Search", true),
            ("P*d*ch", "Paid Search", true),
            ("*", "", true),
            ("a*a", "a", false),
            ("a*b*a", "aba", true),
            ("a**b", "ab", true),
            ("é*", "éa", true),
        ] {
            assert_eq!(wildcard_match(pattern, text), expected, "{pattern} on {text}");
        }
    }
}
