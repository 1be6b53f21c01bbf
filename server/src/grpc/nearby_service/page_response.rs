//! One page of one search: which merchants, in which order, as bytes.

use std::hint::black_box;

use nearby_index::{
    Ecef, End, Hit, Hits, Limit, Meters, Pieces, Query, Radius, Snapshot, Steering, StoredMerchant,
};
use nearby_proto::{Encoded, v1 as wire};
use prost::encoding;

use crate::{
    error::ServiceError,
    grpc::{
        convert::{SearchRequest, next_page_token},
        response_encoder::{Marks, len, put_field, put_result, viewed},
    },
    opening_hours::{Clocks, Open},
    page_token::PageTokens,
};

/// A page of a search.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) encoded: Encoded<wire::SearchNearbyResponse>,
    pub(crate) results: usize,
}

/// One row of the answer: a merchant, or all those at one point.
#[derive(Clone, Copy)]
struct Row<'s> {
    hit: Hit<'s>,
    /// How many are there; 0 where nobody asked.
    at_position: i32,
    /// Where to go on after this row.
    last: Hit<'s>,
}

/// Some rows, and whether there are more.
struct Rows<'s> {
    rows: Vec<Row<'s>>,
    is_more: bool,
}

/// A search at work.
struct Searching<'a, 's> {
    request: &'a SearchRequest,
    snapshot: &'s Snapshot,
    steering: Steering<'a>,
}

/// Searches and writes the page, of at most so many bytes. `None` when it was told not to go on.
///
/// # Errors
/// Where not even the first result fits.
pub(crate) fn answer(
    request: &SearchRequest,
    snapshot: &Snapshot,
    tokens: &PageTokens,
    most_bytes: usize,
    goes_on: &dyn Fn() -> bool,
) -> Result<Option<Page>, ServiceError> {
    let clocks = request.opening.and_then(|opening| Clocks::at(opening.at));
    // One that has moved since the first page may have been on an earlier one.
    let begun = request.begun.unwrap_or(snapshot.revision());
    let is_open_enough =
        |stored: &StoredMerchant| match (&clocks, request.opening.map(|opening| opening.policy)) {
            (Some(clocks), Some(wire::OpeningPolicy::OpenOnly)) => clocks.is_open(stored) == Open::Yes,
            (Some(clocks), Some(wire::OpeningPolicy::OpenOrUnknown)) => clocks.is_open(stored) != Open::No,
            _ => true,
        };
    let is_wanted = |stored: &StoredMerchant| stored.placed <= begun && is_open_enough(stored);
    let filters = begun < snapshot.revision()
        || request.opening.is_some_and(|opening| opening.policy != wire::OpeningPolicy::ShowAll);
    let steering = Steering { accepts: filters.then_some(&is_wanted), goes_on: Some(goes_on) };
    let searching = Searching { request, snapshot, steering };
    let Some(Rows { rows, is_more }) = searching.page() else { return Ok(None) };
    let (mut encoded, mut written) = searching.write(&rows, most_bytes, clocks.as_ref());
    if request.group_by_position && written < rows.len() {
        // Rows of one distance stay together: the next page begins with another.
        let cut = rows[written].hit.distance;
        let whole = rows[..written].partition_point(|row| row.hit.distance < cut);
        (encoded, written) = searching.write(&rows[..whole], most_bytes, clocks.as_ref());
    }
    if written == 0 && !rows.is_empty() {
        return Err(ServiceError::AnswerTooLarge(most_bytes));
    }
    let is_more = is_more || written < rows.len();
    let next =
        rows[..written].last().filter(|_| is_more).map(|row| row.last.cursor(searching.earlier() + written));
    let token = next_page_token(next.as_ref(), begun, &request.fingerprint, tokens)?;
    if !token.is_empty() {
        put_field(&mut encoded, 2, token.as_bytes());
    }
    let revision = snapshot.revision().0;
    if revision != 0 {
        encoding::uint64::encode(3, &revision, &mut encoded);
    }
    if request.include_total {
        let Some(total) = searching.total() else { return Ok(None) };
        encoding::int32::encode(4, &whole(total), &mut encoded);
    }
    if request.accuracy_m > 0.0 && request.query.after.is_none() {
        let Some(omissions) = searching.possible_omissions() else { return Ok(None) };
        if omissions > 0 {
            encoding::int32::encode(5, &whole(omissions), &mut encoded);
        }
    }
    Ok(Some(Page { encoded: Encoded::from_bytes(encoded), results: written }))
}

impl<'s> Searching<'_, 's> {
    /// The rows of the page. `None` when the search was told not to go on.
    fn page(&self) -> Option<Rows<'s>> {
        let mut page = self.rows(&self.request.query)?;
        let Some(expansion) = self.request.expansion.filter(|_| !page.is_more) else { return Some(page) };
        let wanted = expansion.min_results.saturating_sub(self.earlier() + page.rows.len());
        // Points at one distance stay together, so that a page may be over its size already.
        let room = self.request.query.limit.get().saturating_sub(page.rows.len());
        // Where the page is full, one is enough to tell that there is another page.
        let Some(limit) = Limit::new(wanted.min(room.max(1))) else { return Some(page) };
        let after =
            page.rows.last().map(|row| row.last.cursor(0)).or_else(|| self.request.query.after.clone());
        let beyond = Query { radius: expansion.radius, limit, after, ..self.request.query.clone() };
        let beyond = self.rows(&beyond)?;
        if room == 0 {
            page.is_more = !beyond.rows.is_empty();
        } else {
            page.is_more = beyond.is_more && wanted > beyond.rows.len();
            page.rows.extend(beyond.rows);
        }
        Some(page)
    }

    /// How many rows the pages before had.
    fn earlier(&self) -> usize {
        self.request.query.after.as_ref().map_or(0, |after| after.rank)
    }

    fn rows(&self, query: &Query) -> Option<Rows<'s>> {
        if self.request.group_by_position {
            return self.groups(query);
        }
        let mut hits = Hits::default();
        self.snapshot.search_into(query, self.steering, &mut hits);
        let rows = hits.as_slice().iter().map(|hit| Row { hit: *hit, at_position: 0, last: *hit });
        let rows = rows.collect();
        match hits.end() {
            End::Stopped => None,
            end => Some(Rows { rows, is_more: end == End::Limit }),
        }
    }

    /// One row for each point. Those of one distance belong to one page, so that the next begins with another distance.
    fn groups(&self, query: &Query) -> Option<Rows<'s>> {
        let mut rows: Vec<Row<'s>> = Vec::new();
        let mut at_this_distance = 0;
        let mut ranked = self.snapshot.ranked(Query { limit: Limit::NONE, ..query.clone() }, self.steering);
        for hit in ranked.by_ref() {
            if rows.last().is_none_or(|row| row.hit.distance != hit.distance) {
                if rows.len() >= query.limit.get() {
                    return Some(Rows { rows, is_more: true });
                }
                at_this_distance = rows.len();
            }
            let same = rows[at_this_distance..].iter().position(|row| point(&row.hit) == point(&hit));
            match same {
                Some(same) => rows[at_this_distance + same].at_position += 1,
                None => rows.push(Row { hit, at_position: 1, last: hit }),
            }
            rows[at_this_distance..].iter_mut().for_each(|row| row.last = hit);
        }
        (ranked.end() != Some(End::Stopped)).then_some(Rows { rows, is_more: false })
    }

    /// Writes as many rows as fit. Returns them, and how many they are.
    fn write(&self, rows: &[Row<'_>], most_bytes: usize, clocks: Option<&Clocks>) -> (Vec<u8>, usize) {
        // What a row needs beside its merchant, the token of the next page and the numbers at the end.
        const BESIDE_BYTES: usize = 32;
        const END_BYTES: usize = 512;

        // The id of the last goes into the token.
        black_box(rows.last().map(|row| row.last.merchant.merchant.id.as_str().as_bytes().first().copied()));
        let merchants = fetch(rows.iter().map(|row| viewed(row.hit.merchant, self.request.view)));
        let mut encoded =
            Vec::with_capacity(merchants.min(most_bytes) + rows.len() * BESIDE_BYTES + END_BYTES);
        for (written, row) in rows.iter().enumerate() {
            let before = encoded.len();
            let marks = self.marks(row, clocks);
            put_result(&mut encoded, 1, &row.hit, viewed(row.hit.merchant, self.request.view), &marks);
            if encoded.len() > most_bytes {
                encoded.truncate(before);
                return (encoded, written);
            }
        }
        (encoded, rows.len())
    }

    fn marks(&self, row: &Row<'_>, clocks: Option<&Clocks>) -> Marks {
        let open_state = match clocks.map(|clocks| clocks.is_open(row.hit.merchant)) {
            None => wire::OpenState::Unspecified,
            Some(Open::Yes) => wire::OpenState::Open,
            Some(Open::No) => wire::OpenState::Closed,
            Some(Open::Unknown) => wire::OpenState::Unknown,
        };
        Marks {
            open_state: open_state.into(),
            beyond_radius: row.hit.distance > self.request.query.radius.meters(),
            uncertain: is_uncertain(row.hit.distance, &self.request.query, self.request.accuracy_m),
            merchants_at_position: row.at_position,
            position: self.request.output.map(|datum| datum.position_of(row.hit.merchant.merchant.position)),
        }
    }

    /// How many results all pages have.
    fn total(&self) -> Option<usize> {
        let query = Query { after: None, limit: Limit::NONE, ..self.request.query.clone() };
        let within = self.count(&query)?;
        let Some(expansion) = self.request.expansion.filter(|expansion| expansion.min_results > within)
        else {
            return Some(within);
        };
        let beyond = self.count(&Query { radius: expansion.radius, ..query })?;
        Some(beyond.min(expansion.min_results))
    }

    fn count(&self, query: &Query) -> Option<usize> {
        if self.request.group_by_position {
            return Some(self.groups(query)?.rows.len());
        }
        let count = self.snapshot.count(query, self.steering);
        (!count.stopped).then_some(count.merchants)
    }

    /// How many merchants lie outside, but within the accuracy of an edge.
    fn possible_omissions(&self) -> Option<usize> {
        let (accuracy_m, query) = (self.request.accuracy_m, &self.request.query);
        let (from_m, to_m) = (query.min_distance.get(), query.radius.meters().get());
        let outside = self.count_between(to_m.next_up(), (to_m + accuracy_m).min(Radius::MAX_M))?;
        let inside = if from_m > 0.0 {
            self.count_between((from_m - accuracy_m).max(0.0), from_m.next_down())?
        } else {
            0
        };
        // The nearest of those outside are in the answer where it was expanded.
        let expanded = match self.request.expansion {
            Some(expansion) if outside > 0 => {
                let within = self.count(&Query { limit: Limit::NONE, ..query.clone() })?;
                let beyond = self.count_between(to_m.next_up(), expansion.radius.meters().get())?;
                expansion.min_results.saturating_sub(within).min(beyond)
            }
            _ => 0,
        };
        Some(outside.saturating_sub(expanded) + inside)
    }

    fn count_between(&self, from_m: f64, to_m: f64) -> Option<usize> {
        let (Some(min_distance), Ok(radius)) = (Meters::new(from_m), Radius::new(to_m)) else {
            return Some(0);
        };
        if min_distance > radius.meters() {
            return Some(0);
        }
        let query = Query { min_distance, radius, after: None, ..self.request.query.clone() };
        let count = self.snapshot.count(&query, self.steering);
        (!count.stopped).then_some(count.merchants)
    }
}

/// Whether a distance is so close to an edge of a search that, by the accuracy of the origin, it may lie on the other side.
pub(super) fn is_uncertain(distance: Meters, query: &Query, accuracy_m: f64) -> bool {
    let is_near = |edge: Meters| (distance.get() - edge.get()).abs() <= accuracy_m;
    let (outer, inner) = (query.radius.meters(), query.min_distance);
    accuracy_m > 0.0 && (is_near(outer) || inner > Meters::ZERO && is_near(inner))
}

/// Looks at all that is to be copied, and returns how many bytes it is. Merchants lie all over memory: looked at all at
/// once they arrive together, where copying would wait for one after the other.
fn fetch<'m>(merchants: impl Iterator<Item = Pieces<'m>> + Clone) -> usize {
    const LINE_BYTES: usize = 64;

    // First where each lies, then what lies there.
    let bytes = merchants.clone().map(len).sum();
    for piece in merchants.flatten() {
        let mut at = 0;
        while let Some(byte) = piece.get(at) {
            black_box(*byte);
            at += LINE_BYTES;
        }
        black_box(piece.last().copied());
    }
    bytes
}

fn point(hit: &Hit<'_>) -> Ecef {
    Ecef::from(hit.merchant.merchant.position.to_wgs84())
}

/// A number as the wire has it.
fn whole(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
