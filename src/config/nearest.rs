//! The nearest known word to an unknown one.

/// At most this many words are listed in a hint.
const LISTED: usize = 24;

/// The known word that was most likely meant, if any is near: a typo of at most a third of its letters.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = plain(word);
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word, &plain(candidate)), candidate))
        .filter(|(distance, candidate)| {
            *distance <= (candidate.chars().count().min(word.chars().count()) / 3).max(1)
        })
        .filter(|(_, candidate)| candidate.chars().count() > 1)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Whether a word is one slip away from another, for places where any word is allowed.
pub(super) fn is_slip(word: &str, of: &str) -> bool {
    let allowed = if of.len() >= 8 { 2 } else { 1 };
    word != of && strsim::damerau_levenshtein(&plain(word), of) <= allowed
}

/// `did you mean …?`, or the list of what there is.
pub fn suggest<'a>(word: &str, what: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => format!("there are no {what} here"),
        None => format!("the {what} are {}", list(&known)),
    }
}

/// The words in backticks.
pub(super) fn list(words: &[&str]) -> String {
    let mut text = words.iter().take(LISTED).map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    if words.len() > LISTED {
        text.push_str(&format!(" and {} more", words.len() - LISTED));
    }
    text
}

/// Case and the choice between `-` and `_` are no part of what was meant.
fn plain(word: &str) -> String {
    word.chars()
        .take(64)
        .flat_map(char::to_lowercase)
        .map(|letter| if letter == '-' || letter == ' ' { '_' } else { letter })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_a_typo_away() {
        let known = ["from", "to", "lookback", "history"];
        assert_eq!(nearest("lookbak", known), Some("lookback"));
        assert_eq!(nearest("Look-Back", known), Some("lookback"));
        assert_eq!(nearest("form", known), Some("from"));
        assert_eq!(nearest("timezone", known), None);
    }

    #[test]
    fn without_a_near_word_all_are_listed() {
        assert_eq!(suggest("x", "keys", ["first", "last"]), "the keys are `first`, `last`");
        assert_eq!(suggest("frist", "keys", ["first", "last"]), "did you mean `first`?");
        assert_eq!(suggest("x", "metrics", []), "there are no metrics here");
    }

    #[test]
    fn a_slip_is_not_another_word() {
        assert!(is_slip("ocurred_at", "occurred_at"));
        assert!(is_slip("evnt", "event"));
        assert!(!is_slip("plan", "channel"));
        assert!(!is_slip("event", "event"));
    }
}
