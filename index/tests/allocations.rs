//! Steady-state searches do not allocate.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::sync::Arc;

use nearby_index::*;

fn merchant(number: u64) -> Arc<StoredMerchant> {
    // Spread over about ten kilometres, deterministically.
    let degrees =
        |shift: u32| f64::from(u32::try_from(number.wrapping_mul(0x9e37_79b9) >> shift & 0xffff).unwrap());
    let position = Position::new(51.5 + degrees(0) * 1.5e-6, -0.1 + degrees(8) * 1.5e-6).unwrap();
    let name = if number.is_multiple_of(10) { "rare" } else { "common" };
    Arc::new(StoredMerchant {
        merchant: Merchant {
            id: MerchantId::parse(&format!("m{number}")).unwrap(),
            position: AnyPosition::Wgs84(position),
            visibility: Visibility::Visible,
            terms: [Term::new(TermKind::Category, name)].into_iter().collect(),
            details: None,
            profile: Profile::new(b"").unwrap(),
        },
        revision: Revision(1),
        position_revision: Revision(0),
        create_time: UnixMicros(0),
        update_time: UnixMicros(0),
    })
}

#[test]
fn warm_search_does_not_allocate() {
    let mut writer = IndexWriter::load((0..20_000).map(merchant), Revision(1));
    // These stay in the recent part of their pages.
    writer.apply(&(20_000..20_050).map(|number| Change::Put(merchant(number))).collect::<Vec<_>>());
    let reader = writer.reader();
    let snapshot = reader.snapshot();
    let origin = Ecef::from(Position::<Wgs84>::new(51.55, -0.05).unwrap());
    let plain = Query::nearest(origin, Radius::DEFAULT, Limit::new(100).unwrap());
    let rare = vec![vec![Term::new(TermKind::Category, "rare")]];
    let filter = Filter { any_of: rare, ..Filter::default() };
    let filtered = Query { filter, ..plain.clone() };
    let next_page = Query { after: snapshot.search(&plain).next(), ..plain.clone() };
    assert!(next_page.after.is_some());
    let all = Query { limit: Limit::UNLIMITED, ..plain.clone() };

    let mut hits = Hits::default();
    let mut search_all = |found: &mut usize| {
        for query in [&plain, &filtered, &next_page, &all] {
            snapshot.search_into(query, SearchControl::default(), &mut hits);
            *found += hits.as_slice().len();
            *found += reader.snapshot().count(query, SearchControl::default()).merchants;
        }
    };
    let (mut cold, mut warm) = (0, 0);
    let while_cold = allocation_counter::measure(|| search_all(&mut cold));
    let while_warm = allocation_counter::measure(|| search_all(&mut warm));
    assert!(while_cold.count_total > 0, "the allocation counter works");
    assert_eq!(while_warm.count_total, 0);
    assert!(warm == cold && warm > 1_000, "{warm} found");
}
