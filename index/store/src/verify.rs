//! Looks a store or a backup over, and says all that is wrong with it.

use std::path::Path;

use crate::{
    Opening, StoreError, Tally, backup,
    corruption::Faults,
    fs::{at, bytes_below},
    lock::DirectoryLock,
    recovery::{Files, From, examine},
};

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// What there is.
    pub tally: Tally,
    /// How many of the records are merchants.
    pub merchants: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// What is wrong, one by one; nothing where it is sound.
    pub faults: Vec<String>,
}

/// Reads all of a store that no process uses, or of a backup, and changes no record in it.
///
/// # Errors
/// Where it cannot be read at all.
pub fn verify(path: &Path, opening: &Opening<'_>) -> Result<Verified, StoreError> {
    let faults = Faults::noted();
    if path.is_file() {
        let mut merchants = 0;
        let read = backup::read(path, &faults, &mut |(key, _)| {
            merchants += u64::from(crate::codec::is_merchant(&key));
            Ok(())
        });
        let tally = match read {
            Ok(summary) => summary.tally,
            // Its head: without that nothing can be read, and it is a finding all the same.
            Err(error @ StoreError::Corrupt { .. }) => {
                faults.found(error)?;
                Tally::default()
            }
            Err(error) => return Err(error),
        };
        return Ok(Verified { tally, merchants, bytes: bytes_below(path), faults: faults.into_noted() });
    }
    let files = Files::find(path)?;
    if let Some(what) = files.remains(path)? {
        let (tally, faults) = (Tally::default(), vec![StoreError::corrupt(path, what).to_string()]);
        return Ok(Verified { tally, merchants: 0, bytes: bytes_below(path), faults });
    }
    if !files.is_store() {
        let nothing = std::io::Error::new(std::io::ErrorKind::NotFound, "there is no store");
        return Err(at("verify", path)(nothing));
    }
    let _lock = DirectoryLock::acquire(path)?;
    // Now that nobody changes them any more.
    let files = Files::find(path)?;
    // The base, not the image: that is only a cache, and each start checks all of it.
    let examined = examine(path, &files, From::Base, opening, &faults)?;
    let merchants = examined.loaded.merchants.len() as u64;
    Ok(Verified {
        tally: examined.loaded.tally,
        merchants,
        bytes: bytes_below(path),
        faults: faults.into_noted(),
    })
}
