//! A small disk in memory, which a test can fill.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use crate::error::Result;

/// A small disk. Dropping it unmounts it.
#[derive(Debug)]
pub(crate) struct SmallDisk {
    mount_point: PathBuf,
}

impl SmallDisk {
    /// Mounts a disk; returns `None` without the permission to mount.
    pub(crate) fn mount(mount_point: PathBuf, size_mib: u64) -> Result<Option<Self>> {
        fs::create_dir_all(&mount_point)?;
        let size = format!("size={size_mib}m");
        let output =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&mount_point).output()?;
        Ok(output.status.success().then_some(Self { mount_point }))
    }

    /// Returns the directory of its files.
    pub(crate) fn mount_point(&self) -> &Path {
        &self.mount_point
    }

    /// Returns the path of the file that takes up space.
    fn filler(&self) -> PathBuf {
        self.mount_point.join("filler")
    }

    /// Appends bytes to the filler, as many as there is space for.
    pub(crate) fn fill(&self, mut bytes: u64) -> Result<()> {
        let mut file = fs::OpenOptions::new().create(true).append(true).open(self.filler())?;
        let mut piece = vec![1; 4_096];
        while bytes > 0 {
            piece.truncate(usize::try_from(bytes).unwrap_or(usize::MAX));
            if file.write_all(&piece).is_err() {
                break;
            }
            bytes -= piece.len() as u64;
        }
        Ok(())
    }

    /// Shortens the filler, so that this many bytes are free on a full disk.
    pub(crate) fn leave_free(&self, bytes: u64) -> Result<()> {
        let file = fs::OpenOptions::new().write(true).open(self.filler())?;
        let length = file.metadata()?.len();
        file.set_len(length.saturating_sub(bytes))?;
        Ok(())
    }

    /// Removes the filler.
    pub(crate) fn free_space(&self) {
        drop(fs::remove_file(self.filler()));
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.mount_point).output());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_filler_leaves_the_requested_number_of_bytes_free() {
        let directory = tempfile::tempdir().unwrap();
        // Not mounted: the lazy unmount of a plain directory does nothing.
        let disk = SmallDisk { mount_point: directory.path().to_owned() };
        disk.fill(10_000).unwrap();
        disk.leave_free(1_000).unwrap();
        assert_eq!(fs::metadata(disk.filler()).unwrap().len(), 9_000);
        assert!(!disk.mount_point.join("data").exists());
    }
}
