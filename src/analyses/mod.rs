//! One file per analysis: partial, observe, merge, finish.
