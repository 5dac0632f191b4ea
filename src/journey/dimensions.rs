//! Dimensions: what splits customers into segments.

use super::codebook::Codebook;
use super::partition::Journey;
use super::walk::Walk;

/// Segment of customers for whom a dimension is null.
pub const NO_SEGMENT: &str = "(none)";

/// Where a dimension comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DimensionSource {
    /// Column of the customers table, by its position in the attribute codebook.
    Attribute(usize),
    /// First non-null value of a touchpoint column up to the customer's first row in the window.
    Touchpoint(usize),
    /// First non-null value of a touchpoint column among the customer's touches in the data read.
    FirstTouch(usize),
}

impl DimensionSource {
    /// The codebook that it is a column of.
    pub fn book<'a>(self, attributes: &'a Codebook, rows: &'a Codebook) -> &'a Codebook {
        match self {
            DimensionSource::Attribute(_) => attributes,
            DimensionSource::Touchpoint(_) | DimensionSource::FirstTouch(_) => rows,
        }
    }
}

/// A dimension with its segments.
#[derive(Debug, Clone)]
pub struct Dimension {
    /// Name in the configuration and the tables.
    pub name: String,
    /// Sorted by name, [`NO_SEGMENT`] first.
    pub segments: Vec<String>,
    source: DimensionSource,
    /// Segment by code of the codebook it comes from.
    segment_of_code: Vec<u32>,
}

impl Dimension {
    /// Of a column of a codebook: `attributes` for [`DimensionSource::Attribute`], else that of the rows.
    pub fn new(name: &str, source: DimensionSource, book: &Codebook) -> Self {
        let column = match source {
            DimensionSource::Attribute(column)
            | DimensionSource::Touchpoint(column)
            | DimensionSource::FirstTouch(column) => column,
        };
        let mut segments = vec![NO_SEGMENT.to_owned()];
        segments.extend(book.values(column).iter().map(|text| text.to_string()));
        // Value ids are ranks that start at 1, with 0 for null: they are the segments.
        let segment_of_code = (0..book.len() as u32).map(|code| book.value_id(code, column)).collect();
        Self { name: name.to_owned(), segments, source, segment_of_code }
    }

    /// Whether the segment may depend on what came after the customer's first row in the window.
    pub fn is_descriptive(&self) -> bool {
        matches!(self.source, DimensionSource::FirstTouch(_))
    }

    /// Segment of a customer, as of the first row in the window: index into `segments`.
    #[inline]
    pub fn segment(&self, journey: &Journey<'_>, walk: &Walk) -> usize {
        let of = |code: u32| self.segment_of_code[code as usize] as usize;
        match self.source {
            DimensionSource::Attribute(_) => journey.attributes.map_or(0, of),
            DimensionSource::Touchpoint(_) => {
                let end = walk.first_in_window.map_or(0, |first| first + 1);
                journey.rows[..end].iter().map(|row| of(row.code)).find(|segment| *segment != 0).unwrap_or(0)
            }
            DimensionSource::FirstTouch(_) => walk
                .touches
                .iter()
                .map(|touch| of(journey.rows[touch.row as usize].code))
                .find(|segment| *segment != 0)
                .unwrap_or(0),
        }
    }
}
