//! Numeric attributes, and the ranges and labels that filters ask for.

use super::*;
use std::collections::BTreeMap;

fn rated(id: &str, attributes: &[(&str, f64)]) -> wire::Merchant {
    let attributes = attributes.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect();
    wire::Merchant { attributes, ..north(id, 10.0) }
}

fn range(key: &str, min: Option<f64>, max: Option<f64>) -> wire::AttributeRange {
    wire::AttributeRange { key: key.to_owned(), min, max }
}

fn label(key: &str, value: Option<&str>) -> wire::LabelCondition {
    wire::LabelCondition { key: key.to_owned(), value: value.map(str::to_owned) }
}

fn by(filter: wire::MerchantFilter) -> wire::SearchNearbyRequest {
    wire::SearchNearbyRequest { filter: Some(filter), page_size: 1, ..at_home() }
}

#[tokio::test]
async fn attribute_ranges_include_their_ends_and_no_merchant_without_the_attribute() {
    let (_server, mut client, _) = server_with([
        rated("cheap", &[("rating", 3.5), ("price", 1.0)]),
        rated("good", &[("rating", 4.0), ("price", 2.0)]),
        rated("unrated", &[("price", 2.0)]),
        rated("worst", &[("rating", -1e300)]),
    ])
    .await;
    for (ranges, expected) in [
        (vec![range("rating", Some(4.0), None)], &["good"][..]),
        (vec![range("rating", None, Some(3.5))], &["cheap", "worst"]),
        (vec![range("price", Some(2.0), Some(2.0))], &["good", "unrated"]),
        (vec![range("rating", None, None)], &["cheap", "good", "worst"]),
        (vec![range("rating", Some(3.0), None), range("price", None, Some(1.5))], &["cheap"]),
        (vec![range("stars", None, None)], &[]),
        (vec![range("Rating", None, None)], &[]),
    ] {
        let filter = wire::MerchantFilter { attribute_ranges: ranges.clone(), ..Default::default() };
        assert_eq!(ids(&page_through(&mut client, by(filter)).await), expected, "{ranges:?}");
    }
}

#[tokio::test]
async fn updated_attributes_are_found_and_returned_in_the_full_view_only() {
    let (_server, mut client, mut merchants) = server_with([rated("m", &[("rating", 1.0)])]).await;
    let good = wire::MerchantFilter {
        attribute_ranges: vec![range("rating", Some(4.0), None)],
        ..Default::default()
    };
    assert_eq!(page_through(&mut client, by(good.clone())).await, []);
    let request = wire::UpdateMerchantRequest {
        merchant: Some(wire::Merchant { name: name("m"), ..rated("m", &[("rating", 4.5)]) }),
        update_mask: Some(FieldMask { paths: vec!["attributes".to_owned()] }),
        ..Default::default()
    };
    merchants.update_merchant(request).await.unwrap();
    for (view, expected) in [
        (wire::MerchantView::Full, BTreeMap::from([("rating".to_owned(), 4.5)])),
        (wire::MerchantView::Basic, BTreeMap::new()),
    ] {
        let request = wire::SearchNearbyRequest { view: view.into(), ..by(good.clone()) };
        let found = page_through(&mut client, request).await.remove(0).merchant.unwrap();
        assert_eq!(found.attributes, expected, "{view:?}");
    }
}

#[tokio::test]
async fn label_conditions_select_by_value_or_existence() {
    let labelled = |id: &str, labels: &[(&str, &str)]| {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        wire::Merchant { labels, ..north(id, 10.0) }
    };
    let (_server, mut client, mut merchants) = server_with([
        labelled("blank", &[("tier", "")]),
        labelled("gold", &[("tier", "gold"), ("owner", "7")]),
        labelled("none", &[]),
    ])
    .await;
    for (labels, expected) in [
        (vec![label("tier", Some("gold"))], &["gold"][..]),
        (vec![label("tier", Some(""))], &["blank"]),
        (vec![label("tier", None)], &["blank", "gold"]),
        (vec![label("tier", None), label("owner", Some("7"))], &["gold"]),
        (vec![label("tier", Some("Gold"))], &[]),
    ] {
        let filter = wire::MerchantFilter { labels: labels.clone(), ..Default::default() };
        let request = wire::SearchNearbyRequest { include_total: true, ..by(filter.clone()) };
        let first = client.search_nearby(request.clone()).await.unwrap().into_inner();
        assert_eq!(first.total_size, Some(i32::try_from(expected.len()).unwrap()));
        assert_eq!(ids(&page_through(&mut client, request).await), expected, "{labels:?}");
        let list = wire::ListMerchantsRequest { filter: Some(filter), ..Default::default() };
        let listed = merchants.list_merchants(list).await.unwrap().into_inner().merchants;
        assert_eq!(ids_of(&listed), expected, "{labels:?}");
    }
}

#[tokio::test]
async fn invalid_ranges_and_label_conditions_are_rejected() {
    let (_server, mut client, _) = server_with([]).await;
    let ranges =
        |attribute_ranges| wire::MerchantFilter { attribute_ranges, ..wire::MerchantFilter::default() };
    let labels = |labels| wire::MerchantFilter { labels, ..wire::MerchantFilter::default() };
    for (filter, path, reason) in [
        (ranges(vec![range("", None, None)]), "filter.attribute_ranges[0].key", "REQUIRED"),
        (ranges(vec![range(&"k".repeat(64), None, None)]), "filter.attribute_ranges[0].key", "TOO_LONG"),
        (ranges(vec![range("k", Some(f64::NAN), None)]), "filter.attribute_ranges[0].min", "NOT_FINITE"),
        (ranges(vec![range("k", None, Some(f64::INFINITY))]), "filter.attribute_ranges[0].max", "NOT_FINITE"),
        (ranges(vec![range("k", Some(2.0), Some(1.0))]), "filter.attribute_ranges[0].max", "OUT_OF_RANGE"),
        (ranges(vec![range("k", None, None); 33]), "filter.attribute_ranges", "TOO_MANY"),
        (labels(vec![label(" ", None)]), "filter.labels[0].key", "REQUIRED"),
        (labels(vec![label("k", Some(&"v".repeat(257)))]), "filter.labels[0].value", "TOO_LONG"),
        (labels(vec![label("k", None); 33]), "filter.labels", "TOO_MANY"),
    ] {
        let status = client.search_nearby(by(filter)).await.unwrap_err();
        assert_eq!(violation(&status), field(path, reason));
    }
}

#[tokio::test]
async fn invalid_attributes_are_rejected() {
    let (_server, _, mut client) = server_with([]).await;
    let many: Vec<String> = (0..33).map(|number| number.to_string()).collect();
    let many: Vec<(&str, f64)> = many.iter().map(|key| (key.as_str(), 1.0)).collect();
    for (attributes, path, reason) in [
        (&[("rating", f64::NAN)][..], "merchant.attributes[rating]", "NOT_FINITE"),
        (&[("", 1.0)], "merchant.attributes[]", "REQUIRED"),
        (&[("a=b", 1.0)], "merchant.attributes[a=b]", "OUT_OF_RANGE"),
        (&many, "merchant.attributes", "TOO_MANY"),
    ] {
        let merchant = Some(rated("m", attributes));
        let request = wire::CreateMerchantRequest { merchant, ..Default::default() };
        assert_eq!(violation(&client.create_merchant(request).await.unwrap_err()), field(path, reason));
    }
}
