//! Arguments, diagnostics, progress, exit codes. The only module that prints.
