//! Compresses the files of the page, so that the binary has them once and as browsers take them.

use std::{
    env, fs, io,
    io::Write,
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};

/// Folder of the page.
const ROOT: &str = "web";

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed={ROOT}");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?);
    let mut paths = Vec::new();
    add_files(Path::new(ROOT), &mut paths)?;
    paths.sort();
    let mut table = String::from("&[\n");
    for (index, path) in paths.iter().enumerate() {
        let compressed = out.join(format!("{index}.gz"));
        let mut encoder = GzEncoder::new(fs::File::create(&compressed)?, Compression::best());
        encoder.write_all(&fs::read(Path::new(ROOT).join(path))?)?;
        encoder.finish()?.flush()?;
        table += &format!("    File {{ path: {path:?}, gzip: include_bytes!({compressed:?}) }},\n");
    }
    fs::write(out.join("page_files.rs"), table + "]\n")
}

/// Adds the paths of all files of the page below a folder, relative to the page: all but their sources and documentation.
fn add_files(folder: &Path, paths: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let relative = path.strip_prefix(ROOT).map_err(io::Error::other)?;
        // Editors leave hidden files.
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')) {
            continue;
        }
        if path.is_dir() {
            if relative != Path::new("tools") {
                add_files(&path, paths)?;
            }
        } else if relative.extension().is_none_or(|extension| extension != "md")
            && !relative.ends_with("SHA256SUMS")
        {
            let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
            paths.push(parts.join("/"));
        }
    }
    Ok(())
}
