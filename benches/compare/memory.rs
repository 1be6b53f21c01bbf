//! Resident memory of the index beyond the merchants themselves, measured in a child process so that other sections do not
//! count. Compared with a goal of 64 bytes per merchant, and of 32 for the index of names, which a second child process measures.

use std::{env, fs, process::Command, sync::Arc};

use nearby_benches::{Dataset, NAMES_OF, NameGenerator, TermGenerator, named_merchant};
use nearby_index::{Change, IndexWriter, Position, Revision, StoredMerchant, Wgs84};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::{Goal, QUICK, Report, SEED};

const SIZE: usize = 10_000_000;

/// Resident memory beyond the merchants, in bytes.
struct Measured {
    after_load: f64,
    peak_of_load: f64,
    peak_of_moves: f64,
}

pub(crate) fn run(report: &mut Report) {
    let (Some(measured), Some(with_names)) = (measure(report, CHILD), measure(report, CHILD_WITH_NAMES))
    else {
        return println!("  not measured: requires /proc/self/status (Linux)");
    };
    let of_names = with_names.after_load - measured.after_load;
    let merchants = report.scale(SIZE) as f64;
    let each = |bytes: f64| bytes / merchants;
    println!("  10 M merchants in 400 cities, bytes per merchant beyond the merchants themselves");
    println!("    {:<44} {:>10.1}", "loaded", each(measured.after_load));
    println!("    {:<44} {:>10.1}", "peak during load", each(measured.peak_of_load));
    println!("    {:<44} {:>10.1}", "peak during a million moves", each(measured.peak_of_moves));
    println!("    {:<44} {:>10.1}", "index of names, loaded", each(of_names));
    println!(
        "    {:<44} {:>10.1}",
        "index of names, peak during load",
        each(with_names.peak_of_load - measured.peak_of_load)
    );
    report.add("name_bytes_per_merchant", each(of_names), Goal::AtMost(32.0));
    report.add("bytes_per_merchant", each(measured.after_load), Goal::AtMost(64.0));
    let peak = measured.peak_of_load.max(measured.peak_of_moves);
    report.add("peak_vs_loaded", peak / measured.after_load, Goal::AtMost(1.6));
}

/// Sections that [`measure`] runs in a child process.
const CHILD: &str = "memory-child";
const CHILD_WITH_NAMES: &str = "memory-child-with-names";

/// Returns whether a section of a child process indexes names; `None` if it is another section.
pub(crate) fn child_option(section: &str) -> Option<bool> {
    match section {
        CHILD => Some(false),
        CHILD_WITH_NAMES => Some(true),
        _ => None,
    }
}

fn measure(report: &Report, child: &str) -> Option<Measured> {
    resident("VmRSS")?;
    let output = Command::new(env::current_exe().ok()?)
        .arg(child)
        .args(report.is_quick.then_some(QUICK))
        .output()
        .ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).ok()?;
    let mut numbers = text.split_whitespace().map(|number| number.parse().unwrap());
    let mut next = || numbers.next();
    Some(Measured { after_load: next()?, peak_of_load: next()?, peak_of_moves: next()? })
}

/// Measures in the child process, and prints the numbers that [`measure`] parses.
pub(crate) fn child(report: &Report, with_names: bool) {
    let size = report.scale(SIZE);
    let [places, _] = Dataset::Cities.points(size, 0, SEED).unwrap();
    let (mut terms, mut names) = (TermGenerator::new(SEED), NameGenerator::new(SEED));
    // Both processes have the same merchants: only the index differs.
    let mut named = |number: usize, place: Position<Wgs84>, revision: u64| {
        named_merchant(number, place, (terms.terms(), &names.name()), Revision(revision))
    };
    let mut merchants: Vec<Arc<StoredMerchant>> =
        places.iter().enumerate().map(|(number, place)| named(number, *place, 1)).collect();
    let mut random = Pcg64Mcg::seed_from_u64(SEED);
    // Moved merchants are created before measuring, so that the memory of the merchants themselves stays constant.
    let moved: Vec<(usize, Arc<StoredMerchant>)> = (0..report.scale(1_000_000))
        .map(|_| {
            let (number, to) = (random.random_range(0..size), random.random_range(0..size));
            (number, named(number, places[to], 2))
        })
        .collect();
    drop(places);
    reset_peak();
    let before = resident("VmRSS").unwrap();
    let mut writer = if with_names {
        IndexWriter::load_with_names(merchants.iter().cloned(), Revision(1), NAMES_OF)
    } else {
        IndexWriter::load(merchants.iter().cloned(), Revision(1))
    };
    let (after_load, peak_of_load) = (resident("VmRSS").unwrap(), resident("VmHWM").unwrap());
    reset_peak();
    for batch in moved.chunks(512) {
        let changes: Vec<Change> =
            batch.iter().map(|(_, merchant)| Change::Put(Arc::clone(merchant))).collect();
        writer.apply(&changes);
    }
    let peak_of_moves = resident("VmHWM").unwrap();
    for (number, merchant) in moved {
        merchants[number] = merchant;
    }
    println!("{} {} {}", after_load - before, peak_of_load - before, peak_of_moves - before);
}

/// Reads a line of `/proc/self/status`, in bytes.
fn resident(name: &str) -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse::<f64>().ok().map(|kib| kib * 1_024.0)
}

/// Resets the peak (proc(5), `clear_refs`).
fn reset_peak() {
    fs::write("/proc/self/clear_refs", "5").unwrap();
}
