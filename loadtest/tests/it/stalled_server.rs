//! A server that stalls for a second: the open loop measures the wait of all calls due in that second.

use std::{
    env, fs,
    process::{Child, Command},
    sync::Arc,
    thread,
    time::Duration,
};

use nearby_loadtest::{
    h2_client::encode_framed,
    runner::{Spacing, Stage},
};
use nearby_proto::v1::SearchNearbyResponse;

use crate::stub_server::{runner, serve, settings, target};

const ADDRESS_FILE: &str = "NEARBY_LOADTEST_TEST_ADDRESS_FILE";

/// Not a test: the process that the test below starts runs it.
#[tokio::test]
#[ignore = "server process of another test; runs until it is killed"]
async fn serve_in_child_process() {
    let Some(file) = env::var_os(ADDRESS_FILE) else { return };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let partial = std::path::PathBuf::from(&file).with_extension("partial");
    fs::write(&partial, listener.local_addr().unwrap().to_string()).unwrap();
    fs::rename(&partial, &file).unwrap();
    let answer = encode_framed(&SearchNearbyResponse::default());
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        let answer = answer.clone();
        tokio::spawn(serve(socket, Arc::new(move |_, _| (0, answer.clone()))));
    }
}

/// A stub server in a child process, killed on drop.
struct StubProcess(Child);

impl Drop for StubProcess {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl StubProcess {
    fn start(directory: &std::path::Path) -> (Self, String) {
        let file = directory.join("address");
        let mut command = Command::new(env::current_exe().unwrap());
        command
            .args(["--exact", "stalled_server::serve_in_child_process", "--ignored"])
            .env(ADDRESS_FILE, &file);
        let server = Self(command.stdout(std::process::Stdio::null()).spawn().unwrap());
        while !file.exists() {
            thread::sleep(Duration::from_millis(5));
        }
        (server, format!("http://{}", fs::read_to_string(file).unwrap()))
    }

    /// Stops the process with SIGSTOP for a second, one second from now.
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
async fn a_one_second_stall_dominates_open_loop_p999_and_is_invisible_in_the_closed_loop() {
    let directory = tempfile::tempdir().unwrap();
    let (server, url) = StubProcess::start(directory.path());
    let runner = runner(settings(target(&url)), 0).await;
    let length = Duration::from_secs(4);

    let pause = server.pause();
    let open = runner
        .run_open_loop(&[Stage::new("open", 1_000.0, length)], Spacing::Even, 1)
        .await
        .unwrap()
        .remove(0);
    pause.join().unwrap();
    let pause = server.pause();
    let closed = runner.run_closed_loop("closed", 2, length).await.unwrap();
    pause.join().unwrap();

    let [open_us, closed_us] = [&open, &closed].map(|record| record.latency_us().value_at_quantile(0.999));
    assert!((800_000..1_800_000).contains(&open_us), "open loop: p99.9 {open_us} µs");
    assert!(closed_us < 500_000, "closed loop: p99.9 {closed_us} µs");
    assert!(closed.latency_us().max() > 800_000, "the server did stall: {} µs", closed.latency_us().max());
}
