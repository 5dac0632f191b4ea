//! The configuration file: parsed with spans, resolved once into a plain [`plan::Plan`].

pub mod plan;
