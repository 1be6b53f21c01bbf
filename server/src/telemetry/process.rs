//! The standard `process_*` metrics, read from `/proc/self` at each scrape. The `process` feature of `prometheus` would bring
//! procfs and a second rustix for these six numbers.

use std::{fs, sync::LazyLock};

/// Clock ticks a second in `/proc`: 100 for user space on every Linux architecture (proc(5), `USER_HZ`).
const TICKS_PER_S: f64 = 100.0;

/// The process at this moment, as far as `/proc` says; 0 elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct ProcessStats {
    pub(super) cpu_s: f64,
    pub(super) resident_bytes: f64,
    pub(super) virtual_bytes: f64,
    pub(super) open_fds: f64,
    pub(super) max_fds: f64,
    /// Since 1970, in seconds.
    pub(super) start_s: f64,
}

impl ProcessStats {
    pub(super) fn read() -> Self {
        /// Since 1970, in seconds; does not change while the machine runs.
        static BOOT_S: LazyLock<f64> = LazyLock::new(|| field(&text("/proc/stat"), "btime"));

        let stat = text("/proc/self/stat");
        // The second field is the program's name, in parentheses, and may hold spaces: the others follow the last one.
        let fields: Vec<f64> = (stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace())
            .map(|field| field.parse().unwrap_or(0.0))
            .collect();
        // proc(5) numbers them from 1, and the third is the first of these.
        let field_of_stat = |number: usize| fields.get(number - 3).copied().unwrap_or(0.0);
        let status = text("/proc/self/status");
        Self {
            cpu_s: (field_of_stat(14) + field_of_stat(15)) / TICKS_PER_S,
            resident_bytes: field(&status, "VmRSS:") * 1024.0,
            virtual_bytes: field(&status, "VmSize:") * 1024.0,
            #[expect(clippy::cast_precision_loss, reason = "a process has fewer than 2^53 descriptors")]
            open_fds: fs::read_dir("/proc/self/fd").map_or(0, Iterator::count) as f64,
            max_fds: field(&text("/proc/self/limits"), "Max open files"),
            start_s: *BOOT_S + field_of_stat(22) / TICKS_PER_S,
        }
    }
}

fn text(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// The first number after `name` at the beginning of a line.
fn field(text: &str, name: &str) -> f64 {
    let value = text.lines().find_map(|line| line.strip_prefix(name));
    value.and_then(|value| value.split_whitespace().next()?.parse().ok()).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_is_read_from_proc() {
        let stats = ProcessStats::read();
        assert!(stats.resident_bytes > 1e6 && stats.virtual_bytes >= stats.resident_bytes, "{stats:?}");
        assert!(stats.open_fds >= 3.0 && stats.max_fds >= stats.open_fds, "{stats:?}");
        let now_s = jiff::Timestamp::now().as_duration().as_secs_f64();
        assert!(stats.start_s > now_s - 86_400.0 && stats.start_s < now_s + 60.0, "{stats:?}");
        assert!(stats.cpu_s >= 0.0);
    }

    #[test]
    fn fields_are_found_by_name() {
        let status = "Name:\tnearby\nVmSize:\t  2048 kB\nVmRSS:\t  1024 kB\n";
        assert_eq!(field(status, "VmRSS:"), 1024.0);
        assert_eq!(
            field(
                "Max open files            1024                 4096                 files\n",
                "Max open files"
            ),
            1024.0
        );
        assert_eq!(field(status, "btime"), 0.0);
    }
}
