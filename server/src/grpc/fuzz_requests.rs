//! Decodes and validates requests as the handlers do, without a server: a target for fuzzers.

use std::sync::LazyLock;

use nearby_index::{Radius, UnixMicros, VisibilityFilter};
use nearby_proto::v1 as wire;
use prost::Message;

use crate::grpc::{
    convert::{
        SearchSettings, filter_from_wire, id_from_name, merchant_from_wire, position_from_wire,
        search_from_wire,
    },
    merchant_service, nearby_service,
};
use crate::page_token::PageTokens;

const SETTINGS: SearchSettings = SearchSettings {
    max_radius: Radius::DEFAULT,
    max_service_radius: Radius::MAX,
    search_hidden: true,
    shows_internal: true,
    log_cells: false,
};

/// Decodes and validates a request of the method that the first byte selects.
pub(crate) fn request(bytes: &[u8]) {
    static TOKENS: LazyLock<Option<PageTokens>> = LazyLock::new(|| PageTokens::ephemeral().ok());
    let (Some((&method, body)), Some(tokens)) = (bytes.split_first(), &*TOKENS) else { return };
    match method % 8 {
        0 => with(body, |given| drop(search_from_wire(&given, SETTINGS, UnixMicros(0), tokens))),
        1 => with(body, |given: wire::BatchSearchNearbyRequest| {
            given
                .requests
                .iter()
                .for_each(|one| drop(search_from_wire(one, SETTINGS, UnixMicros(0), tokens)));
        }),
        2 => with(body, |given| nearby_service::check_density(&given, SETTINGS)),
        3 => with(body, merchant_service::check_create),
        4 => with(body, merchant_service::check_update),
        5 => with(body, |given: wire::ImportMerchantsRequest| {
            for merchant in given.rows.into_iter().filter_map(|row| row.merchant) {
                if let Ok(id) = id_from_name(&merchant.name, "name") {
                    drop(merchant_from_wire(merchant, id, "merchant"));
                }
            }
        }),
        6 => with(body, |given: wire::ListMerchantsRequest| {
            drop(filter_from_wire(given.filter.as_ref(), "filter", VisibilityFilter::All, UnixMicros(0)));
        }),
        _ => with(body, |given: wire::Position| drop(position_from_wire(Some(&given), "origin"))),
    }
}

fn with<M: Message + Default>(body: &[u8], check: impl FnOnce(M)) {
    if let Ok(given) = M::decode(body) {
        check(given);
    }
}
