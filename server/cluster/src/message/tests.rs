use std::sync::Arc;

use nearby_index::{
    AnyPosition, Change, Merchant, MerchantId, Position, Profile, Revision, StoredMerchant, Terms, Visibility,
};
use nearby_store::{CompletedRequest, Forget, RequestId, Watermarks};
use proptest::prelude::*;

use super::*;

const CLUSTER: ClusterId = ClusterId([0xC1; 16]);

pub(crate) fn put(id: &str, revision: u64, profile: &[u8]) -> Change {
    Change::Put(Arc::new(StoredMerchant {
        merchant: Merchant {
            id: MerchantId::parse(id).unwrap(),
            position: AnyPosition::Wgs84(Position::new(48.85, 2.35).unwrap()),
            visibility: Visibility::Visible,
            terms: Terms::default(),
            details: None,
            profile: Profile::new(profile).unwrap(),
        },
        revision: Revision(revision),
        position_revision: Revision(revision),
        create_time: UnixMicros(17),
        update_time: UnixMicros(18),
    }))
}

pub(crate) fn sample() -> (Header, OwnedBatch) {
    let digest = |last, records, sum| StateDigest {
        watermarks: Watermarks { last: Revision(last), deletions_since: Revision(1) },
        records,
        sum,
    };
    let header = Header {
        cluster: CLUSTER,
        format: NEWEST_FORMAT,
        next_format: NEWEST_FORMAT,
        commit: CommitId { process: ProcessId([0xAB; 16]), counter: 5 },
        base: Sequence(41),
        previous: MessageHash(0x1234),
        before: digest(7, 3, 99),
        after: digest(9, 5, u128::MAX),
        time: UnixMicros(1_700_000_000_000_000),
        node: NodeName::parse("node-1").unwrap(),
    };
    let changes = vec![
        put("café", 8, b"xyz"),
        Change::Delete { id: MerchantId::parse("b").unwrap(), revision: Revision(9) },
    ];
    let request = CompletedRequest {
        id: RequestId([4; 16]),
        fingerprint: [5; 16],
        completed_at: UnixMicros(6),
        outcomes: changes.clone(),
    };
    let forget = vec![Forget::Deletion(Revision(1)), Forget::Request { id: RequestId([7; 16]), outcomes: 3 }];
    let batch =
        OwnedBatch { changes, completed: vec![Arc::new(request)], forget, deletions_since: Revision(1) };
    (header, batch)
}

fn decode(bytes: &[u8]) -> Result<Message, MessageError> {
    Message::decode(bytes, CLUSTER, NEWEST_FORMAT, &|stored| stored)
}

fn encoded() -> Vec<u8> {
    let (header, batch) = sample();
    header.encode(&batch.as_batch(&[])).unwrap().to_vec()
}

#[test]
fn messages_round_trip() {
    let (header, batch) = sample();
    assert_eq!(decode(&encoded()), Ok(Message { header, batch }));
}

/// Brokers keep messages for days: every later version must read this one.
#[test]
fn message_encoding_of_format_1_is_stable() {
    const WRITTEN: &str = "4e45415242594c47c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c101000100abababababababababababababababab050000000000000029000000000000003412000000000000000000000000000007000000000000000100000000000000030000000000000063000000000000000000000000000000090000000000000001000000000000000500000000000000ffffffffffffffffffffffffffffffff00401e18240a0600066e6f64652d3101000000000000001c000000010100000000000000020707070707070707070707070707070703005b00000006003a0000006d636166c3a902770d5ce808000000000000000800000000000000110000000000000012000000000000000101cdcccccccc6c4840cdcccccccccc024078797a09000600000064000000000000000902ed5273ed6200000000320000000404040404040404040404040404040405050505050505050505050505050505060000000000000002000000000001000000367458051e10c38ec70a11a1566e9e3c";
    let (header, batch) = sample();
    let bytes = Header { format: 1, next_format: 1, ..header }.encode(&batch.as_batch(&[])).unwrap();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, WRITTEN);
}

#[test]
fn every_flipped_bit_and_every_cut_is_detected() {
    let bytes = encoded();
    for at in 0..bytes.len() {
        let expected = if at < 24 { MessageError::Foreign } else { MessageError::Damaged };
        assert_eq!(decode(&bytes[..at]), Err(expected.clone()), "cut at {at}");
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            assert_eq!(decode(&flipped), Err(expected.clone()), "byte {at}, bit {bit}");
        }
    }
    assert_eq!(decode(&[bytes.as_slice(), &[0]].concat()), Err(MessageError::Damaged));
}

#[test]
fn messages_of_other_clusters_and_stray_bytes_are_foreign() {
    for bytes in [&b""[..], b"NEARBYLG", b"hello", &[0; 300]] {
        assert_eq!(decode(bytes), Err(MessageError::Foreign), "{bytes:?}");
    }
    let (header, batch) = sample();
    let other = Header { cluster: ClusterId([0xC2; 16]), ..header }.encode(&batch.as_batch(&[])).unwrap();
    assert_eq!(decode(&other), Err(MessageError::Foreign));
}

#[test]
fn newer_formats_are_distinguished_from_damage() {
    let (header, batch) = sample();
    let newer = Header { format: NEWEST_FORMAT + 1, ..header }.encode(&batch.as_batch(&[])).unwrap();
    assert_eq!(decode(&newer), Err(MessageError::UnsupportedFormat(NEWEST_FORMAT + 1)));
    // A newer format may contain anything after the format, and is recognized all the same.
    let mut unknown = newer[..26].to_vec();
    unknown.extend_from_slice(b"?");
    seal(&mut unknown);
    assert_eq!(decode(&unknown), Err(MessageError::UnsupportedFormat(NEWEST_FORMAT + 1)));
    let mut damaged = unknown;
    damaged[26] ^= 1;
    assert_eq!(decode(&damaged), Err(MessageError::Damaged));
    let newer = Message::decode(&newer, CLUSTER, NEWEST_FORMAT + 1, &|stored| stored).unwrap();
    assert_eq!((newer.header.format, newer.batch), (NEWEST_FORMAT + 1, batch));
}

#[test]
fn an_invalid_content_with_a_valid_checksum_is_neither_damaged_nor_accepted() {
    let bytes = encoded();
    for length in 26..bytes.len() - CHECKSUM_BYTES {
        let mut cut = bytes[..length].to_vec();
        seal(&mut cut);
        assert!(matches!(decode(&cut), Err(MessageError::Invalid(_))), "{length}");
    }
    let mut name = bytes[..bytes.len() - CHECKSUM_BYTES].to_vec();
    name[FIXED_BYTES] = b'.';
    seal(&mut name);
    assert!(matches!(decode(&name), Err(MessageError::Invalid(what)) if what.contains("name")));
}

#[test]
fn the_genesis_begins_with_the_state_of_a_store() {
    let (header, _) = sample();
    let genesis = Header::genesis(CLUSTER, (header.commit, header.node.clone()), header.after, header.time);
    let message = decode(&genesis.encode_empty().unwrap()).unwrap();
    let deletions_since = header.after.watermarks.deletions_since;
    assert_eq!(message.header, genesis);
    assert_eq!(message.batch, OwnedBatch { deletions_since, ..OwnedBatch::default() });
    assert_eq!(message.batch.as_batch(&[]).apply_to(header.after), header.after);
    assert_eq!((message.header.base, message.header.previous), (Sequence::ZERO, MessageHash::ZERO));
    assert_eq!((message.header.before, message.header.after), (header.after, header.after));
}

#[test]
fn commits_that_the_log_would_not_accept_are_refused() {
    let (header, batch) = sample();
    let profile = vec![b'x'; Profile::MAX_GIVEN_BYTES];
    let large: Vec<Change> = (1..).map(|revision| put("a", revision, &profile)).take(300).collect();
    let batch = OwnedBatch { changes: large, ..batch };
    let error = header.encode(&batch.as_batch(&[])).unwrap_err();
    assert!(matches!(error, SizeError::Message(bytes) if bytes > MAX_MESSAGE_BYTES), "{error}");

    let forget = vec![Forget::Deletion(Revision(1)); MAX_FORGET_BYTES / 9 + 1];
    let batch = OwnedBatch { forget, ..OwnedBatch::default() };
    let error = header.encode(&batch.as_batch(&[])).unwrap_err();
    assert!(matches!(error, SizeError::Forget(bytes) if bytes > MAX_FORGET_BYTES), "{error}");
}

proptest! {
    #[test]
    fn any_message_round_trips_and_no_flipped_bit_is_accepted(
        formats in (0..=NEWEST_FORMAT, any::<u16>()), numbers in any::<[u64; 4]>(), hashes in any::<[u128; 3]>(),
        time in any::<i64>(), node in "[a-z0-9][a-z0-9-]{0,62}",
        profiles in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..100), 0..6),
        flip in any::<prop::sample::Index>(),
    ) {
        let digest = |last, sum| StateDigest {
            watermarks: Watermarks { last: Revision(last), deletions_since: Revision(last / 2) },
            records: last,
            sum,
        };
        let header = Header {
            cluster: CLUSTER,
            format: formats.0,
            next_format: formats.1,
            commit: CommitId { process: ProcessId(hashes[0].to_le_bytes()), counter: numbers[0] },
            base: Sequence(numbers[1]),
            previous: MessageHash(hashes[0]),
            before: digest(numbers[2], hashes[1]),
            after: digest(numbers[3], hashes[2]),
            time: UnixMicros(time),
            node: NodeName::parse(&node).unwrap(),
        };
        let changes = profiles.iter().zip(1..).map(|(profile, revision)| put("a", revision, profile)).collect();
        let batch = OwnedBatch { changes, ..OwnedBatch::default() };
        let bytes = header.encode(&batch.as_batch(&[])).unwrap();
        prop_assert_eq!(decode(&bytes), Ok(Message { header, batch }));
        let (mut flipped, at) = (bytes.to_vec(), flip.index(bytes.len() * 8));
        flipped[at / 8] ^= 1 << (at % 8);
        prop_assert!(matches!(decode(&flipped), Err(MessageError::Foreign | MessageError::Damaged)));
    }
}
