//! What kind of site a source is: search engine, social network, shop or place for videos.
//!
//! The list in `sources.csv` is our own, of what is commonly known of these sites. It is not Google's, which a
//! preset of theirs would use, and can't be complete: `channels.sources` adds to it and overrules it. An entry
//! with a dot is a host and stands for those below it, too, unless a longer entry says otherwise:
//! `l.facebook.com` is social because `facebook.com` is, but `mail.google.com` is no search engine. An entry
//! without a dot is a name as people write it into links, such as `google`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use hashbrown::HashMap;

use crate::config::plan::SourceCategory;

/// A header, then one source with its category a line; sources in lower case.
const LIST: &str = include_str!("sources.csv");

static KNOWN: LazyLock<HashMap<&'static str, SourceCategory, foldhash::fast::FixedState>> =
    LazyLock::new(|| entries().filter_map(|(source, category)| Some((source, category?))).collect());

/// The entries of the list; a category that doesn't exist is None.
fn entries() -> impl Iterator<Item = (&'static str, Option<SourceCategory>)> {
    let lines = LIST.lines().skip(1).filter_map(|line| line.split_once(','));
    lines.map(|(source, category)| (source, SourceCategory::of_name(category)))
}

/// The kind of site that a source in lower case is; None where nobody says. What `own` says counts first.
pub fn category(own: &BTreeMap<String, SourceCategory>, source: &str) -> Option<SourceCategory> {
    let find = |lookup: &dyn Fn(&str) -> Option<SourceCategory>| itself_and_above(source).find_map(lookup);
    find(&|name| own.get(name).copied()).or_else(|| find(&|name| KNOWN.get(name).copied()))
}

/// Whether a host in lower case is this one or lies below it.
pub fn is_host_or_below(host: &str, domain: &str) -> bool {
    itself_and_above(host).any(|name| name == domain)
}

/// A source and the hosts above it, the longest first. A top-level domain is no host.
fn itself_and_above(source: &str) -> impl Iterator<Item = &str> {
    let above =
        source.match_indices('.').map(|(dot, _)| &source[dot + 1..]).filter(|host| host.contains('.'));
    std::iter::once(source).chain(above)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_line_of_the_list_is_an_entry_of_its_own() {
        let all: Vec<_> = entries().collect();
        assert_eq!(all.len(), LIST.lines().count() - 1, "a line without a comma");
        assert!(LIST.lines().is_sorted_by(|one, other| one.starts_with("source,") || one < other));
        let sources: BTreeSet<&str> = all.iter().map(|(source, _)| *source).collect();
        assert_eq!(sources.len(), all.len(), "a source stands twice");
        for (source, category) in all {
            assert!(category.is_some(), "{source} has no category that exists");
            assert_eq!(source, source.to_lowercase(), "not in lower case");
            assert!(!source.is_empty() && !source.contains(['/', '*']), "{source} is no source");
        }
        assert!(KNOWN.len() > 1_000, "{}", KNOWN.len());
    }

    #[test]
    fn a_host_stands_for_those_below_it_unless_a_longer_one_says_otherwise() {
        let own = BTreeMap::new();
        let of = |source| category(&own, source);
        assert_eq!(of("google"), Some(SourceCategory::Search));
        assert_eq!(of("www.google.co.uk"), Some(SourceCategory::Search));
        assert_eq!(of("l.facebook.com"), Some(SourceCategory::Social));
        assert_eq!(of("t.co"), Some(SourceCategory::Social));
        assert_eq!(of("mail.google.com"), Some(SourceCategory::Other));
        assert_eq!(of("www.amazon.de"), Some(SourceCategory::Shopping));
        assert_eq!(of("m.youtube.com"), Some(SourceCategory::Video));
        for unknown in
            ["notgoogle.com", "google.com.shop.example", "com", "co.uk", "", ".", "facebook.com.", "not.co"]
        {
            assert_eq!(of(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn what_the_user_says_counts_first() {
        let own = [("intranet.example", SourceCategory::Search), ("facebook.com", SourceCategory::Other)];
        let own: BTreeMap<String, SourceCategory> =
            own.into_iter().map(|(source, category)| (source.to_owned(), category)).collect();
        assert_eq!(category(&own, "www.intranet.example"), Some(SourceCategory::Search));
        assert_eq!(category(&own, "m.facebook.com"), Some(SourceCategory::Other));
        assert_eq!(category(&own, "instagram.com"), Some(SourceCategory::Social));
    }
}
