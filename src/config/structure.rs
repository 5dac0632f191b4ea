//! Unknown keys and wrong types: serde's messages in the words of this configuration.

use super::diagnostic::{Complaint, ErrorKind};
use super::nearest;

/// What serde says about the key or value at a path, and how it is mended.
pub(super) fn explain(message: &str, path: &[String]) -> (ErrorKind, Complaint) {
    if let Some(complaint) = unknown_key(message, path) {
        return (ErrorKind::UnknownKey, complaint);
    }
    match message.strip_prefix("invalid ").and_then(|rest| rest.split_once(", expected ")) {
        Some((found, expected)) => (ErrorKind::WrongType, wrong_type(found, expected, path)),
        None => (ErrorKind::WrongType, Complaint::new(format!("`{}`: {message}", path.join(".")), "")),
    }
}

/// From `unknown field `a`, expected one of `b`, `c``.
fn unknown_key(message: &str, path: &[String]) -> Option<Complaint> {
    let (name, expected) = message.strip_prefix("unknown field `")?.rsplit_once("`, expected ")?;
    let known = expected.split('`').skip(1).step_by(2);
    let section = path.split_last().map(|(_, section)| section.join(".")).unwrap_or_default();
    let place = if section.is_empty() { String::new() } else { format!(" in [{section}]") };
    Some(Complaint::new(format!("unknown key `{name}`{place}"), nearest::suggest(name, "keys here", known)))
}

/// From `type: integer `3`, expected a string`.
fn wrong_type(found: &str, expected: &str, path: &[String]) -> Complaint {
    let found = found.split_once(": ").map_or(found, |(_, found)| found);
    let found = match found {
        "map" => "a table".to_owned(),
        "sequence" => "a list".to_owned(),
        other => format!("the {other}"),
    };
    let expected = match expected {
        "i64" | "u64" => "a whole number",
        "f64" => "a number",
        "a sequence" => "a list",
        other => other,
    };
    let key = path.iter().rev().find(|segment| segment.parse::<usize>().is_err()).map_or("", String::as_str);
    Complaint::new(
        format!("`{}` is {found}, expected {expected}", path.join(".")),
        format!("write {}", example(path, key, expected)),
    )
}

/// How a value of the expected type is written.
fn example(path: &[String], key: &str, expected: &str) -> String {
    match (key, expected) {
        ("lookback" | "history" | "window" | "half_life" | "pre_period" | "within", _) => {
            format!("a duration in quotes: {key} = \"30d\"")
        }
        ("weights", _) => "a table of shares: weights = { A = 0.5, B = 0.5 }".to_owned(),
        ("position", _) => {
            "a preset or shares: position = \"u\" or position = { first = 0.4, last = 0.4 }".to_owned()
        }
        ("primary", _) => "a table: primary = { conversion = \"purchase\", model = \"linear\" }".to_owned(),
        ("rules", _) if path.first().is_some_and(|section| section == "channels") => {
            "a list of rules: rules = [ { channel = \"Partner\", source = [\"partner-*\"] } ]".to_owned()
        }
        ("cap", _) => {
            "a bound or a percentile: cap = { value = 500 } or cap = { percentile = 0.999 }".to_owned()
        }
        ("numerator" | "denominator", _) => {
            format!("a table: {key} = {{ conversion = \"purchase\", of = \"value\" }}")
        }
        ("prior", _) => {
            "what is believed: prior = \"flat\" or prior = { mean = 0.0, standard_deviation = 0.3 }"
                .to_owned()
        }
        ("without", _) => {
            "events or matchers: without = [\"purchase\"] or without = [ { event = [\"purchase\"] } ]"
                .to_owned()
        }
        (behaviour, "a list") if path.starts_with(&["segments".to_owned(), "rules".to_owned()]) => {
            format!(
                "a list of rules: {behaviour} = [ {{ event = [\"add_to_cart\"], without = [\"purchase\"] }} ]"
            )
        }
        ("exclude" | "touches", _) => format!("a list of matchers: {key} = [ {{ event = [\"click\"] }} ]"),
        ("columns" | "constants", "a table") => format!("a table: {key} = {{ channel = \"...\" }}"),
        (_, "a string") => format!("text in quotes: {key} = \"...\""),
        (_, "a string or a list of strings") => {
            format!("text in quotes: {key} = \"...\" or {key} = [\"...\"]")
        }
        (_, "a list") => format!("a list: {key} = [\"...\"]"),
        (_, "a boolean") => format!("true or false without quotes: {key} = true"),
        (_, "a number") => format!("a number without quotes: {key} = 0.5"),
        (_, "a whole number") => format!("a whole number without quotes: {key} = 10"),
        (_, "a table") => format!("a section: [{}]", path.join(".")),
        (_, other) => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(message: &str, path: &[&str]) -> Complaint {
        let path: Vec<String> = path.iter().map(|segment| (*segment).to_owned()).collect();
        explain(message, &path).1
    }

    #[test]
    fn an_unknown_key_names_its_section_and_the_nearest() {
        let complaint = complaint(
            "unknown field `lookbak`, expected one of `from`, `to`, `lookback`",
            &["window", "lookbak"],
        );
        assert_eq!(complaint.message, "unknown key `lookbak` in [window]");
        assert_eq!(complaint.hint, "did you mean `lookback`?");
    }

    #[test]
    fn a_key_with_backticks_is_shown_whole() {
        let complaint = complaint("unknown field `a`b`, expected `from` or `to`", &["a`b"]);
        assert_eq!(complaint.message, "unknown key `a`b`");
        assert_eq!(complaint.hint, "the keys here are `from`, `to`");
    }

    #[test]
    fn a_wrong_type_says_what_to_write() {
        let complaint = complaint("invalid type: integer `30`, expected a string", &["window", "lookback"]);
        assert_eq!(complaint.message, "`window.lookback` is the integer `30`, expected a string");
        assert_eq!(complaint.hint, "write a duration in quotes: lookback = \"30d\"");
    }
}
