//! Dimensions: what splits customers into segments, as of an instant.

use crate::config::plan::{Behaviour, Population};

use super::behaviours::CodedBehaviour;
use super::codebook::Codebook;
use super::partition::Journey;
use super::rules::Rules;
use super::walk::{Touch, Walk};

/// Segment of customers for whom a dimension is null.
pub const NO_SEGMENT: &str = "(none)";

/// Segments of a behaviour, after [`NO_SEGMENT`], which nobody is in.
const BEHAVIOUR_SEGMENTS: [&str; 2] = ["no", "yes"];

/// Where a dimension comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DimensionOrigin {
    /// A column of a codebook.
    Column(DimensionSource),
    /// The behaviour at this place in the plan.
    Behaviour(usize),
}

/// The column that a dimension is, and which of its values counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DimensionSource {
    /// Column of the customers table, by its position in the attribute codebook: what was valid at the instant.
    Attribute(usize),
    /// First non-null value of a touchpoint column up to the instant.
    Touchpoint(usize),
    /// First non-null value of a touchpoint column among the customer's touches.
    FirstTouch(usize),
    /// Last non-null value of a touchpoint column among the customer's touches.
    LastTouch(usize),
}

impl DimensionSource {
    /// The codebook that it is a column of.
    pub fn book<'a>(self, attributes: &'a Codebook, rows: &'a Codebook) -> &'a Codebook {
        match self {
            DimensionSource::Attribute(_) => attributes,
            DimensionSource::Touchpoint(_)
            | DimensionSource::FirstTouch(_)
            | DimensionSource::LastTouch(_) => rows,
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
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Column {
        source: DimensionSource,
        /// Segment by code of the codebook it comes from.
        segment_of_code: Vec<u32>,
    },
    Behaviour(CodedBehaviour),
}

impl Dimension {
    /// Of a column of a codebook: `attributes` for [`DimensionSource::Attribute`], else that of the rows.
    pub fn new(name: &str, source: DimensionSource, book: &Codebook) -> Self {
        let column = match source {
            DimensionSource::Attribute(column)
            | DimensionSource::Touchpoint(column)
            | DimensionSource::FirstTouch(column)
            | DimensionSource::LastTouch(column) => column,
        };
        let mut segments = vec![NO_SEGMENT.to_owned()];
        segments.extend(book.values(column).iter().map(|text| text.to_string()));
        // Value ids are ranks that start at 1, with 0 for null: they are the segments.
        let segment_of_code = (0..book.len() as u32).map(|code| book.value_id(code, column)).collect();
        Self { name: name.to_owned(), segments, kind: Kind::Column { source, segment_of_code } }
    }

    /// Of a behaviour: its segments are `no` and `yes`. `columns` names the columns of the book of rows.
    pub fn of_behaviour(behaviour: &Behaviour, book: &Codebook, columns: &[String]) -> Self {
        let segments = std::iter::once(NO_SEGMENT).chain(BEHAVIOUR_SEGMENTS).map(str::to_owned).collect();
        let kind = Kind::Behaviour(CodedBehaviour::new(behaviour, book, columns));
        Self { name: behaviour.name.clone(), segments, kind }
    }

    /// Whether [`Dimension::segment`] may depend on what came after the customer's first row in the window. What
    /// [`Dimension::segment_at`] says never depends on what came after its instant.
    pub fn is_descriptive(&self) -> bool {
        match self.kind {
            Kind::Column { source, .. } => {
                matches!(source, DimensionSource::FirstTouch(_) | DimensionSource::LastTouch(_))
            }
            Kind::Behaviour(_) => true,
        }
    }

    /// Segment of a customer in tables of segments: index into `segments`.
    ///
    /// As of the first row in the window, or of the window's first instant for customers without one. Touches count
    /// wherever they are in the data read, and behaviours are those of the whole window, see
    /// [`Dimension::is_descriptive`].
    #[inline]
    pub fn segment(&self, journey: &Journey<'_>, walk: &Walk, rules: &Rules) -> usize {
        let (source, of_code) = match &self.kind {
            Kind::Column { source, segment_of_code } => (*source, segment_of_code),
            Kind::Behaviour(behaviour) => {
                // Nothing at or after the end of the window is read.
                let first = walk.first_in_window.unwrap_or(journey.rows.len());
                return of_behaviour(behaviour.fits(&journey.rows[first..], rules.to_us));
            }
        };
        match source {
            DimensionSource::Attribute(_) => {
                let code = journey.attributes.at(instant(journey, walk, rules));
                first_of(of_code, code.into_iter())
            }
            DimensionSource::Touchpoint(_) => {
                // Without a row in the window all that were read come before it.
                let end = walk.first_in_window.map_or(journey.rows.len(), |first| first + 1);
                first_of(of_code, journey.rows[..end].iter().map(|row| row.code))
            }
            DimensionSource::FirstTouch(_) => first_of(of_code, touch_codes(journey, walk, i64::MAX)),
            DimensionSource::LastTouch(_) => first_of(of_code, touch_codes(journey, walk, i64::MAX).rev()),
        }
    }

    /// Segment of a customer as of an instant (µs), by nothing that came after it: index into `segments`.
    ///
    /// Attributes are those valid at the instant; rows and touches count up to and including it, for behaviours those
    /// before it.
    #[inline]
    pub fn segment_at(&self, journey: &Journey<'_>, walk: &Walk, time_us: i64) -> usize {
        let (source, of_code) = match &self.kind {
            Kind::Column { source, segment_of_code } => (*source, segment_of_code),
            Kind::Behaviour(behaviour) => {
                return of_behaviour(behaviour.fits(journey.before(time_us).rows, time_us));
            }
        };
        match source {
            DimensionSource::Attribute(_) => first_of(of_code, journey.attributes.at(time_us).into_iter()),
            // Most often the first one says it.
            DimensionSource::Touchpoint(_) => {
                first_until(of_code, time_us, journey.rows.iter().map(|row| (row.time_us, row.code)))
            }
            DimensionSource::FirstTouch(_) => {
                let code = |touch: &Touch| journey.rows[touch.row as usize].code;
                first_until(of_code, time_us, walk.touches.iter().map(|touch| (touch.time_us, code(touch))))
            }
            DimensionSource::LastTouch(_) => first_of(of_code, touch_codes(journey, walk, time_us).rev()),
        }
    }
}

/// The first segment of some codes that isn't [`NO_SEGMENT`].
#[inline]
fn first_of(segment_of_code: &[u32], codes: impl Iterator<Item = u32>) -> usize {
    let mut segments = codes.map(|code| segment_of_code[code as usize] as usize);
    segments.find(|segment| *segment != 0).unwrap_or(0)
}

/// The same of some instants (µs) with their codes, in order, up to and including an instant.
#[inline]
fn first_until(segment_of_code: &[u32], until_us: i64, codes: impl Iterator<Item = (i64, u32)>) -> usize {
    for (time_us, code) in codes {
        if time_us > until_us {
            break;
        }
        let segment = segment_of_code[code as usize] as usize;
        if segment != 0 {
            return segment;
        }
    }
    0
}

fn of_behaviour(fits: bool) -> usize {
    1 + usize::from(fits)
}

/// Codes of the touches up to and including an instant (µs), oldest first.
fn touch_codes<'j>(
    journey: &'j Journey<'_>,
    walk: &'j Walk,
    time_us: i64,
) -> impl DoubleEndedIterator<Item = u32> + 'j {
    let end = match walk.touches.last() {
        Some(last) if last.time_us > time_us => {
            walk.touches.partition_point(|touch| touch.time_us <= time_us)
        }
        _ => walk.touches.len(),
    };
    walk.touches[..end].iter().map(|touch| journey.rows[touch.row as usize].code)
}

/// As of when a customer is put into a segment, µs since the epoch: the first kept row in the window, else its first
/// instant.
fn instant(journey: &Journey<'_>, walk: &Walk, rules: &Rules) -> i64 {
    walk.first_in_window.map_or(rules.from_us, |first| journey.rows[first].time_us)
}

/// As of when a customer of the population is put into a segment, µs since the epoch; None: not in the population.
///
/// With [`Population::Active`] that is whoever has a kept row in the window, with [`Population::All`] whoever stands in
/// the customers table, with or without rows.
#[inline]
pub fn population_instant(
    population: Population,
    journey: &Journey<'_>,
    walk: &Walk,
    rules: &Rules,
) -> Option<i64> {
    let belongs = match population {
        Population::Active => walk.first_in_window.is_some(),
        Population::All => journey.attributes.is_known(),
    };
    belongs.then(|| instant(journey, walk, rules))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::plan::{BehaviourRule, FieldMatch, Matcher};
    use crate::journey::codebook::CodebookBuilder;
    use crate::journey::testing::{World, instant_us};

    /// A book of one column that says of each code of the world what is written here.
    fn book(texts: &[Option<&str>]) -> Codebook {
        let mut builder = CodebookBuilder::new(2);
        for (code, text) in texts.iter().enumerate() {
            let ids =
                [builder.value(0, &format!("{code:03}")), text.map_or(0, |text| builder.value(1, text))];
            let code = builder.combination(&ids).0;
            builder.keep(code);
        }
        Codebook::merge(&[builder], 2).0
    }

    /// The segment in tables of segments, then as of each instant.
    fn segments(world: &mut World, text: &str, dimension: &Dimension, instants: &[&str]) -> String {
        let journey = world.journey(text);
        let walk = journey.walk(&world.rules);
        let at = |instant: &&str| dimension.segment_at(&journey.journey(), &walk, instant_us(instant));
        let all = std::iter::once(dimension.segment(&journey.journey(), &walk, &world.rules));
        let all = all.chain(instants.iter().map(at));
        all.map(|segment| dimension.segments[segment].as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn columns_of_rows_and_touches_are_known_up_to_the_instant() {
        let mut world = World::new(&[], &["buy"]);
        // Codes by first appearance: a row that says nothing, two that do, and a conversion, which is no touch.
        world.journey("nothing d0, phone d0, tablet d0, buy d0");
        let book = book(&[None, Some("phone"), Some("tablet"), Some("desk")]);
        let text = "nothing d-3, buy d-2, phone d1, tablet d2, nothing d3, buy d4";
        let instants = ["d-3", "d-2", "d1", "d2", "d9"];
        let mut show = |source| {
            let dimension = Dimension::new("device", source, &book);
            segments(&mut world, text, &dimension, &instants)
        };
        assert_eq!(show(DimensionSource::Touchpoint(1)), "desk (none) desk desk desk desk");
        assert_eq!(show(DimensionSource::FirstTouch(1)), "phone (none) (none) phone phone phone");
        assert_eq!(show(DimensionSource::LastTouch(1)), "tablet (none) (none) phone tablet tablet");
    }

    #[test]
    fn attributes_are_those_valid_at_the_instant() {
        let mut world = World::new(&[], &[]).with_attributes(&["de", "fr"]);
        let dimension = Dimension::new("country", DimensionSource::Attribute(0), &world.attributes.clone());
        let instants = ["d-9", "d2", "d5", "d6"];
        let mut show = |text: &str| segments(&mut world, text, &dimension, &instants);
        assert_eq!(show("A d5 | | de"), "de de de de de");
        assert_eq!(show("A d5 | | de d2, fr d6"), "de (none) de de fr");
        assert_eq!(show("A d5 | | fr d6"), "(none) (none) (none) (none) fr");
        assert_eq!(show("| | de d-4, fr d6"), "de (none) de de fr", "without rows as of the first instant");
        assert_eq!(show("A d5"), "(none) (none) (none) (none) (none)");
    }

    #[test]
    fn behaviours_are_those_of_the_window_or_before_the_instant() {
        let mut world = World::new(&[], &[]);
        world.journey("nothing d0, cart d0, buy d0");
        let event = |name: &str| Matcher {
            fields: vec![FieldMatch { column: "event".to_owned(), patterns: vec![name.to_owned()] }],
        };
        let behaviour = Behaviour {
            name: "abandons".to_owned(),
            rules: vec![BehaviourRule {
                matcher: event("cart"),
                at_least: 1,
                without: vec![event("buy")],
                within_us: Some(instant_us("d2")),
            }],
        };
        let columns = ["rank".to_owned(), "event".to_owned()];
        let book = book(&[Some("nothing"), Some("cart"), Some("buy")]);
        let dimension = Dimension::of_behaviour(&behaviour, &book, &columns);
        assert!(dimension.is_descriptive());
        let instants = ["d4", "d5", "d6", "d9"];
        let mut show = |text: &str| segments(&mut world, text, &dimension, &instants);
        assert_eq!(show("cart d4"), "yes no no yes yes", "over on day 6, not before");
        assert_eq!(show("cart d4, buy d5"), "no no no no no");
        assert_eq!(show("cart d4, buy d6"), "yes no no yes yes");
        assert_eq!(show("cart d29"), "no no no no no", "not over when the window is");
        assert_eq!(show("cart d-4, nothing d1"), "no yes yes yes yes", "before the window");
        assert_eq!(show(""), "no no no no no");
    }

    #[test]
    fn the_population_is_active_or_the_customers_table() {
        let mut world = World::new(&[], &[]).with_attributes(&["de"]);
        let mut show = |text: &str| {
            let journey = world.journey(text);
            let walk = journey.walk(&world.rules);
            [Population::Active, Population::All]
                .map(|population| population_instant(population, &journey.journey(), &walk, &world.rules))
        };
        let d5 = Some(instant_us("d5"));
        assert_eq!(show("A d-2, A d5, A d6 | | de"), [d5, d5]);
        assert_eq!(show("A d5"), [d5, None], "not in the table");
        assert_eq!(show("A d-2 | | de"), [None, Some(0)], "as of the window's first instant");
        assert_eq!(show("| | de d9"), [None, Some(0)]);
        assert_eq!(show(""), [None, None]);
    }
}
