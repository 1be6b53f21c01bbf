//! Answers put together from merchants that are encoded already.
//!
//! What stands here by hand is what the generated code would write: a field's key, the length of what follows, and that.
//! Tests read it back with the generated code.

use nearby_index::{Hit, Pieces, StoredMerchant};
use nearby_proto::v1 as wire;
use prost::{
    Message,
    encoding::{self, WireType, encode_key, encode_varint, encoded_len_varint},
};

/// As much of a merchant as a view shows, encoded.
pub(crate) fn viewed(stored: &StoredMerchant, view: wire::MerchantView) -> Pieces<'_> {
    let profile = &stored.merchant.profile;
    match view {
        wire::MerchantView::IdOnly => profile.name(),
        wire::MerchantView::Basic => profile.basic(),
        wire::MerchantView::Full | wire::MerchantView::Unspecified => profile.full(),
    }
}

/// Writes a message that is encoded already as a field.
pub(crate) fn put_field(answer: &mut Vec<u8>, tag: u32, message: &[u8]) {
    encode_key(tag, WireType::LengthDelimited, answer);
    encode_varint(message.len() as u64, answer);
    answer.extend_from_slice(message);
}

/// Writes a merchant as a field.
pub(crate) fn put_merchant(answer: &mut Vec<u8>, tag: u32, merchant: Pieces<'_>) {
    encode_key(tag, WireType::LengthDelimited, answer);
    encode_varint(len(merchant) as u64, answer);
    merchant.iter().for_each(|piece| answer.extend_from_slice(piece));
}

/// How many bytes a merchant has.
pub(crate) fn len([front, back]: Pieces<'_>) -> usize {
    front.len() + back.len()
}

/// How many bytes [`put_field`] writes. Tags are below 16, so that a key is one byte.
pub(crate) fn field_len(message_len: usize) -> usize {
    1 + encoded_len_varint(message_len as u64) + message_len
}

/// What a result says beside its merchant and its distance.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Marks {
    pub(crate) open_state: i32,
    pub(crate) beyond_radius: bool,
    pub(crate) uncertain: bool,
    pub(crate) merchants_at_position: i32,
    pub(crate) position: Option<wire::Position>,
}

/// Writes a `NearbyResult` as a field.
pub(crate) fn put_result(answer: &mut Vec<u8>, tag: u32, hit: &Hit<'_>, merchant: Pieces<'_>, marks: &Marks) {
    let distance_m = hit.distance.get();
    encode_key(tag, WireType::LengthDelimited, answer);
    encode_varint(result_len(distance_m, merchant, marks) as u64, answer);
    put_merchant(answer, 1, merchant);
    if distance_m != 0.0 {
        encoding::double::encode(2, &distance_m, answer);
    }
    if marks.open_state != 0 {
        encoding::int32::encode(3, &marks.open_state, answer);
    }
    if marks.beyond_radius {
        encoding::bool::encode(4, &true, answer);
    }
    if marks.uncertain {
        encoding::bool::encode(5, &true, answer);
    }
    if marks.merchants_at_position != 0 {
        encoding::int32::encode(6, &marks.merchants_at_position, answer);
    }
    if let Some(position) = &marks.position {
        encoding::message::encode(7, position, answer);
    }
}

fn result_len(distance_m: f64, merchant: Pieces<'_>, marks: &Marks) -> usize {
    const KEY_AND_DOUBLE: usize = 9;
    const KEY_AND_BOOL: usize = 2;
    let number_len = |number: i32| if number == 0 { 0 } else { encoding::int32::encoded_len(3, &number) };
    field_len(len(merchant))
        + if distance_m == 0.0 { 0 } else { KEY_AND_DOUBLE }
        + number_len(marks.open_state)
        + if marks.beyond_radius { KEY_AND_BOOL } else { 0 }
        + if marks.uncertain { KEY_AND_BOOL } else { 0 }
        + number_len(marks.merchants_at_position)
        + marks.position.as_ref().map_or(0, |position| field_len(position.encoded_len()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use nearby_index::{Ecef, MerchantId, Position, Revision, UnixMicros, Wgs84};
    use proptest::prelude::*;

    use super::*;
    use crate::{commit::Stamp, grpc::convert};

    fn stored(id: &str, display_name: &str) -> Arc<StoredMerchant> {
        let given = wire::Merchant {
            display_name: display_name.to_owned(),
            phone: "+49 30 1234".to_owned(),
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
        let stamp = Stamp {
            revision: Revision(7),
            placed: Revision(7),
            create_time: UnixMicros(1),
            update_time: UnixMicros(2),
        };
        Arc::new(convert::finish(merchant, stamp))
    }

    proptest! {
        #[test]
        fn what_is_spliced_is_what_the_generated_code_writes(
            id in "[a-z]{1,100}", name in "[a-zé]{1,120}", offset in 0..3u8, view in 1..=3i32, open_state in 0..=3i32,
            beyond_radius: bool, uncertain: bool, merchants_at_position in prop_oneof![Just(0), 1..100_000i32],
            with_position: bool,
        ) {
            let stored = stored(&id, &name);
            let (here, there) = ((1.0, 2.0), (1.0 + f64::from(offset) * 0.01, 2.0));
            let ecef = |(latitude, longitude)| Ecef::from(Position::<Wgs84>::new(latitude, longitude).unwrap());
            let hit = Hit { distance: ecef(here).distance(ecef(there)), merchant: &stored };
            let position = with_position.then_some(wire::Position {
                latitude: -1.5, longitude: 0.0, coordinate_system: 3, accuracy_m: None,
            });
            let marks = Marks { open_state, beyond_radius, uncertain, merchants_at_position, position };
            let view = wire::MerchantView::try_from(view).unwrap();
            let mut answer = Vec::new();
            put_result(&mut answer, 1, &hit, viewed(&stored, view), &marks);
            put_result(&mut answer, 1, &hit, viewed(&stored, view), &Marks::default());

            let full = convert::merchant_to_wire(&stored).unwrap();
            let merchant = match view {
                wire::MerchantView::IdOnly => wire::Merchant { name: full.name, ..Default::default() },
                wire::MerchantView::Basic => wire::Merchant {
                    name: full.name, display_name: full.display_name, position: full.position, ..Default::default()
                },
                _ => full,
            };
            let plain = wire::NearbyResult {
                merchant: Some(merchant), distance_m: hit.distance.get(), ..Default::default()
            };
            let marked = wire::NearbyResult {
                open_state, beyond_radius, uncertain, merchants_at_position, position, ..plain.clone()
            };
            let read = wire::SearchNearbyResponse::decode(answer.as_slice()).unwrap();
            prop_assert_eq!(answer.len(), read.encoded_len());
            prop_assert_eq!(read.results, [marked, plain]);
        }
    }
}
