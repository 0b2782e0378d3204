//! Comparing what visitors find with what they are to find. Nothing is touched.

use crate::release::run::Job;
use crate::release::{Comparison, Content, FileKind, ReleaseError, ReleaseFile, Source};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Compares the directory `current` with the order's tree.
pub(super) fn compare(job: &Job<'_>, current: &Path) -> Result<Comparison, ReleaseError> {
    let source = Source::open(job.setting.git_dir)?;
    let mut comparison = Comparison::default();
    for file in job.listing.files.values() {
        let path = current.join(OsStr::from_bytes(file.path.as_bytes()));
        match content(&path, file).map_err(ReleaseError::io(&path))? {
            None => comparison.missing.push(file.path.clone()),
            Some(found) if found == source.content(file)? => {
                comparison
                    .equal
                    .insert(file.path.clone(), Content::of(file, &found));
            }
            Some(_) => comparison.different.push(file.path.clone()),
        }
    }
    Ok(comparison)
}

/// A file's content, or a bit more than it should be; nothing where there is no such file.
fn content(path: &Path, file: &ReleaseFile) -> io::Result<Option<Vec<u8>>> {
    let read = match file.kind {
        FileKind::Symlink => {
            std::fs::read_link(path).map(|link| link.as_os_str().as_bytes().into())
        }
        FileKind::File | FileKind::Executable => File::open(path).and_then(|handle| {
            let mut bytes = Vec::new();
            handle.take(file.size + 1).read_to_end(&mut bytes)?;
            Ok(bytes)
        }),
    };
    match read {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) => match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => Ok(None),
            // A directory or a link stands there, or a file where a link should be.
            ErrorKind::IsADirectory | ErrorKind::InvalidInput => Ok(Some(Vec::from("?"))),
            _ => Err(error),
        },
    }
}
