//! # How it is found
//!
//! Every merchant in memory; the nearest within a radius, exact on the WGS-84 ellipsoid, ranked by distance and then by
//! id. This crate is pure: no async, no I/O, no clock, and a search cannot fail.
//!
//! | module | what it is |
//! |---|---|
//! | [`units`](Meters), [`merchant`](Merchant), [`query`](Query), [`change`](Change) | values, parsed once, valid ever after |
//! | [`datum`](AnyPosition) | positions in WGS-84, GCJ-02 and BD-09, with one exit: to WGS-84 |
//! | [`ecef`](Ecef) | earth-centred metres and the only distance formula |
//! | [`terms`](Filter) | what a merchant can be filtered by, and filters made of it |
//! | `interner` | what many merchants have in common, kept once |
//! | [`hours`](Hours) | when a merchant is open, as its own clock tells |
//! | `tree` | an R-tree of packed pages over those metres, and what was tried before it |
//! | `search` | the hot path: nearest first, bounded by radius and limit |
//! | [`snapshot`](IndexWriter) | one writer, many readers, immutable snapshots between them |
//! | [`cell`](Cell) | H3, for density and privacy, never for ranking; the only place that says `h3o::` |
//!
//! What must always hold:
//! - **Rank is distance, then id**, and nothing else. The distance that ranks is the distance that is returned, to the
//!   bit, so that equal distances are equal and pages continue without gap or repeat.
//! - **The same bits everywhere.** Trigonometry is `libm`'s, the rest is +, −, ×, ÷ and √, which IEEE 754 fixes.
//! - **Readers never wait.** A search works on a snapshot that nothing changes.
//! - **Approximation may prune but never decides.** Bounds of boxes hold in floating point as well; why is said where
//!   they are computed.
//! - **No position in any `Debug`**: the origin of a query is where a person is.
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
//!         hours: None,
//!         profile: Profile::new(b"whatever callers are to receive")?,
//!     },
//!     revision: Revision(1),
//!     placed: Revision(1),
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
//! // A ring, without those of one brand, that the caller likes; how many there are; page by page; and one by one.
//! let query = Query {
//!     min_distance: Meters::new(50.0).ok_or("not a distance")?,
//!     filter: Filter {
//!         any_of: vec![vec![Term::new(TermKind::Category, "amenity/cafe")]],
//!         none_of: vec![Term::new(TermKind::Brand, "Chain")],
//!         ..Filter::default()
//!     },
//!     ..Query::nearest(origin, Radius::DEFAULT, Limit::new(20).ok_or("not zero")?)
//! };
//! let likes = |stored: &StoredMerchant| stored.merchant.id.as_str().len() == 4;
//! let steering = Steering { accepts: Some(&likes), goes_on: None };
//! assert_eq!(snapshot.count(&query, steering).merchants, 1);
//! let mut page = Hits::default();
//! let mut next = query.clone();
//! loop {
//!     snapshot.search_into(&next, steering, &mut page);
//!     // … here are up to twenty …
//!     let Some(after) = page.next() else { break };
//!     next.after = Some(after);
//! }
//! assert_eq!(page.end(), End::Complete);
//! assert_eq!(snapshot.ranked(query, steering).map(|hit| hit.distance).count(), 1);
//! # Ok(())
//! # }
//! ```

mod cell;
mod change;
mod datum;
mod ecef;
mod hours;
mod interner;
mod merchant;
mod query;
mod search;
mod snapshot;
mod terms;
mod tree;
mod units;

pub use self::{
    cell::{Cell, CellResolution, CoarseCell},
    change::{Change, Revision},
    datum::{AnyPosition, Bd09, Datum, Gcj02, Position, PositionError, Wgs84},
    ecef::Ecef,
    hours::{Hours, LocalTime, Period},
    merchant::{
        Merchant, MerchantId, MerchantIdError, Pieces, Profile, ProfileTooLarge, StoredMerchant, Visibility,
    },
    query::{Count, Cursor, End, Hit, Hits, Query, Steering},
    search::Ranked,
    snapshot::{IndexReader, IndexWriter, Snapshot},
    terms::{Filter, Shown, Term, TermKind, Terms},
    units::{Limit, Meters, Radius, RadiusError, UnixMicros},
};
