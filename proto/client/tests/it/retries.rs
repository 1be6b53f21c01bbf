//! What is tried again, how often and when.

use std::time::Duration;

use nearby_client::Code;
use tokio::time::Instant;
use tonic::Status;

use crate::{
    fake_server::{Fake, Outcome, read_only, unavailable, unavailable_for},
    methods::{READS, WRITES, call},
};

#[tokio::test(start_paused = true)]
async fn the_fourth_attempt_is_the_last() {
    for method in [&READS[..], &WRITES].concat() {
        let fake = Fake::new([unavailable(), unavailable(), unavailable()]);
        call(&fake.client(), method).await.unwrap();
        assert_eq!(fake.calls().len(), 4, "{method}");

        // A fifth attempt would be answered.
        let fake = Fake::new([unavailable(), unavailable(), unavailable(), unavailable()]);
        let error = call(&fake.client(), method).await.unwrap_err();
        assert_eq!((error.code(), error.message()), (Code::Unavailable, "not now"), "{method}");
        assert_eq!(fake.calls().len(), 4, "{method}");
    }
}

#[tokio::test(start_paused = true)]
async fn other_codes_are_not_tried_again() {
    for code in (1..=16).map(Code::from_i32).filter(|code| *code != Code::Unavailable) {
        for method in ["SearchNearby", "CreateMerchant"] {
            let fake = Fake::new([Outcome::Fail(Status::new(code, "no"))]);
            let error = call(&fake.client(), method).await.unwrap_err();
            assert_eq!((error.code(), fake.calls().len()), (code, 1), "{method}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_failed_is_not_tried_again() {
    for method in ["SearchNearby", "CreateMerchant"] {
        let fake = Fake::new([read_only()]);
        let error = call(&fake.client(), method).await.unwrap_err();
        assert_eq!((error.code(), error.reason()), (Code::Unavailable, Some("STORE_READ_ONLY")));
        assert_eq!(fake.calls().len(), 1, "{method}");
    }
}

#[tokio::test(start_paused = true)]
async fn waits_grow() {
    let fake = Fake::new([unavailable(), unavailable(), unavailable()]);
    let start = Instant::now();
    call(&fake.client(), "SearchNearby").await.unwrap();
    // 100, 200 and 400 ms, each up to a fifth more or less, and a millisecond of the clock's for each.
    let waited = start.elapsed();
    assert!((560..=843).contains(&waited.as_millis()), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_is_not_asked_sooner_than_it_says() {
    let wait = Duration::from_secs(5);
    let fake = Fake::new([unavailable_for(wait)]);
    let start = Instant::now();
    call(&fake.client().with_deadline(Duration::from_secs(60)), "SearchNearby").await.unwrap();
    let waited = start.elapsed();
    assert!(waited >= wait && waited < wait.mul_f64(1.21), "{waited:?}");
    assert_eq!(fake.calls().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_the_deadline_has_no_room_for_is_not_begun() {
    let wait = Duration::from_secs(5);
    let fake = Fake::new([unavailable_for(wait)]);
    let start = Instant::now();
    let error = call(&fake.client(), "SearchNearby").await.unwrap_err();
    assert_eq!((error.code(), error.retry_after()), (Code::Unavailable, Some(wait)));
    assert_eq!((start.elapsed(), fake.calls().len()), (Duration::ZERO, 1));
}

#[tokio::test(start_paused = true)]
async fn who_wants_no_retries_has_none() {
    for method in ["SearchNearby", "CreateMerchant"] {
        let fake = Fake::new([unavailable()]);
        let error = call(&fake.client().without_retries(), method).await.unwrap_err();
        assert_eq!((error.code(), fake.calls().len()), (Code::Unavailable, 1), "{method}");
    }
}
