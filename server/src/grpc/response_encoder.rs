//! Assembles responses from merchants that are already encoded.
//!
//! The code writes what generated code would: the key of a field, the length of its value, and the value. A property test
//! decodes it with the generated code.

use std::hint::black_box;

use nearby_index::{Hit, Pieces, StoredMerchant};
use nearby_proto::{v1 as wire, well_known::Timestamp};
use prost::{
    Message,
    encoding::{self, WireType, encode_key, encode_varint, encoded_len_varint},
};

use super::convert::View;

/// The encoded part of a merchant that a view shows.
pub(crate) fn viewed(stored: &StoredMerchant, view: View) -> Pieces<'_> {
    let profile = &stored.merchant.profile;
    match view {
        View::IdOnly => profile.name(),
        View::Basic => profile.basic(),
        View::Public => profile.public(),
        View::Full => profile.full(),
    }
}

/// Writes an encoded message as a field.
pub(crate) fn put_field(response: &mut Vec<u8>, tag: u32, message: &[u8]) {
    encode_key(tag, WireType::LengthDelimited, response);
    encode_varint(message.len() as u64, response);
    response.extend_from_slice(message);
}

/// Writes a merchant as a field.
pub(crate) fn put_merchant(response: &mut Vec<u8>, tag: u32, merchant: Pieces<'_>) {
    encode_key(tag, WireType::LengthDelimited, response);
    encode_varint(len(merchant) as u64, response);
    merchant.iter().for_each(|piece| response.extend_from_slice(piece));
}

/// The encoded length of a merchant.
pub(crate) fn len([front, back]: Pieces<'_>) -> usize {
    front.len() + back.len()
}

/// The number of bytes that [`put_field`] writes. Tags are below 16, so that a key is one byte.
pub(crate) fn field_len(message_len: usize) -> usize {
    1 + encoded_len_varint(message_len as u64) + message_len
}

/// The fields of a result besides its merchant and its distance.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ResultFlags {
    pub(crate) open_state: i32,
    pub(crate) beyond_radius: bool,
    pub(crate) uncertain: bool,
    pub(crate) merchants_at_position: i32,
    pub(crate) position: Option<wire::Position>,
    /// Seconds since 1970.
    pub(crate) open_state_until_s: Option<i64>,
    pub(crate) open_state_comment: Option<Box<str>>,
    pub(crate) serves_origin: bool,
    pub(crate) service_area: Option<Box<wire::ServiceArea>>,
    pub(crate) localized_name: Option<wire::LocalizedName>,
}

impl ResultFlags {
    /// Generated code does not write an empty text.
    fn comment(&self) -> Option<&str> {
        self.open_state_comment.as_deref().filter(|comment| !comment.is_empty())
    }

    fn open_state_until(&self) -> Option<Timestamp> {
        self.open_state_until_s.map(|seconds| Timestamp { seconds, nanos: 0 })
    }
}

/// Writes a `NearbyResult` as a field.
pub(crate) fn put_result(
    response: &mut Vec<u8>,
    tag: u32,
    hit: &Hit<'_>,
    merchant: Pieces<'_>,
    flags: &ResultFlags,
) {
    let distance_m = hit.distance.get();
    encode_key(tag, WireType::LengthDelimited, response);
    encode_varint(result_len(distance_m, merchant, flags) as u64, response);
    put_merchant(response, 1, merchant);
    if distance_m != 0.0 {
        encoding::double::encode(2, &distance_m, response);
    }
    if flags.open_state != 0 {
        encoding::int32::encode(3, &flags.open_state, response);
    }
    if flags.beyond_radius {
        encoding::bool::encode(4, &true, response);
    }
    if flags.uncertain {
        encoding::bool::encode(5, &true, response);
    }
    if flags.merchants_at_position != 0 {
        encoding::int32::encode(6, &flags.merchants_at_position, response);
    }
    if let Some(position) = &flags.position {
        encoding::message::encode(7, position, response);
    }
    if let Some(until) = flags.open_state_until() {
        encoding::message::encode(8, &until, response);
    }
    if let Some(comment) = flags.comment() {
        put_field(response, 9, comment.as_bytes());
    }
    if flags.serves_origin {
        encoding::bool::encode(10, &true, response);
    }
    if let Some(name) = &flags.localized_name {
        encoding::message::encode(11, name, response);
    }
    if let Some(area) = &flags.service_area {
        encoding::message::encode(12, &**area, response);
    }
}

fn result_len(distance_m: f64, merchant: Pieces<'_>, flags: &ResultFlags) -> usize {
    const KEY_AND_DOUBLE: usize = 9;
    const KEY_AND_BOOL: usize = 2;
    let number_len = |number: i32| if number == 0 { 0 } else { encoding::int32::encoded_len(3, &number) };
    field_len(len(merchant))
        + if distance_m == 0.0 { 0 } else { KEY_AND_DOUBLE }
        + number_len(flags.open_state)
        + if flags.beyond_radius { KEY_AND_BOOL } else { 0 }
        + if flags.uncertain { KEY_AND_BOOL } else { 0 }
        + number_len(flags.merchants_at_position)
        + flags.position.as_ref().map_or(0, |position| field_len(position.encoded_len()))
        + flags.open_state_until().map_or(0, |until| field_len(until.encoded_len()))
        + flags.comment().map_or(0, |comment| field_len(comment.len()))
        + if flags.serves_origin { KEY_AND_BOOL } else { 0 }
        + flags.service_area.as_ref().map_or(0, |area| field_len(area.encoded_len()))
        + flags.localized_name.as_ref().map_or(0, |name| field_len(name.encoded_len()))
}

/// Prefetches the bytes to copy, and returns their number. Merchants are spread over memory: their cache misses overlap when
/// they are read together, whereas copying would wait for one after the other.
pub(crate) fn prefetch<'m>(merchants: impl Iterator<Item = Pieces<'m>> + Clone) -> usize {
    const LINE_BYTES: usize = 64;

    // First the location of each, then its bytes.
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use nearby_index::{Ecef, MerchantId, Position, Revision, UnixMicros, Wgs84};
    use proptest::prelude::*;

    use super::*;
    use crate::{
        grpc::convert,
        record::{self, VersionMeta},
    };

    fn stored(id: &str, display_name: &str) -> Arc<StoredMerchant> {
        let given = wire::Merchant {
            display_name: display_name.to_owned(),
            phone: "+49 30 1234".to_owned(),
            labels: [("tier".to_owned(), "1".to_owned())].into(),
            external_ids: vec![wire::ExternalId { system: "crm".to_owned(), id: "7".to_owned() }],
            position: Some(wire::Position {
                latitude: 1.0,
                longitude: 2.0,
                coordinate_system: 1,
                accuracy_m: None,
            }),
            ..Default::default()
        };
        let merchant =
            convert::merchant_from_wire(given, MerchantId::parse(id).unwrap(), "merchant").unwrap();
        let meta = VersionMeta {
            revision: Revision(7),
            position_revision: Revision(7),
            create_time: UnixMicros(1),
            update_time: UnixMicros(2),
        };
        Arc::new(record::make_version(merchant, meta))
    }

    proptest! {
        #[test]
        fn assembled_responses_equal_those_of_the_generated_code(
            id in "[a-z]{1,100}", name in "[a-zé]{1,120}", offset in 0..3u8, view in 0..4usize, open_state in 0..=3i32,
            beyond_radius: bool, uncertain: bool, merchants_at_position in prop_oneof![Just(0), 1..100_000i32],
            localized_name in proptest::option::of((".{0,200}", "[a-z]{0,8}")), with_position: bool, serves_origin: bool, with_area: bool, until_s in proptest::option::of(0..4_000_000_000i64), comment in proptest::option::of(".{0,200}"),
        ) {
            let stored = stored(&id, &name);
            let localized_name = localized_name.map(|(text, language_code)| wire::LocalizedName { text, language_code });
            let (here, there) = ((1.0, 2.0), (1.0 + f64::from(offset) * 0.01, 2.0));
            let ecef = |(latitude, longitude)| Ecef::from(Position::<Wgs84>::new(latitude, longitude).unwrap());
            let hit = Hit { distance: ecef(here).distance(ecef(there)), merchant: &stored };
            let position = with_position.then_some(wire::Position {
                latitude: -1.5, longitude: 0.0, coordinate_system: 3, accuracy_m: None,
            });
            let area = wire::ServiceArea { shape: Some(wire::service_area::Shape::RadiusM(9.0)) };
            let flags = ResultFlags {
                open_state, beyond_radius, uncertain, merchants_at_position, position, open_state_until_s: until_s,
                open_state_comment: comment.clone().map(Box::from), serves_origin,
                service_area: with_area.then(|| Box::new(area.clone())),
                localized_name: localized_name.clone(),
            };
            let view = [View::IdOnly, View::Basic, View::Public, View::Full][view];
            let mut response = Vec::new();
            put_result(&mut response, 1, &hit, viewed(&stored, view), &flags);
            put_result(&mut response, 1, &hit, viewed(&stored, view), &ResultFlags::default());

            let full = record::decode(&stored).unwrap();
            let merchant = match view {
                View::IdOnly => wire::Merchant { name: full.name, ..Default::default() },
                View::Basic => wire::Merchant {
                    name: full.name, display_name: full.display_name, position: full.position, ..Default::default()
                },
                View::Public => wire::Merchant { labels: Default::default(), external_ids: Vec::new(), ..full },
                View::Full => full,
            };
            let plain = wire::NearbyResult {
                merchant: Some(merchant), distance_m: hit.distance.get(), ..Default::default()
            };
            let flagged = wire::NearbyResult {
                open_state, beyond_radius, uncertain, merchants_at_position, position,
                open_state_until: flags.open_state_until(), open_state_comment: comment.unwrap_or_default(), localized_name,
                serves_origin, service_area: with_area.then_some(area), ..plain.clone()
            };
            let read = wire::SearchNearbyResponse::decode(response.as_slice()).unwrap();
            prop_assert_eq!(response.len(), read.encoded_len());
            prop_assert_eq!(read.results, [flagged, plain]);
        }
    }
}
