//! Walks over a parsed tree of TOML values with their places.

use std::borrow::Cow;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue};

/// Places of the key and the value at a path; a number is a place in a list.
pub(super) fn find(table: &DeTable<'_>, path: &[&str]) -> Option<(Range<usize>, Range<usize>)> {
    let (first, rest) = path.split_first()?;
    let (key, value) = table.iter().find(|(key, _)| key.get_ref() == first)?;
    let mut key = key.span();
    let mut value = value;
    for (depth, segment) in rest.iter().enumerate() {
        match value.get_ref() {
            DeValue::Table(inner) => return find(inner, &rest[depth..]),
            DeValue::Array(array) => {
                value = array.get(segment.parse::<usize>().ok()?)?;
                key = value.span();
            }
            _ => return None,
        }
    }
    Some((key, value.span()))
}

/// The names on the way to the key or value that stands at a place.
pub(super) fn path_to(table: &DeTable<'_>, span: &Range<usize>) -> Option<Vec<String>> {
    table.iter().find_map(|(key, value)| {
        let below = if key.span() == *span { Some(Vec::new()) } else { path_in(value, span) }?;
        Some(std::iter::once(key.get_ref().to_string()).chain(below).collect())
    })
}

fn path_in(value: &Spanned<DeValue<'_>>, span: &Range<usize>) -> Option<Vec<String>> {
    if value.span() == *span {
        return Some(Vec::new());
    }
    match value.get_ref() {
        DeValue::Table(table) => path_to(table, span),
        DeValue::Array(array) => array.iter().enumerate().find_map(|(place, element)| {
            let below = path_in(element, span)?;
            Some(std::iter::once(place.to_string()).chain(below).collect())
        }),
        _ => None,
    }
}

/// Takes out the key or value that stands at a place; whether there was one.
pub(super) fn remove(table: &mut DeTable<'_>, span: &Range<usize>) -> bool {
    let found = table
        .iter()
        .find(|(key, value)| key.span() == *span || value.span() == *span)
        .map(|(key, _)| key.clone());
    match found {
        Some(key) => table.remove(&key).is_some(),
        None => table.iter_mut().any(|(_, value)| remove_in(value, span)),
    }
}

fn remove_in(value: &mut Spanned<DeValue<'_>>, span: &Range<usize>) -> bool {
    match value.get_mut() {
        DeValue::Table(table) => remove(table, span),
        DeValue::Array(array) => match array.iter().position(|element| element.span() == *span) {
            Some(place) => {
                let old = std::mem::replace(array, DeArray::new());
                let kept = old.into_iter().enumerate().filter(|(at, _)| *at != place);
                *array = kept.map(|(_, element)| element).collect();
                true
            }
            None => array.iter_mut().any(|element| remove_in(element, span)),
        },
        _ => false,
    }
}

/// Calls `visit` with the place and text of every text value.
pub(super) fn for_each_text<'i>(
    table: &mut DeTable<'i>,
    visit: &mut dyn FnMut(Range<usize>, &mut DeString<'i>),
) {
    for (_, value) in table.iter_mut() {
        for_each_text_in(value, visit);
    }
}

fn for_each_text_in<'i>(
    value: &mut Spanned<DeValue<'i>>,
    visit: &mut dyn FnMut(Range<usize>, &mut DeString<'i>),
) {
    let span = value.span();
    match value.get_mut() {
        DeValue::String(text) => visit(span, text),
        DeValue::Array(array) => array.iter_mut().for_each(|element| for_each_text_in(element, visit)),
        DeValue::Table(table) => for_each_text(table, visit),
        _ => {}
    }
}

/// Calls `visit` with the names on the way to every value that is no table, and the value as TOML. A list with tables in it
/// counts as a table whose keys are numbers.
pub(super) fn for_each_value(
    table: &DeTable<'_>,
    path: &mut Vec<String>,
    visit: &mut dyn FnMut(&[String], String),
) {
    for (key, value) in table.iter() {
        path.push(key.get_ref().to_string());
        for_each_value_in(value.get_ref(), path, visit);
        path.pop();
    }
}

fn for_each_value_in(value: &DeValue<'_>, path: &mut Vec<String>, visit: &mut dyn FnMut(&[String], String)) {
    match value {
        DeValue::Table(table) => for_each_value(table, path, visit),
        DeValue::Array(array) if array.iter().any(|element| element.get_ref().is_table()) => {
            for (place, element) in array.iter().enumerate() {
                path.push(place.to_string());
                for_each_value_in(element.get_ref(), path, visit);
                path.pop();
            }
        }
        plain => visit(path, as_toml(plain)),
    }
}

/// A value as it could be written.
fn as_toml(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => toml::Value::String(text.to_string()).to_string(),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(array) => {
            let each: Vec<String> = array.iter().map(|element| as_toml(element.get_ref())).collect();
            format!("[{}]", each.join(", "))
        }
        DeValue::Table(_) => "{ … }".to_owned(),
    }
}

/// `from = 2026-04-01` means the same as with quotes.
pub(super) fn dates_to_text(table: &mut DeTable<'_>) {
    for (_, value) in table.iter_mut() {
        dates_to_text_in(value);
    }
}

fn dates_to_text_in(value: &mut Spanned<DeValue<'_>>) {
    let value = value.get_mut();
    match value {
        DeValue::Datetime(datetime) => *value = DeValue::String(Cow::Owned(datetime.to_string())),
        DeValue::Array(array) => array.iter_mut().for_each(dates_to_text_in),
        DeValue::Table(table) => dates_to_text(table),
        _ => {}
    }
}

/// The same value with all places moved by `by`.
pub(super) fn shift(value: Spanned<DeValue<'_>>, by: usize) -> Spanned<DeValue<'_>> {
    let moved = |span: Range<usize>| span.start + by..span.end + by;
    let span = moved(value.span());
    let value = match value.into_inner() {
        DeValue::Array(array) => {
            DeValue::Array(array.into_iter().map(|element| shift(element, by)).collect::<DeArray<'_>>())
        }
        DeValue::Table(table) => DeValue::Table(
            table
                .into_iter()
                .map(|(key, value)| (Spanned::new(moved(key.span()), key.into_inner()), shift(value, by)))
                .collect(),
        ),
        other => other,
    };
    Spanned::new(span, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a = [ { b = 1 }, { b = [2, 3] } ]\n";

    #[test]
    fn a_path_and_a_place_lead_to_each_other() {
        let root = DeTable::parse(TEXT).expect("TOML").into_inner();
        let path = ["a", "1", "b", "0"];
        let (_, value) = find(&root, &path).expect("found");
        assert_eq!(&TEXT[value.clone()], "2");
        assert_eq!(path_to(&root, &value).expect("path"), path);
        let (key, _) = find(&root, &path[..3]).expect("found");
        assert_eq!(&TEXT[key], "b");
        assert!(find(&root, &["a", "2"]).is_none());
        assert!(find(&root, &["a", "0", "b", "c"]).is_none());
        assert!(find(&root, &[]).is_none());
    }

    #[test]
    fn what_stands_at_a_place_can_be_taken_out() {
        let mut root = DeTable::parse(TEXT).expect("TOML").into_inner();
        let (_, value) = find(&root, &["a", "1", "b", "0"]).expect("found");
        assert!(remove(&mut root, &value));
        assert!(!remove(&mut root, &value));
        let (_, left) = find(&root, &["a", "1", "b", "0"]).expect("found");
        assert_eq!(&TEXT[left], "3");
    }

    #[test]
    fn shifting_moves_keys_and_values() {
        let value = shift(DeValue::parse("{ b = [2] }").expect("TOML"), 10);
        assert_eq!(value.span(), 10..21);
        let DeValue::Table(table) = value.into_inner() else { panic!("table") };
        assert_eq!(find(&table, &["b"]), Some((12..13, 16..19)));
        assert_eq!(find(&table, &["b", "0"]), Some((17..18, 17..18)));
    }
}
