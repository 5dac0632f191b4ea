//! The nearest known word to an unknown one: where a key or a choice was mistyped, and where a column or a table goes by
//! another name.

/// At most this many words are listed in a hint.
const LISTED: usize = 24;

/// The known word that was most likely meant, if any is near: a typo of at most a third of its letters.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = plain(word);
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word, &plain(candidate)), candidate))
        .filter(|(distance, candidate)| {
            *distance <= (candidate.chars().count().min(word.chars().count()) / 3).max(1)
        })
        // A letter is any other letter's typo, but the same in the other case.
        .filter(|(distance, candidate)| *distance == 0 || candidate.chars().count() > 1)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The name that looks most like another, if one does: what people call a column shares its beginning more often
/// than its length (Winkler 1990).
pub fn most_alike<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const ALIKE: f64 = 0.8;
    let lower = name.to_lowercase();
    names
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(likeness, _)| *likeness > ALIKE)
        // The first of equals, so that the message is the same every time.
        .fold(None, |best: Option<(f64, &str)>, next| match best {
            Some(best) if best.0 >= next.0 => Some(best),
            _ => Some(next),
        })
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
        assert_eq!((nearest("a", ["B", "A"]), nearest("c", ["B", "A"])), (Some("A"), None));
    }

    #[test]
    fn a_column_by_another_name_begins_alike() {
        assert_eq!(most_alike("User", ["ts", "user_id", "event"]), Some("user_id"));
        assert_eq!(most_alike("user", ["userA", "userB"]), Some("userA"), "the first of equals");
        assert_eq!(most_alike("channel", ["ts", "user_id"]), None);
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
