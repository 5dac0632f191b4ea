//! What becomes of the touches of a path before models, counts and the chain see them.
//!
//! For D, A, B, B, C, D, C, C: `unique` changes nothing; `exposure` gives D, A, B, C, D, C; `first` gives D, A, B, C;
//! `frequency` gives D(2), A(1), B(2), C(3). The names are those of fractribution (Google), which also keeps the
//! first of the touches that become one: its place in the path, and here its instant and campaign.

use crate::config::plan::PathTransform;

use super::walk::Touch;

/// Adds the touches of one path to `into`, transformed; oldest first, as they come.
pub fn transform(transform: PathTransform, touches: &[Touch], into: &mut Vec<Touch>) {
    let start = into.len();
    match transform {
        PathTransform::Unique => into.extend_from_slice(touches),
        PathTransform::Exposure => {
            for touch in touches {
                match into[start..].last_mut() {
                    Some(last) if last.channel == touch.channel => last.stand_for(touch),
                    _ => into.push(*touch),
                }
            }
        }
        // A path meets few channels, however long it is.
        PathTransform::First | PathTransform::Frequency => {
            for touch in touches {
                match into[start..].iter_mut().find(|first| first.channel == touch.channel) {
                    Some(first) => first.stand_for(touch),
                    None => into.push(*touch),
                }
            }
        }
    }
}

impl Touch {
    fn stand_for(&mut self, other: &Touch) {
        self.repeats = self.repeats.saturating_add(other.repeats);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Channels as letters, with how many touches each stands for.
    fn transformed(by: PathTransform, path: &str) -> String {
        let touches: Vec<Touch> = path
            .bytes()
            .enumerate()
            .map(|(at, letter)| Touch {
                time_us: at as i64,
                row: at as u32,
                channel: u16::from(letter),
                repeats: 1,
            })
            .collect();
        let mut into = vec![Touch { channel: u16::from(b'D'), ..Touch::default() }];
        transform(by, &touches, &mut into);
        let letter = |touch: &Touch| char::from(touch.channel as u8);
        assert!(into[1..].iter().all(|touch| path.as_bytes()[touch.row as usize] == letter(touch) as u8));
        assert!(into[1..].iter().all(|touch| touch.time_us == i64::from(touch.row)), "its own instant");
        into[1..].iter().map(|touch| format!("{}{}", letter(touch), touch.repeats)).collect()
    }

    /// The example of fractribution and of Snowplow's attribution package.
    #[test]
    fn published_example() {
        let path = "DABBCDCC";
        assert_eq!(transformed(PathTransform::Unique, path), "D1A1B1B1C1D1C1C1");
        assert_eq!(transformed(PathTransform::Exposure, path), "D1A1B2C1D1C2");
        assert_eq!(transformed(PathTransform::First, path), "D2A1B2C3");
        assert_eq!(transformed(PathTransform::Frequency, path), "D2A1B2C3");
        assert_eq!(transformed(PathTransform::Exposure, ""), "", "what stood before is another path");
    }
}
