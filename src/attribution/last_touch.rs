//! All credit to the last touch.

use super::allocate::MILLIONTHS;

/// Millionths by touch, oldest first.
pub fn credit(touches: usize, parts: &mut Vec<i64>) {
    parts.clear();
    parts.resize(touches, 0);
    if let Some(last) = parts.last_mut() {
        *last = MILLIONTHS;
    }
}
