//! Credit touch by touch at the level of campaigns, for one bucket and target.
//!
//! What a bucket holds grows with the campaigns that its customers met, not with all there are. While a
//! bucket is open its units lie in the order in which they came; closed, they are sorted and packed.

use hashbrown::HashMap;

use crate::attribution::allocate::MILLIONTHS;
use crate::attribution::{Credit, Shares};
use crate::config::plan::{AttributionPlan, Model};
use crate::journey::walk::Touch;

use super::packed::{PackedUnits, UnitRow};

/// The models that give credit to the touches themselves, and how the others are brought to campaigns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UnitModels {
    /// Those with cells, in the order of the tables. Linear is always among them where a channel's credit is to
    /// be split.
    pub(super) cells: Vec<Model>,
}

impl UnitModels {
    /// Of the models of a plan.
    pub(super) fn of(models: &[Model]) -> Self {
        let mut cells: Vec<Model> = models.iter().copied().filter(|model| !model.is_data_driven()).collect();
        if cells.len() < models.len() && !cells.contains(&Model::Linear) {
            cells.push(Model::Linear);
        }
        Self { cells }
    }

    /// Column of a model's cells; None for data-driven models.
    pub(super) fn column(&self, model: Model) -> Option<usize> {
        self.cells.iter().position(|own| *own == model)
    }
}

/// What one bucket saw of one target, by unit.
#[derive(Debug, Clone, Default)]
pub(super) struct UnitCells {
    /// Index into `rows` by unit.
    places: HashMap<u32, u32, foldhash::fast::FixedState>,
    rows: Vec<UnitRow>,
    /// Of a bucket that is closed.
    packed: PackedUnits,
}

/// One path as the units see it.
pub(super) struct UnitPath<'p> {
    /// Oldest first, at least one.
    pub(super) touches: &'p [Touch],
    /// Unit of each touch.
    pub(super) units: &'p [u32],
    /// Between the touches, for time decay.
    pub(super) factors: &'p [f64],
    /// 1, or fewer for a refund.
    pub(super) conversions: i64,
    /// Minor units.
    pub(super) value: i64,
    /// Whether it is a journey of its own: a refund walks that of its conversion again.
    pub(super) is_journey: bool,
}

impl UnitCells {
    /// For so many models with cells.
    pub(super) fn new(models: usize) -> Self {
        Self { packed: PackedUnits::new(models), ..Self::default() }
    }

    /// Adds a path that converted, or its refund. `places` is memory that is used from path to path.
    pub(super) fn add(
        &mut self,
        path: &UnitPath<'_>,
        models: &UnitModels,
        (plan, direct): (&AttributionPlan, &[bool]),
        credit: &mut Credit,
        places: &mut Vec<u32>,
    ) {
        places.clear();
        for unit in path.units {
            let rows = &mut self.rows;
            places.push(*self.places.entry(*unit).or_insert_with(|| {
                rows.push(UnitRow {
                    unit: *unit,
                    touches: 0,
                    journeys: 0,
                    credit_millionths: vec![0; models.cells.len()],
                    value_minor_millionths: vec![0; models.cells.len()],
                });
                rows.len() as u32 - 1
            }));
        }
        if path.is_journey {
            places.iter().for_each(|place| self.rows[*place as usize].touches += 1);
        }
        for (column, model) in models.cells.iter().enumerate() {
            let channels = path.touches.iter().map(|touch| touch.channel);
            match credit.over(*model, plan, direct, channels, path.factors) {
                Shares::One(at) => self.give(places[at], column, path, MILLIONTHS),
                Shares::Each(parts) => {
                    places.iter().zip(parts).for_each(|(place, part)| self.give(*place, column, path, *part));
                }
                // Participation, which is told below.
                Shares::Elsewhere => {}
            }
        }
        places.sort_unstable();
        places.dedup();
        if path.is_journey {
            places.iter().for_each(|place| self.rows[*place as usize].journeys += 1);
        }
        if let Some(column) = models.column(Model::Participation) {
            places.iter().for_each(|place| self.give(*place, column, path, MILLIONTHS));
        }
    }

    #[inline]
    fn give(&mut self, place: u32, column: usize, path: &UnitPath<'_>, millionths: i64) {
        let row = &mut self.rows[place as usize];
        row.credit_millionths[column] += path.conversions * millionths;
        if path.value != 0 {
            row.value_minor_millionths[column] += i128::from(path.value) * i128::from(millionths);
        }
    }

    /// Sorts and packs what was seen.
    pub(super) fn close(&mut self) {
        self.places = HashMap::default();
        let mut rows = std::mem::take(&mut self.rows);
        rows.sort_unstable_by_key(|row| row.unit);
        rows.iter().for_each(|row| self.packed.push(row));
    }

    /// Adds what others saw, both of them closed.
    pub(super) fn merge(&mut self, other: &UnitCells) {
        self.packed = self.packed.merge(&other.packed);
    }

    /// What was seen, once closed.
    pub(super) fn packed(&self) -> &PackedUnits {
        &self.packed
    }
}
