//! A server that stands still for a second: whoever was to call in that second has waited, and the open loop says so.

use std::{
    env, fs,
    process::{Child, Command},
    sync::Arc,
    thread,
    time::Duration,
};

use nearby_loadtest::{
    h2_client::framed,
    runner::{Spacing, Stage},
};
use nearby_proto::v1::SearchNearbyResponse;

use crate::stub_server::{driver, serve, settings, target};

const ADDRESS_FILE: &str = "NEARBY_LOADTEST_TEST_ADDRESS_FILE";

/// Not a test: what the process of the test below runs.
#[tokio::test]
#[ignore = "serves until it is killed"]
async fn serve_for_others() {
    let Some(file) = env::var_os(ADDRESS_FILE) else { return };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let unfinished = std::path::PathBuf::from(&file).with_extension("unfinished");
    fs::write(&unfinished, listener.local_addr().unwrap().to_string()).unwrap();
    fs::rename(&unfinished, &file).unwrap();
    let answer = framed(&SearchNearbyResponse::default());
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        let answer = answer.clone();
        tokio::spawn(serve(socket, Arc::new(move |_, _| (0, answer.clone()))));
    }
}

struct Other(Child);

impl Drop for Other {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Other {
    fn start(directory: &std::path::Path) -> (Self, String) {
        let file = directory.join("address");
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "stalled_server::serve_for_others", "--ignored"]).env(ADDRESS_FILE, &file);
        let other = Self(command.stdout(std::process::Stdio::null()).spawn().unwrap());
        while !file.exists() {
            thread::sleep(Duration::from_millis(5));
        }
        (other, format!("http://{}", fs::read_to_string(file).unwrap()))
    }

    /// Stands still for a second, one second from now.
    fn pause(&self) -> thread::JoinHandle<()> {
        let pid = self.0.id().to_string();
        let signal = move |name: &str| {
            assert!(Command::new("kill").args([name, pid.as_str()]).status().unwrap().success())
        };
        thread::spawn(move || {
            thread::sleep(Duration::from_secs(1));
            signal("-STOP");
            thread::sleep(Duration::from_secs(1));
            signal("-CONT");
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_of_silence_is_a_second_in_the_open_loop_and_nothing_in_the_closed_one() {
    let directory = tempfile::tempdir().unwrap();
    let (other, url) = Other::start(directory.path());
    let driver = driver(settings(target(&url)), 0).await;
    let length = Duration::from_secs(4);

    let pause = other.pause();
    let open = driver.open(&[Stage::new("open", 1_000.0, length)], Spacing::Even, 1).await.unwrap().remove(0);
    pause.join().unwrap();
    let pause = other.pause();
    let closed = driver.closed("closed", 2, length).await.unwrap();
    pause.join().unwrap();

    let [open_us, closed_us] = [&open, &closed].map(|record| record.latency_us().value_at_quantile(0.999));
    assert!((800_000..1_800_000).contains(&open_us), "open loop: p99.9 {open_us} µs");
    assert!(closed_us < 500_000, "closed loop: p99.9 {closed_us} µs");
    assert!(
        closed.latency_us().max() > 800_000,
        "it stood still all the same: {} µs",
        closed.latency_us().max()
    );
}
