//! Exports that belong together as one input.

use super::survey::{Export, Kind};
use super::tables::{Mapped, Reading, Table};

/// Exports that are read by one mapping.
#[derive(Debug)]
pub struct Group {
    /// Which input.
    pub table: Table,
    /// In the order of their paths.
    pub exports: Vec<Export>,
    /// Columns that all of them have.
    pub mapped: Vec<Mapped>,
    /// Optional columns that only some of them have under this name, so that they aren't mapped.
    pub partly: Vec<Mapped>,
}

impl Group {
    /// Rows of all files, where they are known.
    pub fn rows(&self) -> u64 {
        self.exports.iter().filter_map(|export| export.rows).sum()
    }

    /// A mapped column.
    pub fn find(&self, logical: &str) -> Option<&Mapped> {
        self.mapped.iter().find(|mapped| mapped.logical == logical)
    }

    /// Whether a time has no zone, so that the configuration must name one.
    pub fn needs_timezone(&self) -> bool {
        let is_time =
            |mapped: &&Mapped| matches!(mapped.logical, "occurred_at" | "assigned_at" | "valid_from");
        self.mapped.iter().filter(is_time).any(|mapped| mapped.kind != Kind::Instant)
    }
}

/// Puts exports together that are the same input by the same columns, those with most rows first.
pub fn group(readings: Vec<(Export, Reading)>) -> Vec<Group> {
    let mut groups: Vec<(Vec<(&'static str, String)>, Group)> = Vec::new();
    for (export, Reading { table, mapped }) in readings {
        let key: Vec<_> = mapped
            .iter()
            .filter(|mapped| is_key(mapped.logical))
            .map(|mapped| (mapped.logical, mapped.physical.clone()))
            .collect();
        match groups.iter_mut().find(|(known, group)| *known == key && group.table == table) {
            Some((_, group)) => {
                let (kept, lost): (Vec<_>, Vec<_>) =
                    std::mem::take(&mut group.mapped).into_iter().partition(|own| same_in(own, &mapped));
                let fresh = mapped.iter().filter(|other| !same_in(other, &kept)).cloned();
                let partly: Vec<_> = lost.into_iter().chain(fresh).collect();
                for own in partly {
                    if !same_in(&own, &group.partly) {
                        group.partly.push(own);
                    }
                }
                group.mapped = kept;
                // A time without a zone in one file is one in the group.
                for own in &mut group.mapped {
                    let other = mapped.iter().find(|other| other.logical == own.logical);
                    if let Some(other) = other.filter(|_| own.kind == Kind::Instant) {
                        own.kind = other.kind;
                    }
                }
                group.exports.push(export);
            }
            None => groups.push((key, Group { table, exports: vec![export], mapped, partly: Vec::new() })),
        }
    }
    let mut groups: Vec<Group> = groups.into_iter().map(|(_, group)| group).collect();
    groups.sort_by_key(|group| (group.table, std::cmp::Reverse(group.rows())));
    groups
}

/// Columns by which exports belong together.
fn is_key(logical: &str) -> bool {
    matches!(
        logical,
        "customer_id" | "occurred_at" | "event" | "date" | "cost" | "experiment" | "variant" | "assigned_at"
    )
}

fn same_in(own: &Mapped, others: &[Mapped]) -> bool {
    others.iter().any(|other| other.logical == own.logical && other.physical == own.physical)
}
