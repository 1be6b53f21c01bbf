//! Retries: which errors, how often, after which delay.

use std::time::Duration;

use nearby_client::Code;
use tokio::time::Instant;
use tonic::Status;

use crate::{
    fake_server::{FakeServer, Outcome, fail, unavailable, unavailable_for},
    methods::{READS, WRITES, call},
};

#[tokio::test(start_paused = true)]
async fn calls_make_at_most_four_attempts() {
    for method in [&READS[..], &WRITES].concat() {
        let server = FakeServer::new([unavailable(), unavailable(), unavailable()]);
        call(&server.client(), method).await.unwrap();
        assert_eq!(server.calls().len(), 4, "{method}");

        // A fifth attempt would succeed.
        let server = FakeServer::new([unavailable(), unavailable(), unavailable(), unavailable()]);
        let error = call(&server.client(), method).await.unwrap_err();
        assert_eq!((error.code(), error.message()), (Code::Unavailable, "not now"), "{method}");
        assert_eq!(server.calls().len(), 4, "{method}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_unavailable_is_retried() {
    for code in (1..=16).map(Code::from_i32).filter(|code| *code != Code::Unavailable) {
        for method in ["SearchNearby", "CreateMerchant"] {
            let server = FakeServer::new([Outcome::Fail(Status::new(code, "no"))]);
            let error = call(&server.client(), method).await.unwrap_err();
            assert_eq!((error.code(), server.calls().len()), (code, 1), "{method}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn sizes_over_a_limit_are_not_retried() {
    for reason in ["RESPONSE_TOO_LARGE", "MESSAGE_TOO_LARGE"] {
        for method in ["BatchGetMerchants", "BatchCreateMerchants"] {
            let server = FakeServer::new([fail(Code::ResourceExhausted, reason)]);
            let error = call(&server.client(), method).await.unwrap_err();
            assert_eq!((error.code(), error.reason()), (Code::ResourceExhausted, Some(reason)));
            assert_eq!((error.retry_after(), server.calls().len()), (None, 1), "{method}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn read_only_store_is_not_retried() {
    for method in ["SearchNearby", "CreateMerchant"] {
        let server = FakeServer::new([fail(Code::Unavailable, "STORE_READ_ONLY")]);
        let error = call(&server.client(), method).await.unwrap_err();
        assert_eq!((error.code(), error.reason()), (Code::Unavailable, Some("STORE_READ_ONLY")));
        assert_eq!(server.calls().len(), 1, "{method}");
    }
}

#[tokio::test(start_paused = true)]
async fn delays_grow_exponentially() {
    let server = FakeServer::new([unavailable(), unavailable(), unavailable()]);
    let start = Instant::now();
    call(&server.client(), "SearchNearby").await.unwrap();
    // 100, 200 and 400 ms, each with a jitter of a fifth, plus up to 1 ms of clock resolution each.
    let elapsed = start.elapsed();
    assert!((560..=843).contains(&elapsed.as_millis()), "{elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn retry_info_is_a_minimum_delay() {
    let delay = Duration::from_secs(5);
    let server = FakeServer::new([unavailable_for(delay)]);
    let start = Instant::now();
    call(&server.client().with_deadline(Duration::from_secs(60)), "SearchNearby").await.unwrap();
    let elapsed = start.elapsed();
    assert!(elapsed >= delay && elapsed < delay.mul_f64(1.21), "{elapsed:?}");
    assert_eq!(server.calls().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn delay_beyond_the_deadline_fails_immediately() {
    let delay = Duration::from_secs(5);
    let server = FakeServer::new([unavailable_for(delay)]);
    let start = Instant::now();
    let error = call(&server.client(), "SearchNearby").await.unwrap_err();
    assert_eq!((error.code(), error.retry_after()), (Code::Unavailable, Some(delay)));
    assert_eq!((start.elapsed(), server.calls().len()), (Duration::ZERO, 1));
}

#[tokio::test(start_paused = true)]
async fn without_retries_disables_retries() {
    for method in ["SearchNearby", "CreateMerchant"] {
        let server = FakeServer::new([unavailable()]);
        let error = call(&server.client().without_retries(), method).await.unwrap_err();
        assert_eq!((error.code(), server.calls().len()), (Code::Unavailable, 1), "{method}");
    }
}
