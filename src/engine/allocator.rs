//! The allocator, where memory is scarce.

use rayon::ThreadPool;

/// Gives back to the system what the allocator keeps of freed memory for what this thread asks for next, and what
/// threads have left behind that are gone. It would do so by itself, after a second: by then a small budget is
/// overdrawn. What is asked for next then comes from the system, page by page, which takes longer.
#[expect(unsafe_code, reason = "no crate has a safe function for it")]
pub fn give_back() {
    // SAFETY: it takes no pointer and frees nothing that is in use; the manual allows it at any time on any thread.
    unsafe { libmimalloc_sys::mi_collect(true) }
}

/// The same on all threads of a pool, and on this one.
pub fn give_back_on_all(pool: &ThreadPool) {
    pool.broadcast(|_| give_back());
    give_back();
}
