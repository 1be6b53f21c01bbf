//! One page of a search, encoded.

use std::{cell::Cell, collections::HashSet, hint::black_box};

use nearby_index::{
    Ecef, Effort, End, Hit, Hits, Limit, Meters, OpenStatus, Query, Radius, Reach, SearchControl, Snapshot,
    StoredMerchant,
};
use nearby_proto::{Encoded, v1 as wire};
use prost::encoding;

use super::{
    brand_limit::{BrandCounts, BrandLimited},
    serving::{output_area, serves},
    uncertainty::{is_uncertain, possible_omissions},
};
use crate::{
    error::ServiceError,
    grpc::{
        convert::{Expansion, SearchRequest, View, next_page_token},
        response_encoder::{ResultFlags, prefetch, put_field, put_result, viewed},
    },
    opening_hours::{Clocks, HolidayCalendar},
    page_token::PageTokens,
    record::localized_name,
};

/// The work of a search, counted while it runs.
#[derive(Debug, Default)]
pub(crate) struct SearchWork {
    /// Pages of the index that it has visited.
    pub(crate) pages: Cell<usize>,
    /// Merchants that it has examined on their own: those whose opening hours it has evaluated, those that it has grouped, and
    /// those that it has counted by brand.
    pub(crate) examined: Cell<usize>,
    /// Its work on names, labels and areas of single merchants.
    pub(crate) effort: Effort,
}

impl SearchWork {
    fn count(counter: &Cell<usize>) {
        counter.set(counter.get() + 1);
    }
}

/// A page of a search.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) encoded: Encoded<wire::SearchNearbyResponse>,
    pub(crate) results: usize,
}

/// One row of the page: a merchant, or all merchants at one point.
#[derive(Clone, Copy)]
struct Row<'s> {
    hit: Hit<'s>,
    /// The number of merchants at the point; 0 if results are not grouped.
    at_position: i32,
    /// The last merchant of the row, after which the next row starts.
    last: Hit<'s>,
}

/// Rows, and whether there are more.
struct Rows<'s> {
    rows: Vec<Row<'s>>,
    is_more: bool,
}

/// A running search.
struct PageSearch<'a, 's> {
    request: &'a SearchRequest,
    snapshot: &'s Snapshot,
    control: SearchControl<'a>,
    work: &'a SearchWork,
}

/// Searches and encodes the page, of at most `max_bytes`. Returns `None` once `should_continue` is false.
///
/// # Errors
/// [`ServiceError::ResponseTooLarge`], when not even the first result fits.
pub(crate) fn page_response(
    request: &SearchRequest,
    snapshot: &Snapshot,
    (tokens, calendar): (&PageTokens, &HolidayCalendar),
    max_bytes: usize,
    (work, should_continue): (&SearchWork, &dyn Fn() -> bool),
) -> Result<Option<Page>, ServiceError> {
    let clocks = request.opening.and_then(|opening| Clocks::at(opening.at, calendar));
    // A merchant that has moved since the first page may have been on an earlier one.
    let first_revision = request.first_revision.unwrap_or(snapshot.revision());
    if first_revision > snapshot.revision() {
        // The history has been rewritten without a new id, as by a snapshot of a virtual machine.
        return Err(ServiceError::HistoryMismatch("page token"));
    }
    let filter =
        request.opening.filter(|opening| opening.policy != wire::OpeningPolicy::ShowAll).zip(clocks.as_ref());
    let is_open_enough = |stored: &StoredMerchant| {
        filter.is_none_or(|(opening, clocks)| {
            SearchWork::count(&work.examined);
            allows(opening.policy, clocks.status(stored))
        })
    };
    let is_match =
        |stored: &StoredMerchant| stored.position_revision <= first_revision && is_open_enough(stored);
    let filters = first_revision < snapshot.revision() || filter.is_some();
    let control = SearchControl {
        predicate: filters.then_some(&is_match),
        should_continue: Some(should_continue),
        pages: Some(&work.pages),
        effort: Some(&work.effort),
    };
    let search = PageSearch { request, snapshot, control, work };
    let Some(Rows { rows, is_more }) = search.page() else { return Ok(None) };
    let (mut encoded, mut count) = search.write(&rows, max_bytes, clocks.as_ref());
    if request.group_by_position && count < rows.len() {
        // Rows of one distance stay together: the next page starts with another distance.
        let cut = rows[count].hit.distance;
        let whole = rows[..count].partition_point(|row| row.hit.distance < cut);
        (encoded, count) = search.write(&rows[..whole], max_bytes, clocks.as_ref());
    }
    if count == 0 && !rows.is_empty() {
        return Err(ServiceError::ResponseTooLarge(max_bytes));
    }
    let is_more = is_more || count < rows.len();
    let next = rows[..count].last().filter(|_| is_more).map(|row| row.last.cursor(search.earlier() + count));
    let token = next_page_token(next.as_ref(), first_revision, &request.fingerprint, tokens)?;
    if !token.is_empty() {
        put_field(&mut encoded, 2, token.as_bytes());
    }
    let revision = snapshot.revision().0;
    if revision != 0 {
        encoding::uint64::encode(3, &revision, &mut encoded);
    }
    if search.put_counts(&mut encoded).is_none() {
        return Ok(None);
    }
    Ok(Some(Page { encoded: Encoded::from_bytes(encoded), results: count }))
}

/// Returns whether a policy allows results of a state.
fn allows(policy: wire::OpeningPolicy, status: OpenStatus) -> bool {
    match policy {
        wire::OpeningPolicy::OpenOnly => status == OpenStatus::Open,
        wire::OpeningPolicy::OpenOrUnknown => status != OpenStatus::Closed,
        wire::OpeningPolicy::ShowAll | wire::OpeningPolicy::Unspecified => true,
    }
}

impl<'s> PageSearch<'_, 's> {
    /// The rows of the page; `None` if the search was stopped.
    fn page(&self) -> Option<Rows<'s>> {
        if let Some(expansion) = self.union_expansion() {
            return self.run_union(expansion, self.request.query.clone(), |union, query| union.rows(query));
        }
        let mut page = self.rows(&self.request.query)?;
        let Some(expansion) = self.request.expansion.filter(|_| !page.is_more) else { return Some(page) };
        let missing = expansion.min_results.saturating_sub(self.earlier() + page.rows.len());
        // Points at one distance stay together, so that the page may exceed its size already.
        let room = self.request.query.limit.get().saturating_sub(page.rows.len());
        // For a full page, one more row is enough to know that there is another page.
        let Some(limit) = Limit::new(missing.min(room.max(1))) else { return Some(page) };
        let after =
            page.rows.last().map(|row| row.last.cursor(0)).or_else(|| self.request.query.after.clone());
        let beyond = Query { radius: expansion.radius, limit, after, ..self.request.query.clone() };
        let beyond = self.rows(&beyond)?;
        if room == 0 {
            page.is_more = !beyond.rows.is_empty();
        } else {
            page.is_more = beyond.is_more && missing > beyond.rows.len();
            page.rows.extend(beyond.rows);
        }
        Some(page)
    }

    /// The expansion, if merchants that serve the origin from beyond the radius rank among those that it adds.
    fn union_expansion(&self) -> Option<Expansion> {
        self.request.expansion.filter(|_| matches!(self.request.query.reach, Reach::NearOrServing { .. }))
    }

    /// Runs a union with an expansion: all that serve the origin, and all others up to the last one that the expansion adds.
    fn run_union<T>(
        &self,
        expansion: Expansion,
        query: Query,
        run: impl FnOnce(&PageSearch<'_, 's>, &Query) -> Option<T>,
    ) -> Option<T> {
        match self.last_filler(expansion)? {
            Some(last) => self.run_to_filler(&last, query, run),
            None => run(self, &query),
        }
    }

    /// Runs a union with all that serve the origin, and all others up to the last one that an expansion adds.
    fn run_to_filler<T>(
        &self,
        last: &Hit<'s>,
        query: Query,
        run: impl FnOnce(&PageSearch<'_, 's>, &Query) -> Option<T>,
    ) -> Option<T> {
        let Ok(radius) = Radius::new(last.distance.get()) else { return run(self, &query) };
        let serving = self.serving();
        let is_in = |stored: &StoredMerchant| {
            let is_after = stored.merchant.id > last.merchant.merchant.id
                && query.origin.distance(position(stored)) == last.distance;
            self.is_match(stored) && (!is_after || serving.covers(stored, &self.work.effort))
        };
        run(&self.with_predicate(&is_in), &Query { radius, ..query.clone() })
    }

    /// The last of the merchants that an expansion adds to a union: the nearest ones beyond the radius that do not serve the origin.
    fn last_filler(&self, expansion: Expansion) -> Option<Option<Hit<'s>>> {
        let whole = Query { after: None, limit: Limit::UNLIMITED, ..self.request.query.clone() };
        let Some(beyond) = Meters::new(whole.radius.meters().get().next_up()) else { return Some(None) };
        let serving = self.serving();
        let is_filler =
            |stored: &StoredMerchant| self.is_match(stored) && !serving.covers(stored, &self.work.effort);
        let fillers = Query {
            min_distance: whole.min_distance.max(beyond),
            radius: expansion.radius,
            reach: Reach::Near,
            ..whole.clone()
        };
        let search = self.with_predicate(&is_filler);
        if self.request.max_per_brand.is_some() || self.request.group_by_position {
            return self.last_filler_by_results(&whole, (&search, &fillers), expansion);
        }
        let missing = expansion.min_results.saturating_sub(self.count(&whole)?);
        let Some(limit) = Limit::new(missing) else { return Some(None) };
        let rows = search.rows(&Query { limit, ..fillers })?.rows;
        Some(rows.last().map(|row| row.last))
    }

    /// The same where a merchant is not always a further result: with a limit per brand, it is one only if its brand has room beside all
    /// merchants of the union and those added before; with groups, only if it is at another point than these.
    fn last_filler_by_results(
        &self,
        whole: &Query,
        (search, fillers): (&PageSearch<'_, 's>, &Query),
        expansion: Expansion,
    ) -> Option<Option<Hit<'s>>> {
        let mut points = HashSet::new();
        let mut brands = self.request.max_per_brand.map(BrandCounts::new);
        let mut adds = |hit: &Hit<'s>| {
            SearchWork::count(&self.work.examined);
            let is_grouped = self.request.group_by_position;
            let has_room = brands.as_mut().is_none_or(|brands| brands.admit(hit.merchant));
            has_room && (!is_grouped || points.insert(point(hit).xyz_m().map(f64::to_bits)))
        };
        let mut ranked = self.snapshot.search_iter(whole.clone(), self.control);
        let found = ranked.by_ref().filter(|hit| adds(hit)).count();
        if ranked.end() == Some(End::Stopped) {
            return None;
        }
        let (mut missing, mut last) = (expansion.min_results.saturating_sub(found), None);
        let is_grouped = self.request.group_by_position;
        let mut ranked = search.snapshot.search_iter(fillers.clone(), search.control);
        let (mut next, mut is_within_group) = (ranked.by_ref().peekable(), false);
        while missing > 0 || is_within_group {
            let Some(hit) = next.next() else { break };
            let is_added = adds(&hit);
            if is_added || is_grouped {
                last = Some(hit);
            }
            missing = missing.saturating_sub(usize::from(is_added));
            // Points at one distance stay together.
            is_within_group = is_grouped && next.peek().is_some_and(|next| next.distance == hit.distance);
            if missing == 0 && is_grouped && !is_within_group {
                // A merchant that is added takes the place of a farther one of its brand, which may be the only one at its point: there
                // can be fewer groups than were added.
                let groups = self.run_to_filler(&hit, whole.clone(), |union, query| union.count(query))?;
                missing = expansion.min_results.saturating_sub(groups);
            }
        }
        (ranked.end() != Some(End::Stopped)).then_some(last)
    }

    /// The part of a union that serves the origin.
    fn serving(&self) -> Query {
        let query = self.request.query.clone();
        match query.reach {
            Reach::NearOrServing { point, radius } => Query { reach: Reach::Serving(point), radius, ..query },
            Reach::Near | Reach::Serving(_) => query,
        }
    }

    fn is_match(&self, stored: &StoredMerchant) -> bool {
        self.control.predicate.is_none_or(|predicate| predicate(stored))
    }

    fn with_predicate<'b>(&'b self, predicate: &'b dyn Fn(&StoredMerchant) -> bool) -> PageSearch<'b, 's> {
        PageSearch {
            control: SearchControl { predicate: Some(predicate), ..self.control },
            request: self.request,
            snapshot: self.snapshot,
            work: self.work,
        }
    }

    /// The number of rows of earlier pages.
    fn earlier(&self) -> usize {
        self.request.query.after.as_ref().map_or(0, |after| after.rank)
    }

    fn rows(&self, query: &Query) -> Option<Rows<'s>> {
        if self.request.group_by_position {
            return self.groups(query);
        }
        if let Some(ranked) = self.brand_limited(query) {
            return self.limited_rows(ranked, query.limit);
        }
        let mut hits = Hits::default();
        self.snapshot.search_into(query, self.control, &mut hits);
        let rows = hits.as_slice().iter().map(|hit| Row { hit: *hit, at_position: 0, last: *hit });
        let rows = rows.collect();
        match hits.end() {
            End::Stopped => None,
            end => Some(Rows { rows, is_more: end == End::Limit }),
        }
    }

    /// The merchants of a query, limited by brand; `None` without such a limit.
    fn brand_limited<'q>(&'q self, query: &Query) -> Option<BrandLimited<'q, 's>> {
        let max = self.request.max_per_brand?;
        Some(BrandLimited::new((self.snapshot, query), self.control, max, &self.work.examined))
    }

    /// The first rows of merchants that are limited by brand.
    fn limited_rows(&self, mut ranked: BrandLimited<'_, 's>, limit: Limit) -> Option<Rows<'s>> {
        let row = |hit| Row { hit, at_position: 0, last: hit };
        let rows: Vec<Row<'s>> = ranked.by_ref().take(limit.get()).map(row).collect();
        let is_more = rows.len() == limit.get() && ranked.next().is_some();
        (!ranked.is_stopped()).then_some(Rows { rows, is_more })
    }

    /// One row for each point. Points at one distance are on one page, so that the next starts with another distance.
    fn groups(&self, query: &Query) -> Option<Rows<'s>> {
        if let Some(mut ranked) = self.brand_limited(query) {
            let (rows, is_more) = self.group(ranked.by_ref(), query.limit);
            return (is_more || !ranked.is_stopped()).then_some(Rows { rows, is_more });
        }
        let all = Query { limit: Limit::UNLIMITED, ..query.clone() };
        let mut ranked = self.snapshot.search_iter(all, self.control);
        let (rows, is_more) = self.group(ranked.by_ref(), query.limit);
        (is_more || ranked.end() != Some(End::Stopped)).then_some(Rows { rows, is_more })
    }

    /// Groups ranked merchants by point, up to a number of rows. Returns whether there are more.
    fn group(&self, ranked: impl Iterator<Item = Hit<'s>>, limit: Limit) -> (Vec<Row<'s>>, bool) {
        let mut rows: Vec<Row<'s>> = Vec::new();
        let mut at_this_distance = 0;
        for hit in ranked {
            SearchWork::count(&self.work.examined);
            if rows.last().is_none_or(|row| row.hit.distance != hit.distance) {
                if rows.len() >= limit.get() {
                    return (rows, true);
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
        (rows, false)
    }

    /// Encodes as many rows as fit. Returns their bytes and their number.
    fn write(&self, rows: &[Row<'_>], max_bytes: usize, clocks: Option<&Clocks<'_>>) -> (Vec<u8>, usize) {
        // Bytes of a row besides its merchant, and of the page token and the numbers at the end.
        const ROW_OVERHEAD_BYTES: usize = 32;
        const END_BYTES: usize = 512;

        // Prefetches the id of the last row, which goes into the token.
        black_box(rows.last().map(|row| row.last.merchant.merchant.id.as_str().as_bytes().first().copied()));
        let merchants = prefetch(rows.iter().map(|row| viewed(row.hit.merchant, self.request.view)));
        let mut encoded =
            Vec::with_capacity(merchants.min(max_bytes) + rows.len() * ROW_OVERHEAD_BYTES + END_BYTES);
        for (count, row) in rows.iter().enumerate() {
            let before = encoded.len();
            let flags = self.flags(row, clocks);
            put_result(&mut encoded, 1, &row.hit, viewed(row.hit.merchant, self.request.view), &flags);
            if encoded.len() > max_bytes {
                encoded.truncate(before);
                return (encoded, count);
            }
        }
        (encoded, rows.len())
    }

    fn flags(&self, row: &Row<'_>, clocks: Option<&Clocks<'_>>) -> ResultFlags {
        let state = clocks.map(|clocks| clocks.state(row.hit.merchant));
        let open_state = match state.as_ref().map(|state| state.status) {
            None => wire::OpenState::Unspecified,
            Some(OpenStatus::Open) => wire::OpenState::Open,
            Some(OpenStatus::Closed) => wire::OpenState::Closed,
            Some(OpenStatus::Unknown) => wire::OpenState::Unknown,
        };
        let language = self.request.language.as_ref().filter(|_| self.request.view != View::IdOnly);
        ResultFlags {
            open_state: open_state.into(),
            beyond_radius: row.hit.distance > self.request.query.radius.meters(),
            uncertain: is_uncertain(
                &row.hit,
                &self.request.query,
                self.request.accuracy_m,
                &self.work.effort,
            ),
            merchants_at_position: row.at_position,
            position: self.request.output.map(|datum| datum.position_of(row.hit.merchant.merchant.position)),
            open_state_until_s: state.as_ref().and_then(|state| state.until_s),
            open_state_comment: state.and_then(|state| state.comment),
            localized_name: language.map(|language| localized_name(row.hit.merchant, language)),
            serves_origin: serves(&row.hit, &self.request.served, &self.work.effort),
            service_area: output_area(row.hit.merchant, self.request.view, self.request.output),
        }
    }

    /// Writes the number of results and of omissions, as far as they are wanted, and whether the area is truncated; `None` if the
    /// search was stopped.
    fn put_counts(&self, encoded: &mut Vec<u8>) -> Option<()> {
        if self.request.include_total {
            encoding::int32::encode(4, &whole(self.total()?), encoded);
        }
        if self.request.accuracy_m > 0.0 && self.request.query.after.is_none() {
            let omissions = self.possible_omissions()?;
            if omissions > 0 {
                encoding::int32::encode(5, &whole(omissions), encoded);
            }
        }
        if self.request.area_truncated {
            encoding::bool::encode(6, &true, encoded);
        }
        Some(())
    }

    /// The number of results of all pages.
    fn total(&self) -> Option<usize> {
        let query = Query { after: None, limit: Limit::UNLIMITED, ..self.request.query.clone() };
        let within = self.count(&query)?;
        let Some(expansion) = self.request.expansion.filter(|expansion| expansion.min_results > within)
        else {
            return Some(within);
        };
        if self.union_expansion().is_some() {
            return self.run_union(expansion, query, |union, query| union.count(query));
        }
        let beyond = self.count(&Query { radius: expansion.radius, ..query })?;
        Some(beyond.min(expansion.min_results))
    }

    fn count(&self, query: &Query) -> Option<usize> {
        if self.request.group_by_position {
            return Some(self.groups(query)?.rows.len());
        }
        self.count_merchants(query, Meters::ZERO)
    }

    /// The number of merchants from a distance on. A limit by brand counts from the inner radius.
    fn count_merchants(&self, query: &Query, from: Meters) -> Option<usize> {
        if let Some(mut ranked) = self.brand_limited(query) {
            let count = ranked.by_ref().filter(|hit| hit.distance >= from).count();
            return (!ranked.is_stopped()).then_some(count);
        }
        let query = &Query { min_distance: query.min_distance.max(from), ..query.clone() };
        let count = self.snapshot.count(query, self.control);
        (!count.stopped).then_some(count.merchants)
    }

    /// The number of merchants that the search may have left out, given the accuracy of the origin.
    fn possible_omissions(&self) -> Option<usize> {
        let query = &self.request.query;
        let count = |query: &Query, from| self.count_merchants(query, from);
        let results = || self.count(&Query { after: None, limit: Limit::UNLIMITED, ..query.clone() });
        possible_omissions(query, self.request.accuracy_m, self.request.expansion, count, results)
    }
}

fn point(hit: &Hit<'_>) -> Ecef {
    position(hit.merchant)
}

fn position(stored: &StoredMerchant) -> Ecef {
    Ecef::from(stored.merchant.position.to_wgs84())
}

/// A count on the wire.
fn whole(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
