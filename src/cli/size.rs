//! Sizes of memory: `256MiB`, `8GB`, `1073741824`.

use crate::engine::budget::LEAST_BYTES;

/// Bytes of each unit.
const UNITS: [(&str, u64); 9] = [
    ("", 1),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
];

/// Bytes of a size, in units of 1000 (`MB`) or of 1024 (`MiB`).
pub(super) fn parse(text: &str) -> Result<u64, String> {
    let compact: String = text.to_lowercase().split_whitespace().collect();
    let digits = compact.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(compact.len());
    let (number, unit) = compact.split_at(digits);
    let unit = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, bytes)| bytes);
    let bytes = number.parse().ok().zip(unit).and_then(|(number, unit): (u64, _)| number.checked_mul(*unit));
    match bytes {
        None => Err("write a whole number and a unit: `512MiB`, `8GB`".to_owned()),
        Some(bytes) if bytes < LEAST_BYTES => Err(format!("a run needs at least {} MiB", LEAST_BYTES >> 20)),
        Some(bytes) => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn sizes() {
        assert_eq!(parse("256MiB"), Ok(256 << 20));
        assert_eq!(parse("8GB"), Ok(8_000_000_000));
        assert_eq!(parse("2 gib"), Ok(2 << 30));
        assert_eq!(parse("1073741824"), Ok(1 << 30));
        for wrong in ["", "MiB", "lots", "1.5GB", "-1GB", "99999999999TB"] {
            assert!(parse(wrong).unwrap_err().contains("write a whole number"), "{wrong}");
        }
        assert_eq!(parse("256"), Err("a run needs at least 128 MiB".to_owned()), "a unit forgotten");
    }
}
