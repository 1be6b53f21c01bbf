//! The names of a merchant, read from its stored encoding: what `MerchantFilter.text` is compared with.

use nearby_index::Profile;
use prost::encoding::{WireType, decode_key, decode_varint};

// Fields of `nearby.v1.Merchant`, and of an entry of its map.
const DISPLAY_NAME: u32 = 3;
const BRAND: u32 = 4;
const LOCALIZED_NAMES: u32 = 28;
const MAP_VALUE: u32 = 2;

/// Passes the display name, the brand and the localized names on. Decodes nothing else: the index reads the names of all merchants when
/// it is built, and those of candidates in each search by text.
pub(crate) fn names_of(profile: &Profile, name: &mut dyn FnMut(&str)) {
    let [_, basic, _, rest, _] = profile.parts();
    let mut display_name: &[u8] = &[];
    for part in [basic, rest] {
        each_field(part, &mut |field, value| match field {
            DISPLAY_NAME => {
                display_name = value;
                pass(value, name);
            }
            // Chains give most of their shops the name of the brand.
            BRAND if value != display_name => pass(value, name),
            LOCALIZED_NAMES => each_field(value, &mut |field, value| {
                if field == MAP_VALUE {
                    pass(value, name);
                }
            }),
            _ => {}
        });
    }
}

fn pass(value: &[u8], name: &mut dyn FnMut(&str)) {
    if let Ok(text) = std::str::from_utf8(value) {
        name(text);
    }
}

/// Passes the length-delimited fields of an encoded message on, up to the first that is malformed.
fn each_field<'m>(mut message: &'m [u8], act: &mut dyn FnMut(u32, &'m [u8])) {
    while let Some((field, value)) = take_field(&mut message) {
        if let Some(value) = value {
            act(field, value);
        }
    }
}

/// Takes the first field off a message: its number, and its value if it is length-delimited.
fn take_field<'m>(message: &mut &'m [u8]) -> Option<(u32, Option<&'m [u8]>)> {
    if message.is_empty() {
        return None;
    }
    let (field, wire_type) = decode_key(message).ok()?;
    let fixed_bytes = match wire_type {
        WireType::LengthDelimited => {
            let length = usize::try_from(decode_varint(message).ok()?).ok()?;
            let (value, rest) = message.split_at_checked(length)?;
            *message = rest;
            return Some((field, Some(value)));
        }
        WireType::Varint => {
            decode_varint(message).ok()?;
            0
        }
        WireType::SixtyFourBit => 8,
        WireType::ThirtyTwoBit => 4,
        WireType::StartGroup | WireType::EndGroup => return None,
    };
    let (_, rest) = message.split_at_checked(fixed_bytes)?;
    *message = rest;
    Some((field, None))
}

#[cfg(test)]
mod tests {
    use nearby_proto::v1 as wire;
    use prost::Message;

    use super::*;

    fn names(profile: &Profile) -> Vec<String> {
        let mut names = Vec::new();
        names_of(profile, &mut |name| names.push(name.to_owned()));
        names
    }

    fn profile(given: &wire::Merchant) -> Profile {
        Profile::new(&given.encode_to_vec()).unwrap()
    }

    #[test]
    fn names_are_the_display_name_and_another_brand() {
        let position =
            wire::Position { latitude: 1.0, longitude: 2.0, coordinate_system: 1, accuracy_m: None };
        let given = wire::Merchant {
            display_name: "Caffè Nero".to_owned(),
            brand: "Nero".to_owned(),
            categories: vec!["cafe".to_owned()],
            position: Some(position),
            phone: "1".to_owned(),
            website_uri: "https://example.com".to_owned(),
            visibility: 2,
            ..Default::default()
        };
        assert_eq!(names(&profile(&given)), ["Caffè Nero", "Nero"]);
        let same = wire::Merchant { brand: given.display_name.clone(), ..given };
        assert_eq!(names(&profile(&same)), ["Caffè Nero"]);
    }

    #[test]
    fn localized_names_are_read_from_the_fields_beyond_the_basic_view() {
        let entry = |tag: &str, name: &str| {
            let mut entry = Vec::new();
            prost::encoding::string::encode(1, &tag.to_owned(), &mut entry);
            prost::encoding::string::encode(MAP_VALUE, &name.to_owned(), &mut entry);
            entry
        };
        let mut rest = Vec::new();
        for entry in [entry("zh", "星巴克"), entry("ja", "スターバックス")] {
            prost::encoding::bytes::encode(LOCALIZED_NAMES, &entry, &mut rest);
        }
        let basic = wire::Merchant { display_name: "Starbucks".to_owned(), ..Default::default() };
        let profile = Profile::of_parts(&basic.encode_to_vec(), &rest, &[]).unwrap();
        assert_eq!(names(&profile), ["Starbucks", "星巴克", "スターバックス"]);
    }

    #[test]
    fn malformed_profiles_have_the_names_before_the_fault() {
        let mut bytes =
            wire::Merchant { display_name: "Kiosk".to_owned(), ..Default::default() }.encode_to_vec();
        for fault in
            [[0x22, 0x7f].as_slice(), &[0x0b], &[0x09, 1], &[0x0d, 1], &[0x08, 0xff], &[0x22, 1, 0xff]]
        {
            let length = bytes.len();
            bytes.extend_from_slice(fault);
            assert_eq!(names(&Profile::new(&bytes).unwrap()), ["Kiosk"], "{fault:?}");
            bytes.truncate(length);
        }
    }
}
