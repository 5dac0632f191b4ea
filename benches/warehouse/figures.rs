//! Raw figures as JSON beside the warehouses, so that parts can be measured on their own.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Outcome;
use super::runs::WarehouseFigures;
use super::shapes::ShapeFigures;

/// All that was measured, now or before.
#[derive(Debug)]
pub struct Figures {
    folder: PathBuf,
    /// By size.
    pub warehouses: Vec<WarehouseFigures>,
    /// By shape, in the order in which they are listed.
    pub shapes: Vec<ShapeFigures>,
}

impl Figures {
    /// Reads what an earlier measurement left.
    ///
    /// # Errors
    ///
    /// It can't be read, or was written by another version of this program: then remove it.
    pub fn open(folder: &Path) -> Outcome<Self> {
        let folder = folder.join("figures");
        std::fs::create_dir_all(&folder)?;
        let warehouses = read(&folder.join("warehouses.json"))?;
        let shapes = read(&folder.join("shapes.json"))?;
        Ok(Self { folder, warehouses, shapes })
    }

    /// Keeps the figures of a warehouse. A part that wasn't measured this time stays as it was.
    ///
    /// # Errors
    ///
    /// They can't be written.
    pub fn keep_warehouse(&mut self, mut new: WarehouseFigures) -> Outcome<()> {
        if let Some(place) = self.warehouses.iter().position(|old| old.millions == new.millions) {
            let old = self.warehouses.remove(place);
            new.runs = new.runs.or(old.runs);
            new.peers = new.peers.or(old.peers);
        }
        self.warehouses.push(new);
        self.warehouses.sort_by_key(|figures| figures.millions);
        write(&self.folder.join("warehouses.json"), &self.warehouses)
    }

    /// Keeps the figures of shapes in place of their earlier ones.
    ///
    /// # Errors
    ///
    /// They can't be written.
    pub fn keep_shapes(&mut self, new: Vec<ShapeFigures>) -> Outcome<()> {
        self.shapes.retain(|old| new.iter().all(|new| new.key() != old.key()));
        self.shapes.extend(new);
        self.shapes.sort_by_key(ShapeFigures::key);
        write(&self.folder.join("shapes.json"), &self.shapes)
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Outcome<Vec<T>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    serde_json::from_slice(&std::fs::read(path)?)
        .map_err(|error| format!("{}: {error}; remove it and measure again", path.display()).into())
}

fn write<T: Serialize>(path: &Path, figures: &[T]) -> Outcome<()> {
    Ok(std::fs::write(path, serde_json::to_vec_pretty(figures)?)?)
}
