//! The thread on which all waiting for a network is done.

use std::io::Result;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::{Builder, Runtime};

/// Made when it is first needed; it ends with the process.
static SHARED: Mutex<Option<Arc<Runtime>>> = Mutex::new(None);

/// One thread that moves bytes for all that wait.
///
/// # Errors
/// The system gives no thread.
pub(super) fn shared() -> Result<Arc<Runtime>> {
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(runtime) = &*shared {
        return Ok(Arc::clone(runtime));
    }
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("touchline-network")
        .enable_all()
        .build()?;
    Ok(Arc::clone(shared.insert(Arc::new(runtime))))
}
