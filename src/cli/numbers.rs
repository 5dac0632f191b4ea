//! Whole numbers of the command line that have bounds.

/// No machine has more cores, and what is far above them can't be started.
const MOST_THREADS: usize = 1_024;

/// A number of threads; 0: one per core.
pub(super) fn threads(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|threads| *threads <= MOST_THREADS);
    number.ok_or_else(|| format!("write a whole number from 1 to {MOST_THREADS}, or 0 for one per core"))
}

#[cfg(test)]
mod tests {
    use super::threads;

    #[test]
    fn threads_are_few() {
        assert_eq!((threads("0"), threads("1024")), (Ok(0), Ok(1_024)));
        for wrong in ["", "-1", "1.5", "many", "1025", "99999999999999999999"] {
            assert!(threads(wrong).is_err(), "{wrong}");
        }
    }
}
