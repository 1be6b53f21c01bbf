//! # Spatial index
//!
//! Keeps all merchants in memory and finds the nearest within a radius: exact on the WGS-84 ellipsoid, ordered by distance
//! and then by id. The crate is pure: no async, no I/O, no clock. A search cannot fail.
//!
//! | module | content |
//! |---|---|
//! | `units`, `merchant`, `terms`, `change` | value types, validated on construction |
//! | `datum` | positions in WGS-84, GCJ-02 and BD-09, and their conversion to WGS-84 |
//! | `ecef` | earth-centred coordinates and the only distance formula |
//! | `attributes` | numeric attributes of merchants, and ranges of them |
//! | `validity` | the time during which searches may return a merchant |
//! | `details` | data of a merchant that few searches read |
//! | `area` | where a merchant serves, and where a search looks: circles, boxes, polygons on the ellipsoid |
//! | `hours` | opening hours in local time: weekly periods, or an expression and the schedule computed from it |
//! | `interner` | one allocation for equal values of many merchants |
//! | `text` | the rule by which a text matches names: folding, words, and what excludes names without reading them |
//! | `effort` | the estimated work of conditions on single merchants, by which callers bound and charge a search |
//! | `filter`, `query` | what a search asks for, and its results |
//! | `tree` | an R-tree of packed pages over those coordinates, and a record of the alternatives measured |
//! | `search` | the hot path: nearest first, bounded by radius and limit |
//! | `snapshot` | one writer, many readers, immutable snapshots between them |
//! | `cell` | H3 cells for density and privacy, never for ranking; the only module that uses `h3o` |
//!
//! Invariants:
//! - **Rank is distance, then id**, and nothing else. The distance that ranks is the distance returned, bit for bit, so
//!   equal distances compare equal and pages continue without gaps or repeats.
//! - **The same bits on every machine.** Trigonometry comes from `libm`; the rest is +, −, ×, ÷ and √, which IEEE 754
//!   defines exactly.
//! - **Readers never wait.** A search works on an immutable snapshot.
//! - **Approximations prune but never decide.** Bounds on boxes hold in floating point too; the proofs stand where they
//!   are computed.
//! - **No position in any `Debug` output**: the origin of a query is a person's position.
//!
//! ```
//! use std::sync::Arc;
//! use nearby_index::*;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let cafe = StoredMerchant {
//!     merchant: Merchant {
//!         id: MerchantId::parse("cafe")?,
//!         position: AnyPosition::Wgs84(Position::new(60.1700, 24.9400)?),
//!         visibility: Visibility::Visible,
//!         terms: [Term::new(TermKind::Category, "amenity/cafe")].into_iter().collect(),
//!         details: None,
//!         profile: Profile::new(b"encoded response")?,
//!     },
//!     revision: Revision(1),
//!     position_revision: Revision(1),
//!     create_time: UnixMicros(0),
//!     update_time: UnixMicros(0),
//! };
//! let mut writer = IndexWriter::load([], Revision::ZERO);
//! writer.apply(&[Change::Put(Arc::new(cafe))]);
//!
//! let origin = Ecef::from(Position::<Wgs84>::new(60.1699, 24.9384)?);
//! let snapshot = writer.reader().snapshot();
//! let hits = snapshot.search(&Query::nearest(origin, Radius::DEFAULT, Limit::new(20).ok_or("not zero")?));
//! assert_eq!(hits.as_slice()[0].merchant.merchant.id.as_str(), "cafe");
//! assert!((hits.as_slice()[0].distance.get() - 89.52).abs() < 0.01);
//!
//! // A ring without one brand and with a custom predicate: counted, paged, and iterated.
//! let query = Query {
//!     min_distance: Meters::new(50.0).ok_or("not a distance")?,
//!     filter: Filter {
//!         any_of: vec![vec![Term::new(TermKind::Category, "amenity/cafe")]],
//!         none_of: vec![Term::new(TermKind::Brand, "Chain")],
//!         ..Filter::default()
//!     },
//!     ..Query::nearest(origin, Radius::DEFAULT, Limit::new(20).ok_or("not zero")?)
//! };
//! let has_short_id = |stored: &StoredMerchant| stored.merchant.id.as_str().len() == 4;
//! let control = SearchControl { predicate: Some(&has_short_id), ..SearchControl::default() };
//! assert_eq!(snapshot.count(&query, control).merchants, 1);
//! let mut page = Hits::default();
//! let mut next = query.clone();
//! loop {
//!     snapshot.search_into(&next, control, &mut page);
//!     // … up to 20 hits are in `page` …
//!     let Some(after) = page.next() else { break };
//!     next.after = Some(after);
//! }
//! assert_eq!(page.end(), End::Complete);
//! assert_eq!(snapshot.search_iter(query, control).map(|hit| hit.distance).count(), 1);
//! # Ok(())
//! # }
//! ```

mod area;
mod attributes;
mod cell;
mod change;
mod datum;
mod details;
mod ecef;
mod effort;
mod filter;
mod hours;
mod interner;
mod merchant;
mod query;
mod search;
mod snapshot;
mod terms;
mod text;
mod tree;
mod units;
mod validity;

pub use self::{
    area::{
        AreaError, LatLngBox, MAX_POLYGONS, MAX_VERTICES, PolygonVertices, Ring, RingError, SearchArea,
        ServedPoint, ServiceArea,
    },
    attributes::{AttributeRange, Attributes},
    cell::{Cell, CellResolution, CoarseCell},
    change::Change,
    datum::{AnyPosition, Bd09, Datum, Gcj02, Position, PositionError, ShiftedAreas, Wgs84},
    details::Details,
    ecef::Ecef,
    effort::Effort,
    filter::{Condition, Filter, TextFilter, VisibilityFilter},
    hours::{ExpressionHours, Hours, LocalTime, OpenStatus, Period, Schedule, Stretch, WeeklyHours},
    merchant::{
        Merchant, MerchantId, MerchantIdError, NamesOf, Pieces, Profile, ProfileTooLarge, StoredMerchant,
        Visibility,
    },
    query::{Count, Cursor, End, Hit, Hits, Query, Reach, SearchControl},
    search::SearchIter,
    snapshot::{IndexReader, IndexWriter, Snapshot},
    terms::{Term, TermKind, Terms},
    text::{TextQuery, TextQueryError, folded_key},
    units::{Limit, Meters, Radius, RadiusError, Revision, UnixMicros},
    validity::Validity,
};
