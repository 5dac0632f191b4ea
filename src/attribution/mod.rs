//! Weights of one conversion over its touches, a file per model.
