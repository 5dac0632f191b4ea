//! All credit to the first touch.

use super::allocate::MILLIONTHS;

/// Millionths by touch, oldest first.
pub fn credit(touches: usize, parts: &mut Vec<i64>) {
    parts.clear();
    parts.resize(touches, 0);
    if let Some(first) = parts.first_mut() {
        *first = MILLIONTHS;
    }
}
