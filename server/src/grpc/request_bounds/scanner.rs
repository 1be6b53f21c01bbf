//! Counts the messages within a request while its bytes arrive, without keeping them.
//!
//! The wire format is that of <https://protobuf.dev/programming-guides/encoding/>: a message is a sequence of fields, each with a key
//! (number and wire type) and a value. Values that are no messages are skipped. The rest of a malformed message is not scanned: the
//! decoder stops at the same place.

use super::{MAX_MESSAGES, RequestBounds};
use crate::net::message_limits::PREFIX_BYTES;

/// Bits of the longest varint.
const MAX_VARINT_BITS: u32 = 64;

/// The bound that a request exceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Excess {
    /// That of a list, by its position in the bounds.
    List(usize),
    /// That of all messages within it.
    Messages,
}

/// The place in a stream of length-prefixed messages.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    /// The bytes of the prefix that have arrived, and their number.
    prefix: (u64, usize),
    /// Bytes of the request that have not been scanned.
    left: usize,
    /// The messages around the place, the outermost first: the type of each, and the bytes of the request after its end.
    open: Vec<(usize, usize)>,
    state: State,
    /// The elements of each list that is bounded.
    elements: Vec<usize>,
    messages: usize,
}

/// The part of a field that comes next.
#[derive(Clone, Copy, Debug)]
enum State {
    Key(Varint),
    /// The length of a field with a number.
    Length(u32, Varint),
    /// A varint that is skipped.
    Number,
    /// Bytes that are skipped.
    Skip(usize),
}

impl Default for State {
    fn default() -> Self {
        Self::Key(Varint::default())
    }
}

/// A varint, of which some bytes have been read.
#[derive(Clone, Copy, Debug, Default)]
struct Varint {
    value: u64,
    bits: u32,
}

impl Varint {
    fn push(self, byte: u8) -> Self {
        let value = self.value | (u64::from(byte & 0x7f)).checked_shl(self.bits).unwrap_or_default();
        Self { value, bits: self.bits + 7 }
    }
}

impl Scanner {
    /// Scans bytes that arrive.
    ///
    /// # Errors
    /// The bound that is exceeded.
    pub(super) fn scan(&mut self, mut data: &[u8], bounds: &RequestBounds) -> Result<(), Excess> {
        while let Some((first, rest)) = data.split_first() {
            if self.left == 0 {
                data = rest;
                self.push_prefix(*first, bounds);
                continue;
            }
            let skipped = match self.state {
                State::Skip(bytes) => {
                    let part = bytes.min(data.len());
                    self.state = if part == bytes { State::default() } else { State::Skip(bytes - part) };
                    part
                }
                _ => {
                    self.push(*first, bounds)?;
                    1
                }
            };
            self.left = self.left.saturating_sub(skipped);
            data = data.get(skipped..).unwrap_or_default();
            self.close_ended();
        }
        Ok(())
    }

    fn push_prefix(&mut self, byte: u8, bounds: &RequestBounds) {
        let (before, bytes) = self.prefix;
        let prefix = before << 8 | u64::from(byte);
        self.prefix = (prefix, bytes + 1);
        if bytes + 1 == PREFIX_BYTES {
            let length = usize::try_from(prefix & u64::from(u32::MAX)).unwrap_or(usize::MAX);
            // Compressed messages are rejected without being read.
            let is_compressed = prefix >> 32 != 0;
            let state = if is_compressed { State::Skip(length) } else { State::default() };
            let elements = vec![0; bounds.lists.len()];
            *self =
                Self { left: length, open: vec![(bounds.message, 0)], state, elements, ..Self::default() };
        }
    }

    /// Reads a byte of a key, a length or a number.
    fn push(&mut self, byte: u8, bounds: &RequestBounds) -> Result<(), Excess> {
        let is_last = byte & 0x80 == 0;
        self.state = match self.state {
            State::Key(key) if is_last => self.value_of(key.push(byte).value),
            State::Key(key) => self.unless_too_long(key.push(byte), State::Key),
            State::Length(field, length) if is_last => {
                return self.enter(field, length.push(byte).value, bounds);
            }
            State::Length(field, length) => {
                self.unless_too_long(length.push(byte), |length| State::Length(field, length))
            }
            State::Number if is_last => State::default(),
            State::Number | State::Skip(_) => self.state,
        };
        Ok(())
    }

    fn unless_too_long(&self, varint: Varint, state: impl Fn(Varint) -> State) -> State {
        if varint.bits < MAX_VARINT_BITS { state(varint) } else { self.malformed() }
    }

    /// The state at the value of a field.
    fn value_of(&self, key: u64) -> State {
        let Ok(field) = u32::try_from(key >> 3) else { return self.malformed() };
        match key & 0b111 {
            0 => State::Number,
            1 => self.skip(8),
            2 => State::Length(field, Varint::default()),
            // The start and the end of a group, which the decoder skips with its fields.
            3 | 4 => State::default(),
            5 => self.skip(4),
            _ => self.malformed(),
        }
    }

    /// Enters a message, or skips another value.
    fn enter(&mut self, field: u32, length: u64, bounds: &RequestBounds) -> Result<(), Excess> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let message = self.open.last().map_or(bounds.message, |(message, _)| *message);
        let Some(after) = self.after(length) else {
            self.state = self.malformed();
            return Ok(());
        };
        if self.open.len() == 1 {
            self.count_element(field, bounds)?;
        }
        match bounds.schema.message_of(message, field) {
            Some(of) => {
                self.messages += 1;
                if self.messages > MAX_MESSAGES {
                    return Err(Excess::Messages);
                }
                self.open.push((of, after));
                self.state = State::default();
            }
            None => self.state = self.skip(length),
        }
        Ok(())
    }

    /// Counts a field of the request, if it is an element of a list that is bounded.
    fn count_element(&mut self, field: u32, bounds: &RequestBounds) -> Result<(), Excess> {
        for (at, (list, elements)) in bounds.lists.iter().zip(&mut self.elements).enumerate() {
            if list.field == field {
                *elements += 1;
                if *elements > list.max {
                    return Err(Excess::List(at));
                }
            }
        }
        Ok(())
    }

    /// Leaves the messages that have ended.
    fn close_ended(&mut self) {
        while self.open.last().is_some_and(|(_, end)| *end == self.left) {
            self.open.pop();
            // A message that ends within a key or a number is malformed, and so is what follows.
            if !matches!(self.state, State::Skip(_)) {
                self.state = State::default();
            }
        }
    }

    /// Bytes of the request after a value that begins behind the current byte; `None` if its message ends before.
    fn after(&self, length: usize) -> Option<usize> {
        let end = self.open.last().map_or(0, |(_, end)| *end);
        self.left.checked_sub(1)?.checked_sub(length).filter(|after| *after >= end)
    }

    /// The state at a value of that length, which begins behind the current byte.
    fn skip(&self, length: usize) -> State {
        match self.after(length) {
            Some(_) if length == 0 => State::default(),
            Some(_) => State::Skip(length),
            None => self.malformed(),
        }
    }

    /// The state at a fault: the rest of the request behind the current byte is skipped.
    fn malformed(&self) -> State {
        State::Skip(self.left.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use nearby_proto::{v1 as wire, well_known::FieldMask};
    use proptest::prelude::*;
    use prost::Message;

    use super::*;
    use crate::grpc::method::Route;

    fn bounds(method: &str) -> &'static RequestBounds {
        RequestBounds::of(Route::of_path(method)).unwrap()
    }

    fn import() -> &'static RequestBounds {
        bounds("/nearby.v1.MerchantService/ImportMerchants")
    }

    fn framed(message: &[u8]) -> Vec<u8> {
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        [&[0][..], &length, message].concat()
    }

    /// Rows of merchants with photos, labels, and periods of special days, and the number of messages in them.
    fn rows(count: usize, each: usize) -> (wire::ImportMerchantsRequest, usize) {
        let period = wire::DayPeriod::default();
        let day = wire::SpecialDay { date: Some(wire::CalendarDate::default()), periods: vec![period; each] };
        let hours = wire::OpeningHours { special_days: vec![day; each], ..Default::default() };
        let merchant = wire::Merchant {
            name: "merchants/a".to_owned(),
            categories: vec![String::new(); each],
            position: Some(wire::Position {
                latitude: 1.0,
                longitude: 2.0,
                coordinate_system: 1,
                accuracy_m: None,
            }),
            photos: vec![wire::Photo { uri: "https://example.com".to_owned(), ..Default::default() }; each],
            labels: (0..each).map(|number| (number.to_string(), "x".to_owned())).collect(),
            opening_hours: Some(hours),
            ..Default::default()
        };
        let row = wire::ImportRow { row_number: 1, merchant: Some(merchant), update_mask_index: 0 };
        let update_masks = vec![FieldMask { paths: vec!["phone".to_owned()] }; each];
        // The masks; the row, the merchant, its position and its hours; photos and labels; days with dates and periods.
        let messages = each + count * (4 + 2 * each + 2 * each + each * each);
        let rows = vec![row; count];
        (wire::ImportMerchantsRequest { rows, update_masks, ..Default::default() }, messages)
    }

    proptest! {
        #[test]
        fn messages_are_counted_wherever_the_bytes_are_cut(
            sizes in prop::collection::vec((0..20_usize, 0..5_usize), 1..4), cut in 1..40_usize,
        ) {
            let mut scanner = Scanner::default();
            for (count, each) in sizes {
                let (request, messages) = rows(count, each);
                for part in framed(&request.encode_to_vec()).chunks(cut) {
                    scanner.scan(part, import()).unwrap();
                }
                prop_assert_eq!((&scanner.elements, scanner.messages, scanner.left), (&vec![count, each], messages, 0));
            }
        }

        #[test]
        fn arbitrary_bytes_do_not_disturb_the_next_message(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut scanner = Scanner::default();
            scanner.scan(&framed(&bytes), import()).unwrap();
            let (request, messages) = rows(3, 2);
            scanner.scan(&framed(&request.encode_to_vec()), import()).unwrap();
            prop_assert_eq!((scanner.elements, scanner.messages), (vec![3, 2], messages));
        }
    }

    #[test]
    fn too_many_elements_and_too_many_messages_are_found() {
        let search = bounds("/nearby.v1.NearbyService/BatchSearchNearby");
        let searches = |count: usize| framed(&[10, 0].repeat(count));
        assert_eq!(Scanner::default().scan(&searches(1_000), search), Ok(()));
        assert_eq!(Scanner::default().scan(&searches(1_001), search), Err(Excess::List(0)));
        let names = bounds("/nearby.v1.MerchantService/BatchGetMerchants");
        assert_eq!(Scanner::default().scan(&searches(1_001), names), Err(Excess::List(0)));
        let masks = |count: usize| framed(&[26, 0].repeat(count));
        assert_eq!(Scanner::default().scan(&masks(1_000), import()), Ok(()));
        assert_eq!(Scanner::default().scan(&masks(1_001), import()), Err(Excess::List(1)));
        let photos = |count: usize| {
            let row = wire::ImportRow { merchant: Some(wire::Merchant::default()), ..Default::default() };
            assert_eq!(row.encode_to_vec(), [18, 0], "the merchant is field 2 of a row");
            let mut photos = Vec::new();
            prost::encoding::bytes::encode(2, &[98, 0].repeat(count), &mut photos);
            let mut rows = Vec::new();
            prost::encoding::bytes::encode(1, &photos, &mut rows);
            framed(&rows)
        };
        assert_eq!(Scanner::default().scan(&photos(MAX_MESSAGES - 2), import()), Ok(()));
        assert_eq!(Scanner::default().scan(&photos(MAX_MESSAGES - 1), import()), Err(Excess::Messages));
    }
}
